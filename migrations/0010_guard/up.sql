-- When an app that registered itself last signed somebody in. Of those that were in use before this
-- was noted nothing is known until they do again.
ALTER TABLE registered ADD COLUMN used_at BIGINT;

-- Of one browser so many requests wait; the oldest are found by it.
CREATE INDEX request_browser ON request (browser_id, created_at);
