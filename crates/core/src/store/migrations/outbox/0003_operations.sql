-- Besides sending messages: giving them other words, taking them back, giving and taking emoji.
-- `text` holds the words, or the emoji.
ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'send'
    CHECK (kind IN ('send', 'edit', 'delete', 'react', 'unreact'));
-- The message that is changed, or that a sent one answers.
ALTER TABLE outbox ADD COLUMN target TEXT;

-- What the person has begun to write, by conversation.
CREATE TABLE draft(
    conversation TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    reply_to TEXT
) STRICT, WITHOUT ROWID;
