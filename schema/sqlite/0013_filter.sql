-- What a connection selects (requirement B19): a listing that is compared with one
-- under another selection proves no deletion.
ALTER TABLE collection ADD COLUMN filter TEXT NOT NULL DEFAULT '';
ALTER TABLE collection ADD COLUMN refiltered SMALLINT NOT NULL DEFAULT 0; -- the next full listing is such a one
