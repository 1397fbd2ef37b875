//! The simulator of the paged API over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests: a failure is a panic, and the client under test is reqwest itself"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use cmms_sim::paged::{PagedConfig, PagedEntity, PagedSim, PagedVendor};
use cmms_sim::{Fault, SimError};
use reqwest::Client;
use serde_json::{Value, json};

struct Bench {
    sim: PagedSim,
    http: Client,
}

impl Bench {
    async fn start(config: PagedConfig) -> Self {
        Self {
            sim: PagedSim::start(config, 0).await.unwrap(),
            http: Client::new(),
        }
    }

    async fn small() -> Self {
        Self::start(PagedConfig::default().assets(45).work_orders(230)).await
    }

    fn vendor(&self) -> &PagedVendor {
        self.sim.vendor()
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.sim.base_url());
        let request = self.http.get(url).bearer_auth("test-token");
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    async fn post(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sim.base_url());
        self.http
            .post(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Follows `links.next` to the end.
    async fn all(&self, first: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut next = Some(first.to_owned());
        while let Some(path) = next {
            let (status, page) = self.get(&path).await;
            assert_eq!(status, 200);
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            next = page["links"]["next"].as_str().map(str::to_owned);
        }
        all
    }
}

fn by_id(records: &[Value]) -> BTreeMap<String, Value> {
    let by_id: BTreeMap<_, _> = records
        .iter()
        .map(|record| (record["id"].as_str().unwrap().to_owned(), record.clone()))
        .collect();
    assert_eq!(by_id.len(), records.len());
    by_id
}

#[tokio::test]
async fn all_pages_of_any_size_are_the_oracle() {
    let bench = Bench::small().await;
    let oracle = bench.vendor().oracle();
    for size in [1, 7, 100, 1000, 9999] {
        let orders = bench
            .all(&format!("/api/v1/work-orders?page=1&pageSize={size}"))
            .await;
        assert_eq!(by_id(&orders), oracle.work_orders, "{size}");
    }
    assert_eq!(by_id(&bench.all("/api/v1/assets").await), oracle.assets);
}

#[tokio::test]
async fn a_page_says_where_it_is() {
    let bench = Bench::small().await;
    let (_, page) = bench.get("/api/v1/work-orders?page=2&pageSize=100").await;
    assert_eq!(
        page["meta"],
        json!({"page": 2, "pageSize": 100, "totalPages": 3, "total": 230})
    );
    assert_eq!(
        page["links"]["next"],
        "/api/v1/work-orders?page=3&pageSize=100"
    );
    let (_, last) = bench.get("/api/v1/work-orders?page=3&pageSize=100").await;
    assert_eq!(last["data"].as_array().unwrap().len(), 30);
    assert_eq!(last["links"]["next"], Value::Null);
    let (status, beyond) = bench.get("/api/v1/work-orders?page=9&pageSize=100").await;
    assert_eq!((status, &beyond["data"]), (200, &json!([])));
    assert_eq!(bench.get("/health").await, (200, json!({"ok": true})));
    assert_eq!(bench.get("/api/v1/parts").await.0, 404);
}

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let bench = Bench::small().await;
    let url = format!("{}/api/v1/assets", bench.sim.base_url());
    let answer = bench.http.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    bench.vendor().set_token("another");
    assert_eq!(
        bench.get("/api/v1/assets").await,
        (401, json!({"error": "unauthorized"}))
    );
}

#[tokio::test]
async fn updated_since_gives_what_changed_after_in_the_order_of_change() {
    let bench = Bench::small().await;
    let newest = |records: &BTreeMap<String, Value>| {
        let times = records
            .values()
            .map(|r| r["updatedAt"].as_str().unwrap().to_owned());
        times.max().unwrap()
    };
    let since = newest(&bench.vendor().oracle().work_orders);
    let list = format!("/api/v1/work-orders?pageSize=3&updatedSince={since}");
    assert_eq!(bench.all(&list).await, Vec::<Value>::new());
    let edited = bench.vendor().edit(20);
    assert_eq!((edited.assets.len(), edited.work_orders.len()), (4, 16));
    let changed = bench.all(&list).await;
    let mut ids: Vec<_> = by_id(&changed).into_keys().collect();
    let mut wanted = edited.work_orders;
    ids.sort();
    wanted.sort();
    assert_eq!(ids, wanted);
    let times: Vec<_> = changed
        .iter()
        .map(|r| r["updatedAt"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted());
    let encoded = since.replace(':', "%3A");
    let (_, page) = bench
        .get(&format!("/api/v1/work-orders?updatedSince={encoded}"))
        .await;
    assert_eq!(page["meta"]["total"], 16);
}

#[tokio::test]
async fn touch_and_reset_are_as_in_the_program_of_the_peers() {
    let bench = Bench::small().await;
    let before = bench.vendor().oracle();
    let touched = bench
        .post("/admin/touch?percent=10&stamp=2027-01-02T00:00:00Z")
        .await;
    assert_eq!(touched, json!({"touched": 23 + 5}));
    let since = "2027-01-01T00:00:00Z";
    let changed = bench
        .all(&format!("/api/v1/work-orders?updatedSince={since}"))
        .await;
    assert_eq!(changed.len(), 23);
    assert_eq!(
        by_id(&changed)["WO-0000010"]["updatedAt"],
        "2027-01-02T00:00:00Z"
    );
    assert_eq!(bench.post("/admin/reset").await, json!({"ok": true}));
    assert_eq!(bench.vendor().oracle(), before);
}

#[tokio::test]
async fn records_change_come_and_go() {
    let bench = Bench::small().await;
    let vendor = bench.vendor();
    assert!(vendor.update(
        PagedEntity::Asset,
        "AST-000003",
        json!({"name": "new", "model": null})
    ));
    assert!(!vendor.update(PagedEntity::Asset, "nobody", json!({})));
    let id = vendor.insert(PagedEntity::WorkOrder, json!({"title": "added"}));
    assert!(vendor.remove(PagedEntity::WorkOrder, "WO-0000000"));
    assert!(!vendor.remove(PagedEntity::WorkOrder, "WO-0000000"));
    vendor.set_raw(PagedEntity::Asset, "AST-000004", json!({"name": 7}));
    let assets = by_id(&bench.all("/api/v1/assets").await);
    let orders = by_id(&bench.all("/api/v1/work-orders").await);
    assert_eq!((assets, orders.clone()), {
        let oracle = vendor.oracle();
        (oracle.assets.clone(), oracle.work_orders)
    });
    assert_eq!(orders.len(), 230);
    assert_eq!(orders[&id]["title"], "added");
}

#[tokio::test]
async fn data_is_of_the_sizes_of_the_peers_and_follows_from_the_seed() {
    let config = PagedConfig::default().assets(2000).work_orders(2000);
    let bench = Bench::start(config.clone()).await;
    let oracle = bench.vendor().oracle();
    for (records, bytes) in [(&oracle.work_orders, 980), (&oracle.assets, 670)] {
        let total: usize = records.values().map(|r| r.to_string().len()).sum();
        let mean = total / records.len();
        assert!((bytes - 30..bytes + 30).contains(&mean), "{mean}");
        assert!(records.values().all(|r| r.as_object().unwrap().len() == 25));
    }
    let same = Bench::start(config.clone()).await;
    assert_eq!(same.vendor().oracle(), oracle);
    let other = Bench::start(config.seed(2)).await;
    assert_ne!(other.vendor().oracle(), oracle);
}

#[tokio::test]
async fn requests_are_logged_and_a_hook_can_change_things() {
    let bench = Bench::small().await;
    bench.vendor().after_each_request(|vendor, request| {
        if request.path.ends_with("assets") {
            vendor.edit(5);
        }
    });
    let before = bench.vendor().oracle();
    bench.get("/api/v1/assets?page=1").await;
    assert_ne!(bench.vendor().oracle(), before);
    let log = bench.vendor().requests();
    assert_eq!((log[0].method.as_str(), log[0].status), ("GET", 200));
    assert_eq!(log[0].query, [("page".to_owned(), "1".to_owned())]);
    bench.vendor().clear_requests();
    assert!(bench.vendor().requests().is_empty());
}

#[tokio::test]
async fn faults_work_here_too() {
    let bench = Bench::small().await;
    let vendor = bench.vendor();
    vendor.inject(Fault::ServerErrors(1));
    vendor.inject(Fault::ExpiredToken);
    vendor.inject(Fault::RecordTwice);
    vendor.inject(Fault::TiesAtBorder);
    let list = "/api/v1/work-orders?page=1&pageSize=10";
    assert_eq!(bench.get(list).await.0, 500);
    assert_eq!(bench.get(list).await.0, 401);
    let (_, twice) = bench.get(list).await;
    assert_eq!(twice["data"].as_array().unwrap().len(), 11);
    let (_, tied) = bench.get(list).await;
    let (_, next) = bench.get("/api/v1/work-orders?page=2&pageSize=10").await;
    assert_eq!(tied["data"][9]["updatedAt"], next["data"][0]["updatedAt"]);
    assert!(vendor.faults_done());
    vendor.inject(Fault::ShortList);
    assert_eq!(bench.all(list).await.len(), 115);
    vendor.end_faults();
    vendor.inject(Fault::EmptyList);
    assert_eq!(bench.all(list).await.len(), 0);
    vendor.end_faults();
    vendor.inject(Fault::MovingRecords);
    let before = vendor.oracle();
    bench.get(list).await;
    assert_ne!(vendor.oracle(), before);
    vendor.end_faults();
    assert_eq!(bench.all(list).await.len(), 230);
    assert_eq!(vendor.fault_hits(), 4 + 12 + 1 + 1);
}

#[tokio::test]
async fn a_taken_port_is_named_and_latency_is_at_least_what_is_asked() {
    let bench = Bench::small().await;
    let port = bench.sim.port();
    let error = PagedSim::start(PagedConfig::default(), port)
        .await
        .unwrap_err();
    assert!(matches!(error, SimError::PortInUse { port: p } if p == port));
    bench.vendor().set_latency(Duration::from_millis(20));
    let start = std::time::Instant::now();
    bench.get("/health").await;
    assert!(start.elapsed() >= Duration::from_millis(20));
    bench.sim.stop().await;
}
