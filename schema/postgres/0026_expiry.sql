-- When credentials expire, as far as somebody said: of a mailbox, or of a
-- connection itself (the mailbox is empty).
CREATE TABLE expiry (
    mailbox TEXT NOT NULL,
    connection TEXT NOT NULL, -- empty where a mailbox is named
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (mailbox, connection)
);
