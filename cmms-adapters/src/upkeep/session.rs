//! Sessions: one per connection, made once for all who wait for it.

use super::adapter::VERSION;
use super::settings::{Login, login};
use super::wire;
use crate::http::{HttpLayer, Request};
use chrono::{DateTime, TimeDelta, Utc};
use cmms_core::ids::ConnectionId;
use cmms_core::ports::adapter::AdapterCx;
use cmms_core::{Error, Result, code};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use url::Url;

/// A session is renewed this long before it ends.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// What a new session was refused, too, is taken as the account's right for so long: no further login for it.
const DENIED_FOR: Duration = Duration::from_secs(300);

/// The sessions of all connections.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Mutex<HashMap<ConnectionId, Arc<Slot>>>,
    /// Kinds of records that were refused to a new session, too, and when.
    denied: Mutex<HashMap<(ConnectionId, String), Duration>>,
}

/// A session that exists or is being made. Whoever needs it waits for the same login.
#[derive(Debug)]
pub(super) struct Slot {
    base: Url,
    credentials_version: i64,
    cell: OnceCell<Session>,
    /// Whether the vendor answered it anything.
    worked: AtomicBool,
    /// The account, once it was asked for; nothing where the vendor does not tell.
    account: OnceLock<Option<String>>,
    /// The account of the session that this one takes the place of: a login may lead elsewhere by now.
    expected: Option<String>,
}

#[derive(Debug)]
struct Session {
    token: SecretString,
    renew_at: Option<DateTime<Utc>>,
}

impl Slot {
    fn serves(&self, cx: &AdapterCx, base: &Url) -> bool {
        self.base == *base
            && self.credentials_version == cx.credentials_version
            && !self.is_stale(cx.clock.now())
    }

    fn is_stale(&self, now: DateTime<Utc>) -> bool {
        let renew_at = self.cell.get().and_then(|s| s.renew_at);
        renew_at.is_some_and(|at| at <= now)
    }

    /// The account, if it was asked for.
    pub(super) fn account(&self) -> Option<&Option<String>> {
        self.account.get()
    }

    /// Notes the account.
    pub(super) fn is_of(&self, account: Option<String>) {
        let _ = self.account.set(account);
    }

    /// The account that is expected and not asked for yet.
    pub(super) fn expected(&self) -> Option<&str> {
        let expected = self.expected.as_deref();
        expected.filter(|_| self.account.get().is_none())
    }

    fn known(&self) -> Option<String> {
        let asked = self.account.get().cloned().flatten();
        asked.or_else(|| self.expected.clone())
    }

    /// The session's token.
    pub(super) fn token(&self) -> &str {
        self.cell.get().map_or("", |s| s.token.expose_secret())
    }
}

impl Sessions {
    /// The session of a connection, made if there is none; not the one that was just refused.
    pub(super) async fn open(
        &self,
        cx: &AdapterCx,
        http: &HttpLayer,
        base: &Url,
        refused: Option<&Arc<Slot>>,
        retries: u32,
    ) -> Result<Arc<Slot>> {
        let slot = self.slot(cx, base, refused);
        slot.cell
            .get_or_try_init(|| log_in(cx, http, base, retries))
            .await?;
        Ok(slot)
    }

    /// Notes that the vendor answered a session.
    pub(super) fn worked(&self, cx: &AdapterCx, slot: &Slot, kind: &str) {
        slot.worked.store(true, Ordering::Relaxed);
        let mut denied = lock(&self.denied);
        if !denied.is_empty() {
            denied.remove(&(cx.connection, kind.to_owned()));
        }
    }

    /// Whether a refusal may come from the end of the session: it worked before, or the vendor says that it does not
    /// know it. An account that may not read a kind of record does not log in again and again for it.
    pub(super) fn may_have_ended(
        &self,
        cx: &AdapterCx,
        slot: &Slot,
        kind: &str,
        refusal: &Error,
    ) -> bool {
        if refusal.is(code::VENDOR_LOGIN) {
            return true;
        }
        let denied = lock(&self.denied);
        let at = denied.get(&(cx.connection, kind.to_owned()));
        let is_right = at.is_some_and(|at| cx.clock.elapsed().saturating_sub(*at) < DENIED_FOR);
        slot.worked.load(Ordering::Relaxed) && !is_right
    }

    /// Notes that a kind of record is refused to a session that is not believed to have ended. One that never worked
    /// is not used again.
    pub(super) fn denied(&self, cx: &AdapterCx, slot: &Arc<Slot>, kind: &str, refusal: &Error) {
        let now = cx.clock.elapsed();
        let mut denied = lock(&self.denied);
        denied.retain(|_, at| now.saturating_sub(*at) < DENIED_FOR);
        denied
            .entry((cx.connection, kind.to_owned()))
            .or_insert(now);
        drop(denied);
        if refusal.is(code::VENDOR_LOGIN) || !slot.worked.load(Ordering::Relaxed) {
            let mut slots = lock(&self.slots);
            let known = slots.get(&cx.connection);
            if known.is_some_and(|known| Arc::ptr_eq(known, slot)) {
                slots.remove(&cx.connection);
            }
        }
    }

    /// Forgets the session of a connection.
    pub(super) fn forget(&self, connection: ConnectionId) {
        let mut slots = lock(&self.slots);
        slots.remove(&connection);
    }

    fn slot(&self, cx: &AdapterCx, base: &Url, refused: Option<&Arc<Slot>>) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let mut expected = None;
        if let Some(slot) = slots.get(&cx.connection) {
            let was_refused = refused.is_some_and(|r| Arc::ptr_eq(r, slot));
            if slot.serves(cx, base) && !was_refused {
                return Arc::clone(slot);
            }
            if slot.base == *base && slot.credentials_version == cx.credentials_version {
                expected = slot.known();
            }
        }
        let now = cx.clock.now();
        slots.retain(|_, slot| !slot.is_stale(now));
        let slot = Arc::new(Slot {
            base: base.clone(),
            credentials_version: cx.credentials_version,
            cell: OnceCell::new(),
            worked: AtomicBool::new(false),
            account: OnceLock::new(),
            expected,
        });
        slots.insert(cx.connection, Arc::clone(&slot));
        slot
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn log_in(cx: &AdapterCx, http: &HttpLayer, base: &Url, retries: u32) -> Result<Session> {
    let (email, password) = match login(&cx.credentials)? {
        Login::Account { email, password } => (email, password),
        Login::Token(token) => {
            return Ok(Session {
                token: token.into(),
                renew_at: None,
            });
        }
    };
    // A second login only makes a second session, so it may be repeated. Redirects are not followed.
    let request = Request::post(base, "auth")
        .header("upkeep-version", VERSION)
        .form(&[("email", email), ("password", password)])
        .repeatable()
        .retries(retries);
    let session = http.send_read(cx, &request, wire::session).await?;
    let now = cx.clock.now();
    // An end that has passed says that the clocks differ: then only a 401 tells.
    let left = session.expires_at.map(|end| (end, end - now));
    let renew_at = left
        .filter(|(_, left)| *left > TimeDelta::zero())
        .map(|(end, left)| end - RENEW_BEFORE.min(left / 2));
    Ok(Session {
        token: session.token.into(),
        renew_at,
    })
}
