//! Conformance suite that every backend must pass.
//!
//! A backend's tests implement [`Backend`] and call [`conformance!`](crate::conformance), which makes a `#[test]` of
//! every case. [`delegate_store!`](crate::delegate_store) is for tests of other crates. The suite does not know how a
//! backend stores its data.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "these are tests, whose way to fail is to panic"
)]

pub mod audit_log;
pub mod coverage;
mod delegate;
mod fixtures;
pub mod idempotency;
pub mod intent_lists;
pub mod intents;
pub mod jobs;
pub mod keys;
pub mod ledger;
mod ledger_fixtures;
pub mod ledger_holds;
pub mod ledger_usage;
pub mod quotas;
pub mod servers;
mod support;

use std::sync::Arc;

#[doc(hidden)]
pub use registry_core::KeyId;

use crate::Store;

/// Backend under test.
pub trait Backend {
    /// Creates a new store: no intents, no keys, and a log that holds only its genesis record.
    ///
    /// It accepts at most 100,000 jobs before it reports that it is busy.
    fn start() -> Self;

    /// Returns the store.
    fn store(&self) -> Arc<dyn Store>;

    /// Recounts what each key has stored, from the rows alone, while the store is open.
    fn recount(&self);

    /// Closes the store and opens it again on the same data. Nothing else holds the store.
    fn reopen(&mut self);

    /// Opens another server on the same data, at the same time.
    fn second(&self) -> Arc<dyn Store>;

    /// Has every acknowledged record sealed. A backend that seals in the transaction does nothing here.
    fn settle_log(&self) {}
}

/// Makes one `#[test]` of each case of the suite, for a type that is a [`Backend`](crate::testing::Backend).
#[macro_export]
macro_rules! conformance {
    ($backend:ty) => {
        $crate::conformance!(@module $backend, intents: [
            an_inserted_intent_is_read_back_whole,
            a_taken_id_is_told_with_what_is_there,
            an_update_needs_the_version_before,
            a_deleted_intent_is_gone_and_its_id_free,
            a_write_sees_what_it_wrote,
        ]);
        $crate::conformance!(@module $backend, intent_lists: [
            pages_of_a_file_go_by_line_and_show_each_intent_once,
            pages_of_an_owner_show_the_newest_change_first,
            stale_intents_are_the_open_ones_that_nobody_touched,
            a_scan_finds_what_fits_part_by_part,
            counting_shows_each_intent_once,
        ]);
        $crate::conformance!(@module $backend, coverage: [
            a_file_is_covered_by_an_intent_of_a_critical_code,
            the_first_placeholder_by_line_and_id_waits,
            a_crowd_of_intents_changes_no_answer,
        ]);
        $crate::conformance!(@module $backend, keys: [
            a_key_is_read_back_whole,
            a_taken_key_id_is_told,
            an_update_of_a_key_needs_the_version_before,
            keys_are_listed_by_their_ids,
            a_change_of_a_key_is_seen_by_the_writes_after_it,
        ]);
        $crate::conformance!(@module $backend, idempotency: [
            what_is_remembered_is_recalled_for_its_caller_and_operation_alone,
            old_keys_are_forgotten_a_few_at_a_time,
        ]);
        $crate::conformance!(@module $backend, audit_log: [
            a_record_is_read_back_whole,
            sixty_four_writers_leave_one_log_without_gaps,
            a_refusal_that_is_a_value_commits_its_record,
            an_error_leaves_neither_change_nor_record,
            pages_show_the_newest_row_first_and_obey_the_filter,
            the_newest_checkpoint_is_kept,
        ]);
        $crate::conformance!(@module $backend, ledger: [
            accounts_begin_empty_and_add_up,
            an_account_never_holds_less_than_nothing,
            a_failed_job_leaves_the_ledger_as_it_was,
            at_once_exactly_what_fits_is_held,
            totals_count_what_is_under_way,
            what_a_key_has_spent_moves_neither_version_nor_epoch,
        ]);
        $crate::conformance!(@module $backend, ledger_holds: [
            a_hold_is_read_back_whole,
            a_taken_hold_is_told_and_a_removed_one_is_gone,
            a_hold_is_orphaned_once,
            a_renewal_moves_the_leases_of_its_server_alone,
            expired_holds_come_oldest_first_and_a_few_at_a_time,
            old_orphans_are_forgotten_a_few_at_a_time,
            holds_are_listed_by_their_ids,
            two_keys_may_use_one_name,
        ]);
        $crate::conformance!(@module $backend, ledger_usage: [
            a_usage_row_is_read_back_whole,
            a_hold_has_one_usage_row,
            an_amended_usage_row_says_the_new_numbers,
            lists_of_usage_obey_the_filter,
            lists_of_usage_obey_times_in_whatever_order_rows_came,
            a_visit_of_usage_stops_where_it_says,
            an_account_is_alerted_once_per_percent,
            a_reopened_store_has_the_whole_ledger,
        ]);
        $crate::conformance!(@module $backend, quotas: [
            intents_count_for_the_key_that_created_them,
            an_intent_of_no_key_counts_for_the_one_that_a_change_names,
            idempotency_keys_count_until_they_are_forgotten,
            a_job_that_fails_counts_for_nothing,
            the_last_place_is_given_once,
            rows_of_the_log_count_for_the_key_that_they_name,
            counts_are_always_those_of_a_recount,
        ]);
        $crate::conformance!(@module $backend, servers: [
            two_servers_write_one_log,
            two_servers_give_the_last_place_once,
            a_change_of_a_key_moves_the_epoch_of_the_other_server,
        ]);
        $crate::conformance!(@module $backend, jobs: [
            a_panic_leaves_the_others_committed_and_answered,
            an_error_is_rolled_back_alone,
            a_job_whose_caller_is_gone_is_not_begun,
            a_full_queue_refuses_and_control_jobs_still_find_a_place,
            a_full_share_refuses_its_key_alone,
            others_and_control_jobs_go_before_a_crowd,
            a_job_past_its_deadline_fails_alone,
            a_job_past_its_deadline_writes_nothing_more,
            an_acknowledged_write_is_seen_by_the_next_view,
            a_view_is_one_snapshot,
            the_error_of_a_view_reaches_its_caller,
            a_view_that_panics_leaves_the_store_usable,
            a_closed_store_takes_no_job,
            what_waits_at_the_close_is_committed,
            a_reopened_store_has_everything,
            commits_and_epochs_are_counted,
            a_change_of_a_key_is_seen_within_its_commit,
        ]);
    };
    (@module $backend:ty, $module:ident: [$($case:ident),* $(,)?]) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::testing::$module::$case::<$backend>();
                }
            )*
        }
    };
}
