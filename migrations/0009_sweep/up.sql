-- What has ended is found without a look at all that has not.
CREATE INDEX session_ended ON session (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX logout_sent ON logout (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX logout_failed ON logout (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX consent_client ON consent (client_id);
