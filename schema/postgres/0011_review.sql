-- What only a person can decide: items that may be the same thing, and creates
-- whose answer was lost where the system tells neither by key nor by mark.
CREATE TABLE review (
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (id),
    side TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    question TEXT COLLATE "C" NOT NULL,           -- its items are decided together
    apart SMALLINT NOT NULL DEFAULT 0, -- 1: a person said that it is none of the others
    PRIMARY KEY (mailbox, side, kind, item)
);
CREATE INDEX review_question ON review (mailbox, question);

ALTER TABLE intent ADD COLUMN used SMALLINT NOT NULL DEFAULT 0; -- 1: the key names something that was deleted or moved since
