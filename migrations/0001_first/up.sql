-- The first tables. One set for SQLite and PostgreSQL: TEXT ids, BIGINT milliseconds since 1970,
-- JSON as TEXT. Secrets stand here only as digests; what must be shown again is derived from a
-- key and the row's id.

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE account (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    skeleton TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    password_at BIGINT NOT NULL,
    locked_at BIGINT
);

-- Names of deleted accounts, as a keyed digest of their skeletons: never given again.
CREATE TABLE retired_name (
    mac TEXT PRIMARY KEY,
    retired_at BIGINT NOT NULL
);

-- A half-made sign-up. Its answers are one JSON document, changed only behind its lock (version).
CREATE TABLE draft (
    id TEXT PRIMARY KEY,
    cookie_hash TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    email_key TEXT NOT NULL,
    skeleton TEXT NOT NULL,
    body TEXT NOT NULL,
    held_until BIGINT,
    waiting_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX draft_skeleton ON draft (skeleton);
CREATE INDEX draft_email ON draft (email_key);
CREATE INDEX draft_expires ON draft (expires_at);
CREATE INDEX draft_waiting ON draft (waiting_at);

-- A browser, by the digest of its cookie.
CREATE TABLE browser (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX browser_seen ON browser (seen_at);

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    browser_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    amr TEXT NOT NULL,
    keep BOOLEAN NOT NULL,
    agent TEXT NOT NULL,
    network TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX session_browser ON session (browser_id);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_ends ON session (ends_at);

-- Devices on which an account was signed in before, by the digest of their cookie.
CREATE TABLE device (
    account_id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    wrong BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, secret_hash)
);
CREATE INDEX device_seen ON device (seen_at);

-- An authorization request on its way through the pages.
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    browser_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    answered_at BIGINT
);
CREATE INDEX request_expires ON request (expires_at);

CREATE TABLE client (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE service (
    id TEXT PRIMARY KEY,
    audience TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE "grant" (
    id TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    offline BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grant_account ON "grant" (account_id);
CREATE INDEX grant_client ON "grant" (client_id);
CREATE INDEX grant_sid ON "grant" (sid);
CREATE INDEX grant_ends ON "grant" (ends_at);

CREATE TABLE code (
    hash TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    wrong BIGINT NOT NULL
);
CREATE INDEX code_expires ON code (expires_at);

CREATE TABLE refresh (
    hash TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    idle_until BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX refresh_grant ON refresh (grant_id);
CREATE INDEX refresh_idle ON refresh (idle_until);

CREATE TABLE consent (
    account_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, client_id)
);

-- Signing keys; the private half is wrapped by the master key.
CREATE TABLE signing_key (
    kid TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    private_wrapped TEXT NOT NULL,
    slot TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    retired_at BIGINT,
    gone_at BIGINT
);
CREATE INDEX signing_key_owner ON signing_key (owner);

-- What is to be sent. No secret lies here: codes and links are derived when it is sent.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    draft_id TEXT,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    secret_ends_at BIGINT,
    tries BIGINT NOT NULL,
    sent_at BIGINT,
    failed_at BIGINT,
    said TEXT
);
CREATE INDEX outbox_due ON outbox (due_at);
CREATE INDEX outbox_draft ON outbox (draft_id);

-- Published agreements; a row never changes.
CREATE TABLE terms (
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    language TEXT NOT NULL,
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (document, version, language)
);

CREATE TABLE acceptance (
    account_id TEXT NOT NULL,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    language TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, document, version)
);

CREATE TABLE reset (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX reset_account ON reset (account_id);
CREATE INDEX reset_expires ON reset (expires_at);

-- A new e-mail address that waits for its code; one for each account.
CREATE TABLE address_change (
    account_id TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    wrong BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX address_change_expires ON address_change (expires_at);

-- Counts of tries, mails and the like, each for a span of time.
CREATE TABLE counter (
    key TEXT PRIMARY KEY,
    count BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX counter_expires ON counter (expires_at);

-- Things that may come once, such as the jti of an assertion.
CREATE TABLE seen (
    key TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX seen_expires ON seen (expires_at);

-- The security log.
CREATE TABLE event (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX event_account ON event (account_id, at);
CREATE INDEX event_at ON event (at);
