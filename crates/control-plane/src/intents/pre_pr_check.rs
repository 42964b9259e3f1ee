//! `POST /intents/pre_pr_check`: whether every file of a pull request is covered by an intent.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use api_types::{
    Code, IntentView, MAX_PRE_PR_BYTES, MAX_PRE_PR_CODES, MAX_PRE_PR_FILES, MAX_PRE_PR_PAIRS, PrePrCheck,
    PrePrResult,
};
use registry_core::{
    Coverage, Intent, IntentId, Limits, TextError, check_name, check_text, file_path, placeholder_code,
};
use storage::{Inserted, StoreError, Tx, intent_bytes};

use crate::context::{AgentCaller, OpContext};
use crate::error::{ServiceError, short};
use crate::idempotency::{Idempotency, RepeatableChange, commit_noted};
use crate::quotas::Quotas;
use crate::services::Services;
use crate::stored::placeholders_detail;

/// Maximum of the placeholders in one answer, in bytes: thousands that were made here fit, but others may have
/// written more into theirs. `missing` names every file in any case.
const RESULT_BYTES: usize = 4 << 20;

/// Checks every file in one transaction and, when asked, makes one placeholder for each file without an intent.
///
/// # Errors
/// 422 for a list that is too long or too large, or a file that is not a path; 503 for the store.
pub async fn pre_pr_check(
    services: &Services,
    context: OpContext<AgentCaller>,
    body: PrePrCheck,
    idempotency: Option<Idempotency>,
) -> Result<PrePrResult, ServiceError> {
    let prepared = prepare(services, &context.caller, body, context.now);
    let op = RepeatableChange { name: "pre_pr_check".into(), idempotency, status: 200 };
    let defaults = services.settings.quotas;
    let note = |result: &PrePrResult| placeholders_detail(&result.reserved);
    commit_noted(services, context, op, note, move |tx, caller| match &prepared {
        Ok(prepared) => check(tx, prepared, &caller.quotas(defaults)),
        Err(refusal) => Ok(Err(refusal.clone())),
    })
    .await
}

/// A checked body.
struct PreparedCheck {
    codes: BTreeSet<String>,
    /// Placeholders that may be needed: one for each file, with ids that were made before the transaction.
    candidates: Vec<Intent>,
    /// Files as the caller spells them, each spelling once, with the index of their candidate.
    asked: Vec<(String, usize)>,
    /// Whether to make placeholders.
    reserve: bool,
}

/// File that was asked for, in any spelling.
struct KnownFile {
    /// Index of its candidate.
    place: usize,
    /// Whether the caller spelt it in its normal form.
    asked_in_form: bool,
}

fn prepare(
    services: &Services,
    caller: &AgentCaller,
    body: PrePrCheck,
    now: registry_core::Timestamp,
) -> Result<PreparedCheck, ServiceError> {
    let refuse = |what: String| Err(ServiceError::new(Code::InvalidField, what));
    if body.files.len() > MAX_PRE_PR_FILES {
        return refuse(format!("`files` takes at most {MAX_PRE_PR_FILES} files, got {}", body.files.len()));
    }
    if body.critical_codes.len() > MAX_PRE_PR_CODES {
        let got = body.critical_codes.len();
        return refuse(format!("`critical_codes` takes at most {MAX_PRE_PR_CODES} codes, got {got}"));
    }
    let pairs = body.files.len().saturating_mul(body.critical_codes.len());
    if pairs > MAX_PRE_PR_PAIRS {
        return refuse(format!(
            "`files` times `critical_codes` may be at most {MAX_PRE_PR_PAIRS}, got {pairs}; check fewer files at once"
        ));
    }
    let bytes: usize = body.files.iter().chain(&body.critical_codes).map(String::len).sum();
    if bytes > MAX_PRE_PR_BYTES {
        return refuse(format!(
            "`files` and `critical_codes` may have {MAX_PRE_PR_BYTES} bytes together, got {bytes}; check fewer files \
             at once"
        ));
    }
    let sentence =
        |field: &str, text: &str, problem: &TextError| format!("`{field}` {problem}: `{}`", short(text));
    for code in &body.critical_codes {
        // A code is searched as older rows may have it; the code of a placeholder is a new one.
        let new = body.auto_create_reserved && *code == placeholder_code(&body.critical_codes);
        let checked =
            if new { check_name(code, Limits::WORD) } else { check_text(code, Limits::WORD, false) };
        if let Err(problem) = checked {
            return refuse(sentence("critical_codes", code, &problem));
        }
    }
    let code = placeholder_code(&body.critical_codes).to_owned();
    let mut candidates = Vec::new();
    // Index of each spelling's candidate; `None` for a repeated spelling. Nothing is copied for a path in its normal
    // form, as nearly all are.
    let mut asked = Vec::with_capacity(body.files.len());
    let mut places: HashMap<Cow<'_, str>, KnownFile> = HashMap::with_capacity(body.files.len());
    let mut other_spellings = HashSet::new();
    for spelling in &body.files {
        let file = match file_path(spelling) {
            Ok(file) => file,
            Err(problem) => return refuse(sentence("files", spelling, &problem)),
        };
        let in_form = matches!(file, Cow::Borrowed(_));
        let known = places.entry(file).or_insert_with_key(|file| {
            let id = IntentId::mint(now, services.entropy.as_ref());
            let agent = caller.agent_id().clone();
            candidates.push(Intent::placeholder(id, code.clone(), file.to_string(), agent, now));
            KnownFile { place: candidates.len() - 1, asked_in_form: false }
        });
        let first = if in_form {
            !std::mem::replace(&mut known.asked_in_form, true)
        } else {
            other_spellings.insert(spelling.as_str())
        };
        asked.push(first.then_some(known.place));
    }
    let asked = body.files.into_iter().zip(asked).filter_map(|(file, place)| Some((file, place?))).collect();
    let codes = body.critical_codes.into_iter().collect();
    Ok(PreparedCheck { codes, candidates, asked, reserve: body.auto_create_reserved })
}

fn check(
    tx: &mut dyn Tx,
    prepared: &PreparedCheck,
    quotas: &Quotas<'_>,
) -> Result<Result<PrePrResult, ServiceError>, StoreError> {
    let mut covered = Vec::with_capacity(prepared.candidates.len());
    let mut reserved = Vec::new();
    let mut bytes = 0;
    let mut show = |intent: Intent| {
        if bytes < RESULT_BYTES {
            bytes += intent_bytes(&intent);
            reserved.push(IntentView::from(intent));
        }
    };
    let mut placeholders = Vec::new();
    for candidate in &prepared.candidates {
        let file = candidate.file.as_deref().unwrap_or_default();
        let found = tx.coverage(file, &prepared.codes)?;
        covered.push(found == Coverage::Covered);
        match found {
            Coverage::Reserved(waiting) => show(*waiting),
            Coverage::Missing if prepared.reserve => {
                placeholders.push(candidate);
                show(candidate.clone());
            }
            Coverage::Covered | Coverage::Missing => {}
        }
    }
    let is_missing = |place: usize| covered.get(place) == Some(&false);
    let asked = prepared.asked.iter().filter(|(_, place)| is_missing(*place));
    let missing: Vec<_> = asked.map(|(spelling, _)| spelling.clone()).collect();
    if let Err(refusal) = quotas.may_create(tx, placeholders.iter().copied())? {
        return Ok(Err(refusal));
    }
    for placeholder in placeholders {
        if tx.insert_intent(placeholder, &[0; 32], Some(quotas.key_id))? != Inserted::Yes {
            // Eighty random bits met an existing id: the caller may simply retry.
            return Err(StoreError::Unavailable("a minted id was taken".to_owned()));
        }
    }
    Ok(Ok(PrePrResult { ok: missing.is_empty(), missing, reserved }))
}
