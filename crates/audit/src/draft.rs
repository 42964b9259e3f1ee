//! Unfinished record of a request or a tool run.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use registry_core::{KnownSecrets, Network, RequestId, Timestamp};

use crate::anonymous::row_bytes;
use crate::redact::{redact_detail, redact_log_text, redact_path, redact_text};
use crate::{Actor, Body, Outcome, Principal, Record, Refusals, event, who_of};

/// Longest path, and longest query, that is recorded, in bytes.
const MAX_PATH_BYTES: usize = 1024;
/// Like [`MAX_PATH_BYTES`], for a request without credentials: anyone can send any number of these.
const MAX_ANONYMOUS_PATH_BYTES: usize = 128;
/// Longest method that is recorded, in bytes. HTTP allows invented methods.
const MAX_METHOD_BYTES: usize = 32;

/// Decision about the row of a draft.
#[derive(Debug, Default)]
enum RowDecision {
    /// Not decided.
    #[default]
    Open,
    /// The draft gets a row.
    Row,
    /// It was counted under this name and code, and gets no row.
    Counted {
        /// Name of the refused caller.
        who: String,
        /// Code of the refusal.
        code: String,
    },
    /// It was counted as a request without credentials. This is final, because no transaction carries such a draft.
    CountedAnonymous,
}

/// Unfinished record of one request or tool run.
///
/// It has one owner at a time, and only the owner may record it: see [`crate::DraftSlot`].
#[derive(Debug)]
pub struct Draft {
    /// Everything but the outcome.
    record: Record,
    request_id: Option<RequestId>,
    principal: Principal,
    ip: Option<IpAddr>,
    aggregator: Option<Arc<Refusals>>,
    decision: RowDecision,
    secrets: KnownSecrets,
}

impl Draft {
    /// Creates the draft of an HTTP request. Path and query are redacted, then cut to 1 KiB each. The caller must
    /// have removed known secrets from them.
    #[must_use]
    pub fn request(
        at: Timestamp,
        request_id: RequestId,
        method: &str,
        raw_path_and_query: &str,
        ip: Option<IpAddr>,
    ) -> Self {
        let mut draft = Self::open(Record::of(event::REQUEST, at, Actor::Anonymous), Principal::ANONYMOUS);
        let ip = ip.map(|ip| ip.to_canonical());
        // The id and the method are the caller's text too.
        draft.record.request_id = Some(redact_text(request_id.as_str()).into_owned());
        draft.record.method = Some(cut(&redact_text(method), MAX_METHOD_BYTES).to_owned());
        draft.record.path = Some(bounded(&redact_path(raw_path_and_query), MAX_PATH_BYTES));
        draft.record.ip = ip.map(|ip| ip.to_string());
        draft.request_id = Some(request_id);
        draft.ip = ip;
        draft
    }

    /// Creates the draft of a tool run on the database file. A person who can open the file is an administrator.
    #[must_use]
    pub fn tool(at: Timestamp, command: &str) -> Self {
        let mut draft = Self::open(Record::of(event::TOOL, at, Actor::Admin), Principal::ADMIN);
        draft.set_route(&redact_log_text(command));
        draft
    }

    /// Creates the draft of background work of the server. `detail` is JSON text.
    #[must_use]
    pub fn system(at: Timestamp, event: &'static str, detail: String) -> Self {
        let mut draft = Self::open(Record::of(event, at, Actor::System), Principal::SYSTEM);
        draft.set_detail(detail);
        draft
    }

    /// Creates the draft of a further row about the same request or run. The principal and the request are kept, the
    /// body is not. It always gets a row: it is never only counted.
    #[must_use]
    pub fn follow_up(&self, at: Timestamp, event: &'static str) -> Self {
        let record = Record {
            event: event.into(),
            timestamp: at,
            status_code: None,
            body_bytes: 0,
            body_kept: false,
            body_sha256: None,
            body: None,
            detail: None,
            ..self.record.clone()
        };
        Self {
            record,
            request_id: self.request_id.clone(),
            principal: self.principal.clone(),
            ip: self.ip,
            aggregator: None,
            decision: RowDecision::Open,
            secrets: self.secrets.clone(),
        }
    }

    /// Creates the draft of work that an agent's program does on the database file, without a request.
    #[must_use]
    pub fn agent(at: Timestamp, event: &'static str, principal: Principal) -> Self {
        let mut draft = Self::open(Record::of(event, at, principal.actor), Principal::SYSTEM);
        draft.set_principal(principal);
        draft
    }

    fn open(record: Record, principal: Principal) -> Self {
        Self {
            record,
            request_id: None,
            principal,
            ip: None,
            aggregator: None,
            decision: RowDecision::Open,
            secrets: KnownSecrets::default(),
        }
    }

    /// Sets secrets that are removed by value from the details of this draft and of further rows.
    pub fn set_secrets(&mut self, secrets: KnownSecrets) {
        self.secrets = secrets;
    }

    /// Returns the secrets that are removed from the details of this request.
    #[must_use]
    pub const fn secrets(&self) -> &KnownSecrets {
        &self.secrets
    }

    /// Sets the template of the route, such as `/intents/{id}`.
    pub fn set_route(&mut self, route: &str) {
        self.record.route = Some(cut(route, MAX_PATH_BYTES).to_owned());
    }

    /// Sets a path that is known to hold no secret, such as one with the key id in place of the key. It is cut, not
    /// redacted.
    pub fn set_path(&mut self, clean: &str) {
        self.record.path = Some(bounded(clean, MAX_PATH_BYTES));
    }

    /// Sets the principal, once it is known.
    pub fn set_principal(&mut self, principal: Principal) {
        self.record.actor = principal.actor;
        self.record.api_key = principal.key_id.as_ref().map(|id| id.as_str().to_owned());
        self.record.agent_id = principal.agent_id.as_ref().map(|id| id.as_str().to_owned());
        self.principal = principal;
    }

    /// Sets what is kept of the body.
    pub fn set_body(&mut self, body: Body) {
        self.record.body_kept = body.text.is_some();
        self.record.body_bytes = body.bytes;
        self.record.body_sha256 = body.sha256;
        self.record.body = body.text;
    }

    /// Sets the detail, as JSON text. Secrets are recognised by their shape alone, because the field names here are
    /// the server's.
    pub fn set_detail(&mut self, detail: String) {
        self.record.detail = Some(self.clean_detail(detail));
    }

    fn clean_detail(&self, detail: String) -> String {
        let detail = match self.secrets.clean(&detail) {
            Cow::Borrowed(_) => detail,
            Cow::Owned(cleaned) => cleaned,
        };
        redact_detail(detail)
    }

    /// Sets the counter for refusals and requests without credentials.
    pub fn set_aggregator(&mut self, aggregator: Arc<Refusals>) {
        self.aggregator = Some(aggregator);
    }

    /// Returns the request id; a tool run has none.
    #[must_use]
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// Returns the principal, as far as it is known.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the request was counted and has no row.
    pub(crate) fn was_counted(&self) -> bool {
        matches!(self.decision, RowDecision::Counted { .. } | RowDecision::CountedAnonymous)
    }

    /// Creates the draft that remains in place of one that was taken out.
    pub(crate) fn blank() -> Self {
        Self::open(Record::of(event::REQUEST, Timestamp::EPOCH, Actor::Anonymous), Principal::ANONYMOUS)
    }

    /// Returns the record for an outcome; `None` when the request was only counted. `detail`, as JSON text, replaces
    /// the draft's detail.
    ///
    /// A transaction may run again, so this may be called again, and nothing of an earlier call is in the record.
    /// Only the decision whether a refusal is counted is made once. An outcome that is no refusal always gives a
    /// record for a known caller, and takes back what an earlier run had counted.
    pub fn close(
        &mut self,
        outcome: &Outcome,
        detail: Option<String>,
        now_monotonic_micros: u64,
    ) -> Option<Record> {
        if !self.gets_a_row(outcome, now_monotonic_micros) {
            return None;
        }
        let mut record = self.record.clone();
        if let Some(detail) = detail {
            record.detail = Some(self.clean_detail(detail));
        }
        // The outcome of a tool has no HTTP status; its code says all.
        record.status_code = self.request_id.as_ref().map(|_| outcome.status);
        outcome.code.as_ref().clone_into(&mut record.outcome);
        Some(record)
    }

    fn gets_a_row(&mut self, outcome: &Outcome, now_monotonic_micros: u64) -> bool {
        let Some(aggregator) = &self.aggregator else { return true };
        let decision = &mut self.decision;
        if matches!(*decision, RowDecision::CountedAnonymous) {
            return false;
        }
        if self.principal.actor == Actor::Anonymous {
            if let Some(path) = &self.record.path {
                self.record.path = Some(bounded(path, MAX_ANONYMOUS_PATH_BYTES));
            }
            if matches!(*decision, RowDecision::Open) {
                let bytes = row_bytes(&self.record, &outcome.code);
                let network = self.ip.map(Network::of);
                let admitted =
                    aggregator.admit_anonymous(network, &outcome.code, bytes, now_monotonic_micros);
                *decision = if admitted { RowDecision::Row } else { RowDecision::CountedAnonymous };
            }
            return matches!(*decision, RowDecision::Row);
        }
        if !outcome.is_refusal() {
            if let RowDecision::Counted { who, code } = std::mem::take(decision) {
                aggregator.take_back(&who, &code);
            }
            return true;
        }
        if matches!(*decision, RowDecision::Open) {
            let who = who_of(&self.principal, self.ip);
            *decision = if aggregator.admit(&who, &outcome.code, now_monotonic_micros) {
                RowDecision::Row
            } else {
                RowDecision::Counted { who, code: outcome.code.clone().into_owned() }
            };
        }
        matches!(*decision, RowDecision::Row)
    }
}

/// Returns path and query, each cut to what is recorded.
fn bounded(path_and_query: &str, max_bytes: usize) -> String {
    match path_and_query.split_once('?') {
        None => cut(path_and_query, max_bytes).to_owned(),
        Some((path, query)) => format!("{}?{}", cut(path, max_bytes), cut(query, max_bytes)),
    }
}

fn cut(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry_core::{AgentId, KeyId};

    const KEY: &str = "t4_000000000001_0000000000000000000000000000000000000000000dLTI1";

    fn request(path: &str) -> Draft {
        let id = RequestId::sane("req-1").unwrap();
        Draft::request(Timestamp::EPOCH, id, "GET", path, Some("::ffff:192.0.2.7".parse().unwrap()))
    }

    fn agents_request() -> Draft {
        let mut draft = request("/");
        let key_id = KeyId::new("t4_000000000001").unwrap();
        draft.set_principal(Principal::agent(key_id, AgentId::new("agent-1").unwrap()));
        draft
    }

    #[test]
    fn a_request_without_credentials_gets_a_row_or_is_counted_whatever_its_outcome() {
        let refusals = Arc::new(Refusals::new());
        let close = || {
            let mut draft = request(&format!("/{}?{}", "p.".repeat(400), "q.".repeat(400)));
            draft.set_aggregator(Arc::clone(&refusals));
            let record = draft.close(&Outcome::ok(200), None, 0);
            assert_eq!(draft.was_counted(), record.is_none());
            // The decision is made once.
            assert_eq!(draft.close(&Outcome::refused(404, "x"), None, 0).is_some(), record.is_some());
            record
        };
        let rows: Vec<_> = (0..100).filter_map(|_| close()).collect();
        assert_eq!(rows.len(), 10);
        let path = rows[0].path.as_deref().unwrap();
        assert_eq!(path.split_once('?').map(|(path, query)| (path.len(), query.len())), Some((128, 128)));
        assert_eq!(refusals.drain_all(0, Timestamp::EPOCH).iter().map(|row| row.count).sum::<u64>(), 90);
    }

    #[test]
    fn a_closed_request_says_who_what_and_how_it_ended() {
        let mut draft = request("/intents/7?limit=5");
        draft.set_route("/intents/{id}");
        let key_id = KeyId::new("t4_000000000001").unwrap();
        draft.set_principal(Principal::agent(key_id, AgentId::new("agent-1").unwrap()));
        draft.set_body(Body::json(br#"{"a":1}"#));
        draft.set_detail(r#"{"key":"row 7"}"#.to_owned());
        let record = draft.close(&Outcome::refused(404, "intent_not_found"), None, 0).unwrap();
        assert_eq!(record.request_id.as_deref(), Some("req-1"));
        assert_eq!((record.actor, record.api_key.as_deref()), (Actor::Agent, Some("t4_000000000001")));
        assert_eq!(record.agent_id.as_deref(), Some("agent-1"));
        assert_eq!((record.method.as_deref(), record.route.as_deref()), (Some("GET"), Some("/intents/{id}")));
        assert_eq!(record.path.as_deref(), Some("/intents/7?limit=5"));
        assert_eq!(record.ip.as_deref(), Some("192.0.2.7"));
        assert_eq!((record.status_code, record.outcome.as_str()), (Some(404), "intent_not_found"));
        assert_eq!((record.body_kept, record.body_bytes), (true, 7));
        assert_eq!(record.body.as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(record.detail.as_deref(), Some(r#"{"key":"row 7"}"#));
    }

    #[test]
    fn no_text_of_the_caller_carries_a_secret_into_the_record() {
        let id = RequestId::sane(KEY.trim_end_matches('1')).unwrap();
        let path = format!("/{KEY}?admin_token=hunter2&{KEY}");
        let mut draft = Draft::request(Timestamp::EPOCH, id, &format!("X-{KEY}"), &path, None);
        draft.set_detail(format!("{{\"a\":\"\\n{KEY}\"}}"));
        let text = format!("{:?}", draft.close(&Outcome::ok(200), None, 0).unwrap());
        assert!(!text.contains("00000000000000000000000000"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let mut tool =
            Draft::tool(Timestamp::EPOCH, &format!("admin-keys revoke {KEY} --admin-token=hunter2"));
        let record = tool.close(&Outcome::ok(0), None, 0).unwrap();
        let command = "admin-keys revoke t4_000000000001_[redacted] --admin-token=[redacted]";
        assert_eq!((record.route.as_deref(), record.status_code), (Some(command), None));
    }

    #[test]
    fn a_known_secret_is_removed_from_the_details_of_a_draft_and_of_what_follows_it() {
        let mut draft = request("/");
        draft.set_secrets(KnownSecrets::new(["an-innocent-word"], []));
        let mut next = draft.follow_up(Timestamp::EPOCH, event::LLM_OUTCOME);
        for draft in [&mut draft, &mut next] {
            draft.set_detail(r#"{"model":"an-\u0069nnocent-word"}"#.to_owned());
            let record = draft.close(&Outcome::ok(200), None, 0).unwrap();
            assert_eq!(record.detail.as_deref(), Some(r#"{"model":"[redacted]"}"#));
        }
    }

    #[test]
    fn path_and_query_are_cut_to_1_kib_each_on_whole_characters() {
        let path = request(&format!("/{}?{}", "é.".repeat(4000), "a.".repeat(4000)))
            .close(&Outcome::ok(200), None, 0)
            .and_then(|record| record.path)
            .unwrap();
        let (path, query) = path.split_once('?').unwrap();
        assert_eq!((path.len(), query.len()), (1024, 1024));
    }

    #[test]
    fn a_refusal_is_counted_once_however_often_its_transaction_runs() {
        let refusals = Arc::new(Refusals::new());
        for _ in 0..Refusals::ROWS_PER_WINDOW {
            assert!(refusals.admit("t4_000000000001", "rate_limited", 0));
        }
        let mut draft = agents_request();
        draft.set_aggregator(Arc::clone(&refusals));
        for _ in 0..3 {
            assert_eq!(draft.close(&Outcome::refused(429, "rate_limited"), None, 0), None);
        }
        assert_eq!(draft.close(&Outcome::refused(503, "store_busy"), None, 0), None);
        let rows = refusals.drain_all(0, Timestamp::EPOCH);
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 1);
    }

    #[test]
    fn an_outcome_that_is_no_refusal_gets_its_row_and_takes_the_count_back() {
        let refusals = Arc::new(Refusals::new());
        for _ in 0..Refusals::ROWS_PER_WINDOW {
            assert!(refusals.admit("t4_000000000001", "x", 0));
        }
        let mut draft = agents_request();
        draft.set_aggregator(Arc::clone(&refusals));
        assert_eq!(draft.close(&Outcome::refused(409, "x"), None, 0), None);
        assert!(draft.close(&Outcome::ok(201), None, 0).is_some());
        assert_eq!(refusals.drain_all(0, Timestamp::EPOCH), []);
    }

    #[test]
    fn a_second_run_has_nothing_of_the_detail_of_the_first() {
        let mut draft = agents_request();
        let detail = |draft: &mut Draft, detail: Option<&str>| {
            let record = draft.close(&Outcome::ok(200), detail.map(str::to_owned), 0);
            record.unwrap().detail
        };
        assert_eq!(detail(&mut draft, Some(r#"{"run":1}"#)).as_deref(), Some(r#"{"run":1}"#));
        assert_eq!(detail(&mut draft, None), None);
        draft.set_detail(r#"{"before":true}"#.to_owned());
        assert_eq!(detail(&mut draft, Some(r#"{"run":2}"#)).as_deref(), Some(r#"{"run":2}"#));
        assert_eq!(detail(&mut draft, None).as_deref(), Some(r#"{"before":true}"#));
    }

    #[test]
    fn a_refusal_that_was_given_a_row_keeps_it_on_a_later_run() {
        let refusals = Arc::new(Refusals::new());
        let mut draft = agents_request();
        draft.set_aggregator(Arc::clone(&refusals));
        assert!(draft.close(&Outcome::refused(409, "x"), None, 0).is_some());
        while refusals.admit("t4_000000000001", "x", 0) {}
        assert!(draft.close(&Outcome::refused(409, "x"), None, 0).is_some());
    }
}
