-- A person who deleted their account stays as a name without a person: messages, calls and courses point to them.
ALTER TABLE person ADD COLUMN deleted_at INTEGER;
-- Since when one of the two is gone for good: it can be read, and nothing more is written.
ALTER TABLE conversation ADD COLUMN closed_at INTEGER;
-- Used up or not, an invitation names an address; it is found when that is to be erased.
CREATE INDEX invitation_by_email ON invitation (email);
CREATE INDEX outgoing_mail_by_recipient ON outgoing_mail (recipient);
-- What a person took back is with nobody, and goes with them.
CREATE INDEX message_taken_back ON message (author) WHERE deleted_at IS NOT NULL;
