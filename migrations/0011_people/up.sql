-- The cookie that a browser had before its last sign-in, for the seconds of a double click:
-- former_hash is its digest, former_salt what the present value was derived with.
ALTER TABLE browser ADD COLUMN former_hash TEXT;
ALTER TABLE browser ADD COLUMN former_salt TEXT;
ALTER TABLE browser ADD COLUMN former_until BIGINT;
CREATE INDEX browser_former ON browser (former_hash) WHERE former_hash IS NOT NULL;
-- A newer agreement was put off until the next sign-in.
ALTER TABLE session ADD COLUMN terms_later BOOLEAN NOT NULL DEFAULT FALSE;
