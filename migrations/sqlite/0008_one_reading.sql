-- Callers choose the names of their calls, so a hold has its name among those of its key: two keys may choose the same,
-- and neither learns of the other's.
CREATE TEMP TABLE holds_of_before AS SELECT * FROM llm_holds;
DROP TABLE llm_holds;
CREATE TABLE llm_holds (
    id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    owner TEXT,
    operation TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    rates TEXT NOT NULL,
    price_version TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    choices INTEGER NOT NULL,
    max_tokens INTEGER,
    amount_pico INTEGER NOT NULL,
    accounts TEXT NOT NULL,
    request_id TEXT,
    holder TEXT,
    created_at TEXT NOT NULL,
    lease_until TEXT NOT NULL,
    orphaned INTEGER NOT NULL,
    by_agent INTEGER NOT NULL,
    PRIMARY KEY (id, key_id)
) WITHOUT ROWID;
INSERT INTO llm_holds SELECT * FROM temp.holds_of_before;
DROP TABLE temp.holds_of_before;
CREATE INDEX idx_llm_holds_lease ON llm_holds (lease_until) WHERE orphaned = 0;

DROP INDEX idx_llm_usage_hold;
CREATE UNIQUE INDEX idx_llm_usage_hold ON llm_usage (hold_id, api_key) WHERE hold_id IS NOT NULL;

-- The files of intents are rewritten to the one form that they are looked up by: `migrate/files.rs`.
