-- What the budgets have spent and hold. The window is part of an account's name, so nothing is ever reset. A sum that
-- SQLite's integers can't hold would become a float, which `typeof` refuses.
CREATE TABLE llm_accounts (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    window TEXT NOT NULL,
    window_id TEXT NOT NULL,
    settled_pico INTEGER NOT NULL,
    held_pico INTEGER NOT NULL,
    PRIMARY KEY (scope, id, window, window_id),
    CONSTRAINT settled_pico CHECK (typeof(settled_pico) = 'integer'),
    CONSTRAINT held_pico CHECK (typeof(held_pico) = 'integer' AND held_pico >= 0)
) WITHOUT ROWID;

-- Calls under way, and for a while those that nobody settled in time.
CREATE TABLE llm_holds (
    id TEXT NOT NULL PRIMARY KEY,
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
    by_agent INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idx_llm_holds_lease ON llm_holds (lease_until) WHERE orphaned = 0;

CREATE TABLE llm_alerts (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    window TEXT NOT NULL,
    window_id TEXT NOT NULL,
    percent INTEGER NOT NULL,
    limit_pico INTEGER NOT NULL,
    settled_pico INTEGER NOT NULL,
    at TEXT NOT NULL,
    delivered_at TEXT,
    PRIMARY KEY (scope, id, window, window_id, percent)
) WITHOUT ROWID;
CREATE INDEX idx_llm_alerts_pending ON llm_alerts (at) WHERE delivered_at IS NULL;

-- Columns beside the original's. `api_key` holds the key's id, `est_cost` the dollars of `cost_pico`.
ALTER TABLE llm_usage ADD COLUMN hold_id TEXT;
ALTER TABLE llm_usage ADD COLUMN call_id TEXT;
ALTER TABLE llm_usage ADD COLUMN attempt INTEGER;
ALTER TABLE llm_usage ADD COLUMN settled_at TEXT;
ALTER TABLE llm_usage ADD COLUMN owner TEXT;
ALTER TABLE llm_usage ADD COLUMN operation TEXT;
ALTER TABLE llm_usage ADD COLUMN provider TEXT;
ALTER TABLE llm_usage ADD COLUMN cached_tokens INTEGER;
ALTER TABLE llm_usage ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE llm_usage ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE llm_usage ADD COLUMN cost_pico INTEGER;
ALTER TABLE llm_usage ADD COLUMN price_version TEXT;
ALTER TABLE llm_usage ADD COLUMN source TEXT;
ALTER TABLE llm_usage ADD COLUMN outcome TEXT;
ALTER TABLE llm_usage ADD COLUMN provider_status INTEGER;
ALTER TABLE llm_usage ADD COLUMN provider_request_id TEXT;
ALTER TABLE llm_usage ADD COLUMN overrun INTEGER NOT NULL DEFAULT 0;
ALTER TABLE llm_usage ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
ALTER TABLE llm_usage ADD COLUMN first_byte_micros INTEGER;
ALTER TABLE llm_usage ADD COLUMN total_micros INTEGER;
CREATE UNIQUE INDEX idx_llm_usage_hold ON llm_usage (hold_id) WHERE hold_id IS NOT NULL;
CREATE INDEX idx_llm_usage_timestamp ON llm_usage (timestamp);

-- As it was, but for `daily_used`, `daily_used_pico` and `used_on`: every settlement writes these three, for people's
-- queries, and nobody's cached key depends on them.
DROP TRIGGER api_keys_outside_update;
CREATE TRIGGER api_keys_outside_update AFTER UPDATE OF
    key, agent_id, owner, scopes, created_at, expires_at, revoked, daily_limit, mac, previous_mac, previous_until,
    nonce, roles, rate_per_minute, daily_limit_pico, time_zone, version, modified_at
ON api_keys
WHEN NEW.version <> OLD.version + 1 AND NEW.version <> -1
BEGIN
    UPDATE api_keys SET
        version = OLD.version + 1,
        daily_limit_pico = CASE
            WHEN NEW.daily_limit IS OLD.daily_limit THEN NEW.daily_limit_pico
            ELSE CAST(ROUND(MIN(MAX(COALESCE(NEW.daily_limit, 0) * 1.0, 0.0), 9000000.0) * 1e12) AS INTEGER)
        END
    WHERE rowid = NEW.rowid;
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES (
        'api_keys',
        CASE WHEN NEW.key GLOB 't4_????????????' THEN NEW.key ELSE 'not a key id' END,
        'update',
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    );
END;
