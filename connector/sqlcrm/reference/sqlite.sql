-- The reference CRM for SQLite 3.35 and later. It may be run again at any time:
-- what exists stays.
--
-- Plain INSERT, UPDATE and DELETE by anybody are all it takes to make a change:
-- triggers number it and note deletions. Moments are texts in one of three
-- forms:
--   2031-03-04T09:00:00Z  an instant in UTC
--   2031-03-04T09:00:00   the same wall-clock time everywhere
--   2031-03-04            a whole day

CREATE TABLE IF NOT EXISTS lockstep_meta (
    name  text NOT NULL PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO lockstep_meta (name, value) VALUES
    ('schema', '1'),
    ('instance', lower(hex(randomblob(16)))),
    ('epoch', lower(hex(randomblob(16))))
ON CONFLICT (name) DO NOTHING;

CREATE TABLE IF NOT EXISTS lockstep_change (
    one   integer PRIMARY KEY CHECK (one = 1),
    value integer NOT NULL
);
INSERT INTO lockstep_change (one, value) VALUES (1, 0) ON CONFLICT (one) DO NOTHING;

CREATE TABLE IF NOT EXISTS lockstep_tombstone (
    kind         text NOT NULL,
    id           text NOT NULL,
    version      integer NOT NULL,
    lockstep_key text,
    deleted_at   text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS lockstep_tombstone_feed ON lockstep_tombstone (kind, version);
CREATE INDEX IF NOT EXISTS lockstep_tombstone_key ON lockstep_tombstone (lockstep_key) WHERE lockstep_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS crm_user (
    id     text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    name   text NOT NULL,
    email  text NOT NULL,
    active boolean NOT NULL DEFAULT true
);
CREATE INDEX IF NOT EXISTS crm_user_email ON crm_user (lower(email));

CREATE TABLE IF NOT EXISTS contact (
    id                text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    owner_id          text REFERENCES crm_user (id) ON DELETE SET NULL,
    full_name         text NOT NULL CONSTRAINT contact_full_name CHECK (full_name <> ''),
    given_name        text,
    middle_name       text,
    family_name       text,
    prefix            text,
    suffix            text,
    nickname          text,
    organization      text,
    department        text,
    job_title         text,
    email             text,
    email_type        text,
    email_label       text,
    email_preferred   boolean NOT NULL DEFAULT false,
    phone             text,
    phone_type        text,
    phone_label       text,
    phone_preferred   boolean NOT NULL DEFAULT false,
    street            text,
    city              text,
    region            text,
    postal_code       text,
    country           text,
    po_box            text,
    address_extended  text,
    address_type      text,
    address_label     text,
    website           text,
    birthday          text CONSTRAINT contact_birthday CHECK (birthday GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' OR birthday GLOB '--[0-9][0-9]-[0-9][0-9]'),
    notes             text,
    photo             text,
    uid               text,
    lockstep_key      text UNIQUE,
    version           integer NOT NULL DEFAULT 0,
    created_at        text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at        text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

-- Further addresses, beside the one in the contact's own row.
CREATE TABLE IF NOT EXISTS contact_email (
    contact_id text NOT NULL REFERENCES contact (id) ON DELETE CASCADE ON UPDATE CASCADE,
    email      text NOT NULL,
    type       text,
    label      text,
    preferred  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (contact_id, email)
);
CREATE TABLE IF NOT EXISTS contact_phone (
    contact_id text NOT NULL REFERENCES contact (id) ON DELETE CASCADE ON UPDATE CASCADE,
    phone      text NOT NULL,
    type       text,
    label      text,
    preferred  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (contact_id, phone)
);
CREATE TABLE IF NOT EXISTS contact_address (
    contact_id  text NOT NULL REFERENCES contact (id) ON DELETE CASCADE ON UPDATE CASCADE,
    street      text,
    city        text,
    region      text,
    postal_code text,
    country     text,
    po_box      text,
    extended    text,
    type        text,
    label       text
);
CREATE INDEX IF NOT EXISTS contact_address_contact ON contact_address (contact_id);
CREATE TABLE IF NOT EXISTS contact_url (
    contact_id text NOT NULL REFERENCES contact (id) ON DELETE CASCADE ON UPDATE CASCADE,
    url        text NOT NULL,
    PRIMARY KEY (contact_id, url)
);

CREATE TABLE IF NOT EXISTS appointment (
    id                text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    owner_id          text REFERENCES crm_user (id) ON DELETE SET NULL,
    title             text NOT NULL,
    description       text,
    location          text,
    starts            text NOT NULL CONSTRAINT appointment_starts CHECK (starts GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        OR starts GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
        OR starts GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
    ends              text NOT NULL CONSTRAINT appointment_ends CHECK (ends GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        OR ends GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
        OR ends GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
    time_zone         text,
    recurrence        text,
    overrides         text,
    organizer         text,
    status            text CONSTRAINT appointment_status CHECK (status IN ('tentative', 'cancelled')),
    class             text CONSTRAINT appointment_class CHECK (class IN ('private', 'confidential')),
    url               text,
    uid               text,
    lockstep_key      text UNIQUE,
    version           integer NOT NULL DEFAULT 0,
    created_at        text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at        text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

-- user_id names a CRM user whatever the address; without it the address is
-- looked for among the users.
CREATE TABLE IF NOT EXISTS appointment_attendee (
    appointment_id text NOT NULL REFERENCES appointment (id) ON DELETE CASCADE ON UPDATE CASCADE,
    email          text NOT NULL,
    name           text,
    user_id        text REFERENCES crm_user (id) ON DELETE SET NULL,
    status         text CONSTRAINT appointment_attendee_status CHECK (status IN ('accepted', 'declined', 'tentative')),
    role           text CONSTRAINT appointment_attendee_role CHECK (role IN ('optional', 'resource')),
    PRIMARY KEY (appointment_id, email)
);
CREATE INDEX IF NOT EXISTS appointment_attendee_email ON appointment_attendee (lower(email));

-- Linked documents; the documents themselves are elsewhere.
CREATE TABLE IF NOT EXISTS appointment_attachment (
    appointment_id text NOT NULL REFERENCES appointment (id) ON DELETE CASCADE ON UPDATE CASCADE,
    url            text NOT NULL,
    name           text,
    type           text,
    PRIMARY KEY (appointment_id, url)
);

CREATE TABLE IF NOT EXISTS task (
    id                text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    owner_id          text REFERENCES crm_user (id) ON DELETE SET NULL,
    title             text NOT NULL,
    description       text,
    starts            text CONSTRAINT task_starts CHECK (starts GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        OR starts GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
        OR starts GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
    due               text CONSTRAINT task_due CHECK (due GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        OR due GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
        OR due GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
    time_zone         text,
    completed         text CONSTRAINT task_completed CHECK (completed GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        OR completed GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
        OR completed GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z'),
    percent           integer CONSTRAINT task_percent CHECK (percent BETWEEN 0 AND 100),
    status            text CONSTRAINT task_status CHECK (status IN ('in-process', 'completed', 'cancelled')),
    priority          integer CONSTRAINT task_priority CHECK (priority BETWEEN 1 AND 9),
    recurrence        text,
    class             text CONSTRAINT task_class CHECK (class IN ('private', 'confidential')),
    url               text,
    uid               text,
    lockstep_key      text UNIQUE,
    version           integer NOT NULL DEFAULT 0,
    created_at        text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at        text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

-- Every write numbers its row; SQLite has one writer at a time, so numbers
-- appear in their order. The numbering update changes the version, by which it
-- knows itself.

CREATE INDEX IF NOT EXISTS contact_version ON contact (version);
CREATE INDEX IF NOT EXISTS contact_owner ON contact (owner_id);
CREATE TRIGGER IF NOT EXISTS contact_inserted AFTER INSERT ON contact BEGIN
    UPDATE lockstep_change SET value = value + 1;
    UPDATE contact SET version = (SELECT value FROM lockstep_change) WHERE id = NEW.id;
    DELETE FROM lockstep_tombstone WHERE kind = 'contact' AND id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS contact_updated AFTER UPDATE ON contact WHEN NEW.version IS OLD.version BEGIN
    UPDATE lockstep_change SET value = value + 1;
    UPDATE contact SET version = (SELECT value FROM lockstep_change), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS contact_renamed AFTER UPDATE OF id ON contact WHEN NEW.id <> OLD.id BEGIN
    UPDATE lockstep_change SET value = value + 1;
    INSERT OR REPLACE INTO lockstep_tombstone (kind, id, version) SELECT 'contact', OLD.id, value FROM lockstep_change;
END;
CREATE TRIGGER IF NOT EXISTS contact_deleted AFTER DELETE ON contact BEGIN
    UPDATE lockstep_change SET value = value + 1;
    INSERT OR REPLACE INTO lockstep_tombstone (kind, id, version, lockstep_key)
    SELECT 'contact', OLD.id, value, OLD.lockstep_key FROM lockstep_change;
    DELETE FROM contact_email WHERE contact_id = OLD.id;
    DELETE FROM contact_phone WHERE contact_id = OLD.id;
    DELETE FROM contact_address WHERE contact_id = OLD.id;
    DELETE FROM contact_url WHERE contact_id = OLD.id;
END;
CREATE TRIGGER IF NOT EXISTS contact_email_insert AFTER INSERT ON contact_email BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_email_update AFTER UPDATE ON contact_email BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_email_delete AFTER DELETE ON contact_email BEGIN
    UPDATE contact SET version = version WHERE id = OLD.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_phone_insert AFTER INSERT ON contact_phone BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_phone_update AFTER UPDATE ON contact_phone BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_phone_delete AFTER DELETE ON contact_phone BEGIN
    UPDATE contact SET version = version WHERE id = OLD.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_address_insert AFTER INSERT ON contact_address BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_address_update AFTER UPDATE ON contact_address BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_address_delete AFTER DELETE ON contact_address BEGIN
    UPDATE contact SET version = version WHERE id = OLD.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_url_insert AFTER INSERT ON contact_url BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_url_update AFTER UPDATE ON contact_url BEGIN
    UPDATE contact SET version = version WHERE id = NEW.contact_id;
END;
CREATE TRIGGER IF NOT EXISTS contact_url_delete AFTER DELETE ON contact_url BEGIN
    UPDATE contact SET version = version WHERE id = OLD.contact_id;
END;

CREATE INDEX IF NOT EXISTS appointment_version ON appointment (version);
CREATE INDEX IF NOT EXISTS appointment_owner ON appointment (owner_id);
CREATE TRIGGER IF NOT EXISTS appointment_inserted AFTER INSERT ON appointment BEGIN
    UPDATE lockstep_change SET value = value + 1;
    UPDATE appointment SET version = (SELECT value FROM lockstep_change) WHERE id = NEW.id;
    DELETE FROM lockstep_tombstone WHERE kind = 'event' AND id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_updated AFTER UPDATE ON appointment WHEN NEW.version IS OLD.version BEGIN
    UPDATE lockstep_change SET value = value + 1;
    UPDATE appointment SET version = (SELECT value FROM lockstep_change), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_renamed AFTER UPDATE OF id ON appointment WHEN NEW.id <> OLD.id BEGIN
    UPDATE lockstep_change SET value = value + 1;
    INSERT OR REPLACE INTO lockstep_tombstone (kind, id, version) SELECT 'event', OLD.id, value FROM lockstep_change;
END;
CREATE TRIGGER IF NOT EXISTS appointment_deleted AFTER DELETE ON appointment BEGIN
    UPDATE lockstep_change SET value = value + 1;
    INSERT OR REPLACE INTO lockstep_tombstone (kind, id, version, lockstep_key)
    SELECT 'event', OLD.id, value, OLD.lockstep_key FROM lockstep_change;
    DELETE FROM appointment_attendee WHERE appointment_id = OLD.id;
    DELETE FROM appointment_attachment WHERE appointment_id = OLD.id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_attendee_insert AFTER INSERT ON appointment_attendee BEGIN
    UPDATE appointment SET version = version WHERE id = NEW.appointment_id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_attendee_update AFTER UPDATE ON appointment_attendee BEGIN
    UPDATE appointment SET version = version WHERE id = NEW.appointment_id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_attendee_delete AFTER DELETE ON appointment_attendee BEGIN
    UPDATE appointment SET version = version WHERE id = OLD.appointment_id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_attachment_insert AFTER INSERT ON appointment_attachment BEGIN
    UPDATE appointment SET version = version WHERE id = NEW.appointment_id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_attachment_update AFTER UPDATE ON appointment_attachment BEGIN
    UPDATE appointment SET version = version WHERE id = NEW.appointment_id;
END;
CREATE TRIGGER IF NOT EXISTS appointment_attachment_delete AFTER DELETE ON appointment_attachment BEGIN
    UPDATE appointment SET version = version WHERE id = OLD.appointment_id;
END;

CREATE INDEX IF NOT EXISTS task_version ON task (version);
CREATE INDEX IF NOT EXISTS task_owner ON task (owner_id);
CREATE TRIGGER IF NOT EXISTS task_inserted AFTER INSERT ON task BEGIN
    UPDATE lockstep_change SET value = value + 1;
    UPDATE task SET version = (SELECT value FROM lockstep_change) WHERE id = NEW.id;
    DELETE FROM lockstep_tombstone WHERE kind = 'task' AND id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS task_updated AFTER UPDATE ON task WHEN NEW.version IS OLD.version BEGIN
    UPDATE lockstep_change SET value = value + 1;
    UPDATE task SET version = (SELECT value FROM lockstep_change), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS task_renamed AFTER UPDATE OF id ON task WHEN NEW.id <> OLD.id BEGIN
    UPDATE lockstep_change SET value = value + 1;
    INSERT OR REPLACE INTO lockstep_tombstone (kind, id, version) SELECT 'task', OLD.id, value FROM lockstep_change;
END;
CREATE TRIGGER IF NOT EXISTS task_deleted AFTER DELETE ON task BEGIN
    UPDATE lockstep_change SET value = value + 1;
    INSERT OR REPLACE INTO lockstep_tombstone (kind, id, version, lockstep_key)
    SELECT 'task', OLD.id, value, OLD.lockstep_key FROM lockstep_change;
END;

-- A user's address decides which appointments concern them.
CREATE TRIGGER IF NOT EXISTS crm_user_insert AFTER INSERT ON crm_user BEGIN
    UPDATE appointment SET version = version
    WHERE lower(organizer) IN (lower(NEW.email))
       OR id IN (SELECT appointment_id FROM appointment_attendee WHERE lower(email) IN (lower(NEW.email)));
END;

CREATE TRIGGER IF NOT EXISTS crm_user_update AFTER UPDATE OF email, id ON crm_user BEGIN
    UPDATE appointment SET version = version
    WHERE lower(organizer) IN (lower(NEW.email), lower(OLD.email))
       OR id IN (SELECT appointment_id FROM appointment_attendee WHERE lower(email) IN (lower(NEW.email), lower(OLD.email)));
END;

CREATE TRIGGER IF NOT EXISTS crm_user_delete AFTER DELETE ON crm_user BEGIN
    UPDATE appointment SET version = version
    WHERE lower(organizer) = lower(OLD.email)
       OR id IN (SELECT appointment_id FROM appointment_attendee WHERE lower(email) = lower(OLD.email));
END;
