-- A message that was never changed has its place as its revision: an entry of its own in the index of revisions would
-- cost as much as the message. Only those that differ are in it; the others are found by their place.
DROP INDEX message_by_rev;
CREATE UNIQUE INDEX message_by_rev ON message (conversation, rev) WHERE rev <> seq;
