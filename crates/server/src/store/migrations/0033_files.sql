-- Files that people hand over, whole or not, and which message carries each. The bytes are elsewhere
-- (docs/adr/0022-files.md).
CREATE TABLE file (
    -- Made by the author's device: the operation's id.
    id TEXT NOT NULL PRIMARY KEY,
    author TEXT NOT NULL REFERENCES person (id),
    conversation TEXT NOT NULL REFERENCES conversation (id),
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    -- Of all its bytes, hexadecimal.
    sha256 TEXT NOT NULL,
    -- Where its bytes are: a name that is never used again, whatever becomes of the id.
    object TEXT NOT NULL UNIQUE,
    -- So many bytes from the first on are on disk.
    received INTEGER NOT NULL,
    -- When its last bytes came, and then when it was whole.
    touched_at INTEGER NOT NULL,
    -- None while it is not whole.
    media_type TEXT,
    -- None where it is no image.
    width INTEGER,
    height INTEGER,
    -- The message that carries it and its place there; none until then.
    message TEXT REFERENCES message (id),
    place INTEGER
) STRICT;
CREATE UNIQUE INDEX file_by_message ON file (message, place) WHERE message IS NOT NULL;
-- What one person has not sent with a message yet, and what is too old for it.
CREATE INDEX file_waiting_of ON file (author) WHERE message IS NULL;
CREATE INDEX file_waiting ON file (touched_at) WHERE message IS NULL;

-- Objects whose row has gone, until they are removed.
CREATE TABLE file_gone (
    object TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

-- Bytes that a person has handed over on a day, counted in days since 1970 (UTC).
CREATE TABLE file_day (
    person TEXT NOT NULL REFERENCES person (id),
    day INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (person, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_day_by_day ON file_day (day);
