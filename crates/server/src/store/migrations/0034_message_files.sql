-- What a message shows of its files, as JSON on the wire; empty for none. A file never changes, so that this need not be
-- joined each time a message is read. Who may fetch a file is decided by its own row.
ALTER TABLE message ADD COLUMN files TEXT NOT NULL DEFAULT '';
