//! What comes out: answers, errors, the log.

use serde_json::Value;
use std::error::Error as _;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tracing_subscriber::filter::LevelFilter;

/// Everything that came out.
#[derive(Clone, Default)]
pub(crate) struct Out(Arc<Mutex<Vec<u8>>>);

impl Out {
    pub(crate) fn add(&self, text: impl AsRef<[u8]>) {
        self.0.lock().unwrap().extend(text.as_ref());
    }

    pub(crate) fn result(&self, result: Result<Value, cmms::Error>) -> Result<Value, cmms::Error> {
        match &result {
            Ok(value) => self.add(value.to_string()),
            Err(e) => {
                self.add(format!(
                    "{e}\n{e:?}\n{e:#?}\n{}\n{:?}\n",
                    e.remedy(),
                    e.violations()
                ));
                let mut source = e.source();
                while let Some(inner) = source {
                    self.add(format!("{inner}\n{inner:?}\n"));
                    source = inner.source();
                }
            }
        }
        result
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Out {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.add(text);
        Ok(text.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) static LOG: LazyLock<Out> = LazyLock::new(Out::default);

/// Everything is logged from now on.
pub(crate) fn log_everything() {
    // Of several tests the first one succeeds.
    let _ = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(|| LOG.clone())
        .try_init();
}
