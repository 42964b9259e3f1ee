CREATE INDEX idx_audit_log_statement ON audit_log (id) WHERE event = 'genesis' OR event = 'schema';

CREATE INDEX idx_idempotency_at ON idempotency (at);

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

CREATE INDEX idx_intents_open ON intents (modified_at, id)
    WHERE status IS NULL OR (status <> 'implemented' AND status <> 'accepted' AND status <> 'documented'
    AND status <> 'expired');

CREATE INDEX idx_intents_owner ON intents (owner, modified_at, id) WHERE owner IS NOT NULL;

CREATE INDEX idx_llm_alerts_pending ON llm_alerts (at) WHERE delivered_at IS NULL;

CREATE INDEX idx_llm_holds_lease ON llm_holds (lease_until) WHERE orphaned = 0;

CREATE UNIQUE INDEX idx_llm_usage_hold ON llm_usage (hold_id, api_key) WHERE hold_id IS NOT NULL;

CREATE INDEX idx_llm_usage_timestamp ON llm_usage (timestamp);

CREATE TABLE api_keys (
    key TEXT PRIMARY KEY,
    agent_id TEXT,
    owner TEXT,
    scopes TEXT,
    created_at TEXT,
    expires_at TEXT,
    revoked INTEGER DEFAULT 0,
    daily_limit REAL DEFAULT 100.0,
    daily_used REAL DEFAULT 0.0
, mac TEXT, previous_mac TEXT, previous_until TEXT, nonce BLOB, roles TEXT, rate_per_minute INTEGER, daily_limit_pico INTEGER, daily_used_pico INTEGER, used_on TEXT, time_zone TEXT, version INTEGER NOT NULL DEFAULT 0, modified_at TEXT, max_intents INTEGER, max_stored_bytes INTEGER, max_idempotency_rows INTEGER, max_audit_bytes_per_day INTEGER);

CREATE TABLE audit_checkpoints (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL,
    chain BLOB NOT NULL,
    at TEXT NOT NULL
);

CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT,
    api_key TEXT,
    agent_id TEXT,
    path TEXT,
    method TEXT,
    status_code INTEGER,
    ip TEXT,
    body JSON
, v INTEGER NOT NULL DEFAULT 0, seq INTEGER, event TEXT, request_id TEXT, actor TEXT, route TEXT, outcome TEXT, count INTEGER, body_bytes INTEGER, body_kept INTEGER, body_sha256 TEXT, detail TEXT, leaf BLOB, chain BLOB);

CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    outcome TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (caller, operation, key)
);

CREATE TABLE intents (
    id TEXT PRIMARY KEY,
    code TEXT,
    type TEXT,
    file TEXT,
    line INTEGER,
    import_text TEXT,
    reason_category TEXT,
    reason TEXT,
    suggestion TEXT,
    owner TEXT,
    ticket TEXT,
    eta TEXT,
    status TEXT,
    created_at TEXT,
    modified_at TEXT,
    resolved_at TEXT,
    raw JSON
, agent_id TEXT, version INTEGER NOT NULL DEFAULT 0, creation BLOB, created_by_key TEXT);

CREATE TABLE key_usage (
    key_id TEXT NOT NULL PRIMARY KEY,
    intents INTEGER NOT NULL DEFAULT 0,
    intent_bytes INTEGER NOT NULL DEFAULT 0,
    idempotency_rows INTEGER NOT NULL DEFAULT 0,
    idempotency_bytes INTEGER NOT NULL DEFAULT 0,
    audit_day INTEGER NOT NULL DEFAULT 0,
    audit_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

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

CREATE TABLE llm_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT,
    api_key TEXT,
    agent_id TEXT,
    model TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    est_cost REAL
, hold_id TEXT, call_id TEXT, attempt INTEGER, settled_at TEXT, owner TEXT, operation TEXT, provider TEXT, cached_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, cost_pico INTEGER, price_version TEXT, source TEXT, outcome TEXT, provider_status INTEGER, provider_request_id TEXT, overrun INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0, first_byte_micros INTEGER, total_micros INTEGER);

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE outside_changes (
    id INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL
);

CREATE TRIGGER api_keys_outside_delete AFTER DELETE ON api_keys WHEN OLD.version <> -1
BEGIN
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES (
        'api_keys',
        CASE WHEN OLD.key GLOB 't4_????????????' THEN OLD.key ELSE 'not a key id' END,
        'delete',
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    );
END;

CREATE TRIGGER api_keys_outside_insert AFTER INSERT ON api_keys WHEN NEW.version < 1
BEGIN
    UPDATE api_keys SET
        version = 1,
        daily_limit_pico =
            CAST(ROUND(MIN(MAX(COALESCE(NEW.daily_limit, 0) * 1.0, 0.0), 9000000.0) * 1e12) AS INTEGER)
    WHERE rowid = NEW.rowid;
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES (
        'api_keys',
        CASE WHEN NEW.key GLOB 't4_????????????' THEN NEW.key ELSE 'not a key id' END,
        'insert',
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    );
END;

CREATE TRIGGER api_keys_outside_update AFTER UPDATE OF
    key, agent_id, owner, scopes, created_at, expires_at, revoked, daily_limit, mac, previous_mac, previous_until,
    nonce, roles, rate_per_minute, daily_limit_pico, time_zone, max_intents, max_stored_bytes, max_idempotency_rows,
    max_audit_bytes_per_day, version, modified_at
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

CREATE TRIGGER intents_outside_delete AFTER DELETE ON intents WHEN OLD.version <> -1
BEGIN
    UPDATE key_usage SET
        intents = MAX(intents - 1, 0),
        intent_bytes = MAX(intent_bytes - (
            128 + COALESCE(length(CAST(OLD.id AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.code AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.type AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.file AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.import_text AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.reason_category AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.reason AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.suggestion AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.owner AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.ticket AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.eta AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.status AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.raw AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.agent_id AS BLOB)), 0)
        ), 0)
    WHERE key_id = OLD.created_by_key;
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES ('intents', COALESCE(OLD.id, ''), 'delete', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;

CREATE TRIGGER intents_outside_insert AFTER INSERT ON intents WHEN NEW.version < 1
BEGIN
    INSERT INTO key_usage (key_id, intents, intent_bytes)
    SELECT
        NEW.created_by_key,
        1,
        128 + COALESCE(length(CAST(NEW.id AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.code AS BLOB)), 0) + COALESCE(length(CAST(NEW.type AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.file AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.import_text AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.reason_category AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.reason AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.suggestion AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.owner AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.ticket AS BLOB)), 0) + COALESCE(length(CAST(NEW.eta AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.status AS BLOB)), 0) + COALESCE(length(CAST(NEW.raw AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.agent_id AS BLOB)), 0)
    WHERE NEW.created_by_key IS NOT NULL
    ON CONFLICT (key_id) DO UPDATE SET
        intents = intents + 1,
        intent_bytes = intent_bytes + excluded.intent_bytes;
    UPDATE intents SET
        version = 1,
        line = CASE typeof(NEW.line) WHEN 'integer' THEN NEW.line WHEN 'real' THEN CAST(NEW.line AS INTEGER) END,
        modified_at = COALESCE(NEW.modified_at, NEW.created_at, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
    WHERE rowid = NEW.rowid;
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES ('intents', COALESCE(NEW.id, ''), 'insert', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;

CREATE TRIGGER intents_outside_update AFTER UPDATE ON intents
WHEN NEW.version <> OLD.version + 1 AND NEW.version <> -1
BEGIN
    UPDATE key_usage SET
        intents = MAX(intents - 1, 0),
        intent_bytes = MAX(intent_bytes - (
            128 + COALESCE(length(CAST(OLD.id AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.code AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.type AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.file AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.import_text AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.reason_category AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.reason AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.suggestion AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.owner AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.ticket AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.eta AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.status AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.raw AS BLOB)), 0)
            + COALESCE(length(CAST(OLD.agent_id AS BLOB)), 0)
        ), 0)
    WHERE key_id = OLD.created_by_key;
    INSERT INTO key_usage (key_id, intents, intent_bytes)
    SELECT
        NEW.created_by_key,
        1,
        128 + COALESCE(length(CAST(NEW.id AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.code AS BLOB)), 0) + COALESCE(length(CAST(NEW.type AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.file AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.import_text AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.reason_category AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.reason AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.suggestion AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.owner AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.ticket AS BLOB)), 0) + COALESCE(length(CAST(NEW.eta AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.status AS BLOB)), 0) + COALESCE(length(CAST(NEW.raw AS BLOB)), 0)
        + COALESCE(length(CAST(NEW.agent_id AS BLOB)), 0)
    WHERE NEW.created_by_key IS NOT NULL
    ON CONFLICT (key_id) DO UPDATE SET
        intents = intents + 1,
        intent_bytes = intent_bytes + excluded.intent_bytes;
    UPDATE intents SET
        version = OLD.version + 1,
        line = CASE typeof(NEW.line) WHEN 'integer' THEN NEW.line WHEN 'real' THEN CAST(NEW.line AS INTEGER) END,
        modified_at = COALESCE(NEW.modified_at, OLD.modified_at)
    WHERE rowid = NEW.rowid;
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES ('intents', COALESCE(NEW.id, ''), 'update', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;

