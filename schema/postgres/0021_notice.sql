-- How people hear of alerts: an outbox. A notice is one message to one recipient
-- about the beginning or the end of alerts; what it says is written when it is
-- sent, from the alerts as they are then.
ALTER TABLE alert ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;      -- when its beginning came into notices; 0 = not yet
ALTER TABLE alert ADD COLUMN told_over_at BIGINT NOT NULL DEFAULT 0; -- the same of its end
CREATE TABLE notice (
    id TEXT NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,            -- mail, webhook
    recipient TEXT NOT NULL,          -- folded address; empty = the webhook
    state TEXT NOT NULL,              -- waiting, sent, failed
    created BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    tried_at BIGINT NOT NULL DEFAULT 0,
    claim TEXT NOT NULL DEFAULT '',   -- who sends it now
    claim_ends BIGINT NOT NULL DEFAULT 0,
    ended_at BIGINT NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT ''  -- why the last attempt failed
);
CREATE INDEX notice_due ON notice (due_at) WHERE state = 'waiting';
CREATE INDEX notice_created ON notice (created);
CREATE TABLE notice_alert (
    notice TEXT NOT NULL REFERENCES notice (id),
    alert TEXT NOT NULL REFERENCES alert (id),
    event TEXT NOT NULL,              -- open, over
    PRIMARY KEY (notice, alert, event)
);
CREATE INDEX notice_alert_alert ON notice_alert (alert);
-- One row: how alerts are delivered, with its secrets.
CREATE TABLE delivery (
    name TEXT NOT NULL PRIMARY KEY,
    settings BYTEA                    -- JSON, sealed
);
