//! The connection breaks at a commit: the answer is right all the same.

use super::proxy::{Cut, Proxy};
use super::{count, insert, names, scope, server, setting};
use cmms_core::code;
use cmms_core::domain::audit::AuditEntry;
use cmms_core::domain::setting::Setting;
use cmms_core::failpoint::{Failpoint, set};
use cmms_core::ids::{AuditId, IdGen as _, SystemIds};
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{SaveRule, Saved, Store as _, TxMode};
use cmms_core::record::Cell;
use cmms_core::testing::samples;
use cmms_store::{PostgresOptions, PostgresStore};

/// How often the default tier cuts each way; the release tier does it 50 times.
const TIMES: usize = 10;

/// The switch counts for the whole process.
static SWITCH: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn through_a_proxy() -> (Proxy, PostgresStore) {
    in_schema(&server::schema()).await
}

async fn in_schema(schema: &str) -> (Proxy, PostgresStore) {
    let proxy = Proxy::to(&server::url()).await;
    let options = PostgresOptions::parse(&proxy.url).unwrap();
    let options = options.schema(schema).unwrap();
    let store = PostgresStore::connect(options).await.unwrap();
    store.migrate().await.unwrap();
    (proxy, store)
}

fn times() -> usize {
    if server::release_tier() { 50 } else { TIMES }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let (proxy, store) = through_a_proxy().await;
    let scope = scope(&store).await;
    let mut want = Vec::new();
    for n in 0..times() {
        proxy.cut(Cut::After);
        let name = format!("after {n:03}");
        insert(&store, &scope, &name).await.unwrap();
        assert!(proxy.has_cut());
        want.push(name);
    }
    assert_eq!(names(&store, &scope).await, want, "each once");
    println!(
        "{} of {} commits without an answer were found out",
        want.len(),
        times()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_did_not_arrive_is_an_error_and_nothing_is_stored() {
    let (proxy, store) = through_a_proxy().await;
    let scope = scope(&store).await;
    for n in 0..times() {
        proxy.cut(Cut::Before);
        let failed = insert(&store, &scope, &format!("before {n}"))
            .await
            .unwrap_err();
        assert!(failed.is(code::STORE_UNREACHABLE), "{failed:?}");
        assert!(failed.kind().is_transient());
        assert!(proxy.has_cut());
    }
    assert_eq!(names(&store, &scope).await, [""; 0]);
}

/// What a transaction keeps under a caller's key may be there afterwards though the transaction is not.
async fn kept_by_another() -> Result<(), String> {
    let schema = server::schema();
    let (proxy, store) = in_schema(&schema).await;
    let options = PostgresOptions::parse(&server::url()).unwrap();
    let other = PostgresStore::connect(options.schema(&schema).unwrap()).await;
    let other = other.unwrap();
    let scope = scope(&store).await;
    for n in 0..times() {
        let name = format!("key {n}");
        let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
        let entry = AuditEntry {
            id: AuditId(SystemIds.next()),
            ..samples::audit_entry(1)
        };
        tx.of().insert_later(&entry).await.unwrap();
        let saved = tx.of().save(&setting(&name), SaveRule::Insert).await;
        assert_eq!(saved.unwrap(), Saved::Inserted);
        // The other one waits for the writer already when the commit breaks, so it is next.
        let broken = async {
            while !tx.others_wait() {
                tokio::task::yield_now().await;
                // It is heard of with the next statement.
                tx.of::<Setting>().get(&[Cell::text("x")]).await.unwrap();
            }
            proxy.cut(Cut::Before);
            tx.commit().await
        };
        let (done, same) = tokio::join!(broken, insert(&other, &scope, &name));
        same.unwrap();
        match done {
            Err(e) if e.is(code::STORE_UNREACHABLE) => {}
            other => return Err(format!("another's row was taken for ours: {other:?}")),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_proved_by_what_nobody_else_can_have_stored() {
    let _one = SWITCH.lock().await;
    kept_by_another().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_commit_that_any_row_proves_is_caught() {
    let _one = SWITCH.lock().await;
    set(Failpoint::BelieveAnyRow, true);
    let found = kept_by_another().await;
    set(Failpoint::BelieveAnyRow, false);
    assert!(found.is_err_and(|why| why.contains("taken for ours")));
}

/// While it is looked for, another program counts: nothing of it is stored then, nor when it comes after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_others_overtake_stores_nothing() {
    let schema = server::schema();
    let (mut proxy, store) = in_schema(&schema).await;
    let scope = scope(&store).await;
    let other = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    for number in 1..=3 {
        assert_eq!(count(&store, &scope).await.unwrap(), number);
    }
    proxy.cut_next(Cut::Late);
    let overtaking = async {
        while !proxy.has_cut() {
            tokio::task::yield_now().await;
        }
        count(&other, &scope).await.unwrap()
    };
    let (overtaken, number) = tokio::join!(count(&store, &scope), overtaking);
    assert_eq!(number, 4);
    let overtaken = overtaken.unwrap_err();
    assert!(overtaken.is(code::STORE_CONFLICT), "{overtaken:?}");
    proxy.deliver().await;
    assert_eq!(count(&store, &scope).await.unwrap(), 5);
    let want: Vec<_> = (1..=5).map(|n| format!("{n:06}")).collect();
    assert_eq!(names(&store, &scope).await, want);
}

/// A transaction that is one statement breaks off on its way there, on its way back, or comes long after its program
/// has given it up: each is carried out once.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_commits_is_carried_out_once_wherever_it_breaks_off() {
    let (mut proxy, store) = through_a_proxy().await;
    let scope = scope(&store).await;
    let mut want = Vec::new();
    for n in 0..times() {
        for cut in [Cut::Before, Cut::After, Cut::Late] {
            // The statement is known to the connection, and the count to the program.
            for _ in 0..3 {
                want.push(count(&store, &scope).await.unwrap());
            }
            proxy.cut_next(cut);
            want.push(count(&store, &scope).await.unwrap());
            assert!(proxy.has_cut());
            if cut == Cut::Late {
                let said = proxy.deliver().await;
                let refused = said.windows(6).any(|w| w == b"C23505");
                let stored_nothing = said
                    .windows(12)
                    .any(|w| w[..7] == *b"D\0\0\0\x0b\0\x01" && w[11] == 0);
                assert!(refused || stored_nothing, "{n}: {said:?}");
            }
        }
    }
    let want: Vec<String> = (1..=want.len())
        .zip(&want)
        .map(|(n, told)| {
            assert_eq!(*told, n as i64, "each number once");
            format!("{n:06}")
        })
        .collect();
    assert_eq!(names(&store, &scope).await, want, "each once");
    println!(
        "{} of {} statements that broke off were carried out once",
        3 * times(),
        3 * times()
    );
}
