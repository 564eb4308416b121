-- The name by which a client manages a grant (Grant Management for OAuth 2.0). A grant that takes
-- the place of another one has the same.
ALTER TABLE "grant" ADD COLUMN managed TEXT;
CREATE INDEX code_grant ON code (grant_id);
CREATE INDEX grant_managed ON "grant" (managed) WHERE managed IS NOT NULL;
