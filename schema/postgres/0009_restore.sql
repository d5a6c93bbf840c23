-- What restores from backups are recognised by and undone with, of either side
-- and of this database.

ALTER TABLE collection ADD COLUMN high BIGINT NOT NULL DEFAULT 0;     -- the system's high-water mark, 0 = it has none
ALTER TABLE collection ADD COLUMN epoch TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE collection ADD COLUMN marked BIGINT NOT NULL DEFAULT 0;   -- when both were last as expected
ALTER TABLE collection ADD COLUMN restored SMALLINT NOT NULL DEFAULT 0;   -- it is listed in full after a restore: 1 of its system, 2 of this database
ALTER TABLE collection ADD COLUMN intact BIGINT NOT NULL DEFAULT 0;   -- highest order of an item that the restore left as it was

ALTER TABLE observation ADD COLUMN observed BIGINT NOT NULL DEFAULT 0;    -- when this version was taken in
ALTER TABLE observation ADD COLUMN returned SMALLINT NOT NULL DEFAULT 0;  -- it had been gone and came back with a backup

-- What is in doubt about a side until both agree again (plan.Doubt).
ALTER TABLE link ADD COLUMN crm_doubt SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE link ADD COLUMN mail_doubt SMALLINT NOT NULL DEFAULT 0;

-- How often this database was found to be restored, and what each place knows of.
ALTER TABLE installation ADD COLUMN restores BIGINT NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN restores BIGINT NOT NULL DEFAULT 0;
ALTER TABLE connection ADD COLUMN restores BIGINT NOT NULL DEFAULT 0;

-- Values that a field had before, so that a backup's are told from edits. They
-- survive the link; the sweep keeps 90 days, and 32 of each field.
CREATE TABLE value_history (
    crm TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    entity TEXT COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,              -- HMAC, hexadecimal
    mailbox TEXT COLLATE "C" NOT NULL,            -- that saw it last
    at BIGINT NOT NULL,
    PRIMARY KEY (crm, entity, field, value)
);
CREATE INDEX value_history_at ON value_history (at);
