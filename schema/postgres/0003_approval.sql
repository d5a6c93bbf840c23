-- What a person said about each write that waited, why it waited, and what the
-- target held before.
ALTER TABLE operation ADD COLUMN held TEXT NOT NULL DEFAULT '';        -- the brake that holds it
ALTER TABLE operation ADD COLUMN verdict TEXT NOT NULL DEFAULT '';     -- approved, picked, rejected
ALTER TABLE operation ADD COLUMN before BYTEA REFERENCES content (key); -- update, delete: what the target held
CREATE INDEX operation_before ON operation (before) WHERE before IS NOT NULL;
CREATE INDEX operation_verdict ON operation (plan) WHERE verdict <> '';
