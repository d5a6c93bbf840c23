-- The logbook (requirement B25): who changed what, when and why. It only grows;
-- it names mailboxes by their internal id and holds nothing of an item.
CREATE TABLE logbook (
    id TEXT NOT NULL PRIMARY KEY,     -- sorts by the time it was made
    at BIGINT NOT NULL,
    by_whom TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,            -- policy, mailbox or connection
    name TEXT NOT NULL,               -- a policy's name, otherwise an id
    why TEXT NOT NULL,
    was TEXT NOT NULL,                -- a reference: a revision, a state; empty = nothing
    becomes TEXT NOT NULL
);
CREATE INDEX logbook_name ON logbook (subject, name, id);
CREATE TRIGGER logbook_stays BEFORE UPDATE ON logbook BEGIN SELECT RAISE(ABORT, 'the logbook only grows'); END;
CREATE TRIGGER logbook_grows BEFORE DELETE ON logbook BEGIN SELECT RAISE(ABORT, 'the logbook only grows'); END;

-- Policies as they were saved, which the logbook refers to.
CREATE TABLE policy_revision (
    policy TEXT NOT NULL,
    number BIGINT NOT NULL,
    body BLOB NOT NULL,               -- JSON
    saved BIGINT NOT NULL,
    PRIMARY KEY (policy, number)
);
INSERT INTO policy_revision (policy, number, body, saved) SELECT name, 1, body, 0 FROM policy;
