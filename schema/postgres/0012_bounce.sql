-- Updates of an item, to see what goes to and fro (requirement B17).
ALTER TABLE operation ADD COLUMN forgiven SMALLINT NOT NULL DEFAULT 0; -- does not count any more
CREATE INDEX operation_update ON operation (mailbox, entity) WHERE action = 'update';
