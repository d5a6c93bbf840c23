-- A system that is down is one event for all its mailboxes (design decision 11).
-- A connection without a row has never been down.
CREATE TABLE circuit (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connection (id),
    state TEXT NOT NULL,              -- closed, open, probing
    opened BIGINT NOT NULL,           -- how often so far; names the outage
    since BIGINT NOT NULL,
    code TEXT NOT NULL,               -- of the catalogue
    message TEXT NOT NULL,            -- why; no content
    permanent SMALLINT NOT NULL,      -- nobody probes before somebody has acted
    probes BIGINT NOT NULL,           -- failed in a row
    next_at BIGINT NOT NULL,          -- open: the next probe; probing: until when it may last
    closed_at BIGINT NOT NULL,
    calm_at BIGINT NOT NULL,          -- when the last mailbox that waited has its turn
    suspected BIGINT NOT NULL         -- faults noted so far; whoever notes one locks the row
);
ALTER TABLE connection ADD COLUMN outage TEXT NOT NULL DEFAULT '';     -- wait, disable
ALTER TABLE alert ADD COLUMN scope TEXT NOT NULL DEFAULT 'mailbox';    -- server, mailbox
ALTER TABLE alert ADD COLUMN phase TEXT NOT NULL DEFAULT '';           -- fetch, diff, apply, settle
DROP INDEX alert_open;
CREATE UNIQUE INDEX alert_open ON alert (mailbox, connection, workload, side, phase) WHERE state <> 'over';
