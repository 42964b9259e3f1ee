//! The check before a pull request is opened.

use std::collections::HashSet;

use api_types::{
    MAX_PRE_PR_BYTES, MAX_PRE_PR_CODES, MAX_PRE_PR_FILES, MAX_PRE_PR_PAIRS, PrePrCheck, PrePrResult,
};
use http_out::reqwest::Method;

use crate::{Client, Error};

/// What the pre-PR check does for a file without an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placeholders {
    /// It reserves an intent, which waits for an owner and a ticket.
    Reserve,
    /// It only names the file.
    Leave,
}

impl Client {
    /// Asks whether every file is covered by an intent: one that is planned, committed, implemented or accepted,
    /// of one of the `critical_codes` (any code when that is empty).
    ///
    /// With [`Placeholders::Reserve`], each missing file gets a reserved placeholder, or keeps the one it has.
    /// **Placeholders do not make `ok` true**: somebody must take them first. `missing` lists the files in the
    /// order of the call, each once, `reserved` the placeholders.
    ///
    /// It takes one round trip. More than 5,000 files (fewer with many codes or very long names) go in several calls,
    /// whose results are merged; when a later one fails the whole is an error, and the placeholders of the earlier ones stay.
    ///
    /// # Errors
    /// [`Error::TooMany`] for more than 200 codes. On any error nothing is known about the files: do not take it
    /// for a pass.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// let files = vec!["lukhas/core/foo.py".to_owned()];
    /// let codes = vec!["F821".into(), "F401".into()];
    /// let check = client.pre_pr_check(files, codes, policy_client::Placeholders::Reserve).await?;
    /// for placeholder in &check.reserved {
    ///     println!("{} waits for an owner and a ticket", placeholder.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pre_pr_check(
        &self,
        files: Vec<String>,
        critical_codes: Vec<String>,
        placeholders: Placeholders,
    ) -> Result<PrePrResult, Error> {
        if critical_codes.len() > MAX_PRE_PR_CODES {
            return Err(Error::TooMany { what: "codes", got: critical_codes.len(), max: MAX_PRE_PR_CODES });
        }
        let auto_create_reserved = placeholders == Placeholders::Reserve;
        let mut merged = PrePrResult { ok: true, missing: Vec::new(), reserved: Vec::new() };
        for files in chunks(files, &critical_codes) {
            let body = PrePrCheck { files, critical_codes: critical_codes.clone(), auto_create_reserved };
            let call = self.transport.change(Method::POST, "/intents/pre_pr_check", &body)?;
            let mut part: PrePrResult = self.transport.send(&call).await?.json()?;
            merged.ok &= part.ok && part.missing.is_empty();
            merged.missing.append(&mut part.missing);
            merged.reserved.append(&mut part.reserved);
        }
        Ok(merged)
    }
}

/// The files, each once, in calls of a size that the server takes. No files still make one call: the server is
/// asked whatever comes.
fn chunks(files: Vec<String>, codes: &[String]) -> Vec<Vec<String>> {
    let most_files = MAX_PRE_PR_FILES.min(MAX_PRE_PR_PAIRS / codes.len().max(1));
    let most_bytes = MAX_PRE_PR_BYTES.saturating_sub(codes.iter().map(String::len).sum());
    let mut seen = HashSet::new();
    let mut chunks = Vec::new();
    let mut chunk = Vec::new();
    let mut bytes = 0_usize;
    for file in files {
        if !seen.insert(file.clone()) {
            continue;
        }
        let full = chunk.len() == most_files || bytes.saturating_add(file.len()) > most_bytes;
        if full && !chunk.is_empty() {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes = bytes.saturating_add(file.len());
        chunk.push(file);
    }
    if chunks.is_empty() || !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// No file is lost, repeated or moved, and no call is larger than the server takes.
        #[test]
        fn chunks_hold_every_file_once_in_order(
            lengths in prop::collection::vec(1_usize..2000, 0..200), copies in 1_usize..60,
            codes in prop::collection::vec("[A-Z]{1,100}", 0..=MAX_PRE_PR_CODES)
        ) {
            let names: Vec<_> = lengths.iter().enumerate()
                .flat_map(|(i, len)| (0..copies).map(move |c| format!("{i}-{}-{}", c / 2, "x".repeat(*len))))
                .collect();
            let mut once = names.clone();
            once.dedup();
            let chunks = chunks(names, &codes);
            for chunk in &chunks {
                prop_assert!(chunk.len() <= MAX_PRE_PR_FILES);
                prop_assert!(chunk.len() * codes.len() <= MAX_PRE_PR_PAIRS);
                prop_assert!(chunk.iter().chain(&codes).map(String::len).sum::<usize>() <= MAX_PRE_PR_BYTES);
            }
            prop_assert!(!chunks.is_empty());
            prop_assert_eq!(chunks.concat(), once);
        }
    }
}
