//! The table: every fault, in every situation, on either list.

use super::case::{Hits, When, run};
use super::vendor::Vendor;
use cmms::SyncStatus;
use cmms_sim::Fault;
use cmms_sim::paged::PagedSim;
use cmms_sim::upkeep::UpkeepSim;

const LISTS: [&str; 2] = ["assets", "work-orders"];

/// Runs all faults in a situation, shows what came of each, and fails with all that went wrong.
async fn whole_table(when: When, hits: Hits) {
    table::<UpkeepSim>(Fault::ALL, &LISTS, when, hits).await;
}

async fn table<V: Vendor>(
    faults: impl IntoIterator<Item = Fault>,
    paths: &[&str],
    when: When,
    hits: Hits,
) {
    let mut wrong = Vec::new();
    for fault in faults {
        // Records that never stand still have no end.
        let moves = matches!(
            fault,
            Fault::MovingRecords | Fault::ClockAhead | Fault::ClockBehind
        );
        if moves && hits == Hits::Always {
            continue;
        }
        for on in paths {
            let outcome = run::<V>(fault, on, when, hits).await;
            println!(
                "{fault} | {on} | {when:?} {hits:?} | {:?} {:?} | {}",
                outcome.status, outcome.codes, outcome.clean
            );
            let say = |what: &String| format!("{fault} on {on}, {when:?} {hits:?}: {what}");
            wrong.extend(outcome.wrong.iter().map(say));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Whether a login can have this fault: it is no list and has no records.
fn suits_a_login(fault: &Fault) -> bool {
    !fault.changes_content()
        && !matches!(
            fault,
            Fault::EmptyList
                | Fault::ShortList
                | Fault::DeepJson
                | Fault::InvalidUtf8
                | Fault::DuplicatePage
                | Fault::RecordTwice
                | Fault::MovingRecords
                | Fault::TiesAtBorder
                | Fault::ExpiredToken
                | Fault::SessionEnds(_)
                | Fault::ClockAhead
                | Fault::ClockBehind
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_login_is_told_and_healed() {
    for hits in [Hits::Usual, Hits::Always] {
        let faults = Fault::ALL.into_iter().filter(suits_a_login);
        table::<UpkeepSim>(faults, &["auth"], When::First, hits).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_a_first_sync_is_told_and_healed() {
    whole_table(When::First, Hits::Usual).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_a_later_sync_is_told_and_healed() {
    whole_table(When::Later, Hits::Usual).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_a_sync_of_everything_is_told_and_healed() {
    whole_table(When::Force, Hits::Usual).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_fails_the_first_sync_and_is_healed() {
    whole_table(When::First, Hits::Always).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_fails_a_later_sync_and_is_healed() {
    whole_table(When::Later, Hits::Always).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_fails_a_sync_of_everything_and_is_healed() {
    whole_table(When::Force, Hits::Always).await;
}

/// The whole table on the vendor of numbered pages, through the example of an adapter of one's own.
async fn numbered(when: When, hits: Hits) {
    table::<PagedSim>(Fault::ALL, &LISTS, when, hits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pages_every_fault_in_a_first_sync_is_told_and_healed() {
    numbered(When::First, Hits::Usual).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pages_every_fault_in_a_later_sync_is_told_and_healed() {
    numbered(When::Later, Hits::Usual).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pages_every_fault_in_a_sync_of_everything_is_told_and_healed() {
    numbered(When::Force, Hits::Usual).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_pages_a_fault_that_stays_is_told_and_healed() {
    for when in [When::First, When::Later, When::Force] {
        numbered(when, Hits::Always).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_ends_early_is_not_ok() {
    for when in [When::First, When::Later, When::Force] {
        for on in LISTS {
            let outcome = run::<UpkeepSim>(Fault::EmptyList, on, when, Hits::Usual).await;
            assert!(
                outcome.behind == 0 || outcome.status != SyncStatus::Ok,
                "{on} {when:?}: ok, and {} differ",
                outcome.behind
            );
        }
    }
    for on in LISTS {
        let outcome = run::<UpkeepSim>(Fault::ShortList, on, When::Force, Hits::Usual).await;
        assert_ne!(outcome.status, SyncStatus::Ok, "{on}: {}", outcome.behind);
    }
}
