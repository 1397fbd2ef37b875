//! How far a sync is: a bar for each kind of record, or plain lines without a terminal.

use super::{ENDED, asked_to_end};
use cmms::core::domain::sync_run::StreamCount;
use cmms::{Client, Result, StartSync, SyncRun, SyncType};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Runs a sync and shows how far it is. Whoever asks the program to end ends the run, which keeps what it has stored.
pub(super) async fn sync(
    client: &Client,
    sync_type: SyncType,
    input: StartSync,
) -> Result<SyncRun> {
    let (tell, mut told) = watch::channel(Vec::<StreamCount>::new());
    let cancel = CancellationToken::new();
    let client = client.telling(Arc::new(tell)).cancelled_by(cancel.clone());
    let syncs = client.sync();
    let work = async {
        match sync_type {
            SyncType::All => syncs.all(input).await,
            SyncType::Assets => syncs.assets(input).await,
            SyncType::WorkOrders => syncs.work_orders(input).await,
        }
    };
    tokio::pin!(work);
    let end = asked_to_end();
    tokio::pin!(end);
    let mut shown = Shown::new();
    loop {
        tokio::select! {
            // Whoever asks is heard before the work begins.
            biased;
            () = &mut end => {
                if cancel.is_cancelled() {
                    std::process::exit(ENDED.into());
                }
                tell!("The sync ends at its next safe point; what is stored stays. Once more ends the program at once.");
                cancel.cancel();
                end.set(asked_to_end());
            }
            done = &mut work => {
                shown.finish();
                return done;
            }
            Ok(()) = told.changed() => {
                let streams = told.borrow_and_update().clone();
                shown.show(&streams);
            }
        }
    }
}

struct Shown {
    bars: Option<MultiProgress>,
    streams: BTreeMap<String, ProgressBar>,
    lines: BTreeMap<String, u64>,
}

impl Shown {
    fn new() -> Self {
        Self {
            bars: std::io::stderr().is_terminal().then(MultiProgress::new),
            streams: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    fn show(&mut self, streams: &[StreamCount]) {
        for stream in streams.iter().filter(|s| s.pages > 0) {
            let name = format!("{}s", stream.entity).replace('_', " ");
            let text = format!(
                "{} read, {} new, {} changed, {} unchanged, {} in quarantine",
                stream.fetched,
                stream.created,
                stream.updated,
                stream.unchanged,
                stream.quarantined
            );
            match &self.bars {
                Some(bars) => {
                    let bar = self.streams.entry(name.clone()).or_insert_with(|| {
                        let bar = bars.add(ProgressBar::new_spinner());
                        if let Ok(style) =
                            ProgressStyle::with_template("{spinner} {prefix:<12} {msg}")
                        {
                            bar.set_style(style);
                        }
                        bar.set_prefix(name.clone());
                        bar
                    });
                    bar.set_message(text);
                    bar.tick();
                }
                None => {
                    // A line for each ten thousand records keeps a log readable.
                    let step = stream.fetched / 10_000;
                    if self.lines.insert(name.clone(), step) != Some(step) {
                        tell!("{name}: {} read", stream.fetched);
                    }
                }
            }
        }
    }

    fn finish(&self) {
        self.streams.values().for_each(ProgressBar::abandon);
    }
}
