//! Hostile URLs, names and addresses: none is connected to.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "shared by several tests")]
#[path = "../support/mod.rs"]
mod support;
mod urls;

use async_trait::async_trait;
use cmms_adapters::egress::{Dns, EgressRequest, Failure, Redirects};
use cmms_adapters::{EgressClient, EgressPolicy};
use cmms_core::code;
use proptest::prelude::*;
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::fake::{Fake, json};
use url::Url;
use urls::HOSTILE;

const HOSTS: &[&str] = &["*.upkeep.com", "cmms.vendor.example"];

/// Counts look-ups and answers each with the next list of addresses, the last one for ever.
#[derive(Debug)]
struct Recorder {
    lookups: AtomicUsize,
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
}

impl Recorder {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self {
            lookups: AtomicUsize::new(0),
            answers: Mutex::new(answers.iter().map(parse).collect()),
        })
    }

    fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Dns for Recorder {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        next.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn client(allow: &[&str], dns: Arc<Recorder>) -> EgressClient {
    let allow: Vec<String> = allow.iter().map(|a| (*a).to_owned()).collect();
    EgressClient::builder(EgressPolicy::new(&allow).unwrap())
        .dns(dns)
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

async fn call(client: &EgressClient, url: &str) -> Result<u16, Failure> {
    let request = EgressRequest {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: None,
        redirects: Redirects::SameOrigin,
        ca_file: None,
    };
    client.send(request, HOSTS).await.map(|r| r.status.as_u16())
}

#[tokio::test]
async fn hostile_urls_are_refused_without_a_lookup_or_a_connection() {
    assert!(HOSTILE.len() >= 150, "{}", HOSTILE.len());
    let fake = Fake::start(|_| Some(json("{}"))).await;
    let port = fake.origin.rsplit(':').next().unwrap().to_owned();
    // A network that an operator lists lifts no host, and never metadata.
    for allow in [&[][..], &["127.0.0.0/8", "0.0.0.0/0", "::/0"][..]] {
        let dns = Recorder::new(&[&["127.0.0.1"]]);
        let client = client(allow, Arc::clone(&dns));
        for url in HOSTILE {
            let url = url.replace("{port}", &port);
            let e = client.policy().check_url(&url, HOSTS).err();
            let e = e.unwrap_or_else(|| unreachable_url(&url));
            assert!(
                e.is(code::EGRESS_REFUSED) || e.is(code::EGRESS_URL),
                "{url}: {e}"
            );
            assert_eq!(e.first_field(), Some("api_url"), "{url}");
            // As a request it may have a query; everything else holds.
            let as_request = Url::parse(&url).ok().filter(|u| {
                let plain = !url.contains(['@', '\\']) && url.trim() == url;
                plain && u.query().is_none() && u.host_str() != Some("api.upkeep.com")
            });
            if let Some(parsed) = as_request {
                let sent = call(&client, parsed.as_str()).await;
                assert!(matches!(sent, Err(Failure::Refused(_))), "{url}: {sent:?}");
            }
        }
        assert_eq!(dns.lookups(), 0);
    }
    assert_eq!(fake.connections.load(Ordering::SeqCst), 0);
}

fn unreachable_url(url: &str) -> cmms_core::Error {
    cmms_core::Error::internal(format!("{url:?} was let through"))
}

#[test]
fn long_urls_are_refused_and_good_ones_are_not() {
    let policy = EgressPolicy::new(&[
        "http://127.0.0.1:9100".into(),
        "https://cmms.corp.example:8443/".into(),
    ])
    .unwrap();
    let long = format!("https://api.upkeep.com/{}", "a".repeat(2048 - 23));
    assert!(policy.check_url(&long, HOSTS).is_ok());
    assert!(policy.check_url(&format!("{long}a"), HOSTS).is_err());
    let umlauts = format!("https://api.upkeep.com/{}", "ä".repeat(1000));
    assert!(
        policy.check_url(&umlauts, HOSTS).is_err(),
        "longer once it is written as ASCII"
    );
    for good in [
        "https://api.upkeep.com",
        "https://api.upkeep.com/",
        "https://API.UPKEEP.COM/api/v2",
        "HTTPS://a.b.upkeep.com",
        "https://api.upkeep.com:443/api",
        "https://cmms.vendor.example/x",
        "https://bücher.upkeep.com/",
        "http://127.0.0.1:9100/api/v2",
        "https://cmms.corp.example:8443/x",
        "http://2130706433:9100/",
    ] {
        policy.check_url(good, HOSTS).unwrap();
    }
    for near in [
        "https://127.0.0.1:9100/",
        "http://127.0.0.1:9101/",
        "http://127.0.0.1/",
        "http://127.0.0.2:9100/",
        "http://localhost:9100/",
        "http://cmms.corp.example:8443/",
        "https://cmms.corp.example/",
        "https://x.cmms.corp.example:8443/",
        "https://cmms.corp.example.:8443/",
        "http://[::ffff:127.0.0.1]:9100/",
    ] {
        assert!(
            policy
                .check_url(near, HOSTS)
                .unwrap_err()
                .is(code::EGRESS_REFUSED),
            "{near}"
        );
    }
}

#[test]
fn entries_of_the_allow_list_are_origins_or_networks() {
    for good in [
        "10.0.0.0/8",
        "10.1.2.3",
        "fd00::/8",
        "::1",
        "http://localhost:1",
        "https://a.example",
        " https://a.example/ ",
    ] {
        EgressPolicy::new(&[good.to_owned()]).unwrap();
    }
    for bad in [
        "",
        "a.example",
        "https://a.example/x",
        "https://a.example?x",
        "https://u:canary@a.example",
        "ftp://a.example",
        "10.0.0.0/33",
        "*.example",
    ] {
        let e = EgressPolicy::new(&[bad.to_owned()]).unwrap_err();
        assert!(e.is(code::CONFIG_VALUE), "{bad}");
        assert_eq!(e.first_field(), Some("egress.allow"));
        assert!(!e.to_string().contains("canary"));
    }
}

#[tokio::test]
async fn every_address_of_a_vendors_host_must_be_outside() {
    let rows: &[&[&str]] = &[
        &["127.0.0.1"],
        &["10.0.0.1"],
        &["::1"],
        &["fd00::1"],
        &["169.254.169.254"],
        &["::ffff:127.0.0.1"],
        // One bad address spoils all, wherever it stands.
        &["192.0.2.1", "127.0.0.1"],
        &["127.0.0.1", "2606:4700::1111"],
        &["2606:4700::1111", "fe80::1"],
        &["93.184.216.34", "10.0.0.1"],
        &["93.184.216.34", "::ffff:10.0.0.1"],
        &["64:ff9b::a00:1"],
    ];
    for addresses in rows {
        let dns = Recorder::new(&[addresses]);
        let client = client(&[], Arc::clone(&dns));
        let e = call(&client, "https://api.upkeep.com/").await;
        assert!(
            matches!(&e, Err(Failure::Refused(e)) if e.is(code::EGRESS_REFUSED)),
            "{addresses:?} {e:?}"
        );
        assert_eq!(dns.lookups(), 1);
    }
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_looked_up_once_and_checked_each_time() {
    // A network is listed in which nobody listens: the first answer is connected to and refused there,
    // the second is not connected to.
    let dns = Recorder::new(&[&["127.8.7.6"], &["127.0.0.1"], &["169.254.169.254"]]);
    let strict = client(&["127.8.7.6/32"], Arc::clone(&dns));
    let first = call(&strict, "https://api.upkeep.com/").await;
    assert!(matches!(first, Err(Failure::Unreachable(..))), "{first:?}");
    assert_eq!(dns.lookups(), 1, "connecting uses the checked address");
    for _ in 0..2 {
        let next = call(&strict, "https://api.upkeep.com/").await;
        assert!(matches!(next, Err(Failure::Refused(_))), "{next:?}");
    }

    // A listed origin may resolve to anything but metadata.
    let fake = Fake::start(|_| Some(json("{}"))).await;
    let port = fake.origin.rsplit(':').next().unwrap();
    let origin = format!("http://cmms.corp.example:{port}");
    let dns = Recorder::new(&[
        &["127.0.0.1"],
        &["169.254.169.254"],
        &["127.0.0.1", "fd00:ec2::254"],
    ]);
    let listed = client(&[&origin], Arc::clone(&dns));
    assert_eq!(call(&listed, &origin).await.unwrap(), 200);
    for _ in 0..2 {
        let next = call(&listed, &origin).await;
        assert!(matches!(next, Err(Failure::Refused(_))), "{next:?}");
    }
    assert_eq!(fake.connections.load(Ordering::SeqCst), 1);
    assert_eq!(dns.lookups(), 3);
}

#[tokio::test]
async fn a_listed_origin_lifts_nothing_for_its_neighbours() {
    // The operator lists another port of a vendor's host: its usual port still may not lead inside.
    let dns = Recorder::new(&[&["127.0.0.1"]]);
    let client = client(
        &[
            "https://api.upkeep.com:8443",
            "http://169.254.169.254",
            "169.254.0.0/16",
        ],
        Arc::clone(&dns),
    );
    let e = call(&client, "https://api.upkeep.com/").await;
    assert!(matches!(e, Err(Failure::Refused(_))), "{e:?}");
    for metadata in [
        "http://169.254.169.254/",
        "http://169.254.169.254:80/latest",
    ] {
        let e = call(&client, metadata).await;
        assert!(matches!(e, Err(Failure::Refused(_))), "{e:?}");
    }
}

#[tokio::test]
async fn proxies_of_the_environment_play_no_part() {
    // A client that heeded a proxy would not look the name up itself.
    let dns = Recorder::new(&[&["127.8.7.6"]]);
    let client = client(&["127.8.7.6"], Arc::clone(&dns));
    let e = call(&client, "https://api.upkeep.com/").await;
    assert!(matches!(e, Err(Failure::Unreachable(..))));
    assert_eq!(dns.lookups(), 1);
}

/// A second reading of a URL, as plain as can be: what stands between `https://` and the path.
fn plain_host(url: &str) -> Option<&str> {
    let rest = url.get(8..).filter(|_| {
        url.get(..8)
            .is_some_and(|s| s.eq_ignore_ascii_case("https://"))
    })?;
    let authority = rest.split('/').next()?;
    Some(authority.strip_suffix(":443").unwrap_or(authority))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_let_through_is_a_vendors_host_to_a_second_parser(
        scheme in "(https|HTTPS|http|ftp|)", between in "(://|:/|:|//|:\\\\\\\\|:///)",
        user in "(|[a-z@:]{0,4}@)", host in "(api\\.upkeep\\.com|[a-z0-9.%@#?:\\[\\]\\\\ -]{0,14}(\\.upkeep\\.com|upkeep\\.com|)[.]?)",
        port in "(|:443|:80|:)", rest in "[/?#@:\\\\ a-z0-9]{0,6}",
    ) {
        let url = format!("{scheme}{between}{user}{host}{port}{rest}");
        if EgressPolicy::default().check_url(&url, HOSTS).is_ok() {
            let host = plain_host(&url).unwrap_or_default();
            let vendors = host.ends_with(".upkeep.com") && !host.starts_with('.');
            prop_assert!(vendors || host == "cmms.vendor.example", "{url}");
            prop_assert!(!url.contains(['@', '#', '?', '\\', ' ']), "{url}");
        }
    }
}
