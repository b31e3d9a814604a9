-- Files that were chosen to be sent. Their bytes are in the account's folder `uploads`, by their id.
CREATE TABLE upload(
    -- The order of choosing.
    n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation TEXT NOT NULL,
    -- None while it belongs to what the person has begun to write.
    message TEXT,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    -- An image's, in pixels, where this device can show it.
    width INTEGER,
    height INTEGER,
    -- 1 where the person holds it.
    held INTEGER NOT NULL DEFAULT 0,
    -- The file as the server told it, once the server has all of it.
    file TEXT
) STRICT;
CREATE INDEX upload_by_message ON upload(message, n);
CREATE INDEX upload_by_conversation ON upload(conversation, n);
