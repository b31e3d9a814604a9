-- What is written to a whole course and not known to be on the server's disk.
CREATE TABLE bulk(
    -- The order of writing.
    n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    course TEXT NOT NULL,
    text TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    -- The refusal as it was on the wire, where it was refused for good.
    error TEXT
) STRICT;
CREATE INDEX bulk_waiting ON bulk(n) WHERE error IS NULL;
CREATE INDEX bulk_by_course ON bulk(course, n);
