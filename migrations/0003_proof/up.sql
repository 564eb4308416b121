-- The key that a refresh token is bound to (RFC 9449 5, RFC 8705 4), as the claim cnf.
ALTER TABLE refresh ADD COLUMN binding TEXT;

-- What an app waits for while a person decides on another device (RFC 8628). The person's code is
-- kept as a keyed digest. body is a JSON document.
CREATE TABLE pending (
    hash TEXT PRIMARY KEY,
    user_code TEXT UNIQUE,
    client_id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    pause BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    grant_id TEXT,
    decided_at BIGINT,
    used_at BIGINT
);
CREATE INDEX pending_expires ON pending (expires_at);
