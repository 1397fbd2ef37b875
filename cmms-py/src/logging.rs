//! What the library logs reaches Python's `logging`.

use pyo3::prelude::*;
use pyo3::types::PyAny;
use std::fmt::Write as _;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU8, Ordering};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The numbers of Python's `logging`.
const ERROR: u8 = 40;
const WARNING: u8 = 30;
const INFO: u8 = 20;
const DEBUG: u8 = 10;

/// What is below is not made at all.
static LOWEST: AtomicU8 = AtomicU8::new(WARNING);
/// Whom the program's records go to: a function of level, target, file, line and text.
static HANDLER: RwLock<Option<Py<PyAny>>> = RwLock::new(None);

fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => ERROR,
        Level::WARN => WARNING,
        Level::INFO => INFO,
        Level::DEBUG => DEBUG,
        // Python has no word for it.
        _ => 0,
    }
}

/// Hands what is logged to `handler` from now on.
#[pyfunction]
pub(crate) fn log_to(handler: Py<PyAny>) {
    if let Ok(mut place) = HANDLER.write() {
        *place = Some(handler);
    }
    // The extension has a dispatcher of its own, so the second time is the only one that is refused.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ToPython));
}

/// Says from which level on `logging` wants to know.
#[pyfunction]
pub(crate) fn log_level(level: u8) {
    if LOWEST.swap(level, Ordering::Relaxed) != level {
        tracing::callsite::rebuild_interest_cache();
    }
}

/// The layer.
struct ToPython;

/// The fields of a span, as text.
struct Fields(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for ToPython {
    fn register_callsite(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if wanted(metadata) {
            tracing::subscriber::Interest::always()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        wanted(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        if let Some(span) = cx.span(id) {
            span.extensions_mut().insert(Fields(text.whole()));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let mut text = Text::default();
        values.record(&mut text);
        if let Some(span) = cx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            let _ = write!(fields.0, " {}", text.whole());
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let mut line = String::new();
        for span in cx
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            line.push_str(span.name());
            if let Some(fields) = span
                .extensions()
                .get::<Fields>()
                .filter(|f| !f.0.is_empty())
            {
                let _ = write!(line, "{{{}}}", fields.0);
            }
            line.push_str(": ");
        }
        line.push_str(&text.whole());
        hand_on(event.metadata(), &line);
    }
}

/// Whether Python wants to know, and it is ours.
fn wanted(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("cmms")
        && number(*metadata.level()) >= LOWEST.load(Ordering::Relaxed).max(DEBUG)
}

fn hand_on(metadata: &Metadata<'_>, line: &str) {
    // While the interpreter ends there is nobody to tell.
    let told = Python::try_attach(|py| {
        let handler = HANDLER
            .read()
            .ok()
            .and_then(|place| Some(place.as_ref()?.clone_ref(py)));
        if let Some(handler) = handler {
            let (file, at) = (
                metadata.file().unwrap_or_default(),
                metadata.line().unwrap_or_default(),
            );
            // A handler that fails is the program's own matter, and `logging` has told it.
            let _ = handler.call1(
                py,
                (number(*metadata.level()), metadata.target(), file, at, line),
            );
        }
    });
    let _ = told;
}

/// A message with its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn whole(self) -> String {
        match (self.message.is_empty(), self.fields.is_empty()) {
            (true, _) => self.fields,
            (_, true) => self.message,
            _ => format!("{} {}", self.message, self.fields),
        }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
            return;
        }
        let gap = if self.fields.is_empty() { "" } else { " " };
        let _ = write!(self.fields, "{gap}{}={value:?}", field.name());
    }
}
