-- Lockstep's own database. Times are microseconds since 1970 in UTC, 0 = never.
-- Nothing but content.body holds what an item says; whoever refers to a body
-- does so by foreign key (content keys are HMACs, they say nothing).

CREATE TABLE installation (
    id TEXT NOT NULL PRIMARY KEY,
    seed BLOB NOT NULL,               -- sealed; the HMAC keys derive from it
    created BIGINT NOT NULL
);

CREATE TABLE connection (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    side TEXT NOT NULL,
    connector TEXT NOT NULL,
    settings BLOB NOT NULL,           -- JSON
    secret BLOB,                      -- sealed
    owner TEXT NOT NULL,
    every BIGINT NOT NULL,            -- nanoseconds
    pass BIGINT NOT NULL DEFAULT 0,   -- finished feed passes
    pass_begun BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE policy (
    name TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL,               -- JSON
    settle_rounds BIGINT NOT NULL     -- from the body, for queries
);

CREATE TABLE mailbox (
    id TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    folded TEXT NOT NULL,             -- address in the form in which it is compared
    crm TEXT NOT NULL REFERENCES connection (id),
    crm_user TEXT NOT NULL,
    mail TEXT NOT NULL REFERENCES connection (id),
    identity TEXT NOT NULL,
    sign_in TEXT NOT NULL,
    secret BLOB,                      -- sealed
    policy TEXT NOT NULL REFERENCES policy (name),
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    generation BIGINT NOT NULL DEFAULT 0,
    round BIGINT NOT NULL DEFAULT 0,
    initialized SMALLINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL,
    last_success BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    lease_token TEXT NOT NULL DEFAULT '',
    lease_ends BIGINT NOT NULL DEFAULT 0,
    plan TEXT NOT NULL DEFAULT '',    -- the newest plan that was not only shown
    approved TEXT NOT NULL DEFAULT '',
    approved_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX mailbox_user ON mailbox (crm, crm_user);
CREATE INDEX mailbox_folded ON mailbox (folded);
CREATE UNIQUE INDEX mailbox_address ON mailbox (mail, folded) WHERE state <> 'retired';
CREATE UNIQUE INDEX mailbox_identity ON mailbox (mail, identity) WHERE identity <> '' AND state <> 'retired';

-- Survives the removal of the mailbox (design decision 1); only Forget ends it.
CREATE TABLE registration (
    crm TEXT NOT NULL REFERENCES connection (id),
    crm_user TEXT NOT NULL,
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    PRIMARY KEY (crm, crm_user)
);
CREATE INDEX registration_mailbox ON registration (mailbox);

CREATE TABLE request (
    id TEXT NOT NULL PRIMARY KEY,
    mailbox TEXT NOT NULL,            -- empty = none in particular
    verb TEXT NOT NULL,
    argument TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    created BIGINT NOT NULL,
    outcome TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT ''
);
CREATE INDEX request_open ON request (created, id) WHERE outcome = '';

CREATE TABLE collection (
    connection TEXT NOT NULL REFERENCES connection (id),
    mailbox TEXT NOT NULL,            -- empty on the CRM side
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    read_only SMALLINT NOT NULL,
    is_primary SMALLINT NOT NULL,
    position TEXT NOT NULL DEFAULT '',        -- the cursor; empty = list in full
    listing BIGINT NOT NULL DEFAULT 0,        -- number of the full listing under way, 0 = none
    listings BIGINT NOT NULL DEFAULT 0,       -- full listings begun so far
    listing_begun BIGINT NOT NULL DEFAULT 0,
    complete SMALLINT NOT NULL DEFAULT 0,
    missing SMALLINT NOT NULL DEFAULT 0,
    seen BIGINT NOT NULL,
    PRIMARY KEY (connection, mailbox, kind, id)
);

CREATE TABLE content (
    key BLOB NOT NULL PRIMARY KEY,    -- HMAC-SHA-256 of the body
    body BLOB NOT NULL,
    seen BIGINT NOT NULL              -- when it was last stored or named
);
CREATE INDEX content_seen ON content (seen);

CREATE TABLE observation (
    connection TEXT NOT NULL,
    mailbox TEXT NOT NULL,            -- empty on the CRM side
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    collection TEXT NOT NULL,
    version TEXT NOT NULL,
    ord BIGINT NOT NULL,
    content BLOB REFERENCES content (key),
    raw BLOB REFERENCES content (key),
    uid TEXT NOT NULL,
    stamp TEXT NOT NULL,
    natural_key BLOB,                 -- HMAC
    title BLOB,                       -- HMAC of the folded title or name, for explain
    entity TEXT NOT NULL,
    absent SMALLINT NOT NULL DEFAULT 0,       -- 0 present, 1 gone, 2 left
    absent_since BIGINT NOT NULL DEFAULT 0,   -- round (mail) or pass (CRM) that found it absent
    trouble TEXT NOT NULL,
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
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    crm_user TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (connection, kind, item, crm_user)
) WITHOUT ROWID;
CREATE INDEX access_user ON access (connection, crm_user, kind, item);

-- What a mailbox has to look at: the truth behind every wake-up.
CREATE TABLE pending (
    mailbox TEXT NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    mark BIGINT NOT NULL,             -- renewed by every change
    plan TEXT NOT NULL DEFAULT '',    -- the plan that looked at it
    state SMALLINT NOT NULL DEFAULT 0,-- 0 fresh, 1 settled by the plan, 2 written by it, 3 waits for approval
    PRIMARY KEY (mailbox, side, kind, item)
) WITHOUT ROWID;
CREATE INDEX pending_fresh ON pending (mailbox) WHERE state = 0;
CREATE INDEX pending_plan ON pending (plan) WHERE plan <> '';

CREATE TABLE link (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    entity TEXT NOT NULL,
    kind TEXT NOT NULL,
    crm TEXT NOT NULL,                -- the mailbox's CRM connection, by which changes are routed
    crm_item TEXT,
    mail_item TEXT,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    incarnation BIGINT NOT NULL DEFAULT 0,
    crm_base BLOB REFERENCES content (key),
    mail_base BLOB REFERENCES content (key),
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
    connection TEXT NOT NULL,
    mailbox TEXT NOT NULL,            -- empty on the CRM side
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    entity TEXT NOT NULL,
    PRIMARY KEY (connection, mailbox, kind, item)
) WITHOUT ROWID;

CREATE TABLE claim (
    connection TEXT NOT NULL REFERENCES connection (id),
    kind TEXT NOT NULL,
    global_key BLOB NOT NULL,         -- HMAC
    entity TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    PRIMARY KEY (connection, kind, global_key)
);
CREATE INDEX claim_entity ON claim (connection, entity);
CREATE INDEX claim_mailbox ON claim (mailbox);

-- The journal of creates (algorithm 1.6): written before the remote call.
CREATE TABLE intent (
    connection TEXT NOT NULL REFERENCES connection (id),
    scope TEXT NOT NULL,              -- the mailbox on the mail side, empty in the CRM
    op_key TEXT NOT NULL,
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    crm TEXT NOT NULL,
    entity TEXT NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    collection TEXT NOT NULL,
    uid TEXT NOT NULL,
    payload BLOB REFERENCES content (key),    -- frozen
    generation BIGINT NOT NULL,
    begun BIGINT NOT NULL,
    outcome TEXT NOT NULL DEFAULT '', -- empty or unknown = open
    PRIMARY KEY (connection, scope, op_key)
);
CREATE INDEX intent_open ON intent (mailbox) WHERE outcome IN ('', 'unknown');
CREATE INDEX intent_mailbox ON intent (mailbox, side, kind);
CREATE INDEX intent_entity ON intent (crm, entity);
CREATE INDEX intent_payload ON intent (payload) WHERE payload IS NOT NULL;

CREATE TABLE plan (
    id TEXT NOT NULL PRIMARY KEY,
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    round BIGINT NOT NULL,
    state TEXT NOT NULL,
    hash TEXT NOT NULL,
    why TEXT NOT NULL,
    counts BLOB NOT NULL,             -- JSON
    created BIGINT NOT NULL
);
CREATE INDEX plan_mailbox ON plan (mailbox, state);

CREATE TABLE operation (
    plan TEXT NOT NULL REFERENCES plan (id),
    number BIGINT NOT NULL,
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    action TEXT NOT NULL,
    item TEXT NOT NULL,
    expect TEXT NOT NULL,
    state TEXT NOT NULL,              -- planned, held, done, refused, unknown
    body BLOB NOT NULL,               -- JSON of the rest; no item content
    content BLOB REFERENCES content (key),    -- what is to be written
    raw BLOB REFERENCES content (key),        -- the target's bytes as last seen
    other_key BLOB REFERENCES content (key),  -- what the other side held
    result BLOB REFERENCES content (key),     -- what is stored now, where another write of the pair follows
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
    id TEXT NOT NULL PRIMARY KEY,
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    entity TEXT NOT NULL,
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    winner TEXT NOT NULL,
    loser BLOB NOT NULL REFERENCES content (key),
    created BIGINT NOT NULL,
    UNIQUE (mailbox, entity, field, loser)
);
CREATE INDEX conflict_loser ON conflict (loser);

CREATE TABLE issue (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    code TEXT NOT NULL,
    entity TEXT NOT NULL,
    message TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    is_open SMALLINT NOT NULL,
    PRIMARY KEY (mailbox, side, kind, item, code)
);
CREATE INDEX issue_entity ON issue (mailbox, entity) WHERE is_open = 1;

CREATE TABLE round (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    number BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    counts BLOB NOT NULL,             -- JSON
    done BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (mailbox, number, started)
);
