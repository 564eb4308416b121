-- An authorization request that a client pushed (RFC 9126), by the digest of its reference. It
-- waits for one browser; then it lives on in `request`.
CREATE TABLE pushed (
    hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX pushed_expires ON pushed (expires_at);
