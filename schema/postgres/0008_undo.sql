-- Taking back what a round did (requirement B4).
ALTER TABLE mailbox ADD COLUMN undoing TEXT NOT NULL DEFAULT '';       -- the request whose undo is under way
ALTER TABLE plan ADD COLUMN request TEXT NOT NULL DEFAULT '';          -- the request that it carries out
ALTER TABLE plan ADD COLUMN ready SMALLINT NOT NULL DEFAULT 0;         -- it was to be carried out, whatever became of it
ALTER TABLE intent ADD COLUMN restores SMALLINT NOT NULL DEFAULT 0;    -- an undo's
CREATE INDEX plan_round ON plan (mailbox, round) WHERE ready = 1;
