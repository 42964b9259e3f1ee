-- The tables of the original service, column by column. A database that it wrote has them already.
CREATE TABLE IF NOT EXISTS intents (
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
);
CREATE TABLE IF NOT EXISTS api_keys (
    key TEXT PRIMARY KEY,
    agent_id TEXT,
    owner TEXT,
    scopes TEXT,
    created_at TEXT,
    expires_at TEXT,
    revoked INTEGER DEFAULT 0,
    daily_limit REAL DEFAULT 100.0,
    daily_used REAL DEFAULT 0.0
);
CREATE TABLE IF NOT EXISTS audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT,
    api_key TEXT,
    agent_id TEXT,
    path TEXT,
    method TEXT,
    status_code INTEGER,
    ip TEXT,
    body JSON
);
CREATE TABLE IF NOT EXISTS llm_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT,
    api_key TEXT,
    agent_id TEXT,
    model TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    est_cost REAL
);
