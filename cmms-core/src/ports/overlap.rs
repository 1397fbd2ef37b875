//! Pages that overlap: whether records between two of them were passed over.
//!
//! Where pages have numbers, a record that goes moves those behind it forward, over the border of a page that was read
//! already. Such pages begin with the last records of the page before; where these are not there, the page before is
//! read again, and those before it, until one is met that was given.

use crate::failpoint::{Failpoint, is_on};
use crate::ports::adapter::{ExternalRecord, Pages, Position, PullPage};
use crate::{Error, Result, code};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

/// How often a listing goes back before it is given up.
const BACK_MAX: u32 = 1_000;
/// Ids that are kept with the checkpoint of a listing.
const KEPT: usize = 20;

/// What a page told of a record: enough to see that it was given in this form.
type Form = (Option<DateTime<Utc>>, usize);

/// The end of what a listing gave.
#[derive(Debug, Default)]
pub(crate) struct Seam {
    /// Whether pages have numbers: others never overlap.
    is_numbered: bool,
    /// The records of the page that was given last, by the hashes of their ids. No form: only the id is known.
    known: HashMap<u64, Option<Form>>,
    hasher: RandomState,
    /// Where the pages began that were given.
    trail: Vec<Option<Position>>,
    back: u32,
}

/// What is done with a page.
#[derive(Debug)]
pub(crate) enum Joined {
    /// It goes on where the one before ended; without what that gave.
    Page(PullPage),
    /// It does not: this page is read first.
    Back(Option<Position>),
}

impl Seam {
    /// Nothing was given, or a page that ended with these ids.
    pub(crate) fn new(pages: Pages, ids: &[String]) -> Self {
        let mut seam = Self {
            is_numbered: matches!(pages, Pages::Numbered { .. }),
            ..Self::default()
        };
        for id in ids {
            let id = seam.hasher.hash_one(id.as_str());
            seam.known.insert(id, None);
        }
        seam
    }

    /// Joins the page that begins there.
    ///
    /// # Errors
    /// `CMMS-VENDOR-010` where it is not found what comes before it.
    pub(crate) fn join(&mut self, at: Option<Position>, mut page: PullPage) -> Result<Joined> {
        if !self.is_numbered || is_on(Failpoint::BelievePageNumbers) {
            return Ok(Joined::Page(page));
        }
        let forms: Vec<Option<(u64, Form)>> = page.records.iter().map(|r| self.form(r)).collect();
        let given = |form: &Option<(u64, Form)>| form.and_then(|(id, _)| self.known.get(&id));
        if page.overlaps && !self.known.is_empty() && !forms.iter().any(|f| given(f).is_some()) {
            self.back += 1;
            let before = self.trail.pop().filter(|_| self.back <= BACK_MAX);
            tracing::debug!(
                back = self.back,
                "records were passed over: the page before is read again"
            );
            return before.map(Joined::Back).ok_or_else(|| {
                Error::new(
                    code::VENDOR_LIST,
                    "records were passed over: the vendor's pages do not fit together",
                )
            });
        }
        if page.overlaps {
            let mut forms = forms.iter();
            page.records.retain(|_| {
                let form = forms.next().copied().flatten();
                form.is_none_or(|(id, form)| self.known.get(&id) != Some(&Some(form)))
            });
        }
        self.known = forms
            .into_iter()
            .flatten()
            .map(|(id, form)| (id, Some(form)))
            .collect();
        self.trail.push(at);
        Ok(Joined::Page(page))
    }

    fn form(&self, record: &ExternalRecord) -> Option<(u64, Form)> {
        let id = self.hasher.hash_one(record.external_id.as_deref()?);
        Some((id, (record.updated_at, record.raw.len())))
    }
}

/// The ids that a page ends with.
pub(crate) fn end(records: &[ExternalRecord]) -> Vec<String> {
    let ids = records.iter().rev().filter_map(|r| r.external_id.clone());
    ids.take(KEPT).collect()
}
