-- Why nothing is written there, as on the wire. None where something may be.
ALTER TABLE conversation ADD COLUMN closed TEXT;
CREATE INDEX conversation_by_course ON conversation(course) WHERE closed IS NOT NULL;
