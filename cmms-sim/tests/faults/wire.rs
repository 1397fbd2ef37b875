//! Faults of the wire: statuses, resets, lengths, and answers that do not end.

use std::io::ErrorKind;
use std::io::Read as _;

use cmms_sim::Fault;
use cmms_sim::fault::RetryAfter;
use flate2::read::GzDecoder;

use crate::raw::{Bench, at_least, rest, split};

#[tokio::test]
async fn throttled_with_seconds_a_date_garbage_and_nothing() {
    let bench = Bench::start().await;
    let now = bench.vendor().now();
    for wait in [
        RetryAfter::Seconds(7),
        RetryAfter::Date(30),
        RetryAfter::Garbage,
        RetryAfter::Missing,
    ] {
        bench.vendor().inject(Fault::TooManyRequests(wait));
        let raw = bench.get("assets").await;
        assert_eq!(raw.status(), 429);
        assert_eq!(raw.json()["success"], false);
        let told = raw.header("retry-after");
        match wait {
            RetryAfter::Seconds(_) => assert_eq!(told, Some("7")),
            RetryAfter::Date(_) => {
                let at = chrono::DateTime::parse_from_rfc2822(told.unwrap()).unwrap();
                assert_eq!((at.to_utc() - now).num_seconds(), 30);
            }
            RetryAfter::Garbage => assert!(told.unwrap().parse::<u32>().is_err()),
            _ => assert_eq!(told, None),
        }
    }
}

#[tokio::test]
async fn bursts_of_500_are_as_long_as_they_say() {
    let bench = Bench::start().await;
    for burst in [1, 4, 50] {
        bench.vendor().inject(Fault::ServerErrors(burst));
        for _ in 0..burst {
            assert!(!bench.vendor().faults_done());
            assert_eq!(bench.get("assets").await.status(), 500);
        }
        assert!(bench.vendor().faults_done());
        assert_eq!(bench.get("assets").await.status(), 200);
    }
}

#[tokio::test]
async fn a_reset_before_the_headers_sends_no_byte() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::ResetBeforeHeaders);
    let raw = bench.get("assets").await;
    assert_eq!(raw.error, Some(ErrorKind::ConnectionReset));
    assert_eq!((raw.head.as_str(), raw.body.len()), ("", 0));
}

#[tokio::test]
async fn a_reset_in_the_body_sends_a_part() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::ResetMidBody);
    let raw = bench.get("assets").await;
    assert_eq!(raw.error, Some(ErrorKind::ConnectionReset));
    assert_eq!(raw.status(), 200);
    assert!(!raw.body.is_empty() && raw.body.len() < raw.length());
}

#[tokio::test]
async fn truncated_json_has_the_length_that_it_says() {
    let bench = Bench::start().await;
    let whole = bench.get("assets").await;
    bench.vendor().inject(Fault::TruncatedJson);
    let raw = bench.get("assets").await;
    assert_eq!((raw.status(), raw.error), (200, None));
    assert_eq!(raw.length(), raw.body.len());
    assert!(serde_json::from_slice::<serde_json::Value>(&raw.body).is_err());
    assert!(whole.body.starts_with(&raw.body));
}

#[tokio::test]
async fn a_length_that_is_too_long_ends_early_and_in_order() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::LengthTooLong);
    let raw = bench.get("assets").await;
    assert_eq!((raw.status(), raw.error), (200, None));
    assert_eq!(raw.length(), raw.body.len() + 512);
}

#[tokio::test]
async fn a_length_that_is_too_short_is_followed_by_more() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::LengthTooShort);
    let raw = bench.get("assets").await;
    assert_eq!((raw.status(), raw.error), (200, None));
    assert!(raw.body.len() > raw.length());
    assert!(raw.body.ends_with(b"]}"));
}

#[tokio::test]
async fn a_login_page_is_html_with_200() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::LoginPage);
    let raw = bench.get("assets").await;
    assert_eq!(raw.status(), 200);
    assert!(raw.header("content-type").unwrap().starts_with("text/html"));
    assert!(raw.body.starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn no_answer_is_held_until_release() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::NoAnswer);
    let stream = bench.open("assets").await;
    bench.vendor().held().await;
    let mut peeked = [0; 1];
    assert_eq!(
        stream.try_read(&mut peeked).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    bench.vendor().release();
    assert_eq!(rest(stream).await.records().len(), 25);
}

#[tokio::test]
async fn no_answer_ends_with_the_client() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::NoAnswer);
    let stream = bench.open("assets").await;
    bench.vendor().held().await;
    drop(stream);
    // Stopping waits for connections: a held one would be broken off, too.
    assert_eq!(bench.get("assets").await.status(), 200);
    bench.sim.stop().await;
}

#[tokio::test]
async fn a_simulator_stops_while_answers_are_held() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::SlowBody);
    let stream = bench.open("assets").await;
    bench.vendor().held().await;
    bench.sim.stop().await;
    let raw = rest(stream).await;
    assert!(raw.body.len() < raw.length());
}

#[tokio::test]
async fn a_slow_body_is_a_third_until_release() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::SlowBody);
    let mut stream = bench.open("assets").await;
    bench.vendor().held().await;
    let first = at_least(&mut stream, 1000).await;
    let part = split(first.clone(), None);
    assert_eq!(part.status(), 200);
    assert!(part.body.len() <= part.length() / 3);
    bench.vendor().release();
    let all = rest(stream).await;
    let whole = [first, all.head.into_bytes(), all.body].concat();
    assert_eq!(split(whole, None).records().len(), 25);
}

#[tokio::test]
async fn an_endless_body_goes_on_until_the_client_goes_or_release() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::EndlessBody);
    let mut stream = bench.open("assets").await;
    let some = split(at_least(&mut stream, 8 << 20).await, None);
    assert_eq!(some.header("transfer-encoding"), Some("chunked"));
    drop(stream);
    bench.vendor().inject(Fault::EndlessBody);
    let mut stream = bench.open("assets").await;
    at_least(&mut stream, 100_000).await;
    bench.vendor().release();
    assert_eq!(rest(stream).await.error, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_gzip_bomb_is_a_small_body_and_a_valid_list_of_a_gib() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::GzipBomb);
    let raw = bench.get("assets").await;
    assert_eq!(raw.header("content-encoding"), Some("gzip"));
    assert_eq!(raw.length(), raw.body.len());
    assert!(raw.body.len() < 2 << 20, "{}", raw.body.len());
    let mut unpacked = GzDecoder::new(raw.body.as_slice());
    let mut piece = vec![0; 1 << 20];
    let (mut total, mut ends) = (0_u64, Vec::<u8>::new());
    loop {
        let read = unpacked.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        total += read as u64;
        ends.extend(piece[..read].iter().filter(|byte| **byte != b' '));
    }
    assert!(total > 1 << 30, "{total}");
    assert_eq!(ends, br#"{"success":true,"results":[]}"#);
}

#[tokio::test]
async fn redirects_lead_to_http_and_to_another_host() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::RedirectToHttp);
    let raw = bench.get("assets").await;
    assert_eq!(raw.status(), 302);
    assert_eq!(
        raw.header("location"),
        Some("http://127.0.0.1:80/api/v2/assets")
    );
    bench.vendor().inject(Fault::RedirectElsewhere);
    let raw = bench.get("assets").await;
    let port = bench.sim.port();
    let to = format!("http://localhost:{port}/elsewhere/api/v2/assets");
    assert_eq!(
        (raw.status(), raw.header("location")),
        (302, Some(to.as_str()))
    );
}
