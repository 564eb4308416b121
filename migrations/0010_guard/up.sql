-- When an app that registered itself last signed somebody in. Of those that were in use before this
-- was noted nothing is known until they do again.
ALTER TABLE registered ADD COLUMN used_at BIGINT;
