-- What Lockstep adds to a database of somebody else's: the keys under which it
-- created items, and an identity. Nothing else there is changed.

CREATE TABLE IF NOT EXISTS lockstep_key (
    kind text NOT NULL,
    key  text NOT NULL,
    id   text NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX IF NOT EXISTS lockstep_key_id ON lockstep_key (kind, id);

CREATE TABLE IF NOT EXISTS lockstep_meta (
    name  text NOT NULL PRIMARY KEY,
    value text NOT NULL
);
