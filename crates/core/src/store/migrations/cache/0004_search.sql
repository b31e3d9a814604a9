-- The messages that can be found. `place` is when the server accepted the message, in milliseconds since 1970, or the
-- next free number: walking it backwards is newest first, in whatever order messages have come.
CREATE TABLE found(
    place INTEGER NOT NULL PRIMARY KEY,
    -- The rowid in `message`. It holds as long as nobody copies or vacuums the table: see `begin_anew`.
    message INTEGER NOT NULL UNIQUE
) STRICT;

-- Terms by `place`: pieces of words, and whose and where the message is. No text and no positions are kept.
CREATE VIRTUAL TABLE search USING fts5(
    terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- Whatever removes a message, also with its conversation, removes it here.
CREATE TRIGGER message_not_found AFTER DELETE ON message BEGIN
    DELETE FROM search WHERE rowid = (SELECT place FROM found WHERE message = old.rowid);
    DELETE FROM found WHERE message = old.rowid;
END;

-- What is here already is indexed later, in the background, down from this row.
INSERT INTO meta(key, value)
SELECT 'search_below', CAST(last + 1 AS TEXT) FROM (SELECT max(rowid) AS last FROM message) WHERE last IS NOT NULL;
