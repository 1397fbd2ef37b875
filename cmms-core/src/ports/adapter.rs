//! Vendor adapters as a port: how records come from a vendor's system.
//!
//! An adapter speaks one vendor's protocol and keeps every record's raw JSON. What the fields mean is
//! data ([`crate::mapping::EntityMapping`]); applying it is the core's.

use crate::clock::Clock;
use crate::domain::connection::ConnectionOptions;
use crate::domain::entity::Entity;
use crate::ids::ConnectionId;
use crate::mapping::EntityMapping;
use crate::ports::secrets::Credentials;
use crate::{Error, Result, code};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What an adapter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterInfo {
    /// The `cmms_type` that selects it.
    pub cmms_type: &'static str,
    /// The vendor's name for people.
    pub title: &'static str,
    /// The sets of credential fields of which one is needed, each complete.
    pub credentials: &'static [&'static [&'static str]],
    /// The environment variable whose value stands in for a missing `api_key`.
    pub api_key_variable: Option<&'static str>,
}

impl AdapterInfo {
    /// A vendor whose credentials never come from the environment.
    pub const fn new(
        cmms_type: &'static str,
        title: &'static str,
        credentials: &'static [&'static [&'static str]],
    ) -> Self {
        Self {
            cmms_type,
            title,
            credentials,
            api_key_variable: None,
        }
    }

    /// Checks that credentials have a complete set of fields and no other field.
    ///
    /// # Errors
    /// `CMMS-CONN-003`, naming the field.
    pub fn check(&self, credentials: &Credentials) -> Result<()> {
        let is_set = |name: &&str| credentials.get(name).is_some_and(|v| !v.is_empty());
        let wrong = |field: String, reason: &'static str, why: &str| {
            let sets: Vec<String> = self
                .credentials
                .iter()
                .map(|set| set.join(" and "))
                .collect();
            let detail = format!("{why}; {} needs {}", self.title, sets.join(", or "));
            let message = format!("the credentials cannot be used: {detail}");
            Err(Error::new(code::CONNECTION_CREDENTIALS, message).field(field, reason, detail))
        };
        let mut known = self.credentials.iter().copied().flatten();
        if let Some(name) = credentials
            .names()
            .find(|name| !known.clone().any(|k| k == name))
        {
            let why = format!("there is no credential {name:?}");
            return wrong(format!("credentials.{name}"), "unknown_field", &why);
        }
        let complete = self.credentials.iter().any(|set| set.iter().all(is_set));
        if !complete && known.next().is_some() {
            return wrong(
                "credentials".to_owned(),
                "credentials_invalid",
                "none of the sets is complete",
            );
        }
        Ok(())
    }
}

/// How pages of a list are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Each page says where the next begins.
    Serial,
    /// Where the next pages begin is known before a page has come in ([`Adapter::page_after`]), so several
    /// are fetched at a time.
    Numbered {
        /// How many, unless the connection's option `pages_in_flight` says otherwise.
        in_flight: u32,
    },
}

impl Pages {
    /// How many pages of a listing are fetched at a time.
    pub fn in_flight(self, options: &ConnectionOptions) -> usize {
        match self {
            Self::Serial => 1,
            Self::Numbered { in_flight } => {
                options.pages_in_flight.unwrap_or(in_flight).max(1) as usize
            }
        }
    }
}

/// How long a change may take to show in a vendor's lists, unless its adapter knows better.
const LOOK_BACK: Duration = Duration::from_mins(10);

/// What the vendor can do with one kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityCapabilities {
    /// Its records can be read.
    pub pull: bool,
    /// Only those that changed since a time can be asked for.
    pub since: bool,
    /// How pages are reached.
    pub pages: Pages,
    /// The largest page that is asked for.
    pub page_max: u32,
    /// The page that is asked for unless the connection says otherwise.
    pub page_default: u32,
    /// How long a change may take to show in lists: the next listing of changes begins so long before the
    /// moment at which this one did, at the latest.
    pub look_back: Duration,
}

impl EntityCapabilities {
    /// Records that can be read, in pages of at most this many.
    pub const fn pull(pages: Pages, page_max: u32) -> Self {
        Self {
            pull: true,
            since: false,
            pages,
            page_max,
            page_default: page_max,
            look_back: LOOK_BACK,
        }
    }

    /// The same where only those that changed since a time can be asked for.
    #[must_use]
    pub const fn since(mut self) -> Self {
        self.since = true;
        self
    }

    /// The same with smaller pages, unless the connection says otherwise.
    #[must_use]
    pub const fn page_default(mut self, page_default: u32) -> Self {
        self.page_default = page_default;
        self
    }

    /// The same where changes take another time to show in lists (10 minutes).
    #[must_use]
    pub const fn look_back(mut self, look_back: Duration) -> Self {
        self.look_back = look_back;
        self
    }
}

/// What the vendor can do, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Kinds of records that it knows, with what can be done to them.
    pub entities: Vec<(Entity, EntityCapabilities)>,
}

impl Capabilities {
    /// What can be done with these kinds of records, and nothing with others.
    pub fn new(entities: impl Into<Vec<(Entity, EntityCapabilities)>>) -> Self {
        Self {
            entities: entities.into(),
        }
    }

    /// What can be done with one kind of record.
    ///
    /// # Errors
    /// `CMMS-VENDOR-009` when the vendor has no such records; no request is made.
    pub fn require(&self, entity: Entity) -> Result<&EntityCapabilities> {
        self.entities
            .iter()
            .find(|(e, c)| *e == entity && c.pull)
            .map(|(_, c)| c)
            .ok_or_else(|| {
                Error::new(
                    code::VENDOR_UNSUPPORTED,
                    format!("this vendor has no {entity} to read"),
                )
            })
    }
}

/// What the vendor's own clock showed while a listing was read, as its answers say. All requests of a listing
/// share one.
///
/// The HTTP layer of `cmms-adapters` notes the `Date` of every success; an adapter that sends by other means notes
/// what it hears by itself. Where nothing is noted, our clock counts.
#[derive(Debug, Clone, Default)]
pub struct VendorClock(Arc<Mutex<Option<Heard>>>);

#[derive(Debug, Clone, Copy)]
struct Heard {
    first: DateTime<Utc>,
    latest: DateTime<Utc>,
}

impl VendorClock {
    /// Notes what an answer says.
    pub fn note(&self, at: DateTime<Utc>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = heard.map_or(at, |heard| heard.first);
        *heard = Some(Heard { first, latest: at });
    }

    /// What the first answer said.
    pub fn first(&self) -> Option<DateTime<Utc>> {
        self.heard().map(|heard| heard.first)
    }

    /// What the latest answer said.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.heard().map(|heard| heard.latest)
    }

    fn heard(&self) -> Option<Heard> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, opened: what an adapter needs for a call.
#[derive(Debug, Clone)]
pub struct AdapterCx {
    /// The connection.
    pub connection: ConnectionId,
    /// Its address, checked against the egress policy when it was stored and again at each call.
    pub api_url: Arc<str>,
    /// Its options.
    pub options: Arc<ConnectionOptions>,
    /// Its credentials, opened for the time of the call.
    pub credentials: Arc<Credentials>,
    /// Counts how often the credentials were set: a session made with older ones is not used again.
    pub credentials_version: i64,
    /// The time and pauses.
    pub clock: Arc<dyn Clock>,
    /// What the vendor's clock shows, as its answers say.
    pub vendor_clock: VendorClock,
    /// Fires when the caller gives up.
    pub cancel: CancellationToken,
}

/// What a test of a connection found.
#[derive(Debug)]
pub struct Checked {
    /// What the vendor said about the account, for people.
    pub account: Option<String>,
    /// What came of each kind of record that can be read: nothing, or why it cannot be read just now.
    pub kinds: Vec<(Entity, Option<Error>)>,
}

/// Whether an error is about the connection as a whole, so that another kind of record need not be asked for: a refused
/// login, a vendor that cannot be reached or asks to be left alone, and all that is not the vendor's.
pub fn concerns_all_kinds(e: &Error) -> bool {
    e.code().area() != "VENDOR"
        || [
            code::VENDOR_LOGIN,
            code::VENDOR_UNREACHABLE,
            code::VENDOR_LIMIT,
        ]
        .iter()
        .any(|code| e.is(code))
}

/// A place in a listing, in the adapter's own words: a JSON text that is stored and handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position(pub String);

impl Position {
    /// A place of the adapter's own type.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a place that is no JSON.
    pub fn of(place: &impl Serialize) -> Result<Self> {
        serde_json::to_string(place)
            .map(Self)
            .map_err(|e| Error::internal("the position of a listing is no JSON").source(e))
    }

    /// The place, as the adapter's own type.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a place that another version of the adapter stored in another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|e| {
            Error::internal("the stored position of a listing cannot be read").source(e)
        })
    }
}

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct PullReq {
    /// Which records.
    pub entity: Entity,
    /// Where to go on. None: the listing begins.
    pub position: Option<Position>,
    /// With a beginning listing: only records changed at or after this time, where the vendor can. The core
    /// has subtracted what changes take to show in lists. None: every record.
    pub since: Option<DateTime<Utc>>,
}

/// A record as the vendor sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalRecord {
    /// The vendor's id. None where the record has none that can be read: it goes into quarantine.
    pub external_id: Option<String>,
    /// When the vendor last changed it, where the record says so.
    pub updated_at: Option<DateTime<Utc>>,
    /// The record, byte for byte. A text that is no JSON goes into quarantine.
    pub raw: Box<str>,
    /// Whether the listing that it came in is one of archived records, where the vendor tells them apart that way and the
    /// record itself does not say.
    pub listed_archived: Option<bool>,
}

/// What has to be said of a listing besides its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Why records may be missing, though the listing goes on. Its run is not `ok`, and the next listing begins where
    /// this one did.
    Gap(String),
    /// What the vendor does not heed. Nothing of what it lists is missing.
    Ignored(String),
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct PullPage {
    /// The records, in the order of the vendor, without those that this listing gave before other than an overlap.
    pub records: Vec<ExternalRecord>,
    /// Where the listing goes on; None: it is complete.
    pub next: Option<Position>,
    /// The latest `updated_at` that the whole listing has seen so far. The next incremental listing begins there,
    /// unless the core takes an earlier time: it believes no record's time that the vendor's clock has not reached.
    pub high_water: Option<DateTime<Utc>>,
    /// Whether its first records are again the last ones of the page before, so that none between them can have been
    /// passed over. The core looks for them, gives them once, and goes back where there are none.
    pub overlaps: bool,
    /// Whether the listing turned out to be one of every record, though only changes were asked for.
    pub is_whole: bool,
    /// What has to be said of the listing up to here.
    pub remarks: Vec<Remark>,
}

impl PullPage {
    /// A page of which nothing else is to be said.
    pub fn new(records: Vec<ExternalRecord>, next: Option<Position>) -> Self {
        Self {
            records,
            next,
            high_water: None,
            overlaps: false,
            is_whole: false,
            remarks: Vec::new(),
        }
    }
}

/// A vendor's protocol. One object serves all connections of its type; sessions are kept per connection.
#[async_trait]
pub trait Adapter: Debug + Send + Sync + 'static {
    /// What it is.
    fn info(&self) -> AdapterInfo;

    /// What the vendor can do.
    fn capabilities(&self) -> &Capabilities;

    /// How records of this kind become ours unless the user says otherwise. None: it has no such records.
    fn default_mapping(&self, entity: Entity) -> Option<&EntityMapping>;

    /// Checks shape and egress policy of a connection without calling anybody, and answers the address in
    /// its normal form.
    ///
    /// # Errors
    /// `CMMS-EGRESS-001`, `CMMS-EGRESS-002`, `CMMS-CONN-003`, or an option that cannot be used.
    fn accept(
        &self,
        api_url: &str,
        credentials: &Credentials,
        options: &ConnectionOptions,
    ) -> Result<String>;

    /// Logs in and reads something small of each kind of record.
    ///
    /// # Errors
    /// `CMMS-VENDOR-…`: unreachable, refused, not the vendor's API; and where no kind can be read.
    async fn check(&self, cx: &AdapterCx) -> Result<Checked> {
        let kinds = check_kinds(self, cx).await?;
        let account = None;
        Ok(Checked { account, kinds })
    }

    /// Reads something small of a kind of record: a first page, unless the vendor has something smaller.
    ///
    /// # Errors
    /// `CMMS-VENDOR-…`, as for [`pull`](Self::pull).
    async fn check_kind(&self, cx: &AdapterCx, entity: Entity) -> Result<()> {
        let first = PullReq {
            entity,
            position: None,
            since: None,
        };
        self.pull(cx, &first).await.map(drop)
    }

    /// Who logs in with these credentials, where they say so: a name or a client's id, never a secret. None: they are
    /// a key only, which is told from others by its fingerprint.
    fn login<'c>(&self, credentials: &'c Credentials) -> Option<&'c str> {
        ["email", "username", "client_id", "app_key"]
            .into_iter()
            .find_map(|name| credentials.get(name).filter(|value| !value.is_empty()))
    }

    /// The vendor's own id of the account that the connection leads to, which no other account at this address has.
    /// It is asked for once before each run and compared with what was told before, so that records of another account
    /// never meet those of this one. An adapter answers what it knows of the present session, unless it is asked
    /// `anew`, and asks where it does not know.
    ///
    /// None: the vendor does not tell. Better none than one that may change by itself.
    ///
    /// # Errors
    /// `CMMS-VENDOR-…`: unreachable, refused.
    async fn account(&self, _cx: &AdapterCx, _anew: bool) -> Result<Option<String>> {
        Ok(None)
    }

    /// Where the page behind the one that is asked for will begin, if that can be told before it has come in.
    ///
    /// It is a guess that only saves time: where the page itself says otherwise, the page is right and what
    /// was fetched by the guess is thrown away. None for vendors whose pages each say where the next begins.
    fn page_after(&self, _req: &PullReq) -> Option<Position> {
        None
    }

    /// Reads one page.
    ///
    /// # Errors
    /// `CMMS-VENDOR-…`, after the retries that the HTTP layer makes.
    async fn pull(&self, cx: &AdapterCx, req: &PullReq) -> Result<PullPage>;
}

/// Reads something small of each kind of record that can be read; says which cannot, and why.
///
/// # Errors
/// What is about the connection as a whole, and the first of the others where no kind can be read.
pub async fn check_kinds<A: Adapter + ?Sized>(
    adapter: &A,
    cx: &AdapterCx,
) -> Result<Vec<(Entity, Option<Error>)>> {
    let mut kinds = Vec::new();
    for (entity, can) in &adapter.capabilities().entities {
        if !can.pull {
            continue;
        }
        match adapter.check_kind(cx, *entity).await {
            Ok(()) => kinds.push((*entity, None)),
            Err(e) if concerns_all_kinds(&e) => return Err(e),
            Err(e) => kinds.push((*entity, Some(e))),
        }
    }
    if kinds.iter().all(|(_, e)| e.is_some())
        && let Some(first) = kinds.iter_mut().find_map(|(_, e)| e.take())
    {
        return Err(first);
    }
    Ok(kinds)
}
