-- Audits: complete listings compared with what is known (requirement B22).

ALTER TABLE mailbox ADD COLUMN audit_at BIGINT NOT NULL DEFAULT 0;    -- when its next audit is due, 0 = not yet set
ALTER TABLE connection ADD COLUMN audit_at BIGINT NOT NULL DEFAULT 0;
UPDATE mailbox SET audit_at = last_success + 604800000000 WHERE initialized = 1;

CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    mailbox TEXT NOT NULL,            -- empty = of the CRM connection
    why TEXT NOT NULL,
    begun BIGINT NOT NULL,
    ended BIGINT NOT NULL DEFAULT 0,  -- 0 = under way
    confirmed SMALLINT NOT NULL DEFAULT 0,    -- its drift stands and is being healed
    compared BIGINT NOT NULL DEFAULT 0,
    seal TEXT NOT NULL DEFAULT ''     -- HMAC of the report, hexadecimal
);
CREATE INDEX audit_place ON audit (connection, mailbox, begun);

-- What the listings of an audit under way named.
CREATE TABLE sighting (
    audit TEXT NOT NULL REFERENCES audit (id),
    mailbox TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    collection TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (audit, kind, item)
) WITHOUT ROWID;

-- What an audit found.
CREATE TABLE drift (
    audit TEXT NOT NULL REFERENCES audit (id),
    mailbox TEXT NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    collection TEXT NOT NULL,
    what TEXT NOT NULL,
    held TEXT NOT NULL,               -- the version we held, empty = none
    found TEXT NOT NULL,              -- the version listed, empty = none
    fields TEXT NOT NULL,             -- names of fields in which the sides differ
    PRIMARY KEY (audit, side, kind, item)
) WITHOUT ROWID;
