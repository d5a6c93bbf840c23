-- Categories that we put on items in the mailbox whose issue is open (L-12). A
-- row is written before the mark is placed, so that no mark is ever forgotten.
CREATE TABLE mark (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    kind TEXT NOT NULL,
    item TEXT NOT NULL,               -- in the mailbox
    code TEXT NOT NULL,               -- of the issue that the mark names
    state TEXT NOT NULL,              -- begun, placed, impossible
    PRIMARY KEY (mailbox, kind, item)
);
