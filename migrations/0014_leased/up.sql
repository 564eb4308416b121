-- Until when a letter belongs to the process that is sending it: told apart from one that waits for
-- its next try.
ALTER TABLE outbox ADD COLUMN leased_until BIGINT;
