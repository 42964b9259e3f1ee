-- One index by file for lists and for the pre-PR check. Files are written in no order, so every index by file costs a
-- create one more page of the write-ahead log; two of them took a third of the rate. Lists sort the rows of their file
-- by line. The second column is 1 for an intent that covers its file, 2 for one that has expired, and 0 for one that
-- waits; an unknown status waits.
DROP INDEX idx_intents_covering;
DROP INDEX idx_intents_waiting;
DROP INDEX idx_intents_file;
CREATE INDEX idx_intents_file ON intents (
    file,
    CASE status
        WHEN 'planned' THEN 1
        WHEN 'committed' THEN 1
        WHEN 'implemented' THEN 1
        WHEN 'accepted' THEN 1
        WHEN 'documented' THEN 1
        WHEN 'expired' THEN 2
        ELSE 0
    END,
    code,
    line,
    id
);

-- As it was. For a list of words SQLite would build a table in each insert, so they are compared one by one.
DROP INDEX idx_intents_open;
CREATE INDEX idx_intents_open ON intents (modified_at, id)
    WHERE status IS NULL OR (status <> 'implemented' AND status <> 'accepted' AND status <> 'documented'
    AND status <> 'expired');
