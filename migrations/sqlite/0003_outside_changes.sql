-- What somebody changes past this program, with `sqlite3` for example. This program moves `version` by exactly
-- one with every change, inserts with 1 or more and sets -1 before it deletes; whatever does otherwise came from outside.
-- Only built-in functions are used, so that the triggers work in the `sqlite3` tool.
CREATE TRIGGER intents_outside_insert AFTER INSERT ON intents WHEN NEW.version < 1
BEGIN
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
    INSERT INTO outside_changes (table_name, key, kind, at)
    VALUES ('intents', COALESCE(OLD.id, ''), 'delete', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- A key that was inserted by hand may be the secret itself: only what has the form of a key id is written down.
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
CREATE TRIGGER api_keys_outside_update AFTER UPDATE ON api_keys
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
