-- A sync error: a mailbox, or every mailbox of a connection, that cannot sync at
-- all (S-01). What keeps a single item from syncing stands in issue, never here.
-- An open row counts the failures of one workload on one side in a row (D-32).
CREATE TABLE alert (
    id TEXT NOT NULL PRIMARY KEY,
    mailbox TEXT NOT NULL,            -- empty = the whole connection
    connection TEXT NOT NULL REFERENCES connection (id),
    workload TEXT NOT NULL,
    side TEXT NOT NULL,
    state TEXT NOT NULL,              -- retrying, open, over
    code TEXT NOT NULL,               -- of the catalogue
    message TEXT NOT NULL,            -- what happened; no content
    evidence TEXT NOT NULL,           -- redacted raw proof
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    over_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX alert_open ON alert (mailbox, connection, workload, side) WHERE state <> 'over';
CREATE INDEX alert_connection ON alert (connection, first_at);
ALTER TABLE mailbox DROP COLUMN failures;
