-- The pre-PR check asks whether a file has an intent of some code that covers it, and for the first one that waits to be
-- taken. Each row is in at most one of these two, so that a create pays for one. An unknown status counts as reserved.
-- For a list of words SQLite would build a table in each insert, so they are compared one by one.
CREATE INDEX idx_intents_covering ON intents (file, code)
    WHERE status = 'planned' OR status = 'committed' OR status = 'implemented' OR status = 'accepted'
    OR status = 'documented';
CREATE INDEX idx_intents_waiting ON intents (file, code, line, id)
    WHERE status IS NULL OR (status <> 'planned' AND status <> 'committed' AND status <> 'implemented'
    AND status <> 'accepted' AND status <> 'documented' AND status <> 'expired');

-- Most intents have no owner, and nobody lists those of none: a create does not pay for them.
DROP INDEX idx_intents_owner;
CREATE INDEX idx_intents_owner ON intents (owner, modified_at, id) WHERE owner IS NOT NULL;
