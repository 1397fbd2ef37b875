//! The macro that makes a test of every rule.

/// Makes a test of every rule of the [store suite](crate::testing::store_suite), named as the rule.
///
/// Takes a function without arguments whose future gives a guard, which lives as long as the test, and an
/// `Arc<dyn Store>` that is migrated and empty. The calling crate needs tokio with `macros` and
/// `rt-multi-thread`.
///
/// ```
/// use cmms_core::{memory::MemoryStore, ports::store::Store};
/// use std::sync::Arc;
///
/// async fn make() -> ((), Arc<dyn Store>) {
///     ((), Arc::new(MemoryStore::new()))
/// }
/// cmms_core::store_tests!(make);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_tests {
    (@all [$($then:tt)*]) => {
        $crate::store_tests! { $($then)*
            insert_then_get_returns_equal_record
            nulls_come_back
            texts_come_back_octet_by_octet
            text_keys_are_exact
            extreme_numbers_come_back
            extreme_times_come_back
            octets_and_json_come_back_as_they_are
            insert_of_taken_key_is_duplicate_and_changes_nothing
            insert_of_taken_unique_key_is_duplicate
            unique_keys_are_exact
            update_with_stale_version_is_stale
            update_with_next_version_updates
            updates_of_one_call_are_found_by_what_they_changed
            update_of_missing_row_is_stale
            update_keeps_key_and_once_columns
            update_without_version_updates
            update_with_equal_digest_updates
            update_adds_sums
            unique_clash_on_update_is_duplicate_and_tx_goes_on
            stale_comes_before_duplicate
            given_up_unique_value_is_free
            upsert_of_new_row_inserts
            upsert_with_equal_digest_is_unchanged_and_writes_nothing
            upsert_with_other_digest_updates
            upsert_keeps_once
            upsert_without_digest_updates
            sum_adds
            upsert_counts_version_up
            unique_clash_on_upsert_is_duplicate
            each_row_has_its_own_answer
            repeated_key_in_one_batch_is_refused
            empty_calls_do_nothing
            delete_counts_rows
            deleted_row_gives_up_its_unique_values
            get_of_missing_keys_leaves_them_out
            bulk_save_of_ten_thousand_rows
            projection_reads_only_its_columns
            projection_updates_only_its_columns
            projection_deletes_the_row
            rows_come_with_those_that_name_them
            rows_are_found_by_those_that_name_them
            portion_ends_at_its_octets_and_says_whether_there_are_more
            rows_put_off_are_found_at_once
            row_put_off_that_is_not_new_fails_the_transaction
            rows_put_off_together_are_stored_with_the_commit
            rows_put_off_one_of_which_is_not_new_fail_the_transaction
            upsert_reads_back_what_is_stored
            transactions_that_add_count_and_insert
            comparisons_take_what_compares_so
            numbers_truths_and_octets_compare
            null_never_compares
            in_takes_each_of_its_values
            and_and_or_nest
            filters_may_be_large
            prefix_is_exact
            has_takes_lists_that_hold_the_text
            equal_text_is_equal_code_points
            words_are_found
            count_tells_how_many_a_filter_takes
            count_groups_by_the_values_of_a_column
            count_groups_by_values_of_every_kind
            count_keeps_the_largest_groups
            count_sees_what_a_list_sees
            paging_walks_every_row_once_in_order
            paging_keeps_its_filter
            null_has_no_place_in_an_order
            no_order_is_the_order_of_keys
            position_may_lie_between_rows
            limit_takes_the_first_rows
            text_is_ordered_by_code_point
            organizations_do_not_see_each_other
            organization_is_made_once
            known_organization_is_found_while_somebody_writes
            migration_of_current_schema_changes_nothing
            dropped_transaction_leaves_nothing
            rolled_back_transaction_leaves_nothing
            commit_makes_visible
            calls_of_their_own_stand_alone
            once_save_is_atomic
            snapshot_sees_one_state
            reads_inside_write_see_own_writes
            write_in_snapshot_is_refused
            error_of_a_reader_ends_the_read
            error_leaves_the_transaction_usable
            failed_write_ends_the_transaction
            failed_write_of_its_own_stores_nothing
            calls_dropped_at_any_await_are_done_whole_or_not_at_all
            calls_dropped_in_a_queue_leave_it
            two_writers_race_on_one_version_one_wins
            two_writers_race_on_insert_one_wins
            writer_waits_for_writer
            who_waits_is_heard_of_and_goes_next
            writers_lose_no_update
            sums_of_several_writers_lose_nothing
            readers_never_see_half_a_commit
            values_that_no_store_keeps_are_refused
            the_longest_indexed_text_is_kept
        }
    };
    (@names $($rule:ident)*) => { &[$(stringify!($rule)),*] };
    (@test ($make:expr) $($rule:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $rule() {
            let (_guard, store) = ($make)().await;
            $crate::testing::store_suite::$rule(&*store).await;
        }
    )* };
    ($make:expr) => { $crate::store_tests! { @all [@test ($make)] } };
}
