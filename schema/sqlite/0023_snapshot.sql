-- Full passes over a mailbox (requirements N-12 to N-18).
CREATE TABLE snapshot (
    mailbox TEXT NOT NULL PRIMARY KEY REFERENCES mailbox (id),
    request TEXT NOT NULL,
    target TEXT NOT NULL,          -- the only side that is written, empty = both
    overwrite SMALLINT NOT NULL,
    kinds TEXT NOT NULL,           -- separated by commas, empty = all
    since BIGINT NOT NULL,
    hours TEXT NOT NULL,           -- in which stages begin, empty = any
    stage BIGINT NOT NULL,            -- items of a stage, 0 = all at once
    hold TEXT NOT NULL,            -- why its plan waits as a whole, empty = it does not
    begun BIGINT NOT NULL,
    noted TEXT NOT NULL,           -- the last item noted
    filled SMALLINT NOT NULL,         -- 1: everything to look at is noted
    total BIGINT NOT NULL,
    stages BIGINT NOT NULL,
    ended BIGINT NOT NULL             -- 0 = under way
);

-- What a full pass has still to look at.
CREATE TABLE snapshot_item (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    place BIGINT NOT NULL,            -- in the order in which it is wanted
    PRIMARY KEY (mailbox, side, kind, item)
);
CREATE INDEX snapshot_item_place ON snapshot_item (mailbox, place);
