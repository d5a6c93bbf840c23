-- The life of a mailbox (requirements D-33 to D-37): which workloads are on, who
-- acknowledged that other software syncs it too, since when our note of whose it
-- is stands in it.
ALTER TABLE mailbox ADD COLUMN workloads TEXT NOT NULL DEFAULT 'appointments-contacts-tasks';
ALTER TABLE mailbox ADD COLUMN acknowledged TEXT NOT NULL DEFAULT '';
ALTER TABLE mailbox ADD COLUMN owned BIGINT NOT NULL DEFAULT 0;

-- What Test & Enable found, a row for each step.
CREATE TABLE probe (
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    workload TEXT NOT NULL,
    side TEXT NOT NULL,
    step TEXT NOT NULL,               -- reach, sign in, read, write, send, delegate
    number BIGINT NOT NULL,           -- the order of the steps
    verdict TEXT NOT NULL,
    message TEXT NOT NULL,            -- no content
    at BIGINT NOT NULL,
    PRIMARY KEY (mailbox, workload, side, step)
);

-- Who has a policy because a list names them (a CRM list, a mail-system group).
CREATE TABLE member (
    policy TEXT NOT NULL,
    source TEXT NOT NULL,             -- crm/sales/Team North
    mailbox TEXT NOT NULL REFERENCES mailbox (id),
    since BIGINT NOT NULL,
    PRIMARY KEY (policy, source, mailbox)
);
CREATE INDEX member_mailbox ON member (mailbox);

-- What became of reading a list.
CREATE TABLE roll (
    policy TEXT NOT NULL,
    source TEXT NOT NULL,
    resolved BIGINT NOT NULL,         -- when it was last read and obeyed; 0 = never
    tried BIGINT NOT NULL,
    people BIGINT NOT NULL,           -- how many it named
    held BIGINT NOT NULL,             -- leaves that wait for a person's word
    word TEXT NOT NULL DEFAULT '',    -- who let them go; taken by the next reading
    trouble TEXT NOT NULL,            -- why it was not obeyed; no content
    PRIMARY KEY (policy, source)
);
