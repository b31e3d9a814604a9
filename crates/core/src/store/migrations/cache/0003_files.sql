-- As on the wire; empty for none.
ALTER TABLE message ADD COLUMN files TEXT NOT NULL DEFAULT '';

-- What is on this device of the files of messages. Their bytes are in the account's folder `files`.
CREATE TABLE file_copy(
    id TEXT NOT NULL PRIMARY KEY,
    message TEXT NOT NULL REFERENCES message(id) ON DELETE CASCADE,
    size INTEGER NOT NULL,
    -- What the server's answers are known by, of which bytes are here.
    etag TEXT,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'held', 'whole')),
    -- When it was looked at last, by this device's clock: the oldest goes first.
    used_at INTEGER NOT NULL,
    -- Where the person saved it last.
    saved TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX file_copy_by_use ON file_copy(state, used_at);
CREATE INDEX file_copy_by_message ON file_copy(message);
