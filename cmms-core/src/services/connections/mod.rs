//! Connections to vendors' systems: set up, test, change, remove.

mod account;
mod confirm;
mod credentials;
mod ensure;
mod former;
mod health;
pub mod master_key;
mod options;
mod remove;
mod request;

use super::app::App;
use super::audit::{AuditEvent, changes};
use super::paging::{self, Order, Wanted};
use super::patching::check_version;
use super::sync::error_of;
use super::sync::lease;
use super::uow::Uow;
use crate::context::{CallContext, Permission};
use crate::domain::account::Account;
use crate::domain::check::Checks;
use crate::domain::connection::{
    Connection, ConnectionHealth, ConnectionOptions, CredentialInfo, HealthNote, slug,
};
use crate::domain::entity::Entity;
use crate::domain::secret::SealedSecret;
use crate::ids::ConnectionId;
use crate::page::Page;
use crate::ports::adapter::Adapter;
use crate::ports::repository::TxExt;
use crate::ports::secrets::Credentials;
use crate::ports::store::{Dir, Filter, Lock, SaveRule, Tx, TxMode};
use crate::record::{Cell, Field, Json};
use crate::{Error, Result, code};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use ensure::ensure;
pub use remove::delete;
pub use request::{
    ConnectionDeleted, ConnectionSort, ConnectionTest, CreateConnection, DeleteConnection,
    GetConnection, KindTest, ListConnections, UpdateConnection,
};

use account::{Identity, Wish};
pub(super) use confirm::run as confirm_account;
use credentials::open;
use health::note_test;
pub(super) use health::{note_failure, note_success};

/// Adds a connection. Shape and egress policy are checked; nobody is called.
///
/// # Errors
/// `CMMS-CONN-002` for an unknown vendor, `CMMS-CONN-003` for credentials of another shape, `CMMS-CONN-005`
/// for a taken name, `CMMS-CONN-010` for an account that another connection leads to, `CMMS-EGRESS-001` and
/// `CMMS-EGRESS-002` for an address that may not be called.
pub async fn create(cx: &CallContext, app: &App, input: CreateConnection) -> Result<Connection> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let Accepted {
        adapter,
        api_url,
        credentials: given,
    } = accepted(app, &input)?;
    let share = input.allow_same_account.unwrap_or(false);
    let options = input.options.unwrap_or_default();
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let mut connection = Connection {
        id: ConnectionId(app.ids.next()),
        version: 1,
        created_at: now,
        created_by: cx.scope.principal().to_string(),
        updated_at: now,
        cmms_type: input.cmms_type,
        api_url,
        slug: String::new(),
        connection_name: input.connection_name,
        enabled: input.enabled.unwrap_or(true),
        sync_interval: input.sync_interval,
        options: Json(options),
        health: ConnectionHealth::default(),
        connection_id: None,
        credentials: BTreeMap::new(),
    };
    checked(&connection.connection_name, connection.sync_interval)?;
    connection.slug = free_slug(uow.tx(), &connection.connection_name).await?;
    let name = connection.connection_name.clone();
    uow.save(&connection, SaveRule::Insert, || name_taken(&name))
        .await?;
    let prints = credentials::store(app, cx, &mut uow, connection.id, &given).await?;
    let who = Identity::of(&*adapter, &connection.api_url, &given, &prints);
    account::enter(app, uow.tx(), connection.id, &who, share).await?;
    finish(uow.tx(), std::slice::from_mut(&mut connection)).await?;
    let event = AuditEvent::new("connection.create", "connection", connection.id)
        .version(connection.version)
        .change(changes(None, &connection));
    uow.commit(event).await?;
    Ok(connection)
}

/// What a new connection is made of, checked.
struct Accepted {
    adapter: Arc<dyn Adapter>,
    /// The address in its normal form.
    api_url: String,
    /// What is given, or else what the environment has.
    credentials: Credentials,
}

/// Checks the shape of what is given, and the egress policy.
fn accepted(app: &App, input: &CreateConnection) -> Result<Accepted> {
    let adapter = app.adapters.require(&input.cmms_type)?;
    let mut credentials = credentials::given(
        input.api_key.clone(),
        input.username.clone(),
        input.password.clone(),
        input.credentials.clone(),
    )?;
    if credentials.is_empty() {
        credentials::from_environment(app, adapter, &mut credentials);
    }
    let plain = ConnectionOptions::default();
    let options = input.options.as_ref().unwrap_or(&plain);
    options::check(options, adapter.capabilities())?;
    adapter.info().check(&credentials)?;
    let api_url = adapter.accept(&input.api_url, &credentials, options)?;
    Ok(Accepted {
        adapter: Arc::clone(adapter),
        api_url,
        credentials,
    })
}

/// One connection, without its secrets.
///
/// # Errors
/// `CMMS-CONN-001` where there is none.
pub async fn get(cx: &CallContext, app: &App, input: GetConnection) -> Result<Connection> {
    cx.scope.require(Permission::ConnectionView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let mut connection = require(&mut tx, input.cmms_connection_id).await?;
    finish(&mut tx, std::slice::from_mut(&mut connection)).await?;
    Ok(connection)
}

/// A page of connections, without their secrets.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListConnections) -> Result<Page<Connection>> {
    cx.scope.require(Permission::ConnectionView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let wanted = Wanted::all()
        .eq(
            Connection::CMMS_TYPE,
            input.cmms_type.as_deref().map(Cell::text),
        )
        .eq(
            Connection::CONNECTION_NAME,
            input.connection_name.as_deref().map(Cell::text),
        );
    let sort = input.sort.unwrap_or(ConnectionSort::CreatedAt);
    let order: Order<Connection> = Order {
        word: sort.as_str(),
        by: match sort {
            ConnectionSort::CreatedAt | ConnectionSort::CreatedAtDesc => None,
            ConnectionSort::Name | ConnectionSort::NameDesc => {
                Some((Connection::CONNECTION_NAME, |c| c.connection_name.cell()))
            }
        },
        dir: match sort {
            ConnectionSort::CreatedAt | ConnectionSort::Name => Dir::Asc,
            ConnectionSort::CreatedAtDesc | ConnectionSort::NameDesc => Dir::Desc,
        },
        id: Connection::ID,
        id_of: |c| c.id.0,
    };
    let ask = paging::Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let mut page = paging::sorted(&mut tx, cx, wanted, &order, ask).await?;
    finish(&mut tx, &mut page.items).await?;
    Ok(page)
}

/// Changes a connection.
///
/// # Errors
/// `CMMS-CONN-001`; `CMMS-CONN-004` for another host without its credentials; `CMMS-CONN-009` for another address or
/// login while records are linked, unless the caller says what becomes of them; `CMMS-CONN-006` for one while a sync
/// of the connection runs; those of [`create`].
pub async fn update(cx: &CallContext, app: &App, input: UpdateConnection) -> Result<Connection> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let given = credentials::given(
        input.api_key,
        input.username,
        input.password,
        input.credentials,
    )?;
    let wish = Wish::new(
        input.relink.unwrap_or(false),
        input.forget_links.unwrap_or(false),
        input.allow_same_account.unwrap_or(false),
    )?;
    let mut uow = Uow::begin(app, cx).await?;
    let before = require(uow.tx(), input.cmms_connection_id).await?;
    check_version(input.version, before.version, "connection")?;
    let adapter = Arc::clone(app.adapters.require(&before.cmms_type)?);
    let mut connection = before.clone();
    connection.connection_name = input.connection_name.unwrap_or(connection.connection_name);
    connection.enabled = input.enabled.unwrap_or(connection.enabled);
    connection.options = input.options.map_or(connection.options, Json);
    input.sync_interval.apply(&mut connection.sync_interval);
    checked(&connection.connection_name, connection.sync_interval)?;
    options::check(&connection.options.0, adapter.capabilities())?;
    let url = input.api_url.unwrap_or_else(|| before.api_url.clone());
    connection.api_url = if given.is_empty() {
        let stored = credentials::stored(app, cx, uow.tx(), before.id).await?;
        let accepted = adapter.accept(&url, &stored.0, &connection.options.0)?;
        refuse_new_host(&before.api_url, &accepted)?;
        accepted
    } else {
        adapter.info().check(&given)?;
        adapter.accept(&url, &given, &connection.options.0)?
    };
    let account = account::of(uow.tx(), connection.id).await?;
    let is_shared_now = wish.share && !account.is_shared;
    if connection == before && given.is_empty() && !wish.relink && !wish.forget && !is_shared_now {
        finish(uow.tx(), std::slice::from_mut(&mut connection)).await?;
        return Ok(connection);
    }
    connection.version += 1;
    connection.updated_at = uow.now();
    let name = connection.connection_name.clone();
    uow.save(&connection, SaveRule::Update, || name_taken(&name))
        .await?;
    let who = if given.is_empty() {
        Identity::unchanged(&account)
    } else {
        let prints = credentials::store(app, cx, &mut uow, connection.id, &given).await?;
        Identity::of(&*adapter, &connection.api_url, &given, &prints)
    };
    if account::is_change(&account, &who, wish) {
        lease::end_others(app, uow.tx(), connection.id).await?;
        let now = uow.now();
        account::change(app, uow.tx(), connection.id, account, &who, wish, now).await?;
        remove::forget_cursors(uow.tx(), connection.id).await?;
    } else if is_shared_now {
        lease::refuse_while_held(app, uow.tx(), connection.id).await?;
        let shared = Account {
            is_shared: true,
            ..account
        };
        account::save(uow.tx(), &shared).await?;
    }
    finish(uow.tx(), std::slice::from_mut(&mut connection)).await?;
    let mut change = changes(Some(&before), &connection);
    if !given.is_empty() {
        // That they were set is worth an entry; what they are is nobody's business.
        change.push(crate::domain::audit::FieldChange {
            field: "credentials".into(),
            before: None,
            after: None,
        });
    }
    let event = AuditEvent::new("connection.update", "connection", connection.id)
        .version(connection.version)
        .change(change);
    uow.commit(event).await?;
    Ok(connection)
}

/// Logs in at the vendor and says what it answered.
///
/// # Errors
/// `CMMS-CONN-001`; `CMMS-CONN-008` where the connection was changed meanwhile; `CMMS-CONN-009` and `CMMS-CONN-010` where
/// the login leads to another account than it should;
/// `CMMS-VENDOR-…` as the vendor answered; the connection's health then says so, too.
pub async fn test(cx: &CallContext, app: &App, input: GetConnection) -> Result<ConnectionTest> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let (connection, adapter, acx) = open_by_id(cx, app, input.cmms_connection_id).await?;
    let checked = match adapter.check(&acx).await {
        Ok(checked) => confirm::test(cx, app, &*adapter, &acx, &connection)
            .await
            .map(|()| checked),
        Err(e) => Err(e),
    };
    let refused = match &checked {
        Ok(checked) => checked.kinds.iter().find_map(|(_, e)| e.as_ref()),
        Err(e) => Some(e),
    };
    let version = acx.credentials_version;
    let health = note_test(cx, app, &connection, version, refused).await?;
    let ok = refused.is_none();
    let checked = checked?;
    Ok(ConnectionTest {
        ok,
        kinds: checked.kinds.iter().map(kind_test).collect(),
        account: checked.account,
        health,
    })
}

fn kind_test((entity, error): &(Entity, Option<Error>)) -> KindTest {
    KindTest {
        entity: *entity,
        ok: error.is_none(),
        error: error.as_ref().map(|e| error_of(e, Some(*entity), None)),
    }
}

/// A connection with its adapter, ready for calls.
pub(super) async fn open_by_id(
    cx: &CallContext,
    app: &App,
    id: ConnectionId,
) -> Result<(
    Connection,
    Arc<dyn Adapter>,
    crate::ports::adapter::AdapterCx,
)> {
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let connection = require(&mut tx, id).await?;
    let adapter = Arc::clone(app.adapters.require(&connection.cmms_type)?);
    let acx = open(app, cx, &mut tx, &connection).await?;
    Ok((connection, adapter, acx))
}

/// Refuses a connection that is not as it was read any more, its credentials included.
///
/// # Errors
/// `CMMS-CONN-001`; `CMMS-CONN-008`.
pub(super) async fn refuse_changed(
    tx: &mut Box<dyn Tx>,
    read: &Connection,
    credentials_version: i64,
) -> Result<()> {
    let stored = tx
        .of::<Connection>()
        .locked(&[read.id.cell()], Lock::Wait)
        .await?;
    let stored = stored.ok_or_else(|| not_found(read.id))?;
    let credentials = credentials::version(tx, read.id).await?;
    if stored.version == read.version && credentials == credentials_version {
        return Ok(());
    }
    Err(Error::new(
        code::CONNECTION_CHANGED,
        format!("connection {:?} was changed just now", read.connection_name),
    )
    .field(
        "cmms_connection_id",
        "connection_changed",
        "was changed while the call began",
    ))
}

pub(super) async fn require(tx: &mut Box<dyn Tx>, id: ConnectionId) -> Result<Connection> {
    let stored = tx.of::<Connection>().get(&[id.cell()]).await?;
    stored.ok_or_else(|| not_found(id))
}

fn not_found(id: ConnectionId) -> Error {
    Error::new(
        code::CONNECTION_NOT_FOUND,
        format!("there is no connection {id}"),
    )
    .field(
        "cmms_connection_id",
        "connection_not_found",
        "names no connection",
    )
}

fn name_taken(name: &str) -> Error {
    Error::new(
        code::CONNECTION_EXISTS,
        format!("a connection {name:?} exists"),
    )
    .field(
        "connection_name",
        "connection_exists",
        "is taken by another connection",
    )
}

fn checked(name: &str, sync_interval: Option<i64>) -> Result<()> {
    let mut checks = Checks::default();
    checks.line("connection_name", name);
    if sync_interval.is_some_and(|s| !(10..=31_536_000).contains(&s)) {
        checks.refuse(
            "sync_interval",
            "out_of_range",
            "must be from 10 seconds to one year",
        );
    }
    checks.finish("connection")
}

/// A slug that no connection has yet.
async fn free_slug(tx: &mut Box<dyn Tx>, name: &str) -> Result<String> {
    let wanted = slug(name);
    let mut candidate = wanted.clone();
    let mut n = 1;
    while tx
        .of::<Connection>()
        .first(Filter::eq(Connection::SLUG, Cell::text(&candidate)))
        .await?
        .is_some()
    {
        n += 1;
        candidate = format!("{wanted}-{n}");
    }
    Ok(candidate)
}

/// The secret goes only where its owner said: another origin needs it again.
fn refuse_new_host(before: &str, after: &str) -> Result<()> {
    let origin = |text: &str| url::Url::parse(text).map(|u| u.origin()).ok();
    if origin(before).is_some() && origin(before) == origin(after) {
        return Ok(());
    }
    Err(Error::new(
        code::CONNECTION_HOST_CHANGE,
        "the connection would send its credentials to another host",
    )
    .field(
        "credentials",
        "credentials_needed",
        "send them together with the new api_url",
    ))
}

/// Fills in what stands in rows of its own: credentials as far as they may be known, and health.
async fn finish(tx: &mut Box<dyn Tx>, connections: &mut [Connection]) -> Result<()> {
    let keys: Vec<_> = connections
        .iter()
        .map(|c| [c.id.cell().into_owned(), Cell::text(credentials::NAME)])
        .collect();
    let with_name: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 2]>::as_slice).collect();
    let secrets = tx.of::<SealedSecret>().get_all(&with_name).await?;
    let alone: Vec<&[Cell<'_>]> = keys.iter().filter_map(|key| key.get(..1)).collect();
    let notes = tx.of::<HealthNote>().get_all(&alone).await?;
    for connection in connections {
        connection.connection_id = Some(connection.id);
        let id = connection.id;
        if let Some(note) = notes.iter().find(|note| note.connection_id == id) {
            connection.health = note.clone().into();
        }
        if let Some(secret) = secrets.iter().find(|secret| secret.connection_id == id) {
            connection.credentials = shown(secret);
        }
    }
    Ok(())
}

/// What may be known of credentials.
fn shown(secret: &SealedSecret) -> BTreeMap<String, CredentialInfo> {
    let fields = secret.fingerprints.0.iter();
    fields
        .map(|(name, fingerprint)| {
            let info = CredentialInfo {
                set: true,
                fingerprint: fingerprint.clone(),
                version: secret.version,
                updated_at: secret.updated_at,
            };
            (name.clone(), info)
        })
        .collect()
}
