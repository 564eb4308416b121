-- Whom an exchanged token was given to: it ends with its own app too, while the grant behind it is
-- another's. Other tokens are of the grant's own app.
ALTER TABLE status ADD COLUMN client_id TEXT;
CREATE INDEX status_client ON status (client_id) WHERE client_id IS NOT NULL;
