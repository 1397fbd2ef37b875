//! The measurements: programs in turns, so that all of them have the same noise, and their medians.

use crate::program::{Folder, Vendor, figures, run, this};
use cmms_benches::{Figures, median};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One program of a measurement.
struct Case<'a> {
    name: &'a str,
    repeats: usize,
    run: Box<dyn FnMut() -> Result<Figures, String> + 'a>,
}

/// Where the peers are, and their vendor's port.
struct Peers {
    folder: PathBuf,
}

const PORT: u16 = 18_080;
const SLOW_PORT: u16 = 18_081;

impl Peers {
    fn find() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("CMMS_PEERS")?);
        folder.is_dir().then_some(Self { folder })
    }

    /// A command line of the peers, run in their folder.
    fn command(&self, line: &str, port: u16) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", &line.replace("{py}", ".venv/bin/python")])
            .env("VENDOR_URL", format!("http://127.0.0.1:{port}"))
            .current_dir(&self.folder);
        command
    }
}

fn ours(db: &Path, url: &str, more: &[&str]) -> Result<Figures, String> {
    let mut command = this("ours");
    command.args(["--url", url]).arg("--db").arg(db).args(more);
    figures(&mut command, "")
}

/// A measurement, run so many times.
type Measure = fn(&Option<Peers>, usize);

/// Runs what `CMMS_BENCH_ONLY` names, or everything.
pub fn all() {
    let only = std::env::var("CMMS_BENCH_ONLY").unwrap_or_default();
    let repeats = std::env::var("CMMS_BENCH_REPEATS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3);
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|o| o == name);
    let peers = Peers::find();
    let all: [(&str, Measure); 7] = [
        ("first", first),
        ("postgres", postgres),
        ("delta", delta),
        ("growth", growth),
        ("latency", latency),
        ("upkeep", upkeep),
        ("writes", writes),
    ];
    for (name, measure) in all {
        if wanted(name) {
            measure(&peers, repeats);
        }
    }
}

fn vendor(peers: &Option<Peers>) -> Vendor {
    match peers {
        Some(peers) => Vendor::of_peers(&peers.folder, PORT, 0),
        None => Vendor::ours("paged", 0, &[]),
    }
}

/// A first sync into an empty database, and a second of everything, unchanged.
fn first(peers: &Option<Peers>, repeats: usize) {
    let vendor = vendor(peers);
    let folder = Folder::new();
    let mut cases = Vec::new();
    let limit = "build/sync_limit --stage all --one-tx 1 --cache-mb 256 --page-size 1000";
    peer(&mut cases, peers, "bound", repeats, limit, PORT);
    cases.push(Case {
        name: "cmms, first",
        repeats,
        run: Box::new(|| ours(&folder.fresh("first"), &vendor.url, &[])),
    });
    cases.push(Case {
        name: "cmms, everything again",
        repeats,
        run: Box::new(|| ours(&folder.file("first"), &vendor.url, &["--force"])),
    });
    let fast = "{py} sync/plain_sync.py --style fast --db sqlite --page-size 1000";
    peer(&mut cases, peers, "Python, fast", repeats, fast, PORT);
    let typical = "{py} sync/plain_sync.py --style typical --db sqlite --page-size 1000";
    peer(&mut cases, peers, "Python, typical", 1, typical, PORT);
    let dlt = "{py} sync/dlt_sync.py --dest sqlite --strategy delete-insert";
    peer(&mut cases, peers, "dlt", 1, dlt, PORT);
    compare(
        "20,000 assets and 100,000 work orders, pages of 1,000",
        cases,
    );
}

/// The same on the PostgreSQL of `CMMS_BENCH_POSTGRES`, whose schema `cmms` is dropped. The peers use theirs.
fn postgres(peers: &Option<Peers>, repeats: usize) {
    let Some(url) = std::env::var_os("CMMS_BENCH_POSTGRES") else {
        return println!("no PostgreSQL: CMMS_BENCH_POSTGRES is not set");
    };
    let vendor = vendor(peers);
    let database = Path::new(&url);
    let fast = "{py} sync/plain_sync.py --style fast --db postgres --page-size 1000";
    if let Some(peers) = peers
        && let Err(why) = run(&mut peers.command(fast, PORT), "")
    {
        // The bound takes its rows from what it leaves.
        return println!("no bound: {why}");
    }
    let mut cases = Vec::new();
    peer(
        &mut cases,
        peers,
        "bound",
        repeats,
        "limits/copy_sync_limit.sh",
        PORT,
    );
    cases.push(Case {
        name: "cmms, first",
        repeats,
        run: Box::new(|| {
            run(this("empty").arg("--db").arg(database), "")?;
            ours(database, &vendor.url, &[])
        }),
    });
    cases.push(Case {
        name: "cmms, everything again",
        repeats,
        run: Box::new(|| ours(database, &vendor.url, &["--force"])),
    });
    peer(&mut cases, peers, "Python, fast", repeats, fast, PORT);
    let dlt = "{py} sync/dlt_sync.py --dest postgres --strategy delete-insert";
    peer(&mut cases, peers, "dlt", 1, dlt, PORT);
    compare("The same on PostgreSQL", cases);
}

/// What changed: 1 % of the records.
fn delta(peers: &Option<Peers>, repeats: usize) {
    let vendor = vendor(peers);
    let folder = Folder::new();
    let touch = format!("{}/admin/touch?percent=1&stamp=", vendor.url);
    let mut second = 0;
    let mut touched = move || {
        second += 1;
        let stamp = format!("2027-01-02T{:02}:{:02}:00Z", second / 60, second % 60);
        let mut curl = Command::new("curl");
        curl.args(["-sf", "-XPOST", &format!("{touch}{stamp}")]);
        run(&mut curl, "").map(drop)
    };
    let begun = ours(&folder.fresh("delta"), &vendor.url, &[]).and_then(|_| {
        let Some(peers) = peers else { return Ok(()) };
        for line in [
            "build/sync_limit --stage all",
            "{py} sync/plain_sync.py --style fast --db sqlite --page-size 1000 --mode full",
        ] {
            run(&mut peers.command(line, PORT), "")?;
        }
        Ok(())
    });
    if let Err(why) = begun {
        return println!("no delta: {why}");
    }
    let mut rows: Vec<(&str, Vec<Figures>)> = Vec::new();
    for _ in 0..repeats.max(15) {
        if let Err(why) = touched() {
            return println!("no delta: {why}");
        }
        if let Some(peers) = peers {
            let limit = "build/sync_limit --stage all --delta 1";
            keep(
                &mut rows,
                "bound",
                figures(&mut peers.command(limit, PORT), ""),
            );
        }
        keep(
            &mut rows,
            "cmms",
            ours(&folder.file("delta"), &vendor.url, &[]),
        );
        if let Some(peers) = peers {
            let fast =
                "{py} sync/plain_sync.py --style fast --db sqlite --page-size 1000 --mode delta";
            keep(
                &mut rows,
                "Python, fast",
                figures(&mut peers.command(fast, PORT), ""),
            );
        }
    }
    show("1 % of them changed", rows);
}

/// Five times the records: what the memory does.
fn growth(_: &Option<Peers>, _: usize) {
    let folder = Folder::new();
    let mut rows = Vec::new();
    for (name, assets, orders) in [
        ("cmms, 120,000 records", "20000", "100000"),
        ("cmms, 600,000 records", "100000", "500000"),
    ] {
        let vendor = Vendor::ours("paged", 0, &["--assets", assets, "--work-orders", orders]);
        keep(
            &mut rows,
            name,
            ours(&folder.fresh("growth"), &vendor.url, &[]),
        );
    }
    show("memory", rows);
}

/// A vendor that takes 20 ms, pages of 100.
fn latency(peers: &Option<Peers>, _: usize) {
    let vendor = match peers {
        Some(peers) => Vendor::of_peers(&peers.folder, SLOW_PORT, 20),
        None => Vendor::ours("paged", 20, &[]),
    };
    let folder = Folder::new();
    let mut cases = Vec::new();
    let limit = format!("build/sync_limit --stage drain --page-size 100 --port {SLOW_PORT}");
    peer(
        &mut cases,
        peers,
        "bound, one page at a time",
        1,
        &limit,
        SLOW_PORT,
    );
    cases.push(Case {
        name: "cmms",
        repeats: 1,
        run: Box::new(|| {
            ours(
                &folder.fresh("latency"),
                &vendor.url,
                &["--page-size", "100"],
            )
        }),
    });
    let fast = "{py} sync/plain_sync.py --style fast --db sqlite --page-size 100";
    peer(&mut cases, peers, "Python, fast", 1, fast, SLOW_PORT);
    compare("20 ms of latency, pages of 100", cases);
}

/// UpKeep, whose pages come one after the other, at 20 ms.
fn upkeep(_: &Option<Peers>, _: usize) {
    let mut vendor = Vendor::ours("upkeep", 20, &[]);
    let folder = Folder::new();
    let more = ["--vendor", "upkeep", "--page-size", "100"];
    let mut rows = Vec::new();
    let figure = ours(&folder.fresh("upkeep"), &vendor.url, &more);
    let requests = vendor.requests();
    let mut replay = this("replay");
    replay.args(["--url", &vendor.url]);
    keep(
        &mut rows,
        "bound, the same requests alone",
        figures(&mut replay, &requests),
    );
    keep(&mut rows, "cmms", figure);
    show("UpKeep at 20 ms of latency, pages of 100", rows);
}

/// Writes while a sync runs.
fn writes(peers: &Option<Peers>, _: usize) {
    let vendor = vendor(peers);
    let folder = Folder::new();
    let mut command = this("writes");
    command
        .args(["--url", &vendor.url])
        .arg("--db")
        .arg(folder.fresh("writes"));
    let text = run(&mut command, "");
    let took = text
        .as_deref()
        .ok()
        .and_then(|text| text.lines().find_map(|l| l.strip_prefix("MILLISECONDS ")));
    let Some(mut took) = took.and_then(|t| serde_json::from_str::<Vec<f64>>(t).ok()) else {
        return println!("no writes: {text:?}");
    };
    took.sort_by(f64::total_cmp);
    // Of 50, the 99th hundredth is the slowest.
    let at =
        |part: f64| took[((took.len() as f64 * part).ceil() as usize).clamp(1, took.len()) - 1];
    println!(
        "\n{} writes through REST while a sync of 120,000 records runs",
        took.len()
    );
    println!(
        "  median {:.1} ms, p90 {:.1} ms, p99 {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99)
    );
}

fn peer<'a>(
    cases: &mut Vec<Case<'a>>,
    peers: &'a Option<Peers>,
    name: &'a str,
    repeats: usize,
    line: &str,
    port: u16,
) {
    let Some(peers) = peers else { return };
    let line = line.to_owned();
    cases.push(Case {
        name,
        repeats,
        run: Box::new(move || figures(&mut peers.command(&line, port), "")),
    });
}

fn compare(title: &str, mut cases: Vec<Case<'_>>) {
    let mut rows: Vec<(&str, Vec<Figures>)> = Vec::new();
    let most = cases
        .iter()
        .map(|case| case.repeats)
        .max()
        .unwrap_or_default();
    for turn in 0..most {
        for case in cases.iter_mut().filter(|case| turn < case.repeats) {
            keep(&mut rows, case.name, (case.run)());
        }
    }
    show(title, rows);
}

fn keep<'a>(
    rows: &mut Vec<(&'a str, Vec<Figures>)>,
    name: &'a str,
    figures: Result<Figures, String>,
) {
    match figures {
        Err(why) => println!("{name}: no figure: {why}"),
        Ok(figures) => match rows.iter_mut().find(|(n, _)| *n == name) {
            Some((_, all)) => all.push(figures),
            None => rows.push((name, vec![figures])),
        },
    }
}

/// Medians, and each program's speed as a part of the first one's.
fn show(title: &str, rows: Vec<(&str, Vec<Figures>)>) {
    println!("\n{title}");
    println!(
        "  {:<32} {:>8} {:>10} {:>9} {:>9}",
        "", "s", "rows/s", "peak MiB", "of first"
    );
    let mut first = None;
    for (name, runs) in rows {
        let Some(middle) = median(runs) else { continue };
        let of = first.get_or_insert(middle.s);
        println!(
            "  {name:<32} {:>8.3} {:>10.0} {:>9.0} {:>9.2}",
            middle.s,
            middle.rows as f64 / middle.s,
            middle.rss_mb,
            *of / middle.s
        );
    }
}
