-- Refresh tokens tell their grant and their number, so that one row for each grant is enough: that
-- of the token that counts. Those that were given before this tell neither; their apps ask their
-- people to sign in once more.
DROP TABLE refresh;
CREATE TABLE family (
    grant_id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    -- JSON: when those just before it were exchanged, the latest first.
    used TEXT NOT NULL,
    idle_until BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    binding TEXT
);
-- A row is held by SELECT … FOR UPDATE.
ALTER TABLE "grant" DROP COLUMN version;
ALTER TABLE draft DROP COLUMN version;
