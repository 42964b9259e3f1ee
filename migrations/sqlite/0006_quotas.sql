-- What a key may keep, where that differs from the server's defaults, and what is stored under its name. The counts are
-- changed in the transaction that changes the rows. An intent counts its texts and 128 bytes, an idempotency key its
-- texts and 128 bytes. `audit_day` is in days since 1970-01-01, UTC.
ALTER TABLE api_keys ADD COLUMN max_intents INTEGER;
ALTER TABLE api_keys ADD COLUMN max_stored_bytes INTEGER;
ALTER TABLE api_keys ADD COLUMN max_idempotency_rows INTEGER;
ALTER TABLE api_keys ADD COLUMN max_audit_bytes_per_day INTEGER;
ALTER TABLE intents ADD COLUMN created_by_key TEXT;
CREATE TABLE key_usage (
    key_id TEXT NOT NULL PRIMARY KEY,
    intents INTEGER NOT NULL DEFAULT 0,
    intent_bytes INTEGER NOT NULL DEFAULT 0,
    idempotency_rows INTEGER NOT NULL DEFAULT 0,
    idempotency_bytes INTEGER NOT NULL DEFAULT 0,
    audit_day INTEGER NOT NULL DEFAULT 0,
    audit_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Intents of before count for the first key of their agent that is still good, and else for its first. What the original
-- service wrote has no agent and counts for nobody.
DROP TRIGGER intents_outside_insert;
DROP TRIGGER intents_outside_update;
DROP TRIGGER intents_outside_delete;
CREATE TEMP TABLE first_keys (agent_id TEXT PRIMARY KEY, key_id TEXT, rank TEXT);
INSERT INTO temp.first_keys
SELECT agent_id, key, MIN((COALESCE(revoked, 0) <> 0) || COALESCE(created_at, ''))
FROM api_keys
WHERE mac IS NOT NULL AND agent_id IS NOT NULL
GROUP BY agent_id;
UPDATE intents SET created_by_key = (SELECT key_id FROM temp.first_keys AS f WHERE f.agent_id = intents.agent_id)
WHERE agent_id IS NOT NULL;
DROP TABLE temp.first_keys;
INSERT INTO key_usage (key_id, intents, intent_bytes)
SELECT
    created_by_key,
    COUNT(*),
    SUM(
        128 + COALESCE(length(CAST(id AS BLOB)), 0) + COALESCE(length(CAST(code AS BLOB)), 0)
        + COALESCE(length(CAST(type AS BLOB)), 0) + COALESCE(length(CAST(file AS BLOB)), 0)
        + COALESCE(length(CAST(import_text AS BLOB)), 0)
        + COALESCE(length(CAST(reason_category AS BLOB)), 0)
        + COALESCE(length(CAST(reason AS BLOB)), 0) + COALESCE(length(CAST(suggestion AS BLOB)), 0)
        + COALESCE(length(CAST(owner AS BLOB)), 0) + COALESCE(length(CAST(ticket AS BLOB)), 0)
        + COALESCE(length(CAST(eta AS BLOB)), 0) + COALESCE(length(CAST(status AS BLOB)), 0)
        + COALESCE(length(CAST(raw AS BLOB)), 0) + COALESCE(length(CAST(agent_id AS BLOB)), 0)
    )
FROM intents
WHERE created_by_key IS NOT NULL
GROUP BY created_by_key;
INSERT INTO key_usage (key_id, idempotency_rows, idempotency_bytes)
SELECT
    caller,
    COUNT(*),
    SUM(
        128 + length(CAST(operation AS BLOB)) + length(CAST(key AS BLOB)) + length(CAST(outcome AS BLOB))
    )
FROM idempotency
WHERE true
GROUP BY caller
ON CONFLICT (key_id) DO UPDATE SET
    idempotency_rows = excluded.idempotency_rows,
    idempotency_bytes = excluded.idempotency_bytes;

-- As they were; an intent that is changed past this program changes the counts as well. The columns that the inner
-- updates write are not among the texts that count.
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

-- As it was, with the columns of the quotas.
DROP TRIGGER api_keys_outside_update;
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
