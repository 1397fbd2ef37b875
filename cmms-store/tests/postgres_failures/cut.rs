//! The connection breaks at a commit: the answer is right all the same.

use super::proxy::{Cut, Proxy};
use super::{insert, names, scope, server};
use cmms_core::code;
use cmms_core::ports::store::Store as _;
use cmms_store::{PostgresOptions, PostgresStore};

/// How often the default tier cuts each way; the release tier does it 50 times.
const TIMES: usize = 10;

async fn through_a_proxy() -> (Proxy, PostgresStore) {
    let proxy = Proxy::to(&server::url()).await;
    let options = PostgresOptions::parse(&proxy.url).unwrap();
    let options = options.schema(&server::schema()).unwrap();
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
