//! What the benchmarks share: figures of one run, and how they are shown beside each other.

use cmms::core::ports::store::Store;
use cmms::store::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Opens a database: a file, or the URL of PostgreSQL, whose schema is made where there is none.
pub async fn open_store(db: &str) -> Arc<dyn Store> {
    if db.starts_with("postgres:") {
        let options = PostgresOptions::parse(db).expect("a URL");
        let store = PostgresStore::connect(options).await.expect("a server");
        store.migrate().await.expect("a schema");
        return Arc::new(store);
    }
    let store = SqliteStore::open(Path::new(db), SqliteOptions::default());
    Arc::new(store.expect("a database"))
}

/// What one program did in one run.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    /// Seconds.
    pub s: f64,
    /// Records that it took in.
    #[serde(default)]
    pub rows: u64,
    /// The peak of its memory, in MiB.
    #[serde(default)]
    pub rss_mb: f64,
}

impl Figures {
    /// The figures of this process up to now.
    pub fn of(took: Duration, rows: u64) -> Self {
        Self {
            s: took.as_secs_f64(),
            rows,
            rss_mb: peak_mib(),
        }
    }

    /// Prints the line that says them to the program that compares.
    pub fn print(&self) {
        println!(
            "RESULT {}",
            serde_json::to_string(self).expect("figures are JSON")
        );
    }

    /// The figures in the output of a program; None: it printed none.
    pub fn find(output: &str) -> Option<Self> {
        let line = output
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("RESULT "))?;
        serde_json::from_str(line).ok()
    }
}

/// The peak of this process's memory so far, in MiB; 0 where the system does not tell.
pub fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    kib / 1024.0
}

/// The middle one by time.
pub fn median(mut runs: Vec<Figures>) -> Option<Figures> {
    runs.sort_by(|a, b| a.s.total_cmp(&b.s));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}
