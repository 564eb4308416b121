-- The apps that a browser session signed in to: who is told when it ends. Grants are swept long
-- before the session they came from.
CREATE TABLE session_client (
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    PRIMARY KEY (sid, client_id)
);
CREATE INDEX session_client_client ON session_client (client_id);

-- Apps that are to be told that a session ended. The token is signed when it is sent.
CREATE TABLE logout (
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    sent_at BIGINT,
    failed_at BIGINT,
    said TEXT,
    PRIMARY KEY (sid, client_id)
);
CREATE INDEX logout_due ON logout (due_at);
CREATE INDEX logout_client ON logout (client_id);

-- Apps that registered themselves, with the digest of their registration access token; apps known
-- by a document have none. They are removed when nobody uses them.
CREATE TABLE registered (
    client_id TEXT PRIMARY KEY,
    token_hash TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX registered_created ON registered (created_at);

-- Initial access tokens, by their digests.
CREATE TABLE registration_token (
    hash TEXT PRIMARY KEY,
    note TEXT NOT NULL,
    uses_left BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX registration_token_expires ON registration_token (expires_at);
