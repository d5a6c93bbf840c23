-- Private items (requirement B16): what the policy says about them at the time
-- of reading, and what of an item was withheld for it.
ALTER TABLE collection ADD COLUMN privacy TEXT NOT NULL DEFAULT '';    -- skip, busy or full; empty = not asked yet
ALTER TABLE observation ADD COLUMN privacy TEXT NOT NULL DEFAULT '';   -- its collection's when it was read
ALTER TABLE observation ADD COLUMN reduced SMALLINT NOT NULL DEFAULT 0;-- private: content is all we may hold
CREATE INDEX operation_entity ON operation (entity);
CREATE INDEX conflict_entity ON conflict (entity);
CREATE INDEX issue_of_entity ON issue (entity) WHERE entity <> '';
