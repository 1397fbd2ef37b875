-- The foundation: organizations, work orders, assets, connections, syncs, audit.
--
-- Every table of records begins with org_id, and every key and index leads with it.
-- Texts are compared octet by octet (collation "C"), JSON is kept byte for byte (json, not jsonb), money is scaled by
-- 10,000. Row-level security and the rights of the role that works come with each migration, from the descriptions of
-- the records.
-- Indexes that lead with a nullable column are partial where nothing looks for null: work orders without an asset are
-- looked for.
-- Lists of work orders by time are merged from those of each status, so one index serves them with and without it.

CREATE TABLE organizations (
    id                  uuid NOT NULL PRIMARY KEY,
    name                text COLLATE "C" NOT NULL UNIQUE,
    created_at          timestamptz NOT NULL
);

CREATE TABLE settings (
    org_id              uuid NOT NULL,
    name                text COLLATE "C" NOT NULL,
    value               json NOT NULL,
    PRIMARY KEY (org_id, name)
);

-- The last number of each day, for WO-YYYYMMDD-NNNN.
CREATE TABLE daily_numbers (
    org_id              uuid NOT NULL,
    prefix              text COLLATE "C" NOT NULL,
    day                 text COLLATE "C" NOT NULL,
    last                bigint NOT NULL,
    PRIMARY KEY (org_id, prefix, day)
);

CREATE TABLE assets (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    created_by          text COLLATE "C" NOT NULL,
    updated_at          timestamptz NOT NULL,
    asset_id            text COLLATE "C" NOT NULL,
    name                text COLLATE "C" NOT NULL,
    asset_type          text COLLATE "C" NOT NULL,
    description         text COLLATE "C",
    status              text COLLATE "C" NOT NULL,
    condition           text COLLATE "C",
    manufacturer        text COLLATE "C",
    model               text COLLATE "C",
    serial_number       text COLLATE "C",
    department          text COLLATE "C",
    responsible_person  text COLLATE "C",
    parent_asset_id     text COLLATE "C",
    parent_uid          uuid,
    parent_pending      text COLLATE "C",
    criticality         text COLLATE "C",
    installation_date   text COLLATE "C",
    warranty_expiry     text COLLATE "C",
    expected_lifespan   double precision,
    replacement_value   bigint,
    location            json,
    tags                json NOT NULL,
    specifications      json NOT NULL,
    custom_fields       json NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX assets_by_asset_id ON assets (org_id, asset_id);
CREATE INDEX assets_by_status ON assets (org_id, status, id);
CREATE INDEX assets_by_parent_uid ON assets (org_id, parent_uid) WHERE parent_uid IS NOT NULL;
CREATE INDEX assets_by_parent_pending ON assets (org_id, parent_pending) WHERE parent_pending IS NOT NULL;
CREATE INDEX assets_by_created_at ON assets (org_id, created_at, id);
CREATE INDEX assets_by_updated_at ON assets (org_id, updated_at, id);

CREATE TABLE work_orders (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    created_by          text COLLATE "C" NOT NULL,
    updated_at          timestamptz NOT NULL,
    number              text COLLATE "C" NOT NULL,
    title               text COLLATE "C" NOT NULL,
    description         text COLLATE "C",
    asset_id            text COLLATE "C",
    asset_uid           uuid,
    asset_pending       text COLLATE "C",
    priority            text COLLATE "C" NOT NULL,
    status              text COLLATE "C" NOT NULL,
    status_reason       text COLLATE "C",
    work_order_type     text COLLATE "C" NOT NULL,
    source              text COLLATE "C" NOT NULL,
    location            text COLLATE "C",
    assigned_to         text COLLATE "C",
    assigned_team       text COLLATE "C",
    requested_by        text COLLATE "C",
    scheduled_start     timestamptz,
    scheduled_end       timestamptz,
    due_at              timestamptz,
    estimated_hours     double precision,
    estimated_cost      bigint,
    actual_start        timestamptz,
    actual_end          timestamptz,
    actual_hours        double precision,
    actual_cost         bigint,
    completed_at        timestamptz,
    safety_notes        text COLLATE "C",
    tags                json NOT NULL,
    custom_fields       json NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX work_orders_by_number ON work_orders (org_id, number);
CREATE INDEX work_orders_by_status ON work_orders (org_id, status, id);
CREATE INDEX work_orders_by_due_at ON work_orders (org_id, status, due_at, id);
CREATE INDEX work_orders_by_updated_at ON work_orders (org_id, status, updated_at, id);
CREATE INDEX work_orders_by_created_at ON work_orders (org_id, created_at, id);
CREATE INDEX work_orders_by_asset_id ON work_orders (org_id, asset_id, id);
CREATE INDEX work_orders_by_assigned_to ON work_orders (org_id, assigned_to, id) WHERE assigned_to IS NOT NULL;
CREATE INDEX work_orders_by_asset_pending ON work_orders (org_id, asset_pending) WHERE asset_pending IS NOT NULL;

CREATE TABLE cmms_connections (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    created_by          text COLLATE "C" NOT NULL,
    updated_at          timestamptz NOT NULL,
    cmms_type           text COLLATE "C" NOT NULL,
    api_url             text COLLATE "C" NOT NULL,
    connection_name     text COLLATE "C" NOT NULL,
    slug                text COLLATE "C" NOT NULL,
    enabled             boolean NOT NULL,
    sync_interval       bigint,
    options             json NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX cmms_connections_by_connection_name ON cmms_connections (org_id, connection_name);
CREATE UNIQUE INDEX cmms_connections_by_slug ON cmms_connections (org_id, slug);

-- How connections do, apart from them: a note of it changes no connection.
CREATE TABLE cmms_connection_health (
    org_id              uuid NOT NULL,
    connection_id       uuid NOT NULL,
    state               text COLLATE "C" NOT NULL,
    reason              text COLLATE "C",
    checked_at          timestamptz,
    last_success_at     timestamptz,
    PRIMARY KEY (org_id, connection_id)
);

-- The vendors' accounts: those of connections, and those that connections are gone from, whose links wait.
CREATE TABLE cmms_accounts (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    connection_id       uuid,
    cmms_type           text COLLATE "C" NOT NULL,
    origin              text COLLATE "C" NOT NULL,
    login               text COLLATE "C" NOT NULL,
    vendor_id           text COLLATE "C",
    is_unsure           boolean NOT NULL,
    is_shared           boolean NOT NULL,
    left_at             timestamptz,
    PRIMARY KEY (org_id, id)
);

-- What a user lays over an adapter's default mapping.
CREATE TABLE cmms_field_mappings (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    created_by          text COLLATE "C" NOT NULL,
    updated_at          timestamptz NOT NULL,
    cmms_connection_id  uuid NOT NULL,
    entity              text COLLATE "C" NOT NULL,
    source_field        text COLLATE "C" NOT NULL,
    target_field        text COLLATE "C" NOT NULL,
    transformation_rule json,
    is_required         boolean NOT NULL,
    direction           text COLLATE "C" NOT NULL,
    when_absent         text COLLATE "C",
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX cmms_field_mappings_by_target
    ON cmms_field_mappings (org_id, cmms_connection_id, entity, target_field, direction);

-- Sealed; the key is never in the database.
CREATE TABLE cmms_secrets (
    org_id              uuid NOT NULL,
    connection_id       uuid NOT NULL,
    name                text COLLATE "C" NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    kek_id              text COLLATE "C" NOT NULL,
    envelope            bytea NOT NULL,
    fingerprints        json NOT NULL,
    updated_at          timestamptz NOT NULL,
    PRIMARY KEY (org_id, connection_id, name)
);
CREATE UNIQUE INDEX cmms_secrets_by_id ON cmms_secrets (org_id, id);

-- One of our records and its counterpart at a vendor.
CREATE TABLE external_links (
    org_id              uuid NOT NULL,
    connection_id       uuid NOT NULL,
    entity              text COLLATE "C" NOT NULL,
    external_id         text COLLATE "C" NOT NULL,
    record_id           uuid NOT NULL,
    digest              bytea NOT NULL,
    raw                 json NOT NULL,
    snapshot            json NOT NULL,
    vendor_values       json NOT NULL,
    number              text COLLATE "C",
    archived            boolean NOT NULL,
    supplied            json,
    vendor_updated_at   timestamptz,
    changed_at          timestamptz NOT NULL,
    PRIMARY KEY (org_id, connection_id, entity, external_id)
);
-- Whether a record is archived is asked of many records, and is answered from the index.
CREATE INDEX external_links_by_record_id ON external_links (org_id, record_id, archived);

-- Links of accounts that no connection has: the next one to the same account takes them up again.
CREATE TABLE former_links (
    org_id              uuid NOT NULL,
    account_id          uuid NOT NULL,
    entity              text COLLATE "C" NOT NULL,
    external_id         text COLLATE "C" NOT NULL,
    record_id           uuid NOT NULL,
    digest              bytea NOT NULL,
    raw                 json NOT NULL,
    snapshot            json NOT NULL,
    vendor_values       json NOT NULL,
    number              text COLLATE "C",
    archived            boolean NOT NULL,
    supplied            json,
    vendor_updated_at   timestamptz,
    changed_at          timestamptz NOT NULL,
    PRIMARY KEY (org_id, account_id, entity, external_id)
);

CREATE TABLE sync_checkpoints (
    org_id              uuid NOT NULL,
    connection_id       uuid NOT NULL,
    entity              text COLLATE "C" NOT NULL,
    position            text COLLATE "C",
    seam                json,
    high_water          timestamptz,
    began_at            timestamptz,
    vendor_clock        timestamptz,
    is_whole            boolean NOT NULL,
    missing             bytea,
    PRIMARY KEY (org_id, connection_id, entity)
);

CREATE TABLE sync_leases (
    org_id              uuid NOT NULL,
    connection_id       uuid NOT NULL,
    entity              text COLLATE "C" NOT NULL,
    version             bigint NOT NULL,
    run_id              uuid,
    owner               json NOT NULL,
    fence               bigint NOT NULL,
    expires_at          timestamptz NOT NULL,
    PRIMARY KEY (org_id, connection_id, entity)
);

CREATE TABLE sync_quarantine (
    org_id              uuid NOT NULL,
    connection_id       uuid NOT NULL,
    entity              text COLLATE "C" NOT NULL,
    external_id         text COLLATE "C" NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    created_by          text COLLATE "C" NOT NULL,
    updated_at          timestamptz NOT NULL,
    run_id              uuid NOT NULL,
    field               text COLLATE "C" NOT NULL,
    reason              text COLLATE "C" NOT NULL,
    detail              text COLLATE "C" NOT NULL,
    raw                 json NOT NULL,
    vendor_updated_at   timestamptz,
    first_seen_at       timestamptz NOT NULL,
    last_seen_at        timestamptz NOT NULL,
    attempts            bigint NOT NULL,
    state               text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, connection_id, entity, external_id)
);
CREATE UNIQUE INDEX sync_quarantine_by_id ON sync_quarantine (org_id, id);
CREATE INDEX sync_quarantine_by_state ON sync_quarantine (org_id, state, connection_id);

CREATE TABLE sync_runs (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    created_by          text COLLATE "C" NOT NULL,
    updated_at          timestamptz NOT NULL,
    cmms_connection_id  uuid NOT NULL,
    sync_type           text COLLATE "C" NOT NULL,
    force_sync          boolean NOT NULL,
    status              text COLLATE "C" NOT NULL,
    synced_count        bigint NOT NULL,
    created             bigint NOT NULL,
    updated             bigint NOT NULL,
    unchanged           bigint NOT NULL,
    deleted             bigint NOT NULL,
    quarantined         bigint NOT NULL,
    errors              json NOT NULL,
    streams             json NOT NULL,
    started_at          timestamptz NOT NULL,
    finished_at         timestamptz,
    requested_by        text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX sync_runs_by_connection ON sync_runs (org_id, cmms_connection_id, id);
CREATE INDEX sync_runs_by_status ON sync_runs (org_id, status, id);

CREATE TABLE audit_entries (
    org_id              uuid NOT NULL,
    id                  uuid NOT NULL,
    at                  timestamptz NOT NULL,
    actor_kind          text COLLATE "C" NOT NULL,
    actor_id            text COLLATE "C" NOT NULL,
    action              text COLLATE "C" NOT NULL,
    object_type         text COLLATE "C" NOT NULL,
    object_id           text COLLATE "C" NOT NULL,
    object_version      bigint,
    request_id          text COLLATE "C" NOT NULL,
    reason              text COLLATE "C",
    change              json,
    batch               json,
    result              text COLLATE "C" NOT NULL,
    cause               text COLLATE "C",
    PRIMARY KEY (org_id, id)
);
CREATE INDEX audit_entries_by_at ON audit_entries (org_id, at, id);
CREATE INDEX audit_entries_by_object ON audit_entries (org_id, object_type, object_id, at, id);
CREATE INDEX audit_entries_by_actor ON audit_entries (org_id, actor_kind, actor_id, at, id);
CREATE INDEX audit_entries_by_action ON audit_entries (org_id, action, at, id);

-- The first answer to each call with an idempotency key, for a day. Keys and inputs are digests.
CREATE TABLE idempotency_keys (
    org_id              uuid NOT NULL,
    id                  bytea NOT NULL,
    input               bytea NOT NULL,
    operation           text COLLATE "C" NOT NULL,
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    run_id              uuid,
    answer              json,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX idempotency_keys_by_expires_at ON idempotency_keys (org_id, expires_at, id);
