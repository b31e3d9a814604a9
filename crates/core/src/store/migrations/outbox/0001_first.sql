-- What only this device has.
CREATE TABLE outbox(
    -- The order of writing.
    n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation TEXT NOT NULL,
    text TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    -- The refusal as it was on the wire, where it was refused for good.
    error TEXT
) STRICT;
CREATE INDEX outbox_by_conversation ON outbox(conversation, n);

-- How far the person has read, until the server knows.
CREATE TABLE read_mark(
    conversation TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
