-- What is changed and not sent, of all conversations: few rows beside what waits to be sent.
CREATE INDEX outbox_changes ON outbox(n) WHERE kind <> 'send';
