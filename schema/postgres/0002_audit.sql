-- Audits: complete listings compared with what is known (requirement B22).

ALTER TABLE mailbox ADD COLUMN audit_at BIGINT NOT NULL DEFAULT 0;    -- when its next audit is due, 0 = not yet set
ALTER TABLE connection ADD COLUMN audit_at BIGINT NOT NULL DEFAULT 0;
UPDATE mailbox SET audit_at = last_success + 604800000000 WHERE initialized = 1;

CREATE TABLE audit (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    connection TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    mailbox TEXT COLLATE "C" NOT NULL,            -- empty = of the CRM connection
    why TEXT COLLATE "C" NOT NULL,
    begun BIGINT NOT NULL,
    ended BIGINT NOT NULL DEFAULT 0,  -- 0 = under way
    confirmed SMALLINT NOT NULL DEFAULT 0,    -- its drift stands and is being healed
    compared BIGINT NOT NULL DEFAULT 0,
    seal TEXT COLLATE "C" NOT NULL DEFAULT ''     -- HMAC of the report, hexadecimal
);
CREATE INDEX audit_place ON audit (connection, mailbox, begun);

-- What the listings of an audit under way named.
CREATE TABLE sighting (
    audit TEXT COLLATE "C" NOT NULL REFERENCES audit (id),
    mailbox TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (audit, kind, item)
);

-- What an audit found.
CREATE TABLE drift (
    audit TEXT COLLATE "C" NOT NULL REFERENCES audit (id),
    mailbox TEXT COLLATE "C" NOT NULL,
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    held TEXT COLLATE "C" NOT NULL,               -- the version we held, empty = none
    found TEXT COLLATE "C" NOT NULL,              -- the version listed, empty = none
    fields TEXT COLLATE "C" NOT NULL,             -- names of fields in which the sides differ
    PRIMARY KEY (audit, side, kind, item)
);
