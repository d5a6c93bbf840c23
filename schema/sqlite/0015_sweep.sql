-- What the daily sweep looks for.
CREATE INDEX round_ended ON round (ended);
CREATE INDEX request_finished ON request (created) WHERE outcome <> '';
CREATE INDEX plan_created ON plan (created);
