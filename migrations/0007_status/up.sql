-- The place of an access token in a status list of its service (Token Status List). Only the
-- grant behind it is named; what a place says is read from the grant.
CREATE TABLE status (
    service_id TEXT NOT NULL,
    list BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    grant_id TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (service_id, list, idx)
);
CREATE INDEX status_grant ON status (grant_id);
CREATE INDEX status_ends ON status (ends_at);

-- Few grants are ended at any time, and the lists ask for those alone.
CREATE INDEX grant_revoked ON "grant" (revoked_at) WHERE revoked_at IS NOT NULL;
