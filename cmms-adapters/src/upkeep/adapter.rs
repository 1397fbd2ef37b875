//! The adapter: what it can do, and its calls.

use super::cursor::{Ask, Cursor, Turn};
use super::refusal::{Outcome, outcome};
use super::session::{Sessions, Slot};
use super::settings::{
    CREDENTIALS, HOSTS, Login, PAGE_DEFAULT, PAGE_MAX, base, check_credentials, login, name, normal,
};
use super::{map, wire};
use crate::egress::EgressClient;
use crate::http::{Answer, HttpLayer, Request, misunderstood, pause};
use async_trait::async_trait;
use cmms_core::domain::connection::ConnectionOptions;
use cmms_core::domain::entity::Entity;
use cmms_core::failpoint::{Failpoint, is_on};
use cmms_core::mapping::EntityMapping;
use cmms_core::ports::adapter::{
    Adapter, AdapterCx, AdapterInfo, Capabilities, Checked, EntityCapabilities, Pages, Position,
    PullPage, PullReq, check_kinds,
};
use cmms_core::ports::secrets::Credentials;
use cmms_core::{Error, Result, code};
use std::sync::Arc;
use url::Url;

/// The dated version of the API that this was written for.
pub(super) const VERSION: &str = "2022-09-14";

/// Repetitions of a request that somebody waits for in front of a screen.
const CHECK_RETRIES: u32 = 1;
/// Repetitions of any other request.
const PULL_RETRIES: u32 = 5;

/// What asks for the oldest users.
const OLDEST: [(&str, &str); 3] = [
    ("limit", "25"),
    ("offset", "0"),
    ("orderBy", "createdAt ASC"),
];

/// UpKeep's protocol.
#[derive(Debug)]
pub struct UpkeepAdapter {
    http: HttpLayer,
    sessions: Sessions,
    capabilities: Capabilities,
    assets: EntityMapping,
    work_orders: EntityMapping,
}

impl UpkeepAdapter {
    /// An adapter that calls through this client.
    pub fn new(client: Arc<EgressClient>) -> Self {
        Self::with_http(HttpLayer::new(client, HOSTS))
    }

    /// The same with waits that follow from a seed.
    pub fn seeded(client: Arc<EgressClient>, seed: u64) -> Self {
        Self::with_http(HttpLayer::new(client, HOSTS).seeded(seed))
    }

    fn with_http(http: HttpLayer) -> Self {
        // The filter by time is seen working on work orders and only told of for assets; where it is not
        // honoured the whole list is read instead.
        let can = EntityCapabilities::pull(Pages::Serial, PAGE_MAX)
            .since()
            .page_default(PAGE_DEFAULT);
        Self {
            http,
            sessions: Sessions::default(),
            capabilities: Capabilities {
                entities: vec![(Entity::Asset, can), (Entity::WorkOrder, can)],
            },
            assets: map::assets(),
            work_orders: map::work_orders(),
        }
    }

    fn base(&self, cx: &AdapterCx) -> Result<Url> {
        Ok(base(&self.http.check_url(&cx.api_url)?))
    }

    /// Reads something. Whatever the vendor refuses to a session that worked before is asked for once more with a new
    /// one, since not every vendor says that a session has ended by 401.
    async fn read<T: Send>(
        &self,
        cx: &AdapterCx,
        path: &str,
        query: &[(&str, String)],
        retries: u32,
        read: impl Fn(Answer) -> Result<T> + Sync,
    ) -> Result<T> {
        let base = self.base(cx)?;
        let mut request = Request::get(&base, path)
            .header("upkeep-version", VERSION)
            .retries(retries);
        for (name, value) in query {
            request = request.query(name, value);
        }
        let kind = path.split('/').next().unwrap_or(path);
        let can_log_in = matches!(login(&cx.credentials)?, Login::Account { .. });
        let mut refused = None;
        loop {
            let slot = self
                .sessions
                .open(cx, &self.http, &base, refused.as_ref(), retries)
                .await?;
            self.refuse_another_account(cx, &base, &slot).await?;
            let request = request
                .clone()
                .secret_header("session-token", slot.token())?;
            let read = |answer: Answer| outcome(answer, &read);
            let error = match self.http.send_read(cx, &request, read).await? {
                Outcome::Answered(read) => {
                    self.sessions.worked(cx, &slot, kind);
                    return Ok(read);
                }
                Outcome::Refused(error) => error,
            };
            let again = can_log_in && refused.is_none();
            if again && self.sessions.may_have_ended(cx, &slot, kind, &error) {
                tracing::debug!(connection = %cx.connection, code = error.code().id(), "logs in anew: the session is refused");
                refused = Some(slot);
                continue;
            }
            // A new session is refused, too, so it is not the session.
            self.sessions.denied(cx, &slot, kind, &error);
            return Err(error);
        }
    }
}

impl UpkeepAdapter {
    /// Asks which account a session belongs to, and notes it. That says nothing about what else the session may do.
    async fn ask_account(
        &self,
        cx: &AdapterCx,
        base: &Url,
        slot: &Slot,
    ) -> Result<Outcome<Option<String>>> {
        let mut request = Request::get(base, "users")
            .header("upkeep-version", VERSION)
            .retries(PULL_RETRIES);
        for (name, value) in OLDEST {
            request = request.query(name, value);
        }
        let request = request.secret_header("session-token", slot.token())?;
        let read = |answer: Answer| outcome(answer, wire::account);
        let said = match self.http.send_read(cx, &request, read).await? {
            Outcome::Refused(error) if error.is(code::VENDOR_LOGIN) => {
                return Ok(Outcome::Refused(error));
            }
            Outcome::Answered(account) => account,
            // Not every account may list its users.
            Outcome::Refused(_) => None,
        };
        slot.is_of(said.clone());
        Ok(Outcome::Answered(said))
    }

    /// Refuses a login that leads to another account than the session before.
    async fn refuse_another_account(&self, cx: &AdapterCx, base: &Url, slot: &Slot) -> Result<()> {
        let expected = slot
            .expected()
            .filter(|_| !is_on(Failpoint::BelieveAccount));
        let Some(expected) = expected.map(str::to_owned) else {
            return Ok(());
        };
        match self.ask_account(cx, base, slot).await? {
            Outcome::Answered(Some(account)) if account != expected => {
                self.sessions.forget(cx.connection);
                let detail = "leads to another account of UpKeep by now";
                Err(
                    Error::new(code::ACCOUNT_CHANGED, format!("the login {detail}")).field(
                        "credentials",
                        "account_changed",
                        detail,
                    ),
                )
            }
            _ => Ok(()),
        }
    }
}

fn path(entity: Entity) -> &'static str {
    match entity {
        Entity::Asset => "assets",
        Entity::WorkOrder => "work-orders",
    }
}

#[async_trait]
impl Adapter for UpkeepAdapter {
    fn info(&self) -> AdapterInfo {
        AdapterInfo {
            cmms_type: "upkeep",
            title: "UpKeep",
            credentials: CREDENTIALS,
            api_key_variable: Some("UPKEEP_API_KEY"),
        }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn default_mapping(&self, entity: Entity) -> Option<&EntityMapping> {
        match entity {
            Entity::Asset => Some(&self.assets),
            Entity::WorkOrder => Some(&self.work_orders),
        }
    }

    fn accept(
        &self,
        api_url: &str,
        credentials: &Credentials,
        options: &ConnectionOptions,
    ) -> Result<String> {
        let url = self.http.check_url(api_url)?;
        self.http.check_options(options)?;
        check_credentials(credentials)?;
        Ok(normal(&url))
    }

    async fn check(&self, cx: &AdapterCx) -> Result<Checked> {
        // Whoever tests a connection wants to know whether its credentials are good now.
        self.sessions.forget(cx.connection);
        let kinds = check_kinds(self, cx).await?;
        let account = None;
        Ok(Checked { account, kinds })
    }

    async fn check_kind(&self, cx: &AdapterCx, entity: Entity) -> Result<()> {
        let query = [("limit", "1".to_owned()), ("offset", "0".to_owned())];
        let rows = self.read(cx, path(entity), &query, CHECK_RETRIES, wire::rows);
        rows.await.map(drop)
    }

    fn login<'c>(&self, credentials: &'c Credentials) -> Option<&'c str> {
        name(credentials)
    }

    async fn account(&self, cx: &AdapterCx, anew: bool) -> Result<Option<String>> {
        let base = self.base(cx)?;
        if anew {
            self.sessions.forget(cx.connection);
        }
        let can_log_in = matches!(login(&cx.credentials)?, Login::Account { .. });
        let mut refused = None;
        loop {
            let slot = self
                .sessions
                .open(cx, &self.http, &base, refused.as_ref(), PULL_RETRIES)
                .await?;
            if let Some(account) = slot.account() {
                return Ok(account.clone());
            }
            match self.ask_account(cx, &base, &slot).await? {
                Outcome::Answered(account) => return Ok(account),
                Outcome::Refused(_) if can_log_in && refused.is_none() => refused = Some(slot),
                Outcome::Refused(error) => {
                    self.sessions.forget(cx.connection);
                    return Err(error);
                }
            }
        }
    }

    async fn pull(&self, cx: &AdapterCx, req: &PullReq) -> Result<PullPage> {
        self.capabilities.require(req.entity)?;
        let mut cursor = match &req.position {
            Some(position) => position.read()?,
            None => match req.entity {
                Entity::Asset => Cursor::assets(req.since),
                Entity::WorkOrder => Cursor::work_orders(req.since),
            },
        };
        let limit = cx.options.page_size.unwrap_or(PAGE_DEFAULT);
        loop {
            let turn = match cursor.ask(limit) {
                Ask::List(query) => {
                    let list = path(req.entity);
                    let page = self
                        .read(cx, list, &query, PULL_RETRIES, wire::page)
                        .await?;
                    match page {
                        wire::Page::Rows(rows) => cursor.turn(rows)?,
                        wire::Page::Refused => {
                            tracing::debug!(entity = %req.entity, "asks for less: the query is refused");
                            cursor.refused().ok_or_else(|| {
                                misunderstood("UpKeep refuses to list (status 400)")
                            })?
                        }
                        // The end of a list is an empty page or a 404.
                        wire::Page::NotFound(_) if cursor.can_end() => cursor.turn(Vec::new())?,
                        wire::Page::NotFound(error) => return Err(error),
                    }
                }
                Ask::Record(id) => {
                    let place = format!("{}/{id}", path(req.entity));
                    let record = self
                        .read(cx, &place, &[], PULL_RETRIES, wire::record)
                        .await?;
                    cursor.record(record)?
                }
            };
            match turn {
                Turn::Again(next) => cursor = next,
                Turn::Doubt(wait, next) => {
                    tracing::debug!(entity = %req.entity, "asks again: the list contradicts itself");
                    pause(cx, wait).await?;
                    cursor = next;
                }
                Turn::Page(records, next) => {
                    return Ok(PullPage {
                        remarks: next.remarks(),
                        high_water: next.high_water(),
                        ..PullPage::new(records, Some(Position::of(&next)?))
                    });
                }
                Turn::End(end) => {
                    return Ok(PullPage {
                        remarks: end.remarks(),
                        high_water: end.high_water(),
                        is_whole: end.is_whole(),
                        ..PullPage::new(Vec::new(), None)
                    });
                }
            }
        }
    }
}
