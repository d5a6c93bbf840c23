CREATE TABLE staff (staff_no text PRIMARY KEY, label text NOT NULL, mail text NOT NULL);
CREATE TABLE people (
    person_id integer PRIMARY KEY, display_name text NOT NULL, first_name text, last_name text, company text,
    remarks text, phone text, keeper text, is_deleted integer NOT NULL DEFAULT 0,
    changed_at text NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE people_phone (
    phone_id integer PRIMARY KEY, person integer NOT NULL REFERENCES people (person_id), digits text NOT NULL,
    sort text, caption text, is_main integer NOT NULL DEFAULT 0);

CREATE TABLE meetings (
    meeting_id text PRIMARY KEY, subject text NOT NULL, body text, room text, begins text NOT NULL, finishes text NOT NULL,
    whole_day integer NOT NULL DEFAULT 0, zone text, rules text, exceptions text, chair text, chair_mail text,
    state text NOT NULL DEFAULT 'fixed', ical_uid text, ext_key text UNIQUE, rev integer NOT NULL DEFAULT 0);
CREATE TABLE meeting_people (
    meeting text NOT NULL REFERENCES meetings (meeting_id), mail text NOT NULL, label text, staff_no text, answer text, part text,
    PRIMARY KEY (meeting, mail));
CREATE TABLE meeting_rev (value integer NOT NULL);
INSERT INTO meeting_rev VALUES (0);
CREATE TRIGGER meetings_added AFTER INSERT ON meetings BEGIN
    UPDATE meeting_rev SET value = value + 1;
    UPDATE meetings SET rev = (SELECT value FROM meeting_rev) WHERE meeting_id = NEW.meeting_id;
END;
CREATE TRIGGER meetings_changed AFTER UPDATE ON meetings WHEN NEW.rev = OLD.rev BEGIN
    UPDATE meeting_rev SET value = value + 1;
    UPDATE meetings SET rev = (SELECT value FROM meeting_rev) WHERE meeting_id = NEW.meeting_id;
END;

CREATE TABLE activities (
    activity_id text PRIMARY KEY, activity_type text NOT NULL, subject text NOT NULL, body text, due_on text, zone text,
    done_percent integer, urgency integer, doer text, ext_key text UNIQUE);
