-- What may become of a message after it was accepted.
ALTER TABLE message ADD COLUMN reply_to TEXT;
-- None where its words were never changed.
ALTER TABLE message ADD COLUMN edited_at INTEGER;
-- None unless its author took it back. Its body stays for moderation and is told to nobody else.
ALTER TABLE message ADD COLUMN deleted_at INTEGER;
-- As JSON on the wire; empty for none.
ALTER TABLE message ADD COLUMN reactions TEXT NOT NULL DEFAULT '';

-- The words that an edit has replaced.
CREATE TABLE message_edit (
    -- Made by the author's device: the operation's id.
    id TEXT NOT NULL PRIMARY KEY,
    message TEXT NOT NULL REFERENCES message (id),
    -- The revision that the edit made.
    rev INTEGER NOT NULL,
    -- The words before it, and when those were accepted.
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- SHA-256 over the new words, hexadecimal: tells a repetition from a reused id.
    digest TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_edit_by_message ON message_edit (message, rev);
