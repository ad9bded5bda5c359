//! Every rule on every store, through every framework.

#![allow(missing_docs, clippy::unwrap_used)]

use waxseal_conformance::{Bench, Framework, StoreKind, hosted, rules};

macro_rules! suite {
    ($($module:ident: $store:ident, $framework:ident;)*) => {
        $(suite!(@module $module, $store, $framework, {
            r01_a_bad_cookie_is_an_empty_session_without_a_database_call
            r01_of_several_cookies_the_first_few_are_tried
            r01_of_several_authentic_cookies_the_live_one_counts
            r01_a_sign_in_ends_the_other_presented_sessions
            r01_all_authentic_cookies_count
            r07_what_follows_a_sign_out_is_a_new_sessions
            r08_what_is_taken_once_is_taken_once
            r14_a_sign_in_commits_only_below_400
            r15_a_node_without_the_new_key_ends_nothing
            r20_a_sign_in_that_was_overtaken_by_a_revocation_is_refused
            r20_a_request_that_ends_the_others_first_keeps_its_session
            r20_a_refused_sign_in_leaves_the_present_session
            r20_a_sign_out_whose_answer_is_lost_is_repeated
            r20_a_revocation_takes_effect_though_its_request_is_cancelled
            r21_a_store_that_does_not_answer_is_503_within_the_bound
            r19_the_cookie_names_the_newest_generation_where_answers_may_be_old
            r24_a_node_whose_clock_is_wrong_signs_nobody_out
            r24_a_node_whose_clock_is_wrong_lets_nobody_in
            r24_a_node_whose_clock_is_wrong_replaces_no_cookie
            a_sign_in_too_many_ends_the_oldest_session
            a_sign_in_too_many_is_refused_where_that_is_asked_for
            a_session_that_shorter_timeouts_have_ended_is_not_counted
            sign_ins_at_once_count_each_other
            another_systems_session_is_adopted
            an_adoption_happens_once
            what_is_not_live_in_the_old_system_is_nobody
            an_old_system_that_fails_is_a_503
            a_sign_out_ends_the_old_session_too
            r25_cookies_under_former_names_still_open
            r25_a_value_that_no_longer_fits_costs_that_value_alone
            r02_an_id_that_was_not_issued_is_never_adopted
            r03_expired_at_equality_by_the_idle_timeout
            r03_expired_at_equality_by_the_lifetime_however_active
            r03_the_core_decides_expiry_after_every_load
            r03_an_answer_that_comes_too_late_is_no_proof_of_an_expiry
            r03_a_browser_that_missed_a_reissued_cookie_stays_signed_in
            r04_refusals_look_the_same
            r05_a_stolen_database_reads_nothing
            r06_a_row_that_was_moved_or_changed_is_no_session
            r07_a_save_after_a_sign_out_does_not_bring_the_session_back
            r07_an_unread_write_does_not_outlive_the_session_either
            r07_a_write_long_after_the_end_starts_a_new_session
            r07_a_save_after_a_renewal_changes_neither_session
            r07_a_save_after_the_expiry_does_not_bring_the_session_back
            r07_a_late_sign_in_starts_afresh_without_the_old_data
            r08_changes_of_different_keys_both_land
            r08_no_increment_is_lost
            r08_a_lost_answer_does_not_count_twice
            r08_a_change_that_takes_effect_late_does_not_count_twice
            r09_a_failing_store_is_503_never_a_logout
            r09_no_extractor_takes_a_failing_store_for_nobody
            r09_a_failed_commit_carries_nothing_of_the_handlers
            r09_the_application_chooses_the_page_of_a_failure
            r09_a_failing_touch_fails_nothing
            r09_a_lost_answer_is_not_a_lost_session
            r09_a_load_that_fails_after_a_sign_in_is_repeated
            r10_reads_never_write_but_one_touch_per_interval
            r10_of_requests_at_once_one_touches
            r10_a_late_touch_does_not_overwrite_a_renewed_cookie
            r10_a_late_touch_does_not_send_older_claims
            r10_an_early_saves_cookie_does_not_overwrite_a_newer_one
            r10_a_touch_counts_though_its_cookie_cannot_be_made
            r11_statements_are_as_few_as_can_be
            r12_flags_and_changes_are_independent_of_their_order
            r12_renewal_alone_kills_the_old_cookie_and_keeps_times
            r12_a_sign_in_of_another_user_starts_without_the_first_ones_data
            r13_the_removal_is_the_cookie_with_its_flags
            r13_a_removal_is_sent_whatever_is_recorded_after_it
            r13_a_dead_cookie_is_ignored_not_removed
            labels_are_written_once_and_stay_with_their_user
            r14_a_server_error_discards_all_but_a_sign_out
            r14_every_other_status_commits_also_an_err
            r14_a_save_that_was_given_up_is_told
            r14_the_policy_can_be_to_commit_always
            r15_keys_rotate_without_a_logout
            r16_headers_go_with_the_session
            r16_no_shared_cache_keeps_a_session_cookie
            r16_claims_travel_when_they_change
            r17_what_is_too_large_is_an_error_before_anything_is_written
            r17_data_up_to_the_default_bound_are_kept
            r18_stateless_sessions_keep_the_rules_that_need_no_row
            remembered_sessions_keep_their_terms
            a_cookie_lasts_as_its_session_was_made
            terms_over_the_bounds_are_refused
            r19_a_row_older_than_its_cookie_is_refused_unless_the_policy_accepts_it
            r19_a_restored_row_that_has_expired_is_accepted_with_its_cookies_expiry
            r25_a_deploy_that_shortens_the_timeouts_binds_old_sessions
            r25_a_deploy_that_lengthens_the_timeouts_leaves_old_sessions_as_they_are
            tickets_of_stateless_sessions_and_of_sessions_with_a_store_do_not_mix
            devices_are_listed_and_signed_out
            revoking_settles_the_sign_in_before
            revoking_needs_a_live_session
            discard_forgets_this_requests_changes
            reads_see_the_requests_own_writes
            save_lands_at_once
            bad_subjects_and_values_are_refused_with_nothing_lost
        });)*
    };
    (@module $module:ident, $store:ident, $framework:ident, { $($rule:ident)* }) => {
        suite!(@of rules, $module, $store, $framework, { $($rule)* });
    };
    (@of $of:ident, $module:ident, $store:ident, $framework:ident, { $($rule:ident)* }) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let test = concat!(stringify!($module), "_", stringify!($rule));
                    let Some(bench) = Bench::open(StoreKind::$store, Framework::$framework, test).await else { return };
                    $of::$rule(&bench).await;
                    bench.close().await;
                }
            )*
        }
    };
}

suite! {
    memory_engine: Memory, Engine;
    memory_poem: Memory, Poem;
    memory_salvo: Memory, Salvo;
    memory_axum: Memory, Axum;
    sqlite_engine: Sqlite, Engine;
    sqlite_poem: Sqlite, Poem;
    sqlite_salvo: Sqlite, Salvo;
    sqlite_axum: Sqlite, Axum;
    postgres_engine: Postgres, Engine;
    postgres_poem: Postgres, Poem;
    postgres_salvo: Postgres, Salvo;
    postgres_axum: Postgres, Axum;
    mariadb_engine: MariaDb, Engine;
    mariadb_poem: MariaDb, Poem;
    mariadb_salvo: MariaDb, Salvo;
    mariadb_axum: MariaDb, Axum;
    cached_memory_engine: CachedMemory, Engine;
    cached_postgres_engine: CachedPostgres, Engine;
    replicated_engine: Replicated, Engine;
}

macro_rules! together {
    ($($module:ident: $store:ident;)*) => {
        $(suite!(@module $module, $store, Engine, {
            a_cookie_is_good_in_every_framework_and_at_the_edge
        });)*
    };
}

together! {
    sqlite_together: Sqlite;
    postgres_together: Postgres;
    mariadb_together: MariaDb;
}

suite!(@module handles, Memory, Engine, {
    what_a_clone_records_during_a_save_is_saved_too
    a_clones_sign_out_during_a_save_is_heard
    a_clones_sign_in_while_its_session_is_lost_counts
    discarding_during_a_save_keeps_what_comes_after
    late_saves_keep_data_and_refuse_cookies
    an_update_closure_may_use_its_own_session
    r21_requests_that_hang_up_leave_nothing_behind
    r22_failures_are_told
});

macro_rules! hosts {
    ($($module:ident: $store:ident;)*) => {
        $(suite!(@of hosted, $module, $store, Engine, {
            hosted_sessions_come_back_as_they_went
            hosted_saves_never_bring_a_session_back
            hosted_sessions_expire
            hosted_touches_are_throttled
            hosted_touches_of_one_second
            hosted_saves_at_once_all_land
            hosted_rows_that_were_changed_are_no_session
            hosted_failures_lose_nothing
            hosted_sessions_share_the_table
        });)*
    };
}

hosts! {
    memory_hosted: Memory;
    sqlite_hosted: Sqlite;
    postgres_hosted: Postgres;
    mariadb_hosted: MariaDb;
}

macro_rules! stores {
    ($($module:ident: $store:ident;)*) => {
        $(suite!(@module $module, $store, Engine, {
            a_save_once_begun_runs_to_its_end
            store_rows_come_back_as_they_went
            store_inserts_never_overwrite
            store_updates_need_the_generation_and_a_live_row
            store_touches_move_times_forward_only
            store_rotation_is_all_or_nothing
            store_of_rotations_at_once_one_wins
            store_subjects_are_compared_byte_by_byte
            store_sweeps_expired_rows_in_batches
            store_remembers_for_a_while_what_was_ended
            store_loads_and_ends_many_at_once
            store_lists_come_in_pages
            store_counts_a_subjects_sessions
            a_handler_that_runs_on_hears_of_the_end_of_its_session
            a_failing_store_does_not_end_a_stream
            a_session_is_read_anew_on_request
            the_feed_names_the_sessions_that_ended
            store_tells_what_has_ended
        });)*
    };
}

stores! {
    memory_store: Memory;
    sqlite_store: Sqlite;
    postgres_store: Postgres;
    mariadb_store: MariaDb;
    cached_memory_store: CachedMemory;
    cached_postgres_store: CachedPostgres;
    replicated_store: Replicated;
}
