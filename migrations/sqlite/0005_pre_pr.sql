-- The pre-PR check asks whether a file has an intent of some code that covers it, and for the first one that waits to be
-- taken. Each row is in at most one of these two, so that a create pays for one. An unknown status counts as reserved.
CREATE INDEX idx_intents_covering ON intents (file, code)
    WHERE status IN ('planned', 'committed', 'implemented', 'accepted', 'documented');
CREATE INDEX idx_intents_waiting ON intents (file, code, line, id)
    WHERE status IS NULL OR status NOT IN ('planned', 'committed', 'implemented', 'accepted', 'documented', 'expired');
