//! Which requests are hit.

use cmms_sim::{Fault, FaultPlan};

use crate::raw::Bench;

const FAULT: Fault = Fault::ServerErrors(1);

#[tokio::test]
async fn a_plan_hits_its_path_so_many_times_and_only_after_so_many_requests() {
    let bench = Bench::start().await;
    bench
        .vendor()
        .inject(FAULT.on("work-orders").times(2).after(1));
    let mut seen = Vec::new();
    for path in [
        "work-orders",
        "assets",
        "work-orders",
        "work-orders/x",
        "work-orders",
    ] {
        seen.push(bench.get(path).await.status());
    }
    assert_eq!(seen, [200, 200, 500, 500, 200]);
    assert!(bench.vendor().faults_done());
    assert_eq!(bench.vendor().fault_hits(), 2);
}

#[tokio::test]
async fn the_login_is_hit_only_if_it_is_named() {
    let bench = Bench::start().await;
    bench.vendor().inject(FAULT);
    assert_ne!(bench.get("auth").await.status(), 500);
    assert!(!bench.vendor().faults_done());
    assert_eq!(bench.get("assets").await.status(), 500);
    bench.vendor().inject(FAULT.on("auth"));
    assert_eq!(bench.get("assets").await.status(), 200);
    assert_eq!(bench.get("auth").await.status(), 500);
}

#[tokio::test]
async fn plans_hit_in_the_order_of_their_injection_and_end_together() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::LoginPage);
    bench.vendor().inject(FaultPlan::from(FAULT).always());
    assert_eq!(bench.get("assets").await.status(), 200);
    assert_eq!(bench.get("assets").await.status(), 500);
    assert_eq!(bench.get("assets").await.status(), 500);
    bench.vendor().end_faults();
    assert_eq!(bench.get("assets").await.status(), 200);
    assert!(bench.vendor().faults_done());
}

#[tokio::test]
async fn a_fault_waits_for_an_answer_that_it_suits() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::MissingField);
    let empty = bench.get("work-orders?offset=1000").await;
    assert_eq!(empty.records().len(), 0);
    assert!(!bench.vendor().faults_done());
    let page = bench.get("work-orders").await;
    assert!(
        page.records()
            .iter()
            .all(|record| record["title"].is_null())
    );
    assert!(bench.vendor().faults_done());
}

#[tokio::test]
async fn requests_that_faults_answer_are_in_the_log() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::ResetBeforeHeaders);
    bench.vendor().inject(FAULT);
    for _ in 0..3 {
        bench.get("assets").await;
    }
    let seen: Vec<_> = bench.vendor().requests().iter().map(|r| r.status).collect();
    assert_eq!(seen, [0, 500, 200]);
}

#[test]
fn the_table_has_a_name_for_each_line() {
    let mut names: Vec<_> = Fault::ALL.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), Fault::ALL.len());
    let holding = Fault::ALL.iter().filter(|fault| fault.holds()).count();
    assert_eq!(holding, 3);
}
