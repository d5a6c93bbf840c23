-- The life of an issue (B10): who has to act, the raw proof, and when it was
-- resolved. is_open = 1 for new, retrying, needs user and needs admin.
ALTER TABLE issue ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE issue ADD COLUMN state TEXT NOT NULL DEFAULT 'needs user';
ALTER TABLE issue ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE issue ADD COLUMN closed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE issue ADD COLUMN by_plan SMALLINT NOT NULL DEFAULT 0; -- 1 = the plan found it, 0 = a write was refused
UPDATE issue SET id = 'iss_' || substr(md5(random()::text || mailbox || side || kind || item || code), 1, 16);
UPDATE issue SET state = 'resolved', closed_at = last_at WHERE is_open = 0;
CREATE UNIQUE INDEX issue_id ON issue (id);
CREATE INDEX issue_code ON issue (code) WHERE is_open = 1;
CREATE INDEX issue_closed ON issue (closed_at) WHERE state = 'resolved';
