-- What a person chose about an edit conflict, and how it ended. A conflict
-- without a winner is a question: both sides keep their own until it is answered.
ALTER TABLE conflict ADD COLUMN chosen TEXT NOT NULL DEFAULT '';       -- crm, mail or loser; the next plan carries it out
ALTER TABLE conflict ADD COLUMN resolution TEXT NOT NULL DEFAULT '';   -- empty = open
ALTER TABLE conflict ADD COLUMN resolved BIGINT NOT NULL DEFAULT 0;    -- when it ended
CREATE INDEX conflict_open ON conflict (mailbox, entity) WHERE resolution = '' AND (winner = '' OR chosen <> '');
CREATE INDEX conflict_resolved ON conflict (resolved) WHERE resolution <> '';
