-- Mailboxes that move to another address (requirements R-12 to R-19).
ALTER TABLE mailbox ADD COLUMN hold TEXT NOT NULL DEFAULT '';      -- why its next plan waits as a whole, empty = it does not
ALTER TABLE mailbox ADD COLUMN successor TEXT NOT NULL DEFAULT ''; -- the mailbox that goes on under its settings

-- Addresses that a mailbox had before: people still invite them.
CREATE TABLE former_address (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    folded TEXT NOT NULL,
    PRIMARY KEY (mailbox, folded)
);
CREATE INDEX former_address_folded ON former_address (folded);
