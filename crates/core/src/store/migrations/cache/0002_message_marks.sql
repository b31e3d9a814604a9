ALTER TABLE message ADD COLUMN reply_to TEXT;
-- None where its words were never changed.
ALTER TABLE message ADD COLUMN edited_at INTEGER;
-- As on the wire; empty for none.
ALTER TABLE message ADD COLUMN reactions TEXT NOT NULL DEFAULT '';
