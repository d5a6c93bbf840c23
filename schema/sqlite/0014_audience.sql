-- The ledger of what could be heard outside: how many people a write could have
-- sent mail to. What was decided and why stands in the body.
ALTER TABLE operation ADD COLUMN audience BIGINT NOT NULL DEFAULT 0;
CREATE INDEX operation_audience ON operation (mailbox, done) WHERE audience > 0;
