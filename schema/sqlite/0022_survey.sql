-- What the dashboard lists and counts, at a price that does not grow with what
-- stands before a page.
DROP INDEX issue_code;
CREATE INDEX issue_code ON issue (code, last_at, id) WHERE is_open = 1;
CREATE INDEX issue_recent ON issue (is_open, last_at, id);
DROP INDEX round_ended;
CREATE INDEX round_ended ON round (ended, mailbox, number, done, refused);
CREATE INDEX plan_held ON plan (id) WHERE state = 'held';
CREATE INDEX alert_state ON alert (state, code) WHERE state <> 'over';
CREATE INDEX mailbox_success ON mailbox (last_success, id);
