//! Sample records with a value in every column; records of different `n` differ in every column that can.

use crate::context::{Principal, Scope};
use crate::domain::account::{Account, FormerLink};
use crate::domain::asset::{Asset, AssetCondition, AssetLocation, AssetStatus, AssetType};
use crate::domain::audit::{AuditEntry, AuditResult, FieldChange};
use crate::domain::connection::{
    Connection, ConnectionHealth, ConnectionOptions, HealthNote, HealthState,
};
use crate::domain::entity::{Entity, SyncType};
use crate::domain::numbering::{self, DailyNumber};
use crate::domain::secret::SealedSecret;
use crate::domain::setting::Setting;
use crate::domain::sync_run::{RunError, StreamCount, SyncRun, SyncStatus};
use crate::domain::sync_state::{
    Checkpoint, ExternalLink, QuarantineItem, QuarantineState, SyncLease,
};
use crate::domain::vocabulary::{MaintenanceType, Priority};
use crate::domain::work_order::{WorkOrder, WorkOrderSource, WorkOrderStatus};
use crate::ids::{
    AccountId, AssetId, AuditId, ConnectionId, OrgId, QuarantineId, RunId, SecretId, WorkOrderId,
};
use crate::money::Money;
use crate::record::{Digest, Json, RawJson};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// 2024-01-15T09:00:00Z.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(1_705_309_200_000_000_000)
}

/// Some minutes behind [`start`], with microseconds.
pub fn at(minutes: u32) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minutes.into()) + TimeDelta::microseconds(minutes.into())
}

/// Some days behind 2024-01-15.
pub fn day(days: u32) -> NaiveDate {
    start().date_naive() + TimeDelta::days(days.into())
}

/// The `n`-th id of a kind; ids of different kinds or numbers differ, later numbers sort behind.
pub fn id(kind: u8, n: u32) -> Uuid {
    Uuid::from_u128(
        (1_705_309_200_000 << 80)
            | (7 << 76)
            | (2 << 62)
            | (u128::from(kind) << 32)
            | u128::from(n),
    )
}

/// A scope of an organization that stands in no store.
pub fn scope(n: u32) -> Scope {
    Scope::new(OrgId(id(0, n)), Principal::user("tester"))
}

/// An amount of `units` and a few ten-thousandths.
pub fn money(units: u32) -> Money {
    Money::new(Decimal::new(i64::from(units) * 10_000 + 1_234, 4)).unwrap()
}

fn pick<T: Copy>(all: &[T], n: u32) -> T {
    all[n as usize % all.len()]
}

fn map(pairs: &[(&str, Value)]) -> Map<String, Value> {
    let owned = |(k, v): &(&str, Value)| ((*k).to_owned(), v.clone());
    pairs.iter().map(owned).collect()
}

/// The id of a sample connection.
pub fn connection_id(n: u32) -> ConnectionId {
    ConnectionId(id(3, n))
}

/// A work order.
pub fn work_order(n: u32) -> WorkOrder {
    WorkOrder {
        id: WorkOrderId(id(1, n)),
        version: 1,
        created_at: at(n),
        created_by: format!("user:creator-{n}"),
        updated_at: at(n + 1),
        number: numbering::number("WO", day(0), n.into()),
        title: format!("Title {n}"),
        description: Some(format!("Description {n}")),
        asset_id: Some(format!("PUMP-{n}")),
        asset_uid: Some(AssetId(id(2, n))),
        asset_pending: Some(format!("tag:PUMP-{n}")),
        priority: pick(Priority::ALL, n),
        status: pick(WorkOrderStatus::ALL, n),
        status_reason: Some(format!("Reason {n}")),
        work_order_type: pick(MaintenanceType::ALL, n),
        source: pick(WorkOrderSource::ALL, n),
        location: Some(format!("Hall {n}")),
        assigned_to: Some(format!("assignee-{n}")),
        assigned_team: Some(format!("team-{n}")),
        requested_by: Some(format!("requester-{n}")),
        scheduled_start: Some(at(n + 2)),
        scheduled_end: Some(at(n + 3)),
        due_at: Some(at(n + 4)),
        estimated_hours: Some(f64::from(n) + 0.25),
        estimated_cost: Some(money(n)),
        actual_start: Some(at(n + 5)),
        actual_end: Some(at(n + 6)),
        actual_hours: Some(f64::from(n) + 0.75),
        actual_cost: Some(money(n + 1)),
        completed_at: Some(at(n + 7)),
        safety_notes: Some(format!("Notes {n}")),
        tags: vec![format!("tag-{n}"), "shared".into()],
        custom_fields: map(&[("number", json!(n)), ("text", json!(format!("field {n}")))]),
        asset_resolved: None,
        is_overdue: false,
        external: Vec::new(),
    }
}

/// An asset.
pub fn asset(n: u32) -> Asset {
    Asset {
        id: AssetId(id(2, n)),
        version: 1,
        created_at: at(n),
        created_by: format!("user:creator-{n}"),
        updated_at: at(n + 1),
        asset_id: format!("PUMP-{n}"),
        name: format!("Pump {n}"),
        asset_type: pick(AssetType::ALL, n),
        description: Some(format!("Description {n}")),
        status: pick(AssetStatus::ALL, n),
        condition: Some(pick(AssetCondition::ALL, n)),
        manufacturer: Some(format!("Maker {n}")),
        model: Some(format!("Model {n}")),
        serial_number: Some(format!("SN-{n}")),
        department: Some(format!("Department {n}")),
        responsible_person: Some(format!("person-{n}")),
        parent_asset_id: Some(format!("LINE-{n}")),
        parent_uid: Some(AssetId(id(2, n + 1_000_000))),
        parent_pending: Some(format!("tag:LINE-{n}")),
        criticality: Some(pick(Priority::ALL, n)),
        installation_date: Some(day(n)),
        warranty_expiry: Some(day(n + 365)),
        expected_lifespan: Some(f64::from(n) + 0.5),
        replacement_value: Some(money(n)),
        location: Some(Json(AssetLocation {
            location_name: format!("Hall {n}"),
            building: Some(format!("B{n}")),
            floor: Some(format!("F{n}")),
            room: Some(format!("R{n}")),
            coordinates: Some([48.25, f64::from(n % 90) + 0.5]),
            address: Some(format!("Street {n}")),
        })),
        tags: vec![format!("tag-{n}"), "shared".into()],
        specifications: map(&[("power_kw", json!(n))]),
        custom_fields: map(&[("text", json!(format!("field {n}")))]),
        external: Vec::new(),
    }
}

/// A connection.
pub fn connection(n: u32) -> Connection {
    Connection {
        id: connection_id(n),
        version: 1,
        created_at: at(n),
        created_by: format!("user:creator-{n}"),
        updated_at: at(n + 1),
        cmms_type: format!("vendor-{n}"),
        api_url: format!("https://{n}.example.com/api"),
        connection_name: format!("Connection {n}"),
        slug: format!("connection-{n}"),
        enabled: n.is_multiple_of(2),
        sync_interval: Some(i64::from(n) + 60),
        options: Json(ConnectionOptions {
            page_size: Some(n + 1),
            batch_records: Some(n + 2),
            max_requests_per_second: Some(f64::from(n) + 0.5),
            ca_file: Some(format!("/etc/cmms/ca-{n}.pem")),
            pages_in_flight: Some(n + 3),
        }),
        health: ConnectionHealth::default(),
        connection_id: None,
        credentials: BTreeMap::new(),
    }
}

/// How a connection does.
pub fn health_note(n: u32) -> HealthNote {
    HealthNote {
        connection_id: connection_id(n),
        state: pick(HealthState::ALL, n),
        reason: Some(format!("Reason {n}")),
        checked_at: Some(at(n + 2)),
        last_success_at: Some(at(n + 3)),
    }
}

/// A vendor's account.
pub fn account(n: u32) -> Account {
    Account {
        id: AccountId(id(9, n)),
        connection_id: Some(connection_id(n)),
        cmms_type: format!("vendor-{n}"),
        origin: format!("https://{n}.example.com"),
        login: format!("name:user-{n}@example.com"),
        vendor_id: Some(format!("account-{n}")),
        is_unsure: n.is_multiple_of(2),
        is_shared: !n.is_multiple_of(2),
        left_at: Some(at(n)),
    }
}

/// A link of an account that no connection has.
pub fn former_link(account: AccountId, n: u32) -> FormerLink {
    FormerLink::of(external_link(connection_id(1), n), account)
}

/// A sealed secret of a connection.
pub fn sealed_secret(connection: ConnectionId, n: u32) -> SealedSecret {
    SealedSecret {
        connection_id: connection,
        name: format!("secret-{n}"),
        id: SecretId(id(4, n)),
        version: 1,
        kek_id: format!("kek-{n}"),
        envelope: [&n.to_be_bytes()[..], &[0, 0xff, 0x80, b'\'']].concat(),
        fingerprints: Json(BTreeMap::from([("password".into(), format!("print-{n}"))])),
        updated_at: at(n),
    }
}

/// A link of a connection.
pub fn external_link(connection: ConnectionId, n: u32) -> ExternalLink {
    let raw = format!("{{ \"id\":{n},  \"name\" : \"Raw {n}\" }}");
    ExternalLink {
        connection_id: connection,
        entity: Entity::WorkOrder,
        external_id: format!("ext-{n}"),
        record_id: id(1, n),
        digest: Digest::of(&[raw.as_bytes()]),
        raw: RawJson(raw.into()),
        snapshot: RawJson(format!("{{\"title\":\"Snapshot {n}\"}}").into()),
        vendor_values: map(&[("priority", json!(format!("P{n}")))]),
        number: Some(format!("#{n}")),
        archived: n % 2 == 1,
        supplied: Some(Json(vec![format!("field_{n}")])),
        vendor_updated_at: Some(at(n)),
        changed_at: at(n + 1),
    }
}

/// A checkpoint of a connection.
pub fn checkpoint(connection: ConnectionId, entity: Entity, n: u32) -> Checkpoint {
    Checkpoint {
        connection_id: connection,
        entity,
        position: Some(format!("page={n}")),
        seam: n.is_multiple_of(2).then(|| Json(vec![format!("id-{n}")])),
        high_water: Some(at(n)),
        began_at: Some(at(n + 1)),
        vendor_clock: Some(at(n + 2)),
        is_whole: n.is_multiple_of(2),
        missing: n.is_multiple_of(3).then(|| Digest::of(&[b"missing"])),
    }
}

/// A lease of a connection.
pub fn sync_lease(connection: ConnectionId, entity: Entity, n: u32) -> SyncLease {
    SyncLease {
        connection_id: connection,
        entity,
        version: 1,
        run_id: Some(RunId(id(5, n))),
        owner: RawJson(format!("{{\"pid\":{n}}}").into()),
        fence: i64::from(n) + 1,
        expires_at: at(n + 15),
    }
}

/// A quarantined record of a connection.
pub fn quarantine_item(connection: ConnectionId, n: u32) -> QuarantineItem {
    QuarantineItem {
        connection_id: connection,
        entity: Entity::Asset,
        external_id: format!("ext-{n}"),
        id: QuarantineId(id(6, n)),
        version: 1,
        created_at: at(n),
        created_by: format!("user:creator-{n}"),
        updated_at: at(n + 1),
        run_id: RunId(id(5, n)),
        field: format!("field_{n}"),
        reason: format!("reason_{n}"),
        detail: format!("Detail {n}"),
        raw: RawJson(format!("{{\"id\":{n}}}").into()),
        vendor_updated_at: Some(at(n + 4)),
        first_seen_at: at(n + 2),
        last_seen_at: at(n + 3),
        attempts: i64::from(n) + 1,
        state: pick(QuarantineState::ALL, n),
    }
}

/// A run of a connection.
pub fn sync_run(connection: ConnectionId, n: u32) -> SyncRun {
    let count = i64::from(n);
    SyncRun {
        id: RunId(id(5, n)),
        version: 1,
        created_at: at(n),
        created_by: format!("user:creator-{n}"),
        updated_at: at(n + 1),
        cmms_connection_id: connection,
        sync_type: pick(SyncType::ALL, n),
        force_sync: n.is_multiple_of(2),
        status: pick(SyncStatus::ALL, n),
        synced_count: count * 3 + 6,
        created: count + 1,
        updated: count + 2,
        unchanged: count + 3,
        deleted: count + 4,
        quarantined: count + 5,
        errors: Json(vec![RunError {
            code: "CMMS-VENDOR-006".into(),
            detail: format!("Detail {n}"),
            field: Some(format!("field_{n}")),
            remedy: format!("Remedy {n}"),
            entity: Some(Entity::Asset),
            external_id: Some(format!("ext-{n}")),
        }]),
        streams: Json(vec![StreamCount {
            fetched: u64::from(n) + 6,
            pages: u64::from(n) + 7,
            ..StreamCount::new(Entity::Asset)
        }]),
        started_at: at(n + 2),
        finished_at: Some(at(n + 3)),
        requested_by: format!("user:requester-{n}"),
        work_orders_synced: None,
        schedules_synced: None,
        assets_synced: None,
    }
}

/// An audit entry.
pub fn audit_entry(n: u32) -> AuditEntry {
    AuditEntry {
        id: AuditId(id(7, n)),
        at: at(n),
        actor_kind: "user".into(),
        actor_id: format!("actor-{n}"),
        action: format!("work_order.action_{n}"),
        object_type: "work_order".into(),
        object_id: id(1, n).to_string(),
        object_version: Some(i64::from(n) + 1),
        request_id: format!("request-{n}"),
        reason: Some(format!("Reason {n}")),
        change: Some(Json(vec![FieldChange {
            field: "title".into(),
            before: Some(json!(format!("Before {n}"))),
            after: Some(json!(format!("After {n}"))),
        }])),
        batch: None,
        result: pick(AuditResult::ALL, n),
        cause: Some(format!("CMMS-TEST-{n:03}")),
        actor: String::new(),
    }
}

/// A daily number.
pub fn daily_number(n: u32, last: i64) -> DailyNumber {
    DailyNumber {
        prefix: format!("P{n}"),
        day: day(n),
        last,
    }
}

/// A setting.
pub fn setting(name: &str, value: impl Into<Value>) -> Setting {
    Setting {
        name: name.to_owned(),
        value: Json(value.into()),
    }
}
