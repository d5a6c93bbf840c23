-- What only a person can decide: items that may be the same thing, and creates
-- whose answer was lost where the system tells neither by key nor by mark.
CREATE TABLE review (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    question TEXT NOT NULL,           -- its items are decided together
    apart SMALLINT NOT NULL DEFAULT 0, -- 1: a person said that it is none of the others
    PRIMARY KEY (mailbox, side, kind, item)
) WITHOUT ROWID;
CREATE INDEX review_question ON review (mailbox, question);

ALTER TABLE intent ADD COLUMN used SMALLINT NOT NULL DEFAULT 0; -- 1: the key names something that was deleted or moved since
