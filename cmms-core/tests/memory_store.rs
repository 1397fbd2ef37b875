//! The memory store keeps every rule of the store suite.

use cmms_core::context::{Principal, Scope};
use cmms_core::ids::OrgId;
use cmms_core::memory::MemoryStore;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Dir, Query, SaveRule, Saved, Store, TxMode};
use cmms_core::record::{Cell, Digest, Record as _, Table};
use cmms_core::testing::{random_programs_agree, samples, store_suite};
use cmms_core::{code, domain, record};
use std::sync::Arc;

async fn make() -> ((), Arc<dyn Store>) {
    ((), Arc::new(MemoryStore::new()))
}

cmms_core::store_tests!(make);

#[test]
fn every_rule_has_its_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/store_suite");
    let mut written = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let rules = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "));
        let names = rules.filter_map(|rule| rule.split('(').next());
        written.extend(names.map(str::to_owned));
    }
    let mut listed = store_suite::RULES.to_vec();
    listed.sort_unstable();
    written.sort_unstable();
    assert_eq!(listed, written);
}

#[tokio::test]
async fn random_programs_agree_with_themselves() {
    for seed in 0..40 {
        let b: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let same = async || Arc::clone(&b);
        random_programs_agree(&MemoryStore::new(), same, seed, 300).await;
    }
}

record! {
    /// A record with what no table of the domain has: unique sets that may be null, of two columns.
    pub struct Odd: "odd" {
        /// The key.
        id: i64 [Key Public],
        /// The version.
        version: i64 [Version Public],
        /// The digest, which may be null.
        digest: Option<Digest> [Digest Public],
        /// A sum.
        sum: f64 [Sum Public],
        /// The first of the unique columns.
        a: Option<String> [Plain Public],
        /// The second of the unique columns.
        b: Option<i64> [Plain Public],
    }
    unique [[a, b]]
}

fn odd(id: i64, a: Option<&str>, b: Option<i64>) -> Odd {
    Odd {
        id,
        version: 1,
        digest: None,
        sum: 0.5,
        a: a.map(str::to_owned),
        b,
    }
}

fn scope() -> Scope {
    Scope::new(OrgId(samples::id(0, 1)), Principal::system())
}

#[tokio::test]
async fn null_in_unique_set_never_clashes() {
    let store = MemoryStore::new();
    let mut tx = store.begin(&scope(), TxMode::Once).await.unwrap();
    let rows = [
        odd(1, Some("x"), None),
        odd(2, Some("x"), None),
        odd(3, None, None),
        odd(4, None, None),
        odd(5, Some("x"), Some(1)),
        odd(6, Some("x"), Some(2)),
        odd(7, Some("x"), Some(1)),
    ];
    let saved = tx.of::<Odd>().save_all(&rows, SaveRule::Insert).await;
    let mut expected = [Saved::Inserted; 7];
    expected[6] = Saved::Duplicate;
    assert_eq!(saved.unwrap(), expected);
    let mut freed = odd(5, Some("x"), None);
    freed.version = 2;
    let saved = tx.of::<Odd>().save(&freed, SaveRule::Update).await;
    assert_eq!(saved.unwrap(), Saved::Updated);
    let saved = tx.of::<Odd>().save(&rows[6], SaveRule::Insert).await;
    assert_eq!(saved.unwrap(), Saved::Inserted);
}

#[tokio::test]
async fn null_digest_equals_nothing() {
    let store = MemoryStore::new();
    let mut tx = store.begin(&scope(), TxMode::Once).await.unwrap();
    let mut row = odd(1, None, None);
    let mut answers = Vec::new();
    for digest in [None, None, Some(Digest([1; 16])), Some(Digest([1; 16]))] {
        row.digest = digest;
        let saved = tx.of::<Odd>().save(&row, SaveRule::Upsert).await;
        answers.push(saved.unwrap());
    }
    use Saved::{Inserted, Unchanged, Updated};
    assert_eq!(answers, [Inserted, Updated, Updated, Unchanged]);
    let stored = tx.of::<Odd>().get(&[Cell::Int(1)]).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.sum), (3, 1.5));
}

#[tokio::test]
async fn calls_that_the_port_does_not_allow_are_refused() {
    let store = MemoryStore::new();
    let mut tx = store.begin(&scope(), TxMode::Write).await.unwrap();
    let query = |order, after| Query {
        order,
        after,
        ..Query::default()
    };
    let queries = [
        query(vec![(Odd::A, Dir::Asc)], Some(vec![Cell::Null])),
        query(vec![], Some(vec![])),
        query(vec![], Some(vec![Cell::text("no number")])),
    ];
    for query in &queries {
        let refused = tx.of::<Odd>().list(query).await.unwrap_err();
        assert!(refused.is(code::INTERNAL));
    }
    let refused = tx.of::<Odd>().get(&[]).await.unwrap_err();
    assert!(refused.is(code::INTERNAL));
    let refused = tx.of::<Odd>().get(&[Cell::Null]).await.unwrap_err();
    assert!(refused.is(code::INTERNAL));
    let digest = domain::sync_state::LinkDigest {
        connection_id: samples::connection_id(1),
        entity: domain::entity::Entity::Asset,
        external_id: "x".into(),
        record_id: samples::id(1, 1),
        digest: Digest([1; 16]),
    };
    let mut links = tx.of::<domain::sync_state::LinkDigest>();
    let refused = links.save(&digest, SaveRule::Insert).await.unwrap_err();
    assert!(refused.is(code::INTERNAL), "a projection lacks columns");
}

#[test]
fn projections_show_columns_of_their_table() {
    let views: [&Table; 2] = [
        domain::sync_state::LinkDigest::TABLE,
        domain::sync_state::LinkView::TABLE,
    ];
    for view in views {
        let base = domain::TABLES.iter().find(|t| t.name == view.name).unwrap();
        assert!(view.projection && !base.projection);
        assert!(view.columns.iter().all(|c| base.columns.contains(c)));
    }
}

#[tokio::test]
async fn stepped_clock_moves_only_when_told() {
    use cmms_core::clock::Clock as _;
    use cmms_core::testing::SteppedClock;
    use std::time::Duration;
    let clock = SteppedClock::default();
    assert_eq!(clock.now(), clock.now());
    clock.sleep(Duration::from_secs(3600)).await;
    clock.advance(Duration::from_millis(1));
    assert_eq!(clock.sleeps(), [Duration::from_secs(3600)]);
    let moved = (clock.now() - samples::start()).num_milliseconds();
    assert_eq!(moved, 3_600_001);
    let ticking = SteppedClock::new(samples::start()).ticking(5);
    let first = ticking.now();
    assert_eq!((ticking.now() - first).num_microseconds(), Some(5));
}
