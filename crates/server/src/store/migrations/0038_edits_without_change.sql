-- An edit to the words that a message has already changes nothing, and its id counts all the same: when it is sent again,
-- because its answer was lost, it must not go over the words that somebody gave the message in between.
CREATE TABLE edit (
    -- Made by the author's device: the operation's id.
    id TEXT NOT NULL PRIMARY KEY,
    message TEXT NOT NULL REFERENCES message (id),
    -- The revision that the edit made; none where it changed nothing.
    rev INTEGER,
    -- The words before it, and when those were accepted; none where it changed nothing.
    text TEXT,
    at INTEGER,
    -- SHA-256 over the new words, hexadecimal: tells a repetition from a reused id.
    digest TEXT NOT NULL,
    CHECK ((rev IS NULL) = (text IS NULL) AND (rev IS NULL) = (at IS NULL))
) STRICT;
INSERT INTO edit (id, message, rev, text, at, digest)
    SELECT id, message, rev, text, at, digest FROM message_edit;
DROP TABLE message_edit;
ALTER TABLE edit RENAME TO message_edit;
CREATE UNIQUE INDEX message_edit_by_message ON message_edit (message, rev);
