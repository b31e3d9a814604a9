-- When a session's device was last known to be there: at its sign-in, at each refresh, and when its connection ended.
ALTER TABLE session ADD COLUMN last_seen_at INTEGER NOT NULL DEFAULT 0;
UPDATE session SET last_seen_at = coalesce(
    (SELECT t.issued_at FROM refresh_token t WHERE t.hash = session.newest_token), created_at);
-- Why it was ended: a word of the protocol. None while it lives, and where it ended before reasons were kept.
ALTER TABLE session ADD COLUMN ended_because TEXT;
-- The list of a person's devices: whoever signs in and out for years has many that are over.
CREATE INDEX session_living ON session (person, device) WHERE revoked_at IS NULL;
