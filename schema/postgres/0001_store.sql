-- Lockstep's own database. Times are microseconds since 1970 in UTC, 0 = never.
-- Nothing but content.body holds what an item says; whoever refers to a body
-- does so by foreign key (content keys are HMACs, they say nothing).

CREATE TABLE installation (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seed BYTEA NOT NULL,               -- sealed; the HMAC keys derive from it
    created BIGINT NOT NULL
);

CREATE TABLE connection (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    side TEXT COLLATE "C" NOT NULL,
    connector TEXT COLLATE "C" NOT NULL,
    settings BYTEA NOT NULL,           -- JSON
    secret BYTEA,                      -- sealed
    owner TEXT COLLATE "C" NOT NULL,
    every BIGINT NOT NULL,            -- nanoseconds
    pass BIGINT NOT NULL DEFAULT 0,   -- finished feed passes
    pass_begun BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE policy (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body BYTEA NOT NULL,               -- JSON
    settle_rounds BIGINT NOT NULL     -- from the body, for queries
);

CREATE TABLE mailbox (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    address TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL,             -- address in the form in which it is compared
    crm TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    crm_user TEXT COLLATE "C" NOT NULL,
    mail TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    identity TEXT COLLATE "C" NOT NULL,
    sign_in TEXT COLLATE "C" NOT NULL,
    secret BYTEA,                      -- sealed
    policy TEXT COLLATE "C" NOT NULL REFERENCES policy (name),
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL DEFAULT 0,
    round BIGINT NOT NULL DEFAULT 0,
    initialized SMALLINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL,
    last_success BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    lease_token TEXT COLLATE "C" NOT NULL DEFAULT '',
    lease_ends BIGINT NOT NULL DEFAULT 0,
    plan TEXT COLLATE "C" NOT NULL DEFAULT '',    -- the newest plan that was not only shown
    approved TEXT COLLATE "C" NOT NULL DEFAULT '',
    approved_by TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX mailbox_user ON mailbox (crm, crm_user);
CREATE INDEX mailbox_folded ON mailbox (folded);
CREATE UNIQUE INDEX mailbox_address ON mailbox (mail, folded) WHERE state <> 'retired';
CREATE UNIQUE INDEX mailbox_identity ON mailbox (mail, identity) WHERE identity <> '' AND state <> 'retired';

-- Survives the removal of the mailbox (design decision 1); only Forget ends it.
CREATE TABLE registration (
    crm TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    crm_user TEXT COLLATE "C" NOT NULL,
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    PRIMARY KEY (crm, crm_user)
);
CREATE INDEX registration_mailbox ON registration (mailbox);

CREATE TABLE request (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mailbox TEXT COLLATE "C" NOT NULL,            -- empty = none in particular
    verb TEXT COLLATE "C" NOT NULL,
    argument TEXT COLLATE "C" NOT NULL,
    by_whom TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL DEFAULT '',
    message TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX request_open ON request (created, id) WHERE outcome = '';

CREATE TABLE collection (
    connection TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    mailbox TEXT COLLATE "C" NOT NULL,            -- empty on the CRM side
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    read_only SMALLINT NOT NULL,
    is_primary SMALLINT NOT NULL,
    position TEXT COLLATE "C" NOT NULL DEFAULT '',        -- the cursor; empty = list in full
    listing BIGINT NOT NULL DEFAULT 0,        -- number of the full listing under way, 0 = none
    listings BIGINT NOT NULL DEFAULT 0,       -- full listings begun so far
    listing_begun BIGINT NOT NULL DEFAULT 0,
    complete SMALLINT NOT NULL DEFAULT 0,
    missing SMALLINT NOT NULL DEFAULT 0,
    seen BIGINT NOT NULL,
    PRIMARY KEY (connection, mailbox, kind, id)
);

CREATE TABLE content (
    key BYTEA NOT NULL PRIMARY KEY,    -- HMAC-SHA-256 of the body
    body BYTEA NOT NULL,
    seen BIGINT NOT NULL              -- when it was last stored or named
);
CREATE INDEX content_seen ON content (seen);

CREATE TABLE observation (
    connection TEXT COLLATE "C" NOT NULL,
    mailbox TEXT COLLATE "C" NOT NULL,            -- empty on the CRM side
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    ord BIGINT NOT NULL,
    content BYTEA REFERENCES content (key),
    raw BYTEA REFERENCES content (key),
    uid TEXT COLLATE "C" NOT NULL,
    stamp TEXT COLLATE "C" NOT NULL,
    natural_key BYTEA,                 -- HMAC
    title BYTEA,                       -- HMAC of the folded title or name, for explain
    entity TEXT COLLATE "C" NOT NULL,
    absent SMALLINT NOT NULL DEFAULT 0,       -- 0 present, 1 gone, 2 left
    absent_since BIGINT NOT NULL DEFAULT 0,   -- round (mail) or pass (CRM) that found it absent
    trouble TEXT COLLATE "C" NOT NULL,
    listing BIGINT NOT NULL,          -- the last full listing that named it
    applied BIGINT NOT NULL,          -- when Apply last wrote it
    modified BIGINT NOT NULL,
    PRIMARY KEY (connection, mailbox, kind, item)
);
CREATE INDEX observation_uid ON observation (uid, connection, mailbox) WHERE uid <> '';
CREATE INDEX observation_content ON observation (content) WHERE content IS NOT NULL;
CREATE INDEX observation_raw ON observation (raw) WHERE raw IS NOT NULL;
CREATE INDEX observation_natural ON observation (natural_key) WHERE natural_key IS NOT NULL;
CREATE INDEX observation_absent ON observation (connection, mailbox, absent_since) WHERE absent = 1;

-- Which CRM users take part in a CRM item. A mailbox sees an item of which its
-- CRM user is one.
CREATE TABLE access (
    connection TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    crm_user TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (connection, kind, item, crm_user)
);
CREATE INDEX access_user ON access (connection, crm_user, kind, item);

-- What a mailbox has to look at: the truth behind every wake-up.
CREATE TABLE pending (
    mailbox TEXT COLLATE "C" NOT NULL,
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    mark BIGINT NOT NULL,             -- renewed by every change
    plan TEXT COLLATE "C" NOT NULL DEFAULT '',    -- the plan that looked at it
    state SMALLINT NOT NULL DEFAULT 0,-- 0 fresh, 1 settled by the plan, 2 written by it, 3 waits for approval
    PRIMARY KEY (mailbox, side, kind, item)
);
CREATE INDEX pending_fresh ON pending (mailbox) WHERE state = 0;
CREATE INDEX pending_plan ON pending (plan) WHERE plan <> '';

CREATE TABLE link (
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    entity TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    crm TEXT COLLATE "C" NOT NULL,                -- the mailbox's CRM connection, by which changes are routed
    crm_item TEXT COLLATE "C",
    mail_item TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    incarnation BIGINT NOT NULL DEFAULT 0,
    crm_base BYTEA REFERENCES content (key),
    mail_base BYTEA REFERENCES content (key),
    recheck BIGINT NOT NULL DEFAULT 0,
    synced BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (mailbox, entity),
    UNIQUE (crm_item, kind, mailbox), -- the item leads, so that no index can be mistaken for the other
    UNIQUE (mail_item, kind, mailbox)
);
CREATE INDEX link_entity ON link (crm, entity);
CREATE INDEX link_crm_base ON link (crm_base) WHERE crm_base IS NOT NULL;
CREATE INDEX link_mail_base ON link (mail_base) WHERE mail_base IS NOT NULL;
CREATE INDEX link_recheck ON link (mailbox, recheck) WHERE recheck > 0;

-- Every id an entity ever had. Ids are never forgotten while the mailbox (or,
-- on the CRM side, the connection) is known.
CREATE TABLE identity (
    connection TEXT COLLATE "C" NOT NULL,
    mailbox TEXT COLLATE "C" NOT NULL,            -- empty on the CRM side
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    entity TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (connection, mailbox, kind, item)
);

CREATE TABLE claim (
    connection TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    kind TEXT COLLATE "C" NOT NULL,
    global_key BYTEA NOT NULL,         -- HMAC
    entity TEXT COLLATE "C" NOT NULL,
    mailbox TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (connection, kind, global_key)
);
CREATE INDEX claim_entity ON claim (connection, entity);
CREATE INDEX claim_mailbox ON claim (mailbox);

-- The journal of creates (algorithm 1.6): written before the remote call.
CREATE TABLE intent (
    connection TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    scope TEXT COLLATE "C" NOT NULL,              -- the mailbox on the mail side, empty in the CRM
    op_key TEXT COLLATE "C" NOT NULL,
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    crm TEXT COLLATE "C" NOT NULL,
    entity TEXT COLLATE "C" NOT NULL,
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    uid TEXT COLLATE "C" NOT NULL,
    payload BYTEA REFERENCES content (key),    -- frozen
    generation BIGINT NOT NULL,
    begun BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL DEFAULT '', -- empty or unknown = open
    PRIMARY KEY (connection, scope, op_key)
);
CREATE INDEX intent_open ON intent (mailbox) WHERE outcome IN ('', 'unknown');
CREATE INDEX intent_mailbox ON intent (mailbox, side, kind);
CREATE INDEX intent_entity ON intent (crm, entity);
CREATE INDEX intent_payload ON intent (payload) WHERE payload IS NOT NULL;

CREATE TABLE plan (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    round BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    counts BYTEA NOT NULL,             -- JSON
    created BIGINT NOT NULL
);
CREATE INDEX plan_mailbox ON plan (mailbox, state);

CREATE TABLE operation (
    plan TEXT COLLATE "C" NOT NULL REFERENCES plan (id),
    number BIGINT NOT NULL,
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    entity TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    expect TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,              -- planned, held, done, refused, unknown
    body BYTEA NOT NULL,               -- JSON of the rest; no item content
    content BYTEA REFERENCES content (key),    -- what is to be written
    raw BYTEA REFERENCES content (key),        -- the target's bytes as last seen
    other_key BYTEA REFERENCES content (key),  -- what the other side held
    result BYTEA REFERENCES content (key),     -- what is stored now, where another write of the pair follows
    done BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (plan, number)
);
CREATE INDEX operation_deleted ON operation (mailbox, done) WHERE action = 'delete';
CREATE INDEX operation_mailbox ON operation (mailbox);
CREATE INDEX operation_held ON operation (plan) WHERE state = 'held';
CREATE INDEX operation_content ON operation (content) WHERE content IS NOT NULL;
CREATE INDEX operation_raw ON operation (raw) WHERE raw IS NOT NULL;
CREATE INDEX operation_other ON operation (other_key) WHERE other_key IS NOT NULL;
CREATE INDEX operation_result ON operation (result) WHERE result IS NOT NULL;

-- Fields that both sides changed; the loser's value is kept as a body.
CREATE TABLE conflict (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    entity TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    winner TEXT COLLATE "C" NOT NULL,
    loser BYTEA NOT NULL REFERENCES content (key),
    created BIGINT NOT NULL,
    UNIQUE (mailbox, entity, field, loser)
);
CREATE INDEX conflict_loser ON conflict (loser);

CREATE TABLE issue (
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    entity TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    is_open SMALLINT NOT NULL,
    PRIMARY KEY (mailbox, side, kind, item, code)
);
CREATE INDEX issue_entity ON issue (mailbox, entity) WHERE is_open = 1;

CREATE TABLE round (
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    number BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    counts BYTEA NOT NULL,             -- JSON
    done BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mailbox, number, started)
);
