-- Whom an app asks about from its own server (CIBA), and how it is told that the person has
-- decided: ping is the token that it is told with, sealed; ping_at is the next try, and nothing
-- when there is none to come.
ALTER TABLE pending ADD COLUMN account_id TEXT;
ALTER TABLE pending ADD COLUMN ping TEXT;
ALTER TABLE pending ADD COLUMN ping_at BIGINT;
ALTER TABLE pending ADD COLUMN ping_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pending ADD COLUMN ping_said TEXT;
ALTER TABLE pending ADD COLUMN pinged_at BIGINT;
CREATE INDEX pending_account ON pending (account_id);
CREATE INDEX pending_ping ON pending (ping_at);
