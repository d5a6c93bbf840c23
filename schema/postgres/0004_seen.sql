-- When things were seen, so that nothing is created before the other side was
-- read late enough to show a twin, and no read older than our own write hides
-- what somebody did after it.
ALTER TABLE observation ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;       -- when it was first read
ALTER TABLE observation ADD COLUMN doubted SMALLINT NOT NULL DEFAULT 0;  -- 1: a read that may be older than our own write says otherwise
CREATE INDEX observation_doubted ON observation (connection, mailbox) WHERE doubted = 1;

ALTER TABLE mailbox ADD COLUMN fetch_begun BIGINT NOT NULL DEFAULT 0;    -- of the latest fetch that ended

ALTER TABLE intent ADD COLUMN shows BIGINT NOT NULL DEFAULT 0;           -- reads that begin from then on show what was created
ALTER TABLE intent ADD COLUMN looked BIGINT NOT NULL DEFAULT 0;          -- complete reads of its side that began after that
CREATE INDEX intent_unanswered ON intent (connection, scope) WHERE outcome IN ('', 'unknown');
