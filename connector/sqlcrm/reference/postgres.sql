-- The reference CRM for PostgreSQL 14 and later. It may be run again at any
-- time: what exists stays.
--
-- Plain INSERT, UPDATE and DELETE by anybody are all it takes to make a change:
-- triggers number it, note deletions and wake Lockstep up. Moments are texts in
-- one of three forms, because SQL has no type that holds all three:
--   2031-03-04T09:00:00Z  an instant in UTC
--   2031-03-04T09:00:00   the same wall-clock time everywhere
--   2031-03-04            a whole day

CREATE TABLE IF NOT EXISTS lockstep_meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO lockstep_meta (name, value) VALUES
    ('schema', '1'),
    ('instance', gen_random_uuid()::text),
    ('epoch', gen_random_uuid()::text)
ON CONFLICT (name) DO NOTHING;

CREATE SEQUENCE IF NOT EXISTS lockstep_change;

CREATE TABLE IF NOT EXISTS lockstep_tombstone (
    kind         text NOT NULL,
    id           text NOT NULL,
    version      bigint NOT NULL,
    xid          xid8 NOT NULL,
    lockstep_key text,
    deleted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS lockstep_tombstone_feed ON lockstep_tombstone (kind, xid, version);
CREATE INDEX IF NOT EXISTS lockstep_tombstone_key ON lockstep_tombstone (lockstep_key) WHERE lockstep_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS crm_user (
    id     text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    name   text NOT NULL,
    email  text NOT NULL,
    active boolean NOT NULL DEFAULT true
);
CREATE INDEX IF NOT EXISTS crm_user_email ON crm_user (lower(email));

CREATE TABLE IF NOT EXISTS contact (
    id                text PRIMARY KEY DEFAULT gen_random_uuid()::text,
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
    birthday          text CONSTRAINT contact_birthday CHECK (birthday ~ '^(\d{4}|-)-\d{2}-\d{2}$'),
    notes             text,
    photo             text,
    uid               text,
    lockstep_key      text UNIQUE,
    version           bigint NOT NULL DEFAULT 0,
    xid               xid8 NOT NULL DEFAULT '0',
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
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
    id           text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    owner_id     text REFERENCES crm_user (id) ON DELETE SET NULL,
    title        text NOT NULL,
    description  text,
    location     text,
    starts       text NOT NULL CONSTRAINT appointment_starts CHECK (starts ~ '^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z?)?$'),
    ends         text NOT NULL CONSTRAINT appointment_ends CHECK (ends ~ '^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z?)?$'),
    time_zone    text,
    recurrence   text,
    overrides    text,
    organizer    text,
    status       text CONSTRAINT appointment_status CHECK (status IN ('tentative', 'cancelled')),
    class        text CONSTRAINT appointment_class CHECK (class IN ('private', 'confidential')),
    url          text,
    uid          text,
    lockstep_key text UNIQUE,
    version      bigint NOT NULL DEFAULT 0,
    xid          xid8 NOT NULL DEFAULT '0',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
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
    id           text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    owner_id     text REFERENCES crm_user (id) ON DELETE SET NULL,
    title        text NOT NULL,
    description  text,
    starts       text CONSTRAINT task_starts CHECK (starts ~ '^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z?)?$'),
    due          text CONSTRAINT task_due CHECK (due ~ '^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z?)?$'),
    time_zone    text,
    completed    text CONSTRAINT task_completed CHECK (completed ~ '^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z?)?$'),
    percent      integer CONSTRAINT task_percent CHECK (percent BETWEEN 0 AND 100),
    status       text CONSTRAINT task_status CHECK (status IN ('in-process', 'completed', 'cancelled')),
    priority     integer CONSTRAINT task_priority CHECK (priority BETWEEN 1 AND 9),
    recurrence   text,
    class        text CONSTRAINT task_class CHECK (class IN ('private', 'confidential')),
    url          text,
    uid          text,
    lockstep_key text UNIQUE,
    version      bigint NOT NULL DEFAULT 0,
    xid          xid8 NOT NULL DEFAULT '0',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- Every write numbers its row and says which transaction wrote it: a reader
-- takes rows of ended transactions only, so one that commits late is not missed.
CREATE OR REPLACE FUNCTION lockstep_number() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    NEW.version := nextval('lockstep_change');
    NEW.xid := pg_current_xact_id();
    NEW.updated_at := clock_timestamp();
    IF TG_OP = 'INSERT' THEN
        DELETE FROM lockstep_tombstone WHERE kind = TG_ARGV[0] AND id = NEW.id;
    ELSIF NEW.id <> OLD.id THEN
        INSERT INTO lockstep_tombstone (kind, id, version, xid)
        VALUES (TG_ARGV[0], OLD.id, nextval('lockstep_change'), pg_current_xact_id())
        ON CONFLICT (kind, id) DO UPDATE SET version = EXCLUDED.version, xid = EXCLUDED.xid;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION lockstep_bury() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO lockstep_tombstone (kind, id, version, xid, lockstep_key)
    VALUES (TG_ARGV[0], OLD.id, nextval('lockstep_change'), pg_current_xact_id(), OLD.lockstep_key)
    ON CONFLICT (kind, id) DO UPDATE
    SET version = EXCLUDED.version, xid = EXCLUDED.xid, lockstep_key = EXCLUDED.lockstep_key, deleted_at = now();
    RETURN NULL;
END $$;

-- A side row belongs to its item: writing one is a change of the item. Items
-- that this transaction has numbered already keep their number.
CREATE OR REPLACE FUNCTION lockstep_touch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format(
        'UPDATE %I SET version = version WHERE xid <> pg_current_xact_id() AND id IN (SELECT %I FROM changed)',
        TG_ARGV[0], TG_ARGV[1]);
    RETURN NULL;
END $$;

-- A user's address decides which appointments concern them.
CREATE OR REPLACE FUNCTION lockstep_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    concerned text[];
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.email = OLD.email AND NEW.id = OLD.id THEN
        RETURN NULL;
    END IF;
    concerned := array_remove(ARRAY[
        CASE WHEN TG_OP <> 'DELETE' THEN lower(NEW.email) END,
        CASE WHEN TG_OP <> 'INSERT' THEN lower(OLD.email) END], NULL);
    UPDATE appointment SET version = version
    WHERE lower(organizer) = ANY (concerned)
       OR id IN (SELECT appointment_id FROM appointment_attendee WHERE lower(email) = ANY (concerned));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION lockstep_wake() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('lockstep', TG_TABLE_NAME);
    RETURN NULL;
END $$;

-- TRUNCATE leaves no tombstones: a new epoch makes every reader list in full.
CREATE OR REPLACE FUNCTION lockstep_new_epoch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE lockstep_meta SET value = gen_random_uuid()::text WHERE name = 'epoch';
    PERFORM pg_notify('lockstep', TG_TABLE_NAME);
    RETURN NULL;
END $$;

DO $$
DECLARE
    item text[];
    side text[];
    event text;
BEGIN
    FOREACH item SLICE 1 IN ARRAY ARRAY[['contact', 'contact'], ['appointment', 'event'], ['task', 'task']] LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (xid, version)', item[1] || '_feed', item[1]);
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (version)', item[1] || '_version', item[1]);
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (owner_id)', item[1] || '_owner', item[1]);
        EXECUTE format('CREATE OR REPLACE TRIGGER lockstep_number BEFORE INSERT OR UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION lockstep_number(%L)', item[1], item[2]);
        EXECUTE format('CREATE OR REPLACE TRIGGER lockstep_bury AFTER DELETE ON %I FOR EACH ROW EXECUTE FUNCTION lockstep_bury(%L)', item[1], item[2]);
        EXECUTE format('CREATE OR REPLACE TRIGGER lockstep_wake AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION lockstep_wake()', item[1]);
        EXECUTE format('CREATE OR REPLACE TRIGGER lockstep_new_epoch AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION lockstep_new_epoch()', item[1]);
    END LOOP;
    FOREACH side SLICE 1 IN ARRAY ARRAY[
        ['contact_email', 'contact', 'contact_id'], ['contact_phone', 'contact', 'contact_id'],
        ['contact_address', 'contact', 'contact_id'], ['contact_url', 'contact', 'contact_id'],
        ['appointment_attendee', 'appointment', 'appointment_id'], ['appointment_attachment', 'appointment', 'appointment_id']] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER lockstep_new_epoch AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION lockstep_new_epoch()', side[1]);
        FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lockstep_touch(%L, %L)',
                'lockstep_touch_' || lower(event), event, side[1],
                CASE event WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END, side[2], side[3]);
        END LOOP;
    END LOOP;
    CREATE OR REPLACE TRIGGER lockstep_user AFTER INSERT OR UPDATE OR DELETE ON crm_user FOR EACH ROW EXECUTE FUNCTION lockstep_user();
END $$;
