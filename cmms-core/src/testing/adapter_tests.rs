//! The macro that makes a test of every rule of adapters.

/// Makes a test of every rule of the [adapter suite](crate::testing::adapter_suite), named as the rule.
///
/// Takes a function without arguments whose future gives a [`Rig`](crate::testing::adapter_suite::Rig). The
/// calling crate needs tokio with `macros` and `rt-multi-thread`.
///
/// ```ignore
/// async fn make() -> MyRig {
///     MyRig::start().await
/// }
/// cmms_core::adapter_tests!(make);
/// ```
#[macro_export]
macro_rules! adapter_tests {
    (@all [$($then:tt)*]) => {
        $crate::adapter_tests! { $($then)*
            description_agrees_with_what_it_does
            unsupported_records_are_refused_before_any_request
            connections_are_checked_without_calling_anybody
            check_accepts_good_credentials
            check_says_which_records_can_be_read
            wrong_credentials_are_told
            new_credentials_take_the_place_of_old_ones
            default_mapping_takes_every_record
            full_listing_gives_every_record_as_it_is_served
            listing_goes_on_from_every_page_after_a_restart
            listing_since_a_time_gives_what_changed
            odd_times_hide_nothing
            ties_in_a_changing_order_are_read_whole_or_told
            records_that_go_move_none_out_of_sight
            list_that_lost_its_last_record_is_empty
            told_positions_are_where_pages_begin
            cancelling_ends_a_call_at_once
            rate_limit_is_waited_for
            login_that_ends_is_renewed_or_told
            trouble_heals_or_is_told
            absent_fields_are_no_empty_fields
            numbers_are_what_the_vendor_wrote
            unlikely_times_are_refused
            odd_records_stop_no_other
            filters_that_are_not_heeded_are_noticed_on_the_first_page
        }
    };
    (@names $($rule:ident)*) => { &[$(stringify!($rule)),*] };
    (@test ($make:expr) $($rule:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $rule() {
            let rig = ($make)().await;
            $crate::testing::adapter_suite::$rule(&rig).await;
        }
    )* };
    ($make:expr) => { $crate::adapter_tests! { @all [@test ($make)] } };
}
