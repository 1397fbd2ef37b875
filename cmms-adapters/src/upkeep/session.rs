//! Sessions: one per connection, made once for all who wait for it.

use super::adapter::VERSION;
use super::settings::{Login, login};
use super::wire;
use crate::http::{HttpLayer, Request};
use chrono::{DateTime, TimeDelta, Utc};
use cmms_core::Result;
use cmms_core::ids::ConnectionId;
use cmms_core::ports::adapter::AdapterCx;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use url::Url;

/// A session is renewed this long before it ends.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// The sessions of all connections.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Mutex<HashMap<ConnectionId, Arc<Slot>>>,
}

/// A session that exists or is being made. Whoever needs it waits for the same login.
#[derive(Debug)]
pub(super) struct Slot {
    base: Url,
    credentials_version: i64,
    cell: OnceCell<Session>,
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

    /// Forgets the session of a connection.
    pub(super) fn forget(&self, connection: ConnectionId) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(&connection);
    }

    fn slot(&self, cx: &AdapterCx, base: &Url, refused: Option<&Arc<Slot>>) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&cx.connection) {
            let was_refused = refused.is_some_and(|r| Arc::ptr_eq(r, slot));
            if slot.serves(cx, base) && !was_refused {
                return Arc::clone(slot);
            }
        }
        let now = cx.clock.now();
        slots.retain(|_, slot| !slot.is_stale(now));
        let slot = Arc::new(Slot {
            base: base.clone(),
            credentials_version: cx.credentials_version,
            cell: OnceCell::new(),
        });
        slots.insert(cx.connection, Arc::clone(&slot));
        slot
    }
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
