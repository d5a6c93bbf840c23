-- A person's word, for all mailboxes of a connection, on items that are gone
-- there: the deletions that follow are let go or rejected. It is about one
-- absence; an item that comes back and goes again is another one.
CREATE TABLE verdict (
    connection TEXT NOT NULL REFERENCES connection (id),
    mailbox TEXT NOT NULL,            -- empty on the CRM side
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    absent_since BIGINT NOT NULL,     -- as in observation
    verdict TEXT NOT NULL,            -- confirmed, rejected
    by_whom TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (connection, mailbox, kind, item)
);
CREATE INDEX verdict_at ON verdict (at);
CREATE INDEX operation_lately ON operation (done) WHERE action = 'delete' AND state = 'done';
