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
