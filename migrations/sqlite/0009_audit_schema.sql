-- The id of a row of the log follows from its place, and the table is read in the order of ids, so that no index decides
-- which rows are seen. What remains to be found by an index is the newest row that states the schema.
DROP INDEX idx_audit_log_seq;
CREATE INDEX idx_audit_log_statement ON audit_log (id) WHERE event = 'genesis' OR event = 'schema';
