-- The foundation: organizations, work orders, assets, connections, syncs, audit.
--
-- Every table of records begins with org_id, and every key and index leads with it.
-- Ids are 16 octets, times are microseconds since 1970-01-01T00:00:00Z, money is scaled by 10,000, JSON is text.
-- Tables of small rows are clustered by their key (WITHOUT ROWID). Tables of large rows (work orders, assets,
-- links, runs, quarantine, audit) append to the end of a rowid tree and keep their keys in slim indexes, so
-- that a bulk load writes each large row once, in order.
-- Indexes that lead with a nullable column are partial where nothing looks for null: work orders without an asset are
-- looked for.
-- Lists of work orders by time are merged from those of each status, so one index serves them with and without it.

CREATE TABLE organizations (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    org_id BLOB NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (org_id, name)
) STRICT, WITHOUT ROWID;

-- The last number of each day, for WO-YYYYMMDD-NNNN.
CREATE TABLE daily_numbers (
    org_id BLOB    NOT NULL,
    prefix TEXT    NOT NULL,
    day    TEXT    NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (org_id, prefix, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
    org_id             BLOB    NOT NULL,
    id                 BLOB    NOT NULL,
    version            INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    created_by         TEXT    NOT NULL,
    updated_at         INTEGER NOT NULL,
    asset_id           TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    asset_type         TEXT    NOT NULL,
    description        TEXT,
    status             TEXT    NOT NULL,
    condition          TEXT,
    manufacturer       TEXT,
    model              TEXT,
    serial_number      TEXT,
    department         TEXT,
    responsible_person TEXT,
    parent_asset_id    TEXT,
    parent_uid         BLOB,
    parent_pending     TEXT,
    criticality        TEXT,
    installation_date  TEXT,
    warranty_expiry    TEXT,
    expected_lifespan  REAL,
    replacement_value  INTEGER,
    location           TEXT,
    tags               TEXT    NOT NULL,
    specifications     TEXT    NOT NULL,
    custom_fields      TEXT    NOT NULL,
    PRIMARY KEY (org_id, id)
) STRICT;
CREATE UNIQUE INDEX assets_by_asset_id ON assets (org_id, asset_id);
CREATE INDEX assets_by_status ON assets (org_id, status, id);
CREATE INDEX assets_by_parent_uid ON assets (org_id, parent_uid) WHERE parent_uid IS NOT NULL;
CREATE INDEX assets_by_parent_pending ON assets (org_id, parent_pending) WHERE parent_pending IS NOT NULL;
CREATE INDEX assets_by_created_at ON assets (org_id, created_at, id);
CREATE INDEX assets_by_updated_at ON assets (org_id, updated_at, id);

CREATE TABLE work_orders (
    org_id          BLOB    NOT NULL,
    id              BLOB    NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    updated_at      INTEGER NOT NULL,
    number          TEXT    NOT NULL,
    title           TEXT    NOT NULL,
    description     TEXT,
    asset_id        TEXT,
    asset_uid       BLOB,
    asset_pending   TEXT,
    priority        TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    status_reason   TEXT,
    work_order_type TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    location        TEXT,
    assigned_to     TEXT,
    assigned_team   TEXT,
    requested_by    TEXT,
    scheduled_start INTEGER,
    scheduled_end   INTEGER,
    due_at          INTEGER,
    estimated_hours REAL,
    estimated_cost  INTEGER,
    actual_start    INTEGER,
    actual_end      INTEGER,
    actual_hours    REAL,
    actual_cost     INTEGER,
    completed_at    INTEGER,
    safety_notes    TEXT,
    tags            TEXT    NOT NULL,
    custom_fields   TEXT    NOT NULL,
    PRIMARY KEY (org_id, id)
) STRICT;
CREATE UNIQUE INDEX work_orders_by_number ON work_orders (org_id, number);
CREATE INDEX work_orders_by_status ON work_orders (org_id, status, id);
CREATE INDEX work_orders_by_due_at ON work_orders (org_id, status, due_at, id);
CREATE INDEX work_orders_by_updated_at ON work_orders (org_id, status, updated_at, id);
CREATE INDEX work_orders_by_created_at ON work_orders (org_id, created_at, id);
CREATE INDEX work_orders_by_asset_id ON work_orders (org_id, asset_id, id);
CREATE INDEX work_orders_by_assigned_to ON work_orders (org_id, assigned_to, id) WHERE assigned_to IS NOT NULL;
CREATE INDEX work_orders_by_asset_pending ON work_orders (org_id, asset_pending) WHERE asset_pending IS NOT NULL;

CREATE TABLE cmms_connections (
    org_id          BLOB    NOT NULL,
    id              BLOB    NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    updated_at      INTEGER NOT NULL,
    cmms_type       TEXT    NOT NULL,
    api_url         TEXT    NOT NULL,
    connection_name TEXT    NOT NULL,
    slug            TEXT    NOT NULL,
    enabled         INTEGER NOT NULL,
    sync_interval   INTEGER,
    options         TEXT    NOT NULL,
    PRIMARY KEY (org_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cmms_connections_by_connection_name ON cmms_connections (org_id, connection_name);
CREATE UNIQUE INDEX cmms_connections_by_slug ON cmms_connections (org_id, slug);

-- How connections do, apart from them: a note of it changes no connection.
CREATE TABLE cmms_connection_health (
    org_id          BLOB    NOT NULL,
    connection_id   BLOB    NOT NULL,
    state           TEXT    NOT NULL,
    reason          TEXT,
    checked_at      INTEGER,
    last_success_at INTEGER,
    PRIMARY KEY (org_id, connection_id)
) STRICT, WITHOUT ROWID;

-- The vendors' accounts: those of connections, and those that connections are gone from, whose links wait.
CREATE TABLE cmms_accounts (
    org_id        BLOB    NOT NULL,
    id            BLOB    NOT NULL,
    connection_id BLOB,
    cmms_type     TEXT    NOT NULL,
    origin        TEXT    NOT NULL,
    login         TEXT    NOT NULL,
    vendor_id     TEXT,
    is_unsure     INTEGER NOT NULL,
    is_shared     INTEGER NOT NULL,
    left_at       INTEGER,
    PRIMARY KEY (org_id, id)
) STRICT, WITHOUT ROWID;

-- What a user lays over an adapter's default mapping.
CREATE TABLE cmms_field_mappings (
    org_id              BLOB    NOT NULL,
    id                  BLOB    NOT NULL,
    version             INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    created_by          TEXT    NOT NULL,
    updated_at          INTEGER NOT NULL,
    cmms_connection_id  BLOB    NOT NULL,
    entity              TEXT    NOT NULL,
    source_field        TEXT    NOT NULL,
    target_field        TEXT    NOT NULL,
    transformation_rule TEXT,
    is_required         INTEGER NOT NULL,
    direction           TEXT    NOT NULL,
    when_absent         TEXT,
    PRIMARY KEY (org_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cmms_field_mappings_by_target
    ON cmms_field_mappings (org_id, cmms_connection_id, entity, target_field, direction);

-- Sealed; the key is never in the database.
CREATE TABLE cmms_secrets (
    org_id        BLOB    NOT NULL,
    connection_id BLOB    NOT NULL,
    name          TEXT    NOT NULL,
    id            BLOB    NOT NULL,
    version       INTEGER NOT NULL,
    kek_id        TEXT    NOT NULL,
    envelope      BLOB    NOT NULL,
    fingerprints  TEXT    NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (org_id, connection_id, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cmms_secrets_by_id ON cmms_secrets (org_id, id);

-- One of our records and its counterpart at a vendor. The slim columns stand before the large texts, so that
-- reading a digest stays on the row's first page.
CREATE TABLE external_links (
    org_id            BLOB    NOT NULL,
    connection_id     BLOB    NOT NULL,
    entity            TEXT    NOT NULL,
    external_id       TEXT    NOT NULL,
    record_id         BLOB    NOT NULL,
    digest            BLOB    NOT NULL,
    raw               TEXT    NOT NULL,
    snapshot          TEXT    NOT NULL,
    vendor_values     TEXT    NOT NULL,
    number            TEXT,
    archived          INTEGER NOT NULL,
    supplied          TEXT,
    vendor_updated_at INTEGER,
    changed_at        INTEGER NOT NULL,
    PRIMARY KEY (org_id, connection_id, entity, external_id)
) STRICT;
-- Whether a record is archived is asked of many records, and is answered from the index.
CREATE INDEX external_links_by_record_id ON external_links (org_id, record_id, archived);

-- Links of accounts that no connection has: the next one to the same account takes them up again.
CREATE TABLE former_links (
    org_id            BLOB    NOT NULL,
    account_id        BLOB    NOT NULL,
    entity            TEXT    NOT NULL,
    external_id       TEXT    NOT NULL,
    record_id         BLOB    NOT NULL,
    digest            BLOB    NOT NULL,
    raw               TEXT    NOT NULL,
    snapshot          TEXT    NOT NULL,
    vendor_values     TEXT    NOT NULL,
    number            TEXT,
    archived          INTEGER NOT NULL,
    supplied          TEXT,
    vendor_updated_at INTEGER,
    changed_at        INTEGER NOT NULL,
    PRIMARY KEY (org_id, account_id, entity, external_id)
) STRICT;

CREATE TABLE sync_checkpoints (
    org_id        BLOB NOT NULL,
    connection_id BLOB NOT NULL,
    entity        TEXT NOT NULL,
    position      TEXT,
    seam          TEXT,
    high_water    INTEGER,
    began_at      INTEGER,
    vendor_clock  INTEGER,
    is_whole      INTEGER NOT NULL,
    missing       BLOB,
    PRIMARY KEY (org_id, connection_id, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_leases (
    org_id        BLOB    NOT NULL,
    connection_id BLOB    NOT NULL,
    entity        TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    run_id        BLOB,
    owner         TEXT    NOT NULL,
    fence         INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (org_id, connection_id, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_quarantine (
    org_id        BLOB    NOT NULL,
    connection_id BLOB    NOT NULL,
    entity        TEXT    NOT NULL,
    external_id   TEXT    NOT NULL,
    id            BLOB    NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    updated_at    INTEGER NOT NULL,
    run_id        BLOB    NOT NULL,
    field         TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    detail        TEXT    NOT NULL,
    raw           TEXT    NOT NULL,
    vendor_updated_at INTEGER,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    PRIMARY KEY (org_id, connection_id, entity, external_id)
) STRICT;
CREATE UNIQUE INDEX sync_quarantine_by_id ON sync_quarantine (org_id, id);
CREATE INDEX sync_quarantine_by_state ON sync_quarantine (org_id, state, connection_id);

CREATE TABLE sync_runs (
    org_id             BLOB    NOT NULL,
    id                 BLOB    NOT NULL,
    version            INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    created_by         TEXT    NOT NULL,
    updated_at         INTEGER NOT NULL,
    cmms_connection_id BLOB    NOT NULL,
    sync_type          TEXT    NOT NULL,
    force_sync         INTEGER NOT NULL,
    status             TEXT    NOT NULL,
    synced_count       INTEGER NOT NULL,
    created            INTEGER NOT NULL,
    updated            INTEGER NOT NULL,
    unchanged          INTEGER NOT NULL,
    deleted            INTEGER NOT NULL,
    quarantined        INTEGER NOT NULL,
    errors             TEXT    NOT NULL,
    streams            TEXT    NOT NULL,
    started_at         INTEGER NOT NULL,
    finished_at        INTEGER,
    requested_by       TEXT    NOT NULL,
    PRIMARY KEY (org_id, id)
) STRICT;
CREATE INDEX sync_runs_by_connection ON sync_runs (org_id, cmms_connection_id, id);
CREATE INDEX sync_runs_by_status ON sync_runs (org_id, status, id);

CREATE TABLE audit_entries (
    org_id         BLOB    NOT NULL,
    id             BLOB    NOT NULL,
    at             INTEGER NOT NULL,
    actor_kind     TEXT    NOT NULL,
    actor_id       TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    object_type    TEXT    NOT NULL,
    object_id      TEXT    NOT NULL,
    object_version INTEGER,
    request_id     TEXT    NOT NULL,
    reason         TEXT,
    change         TEXT,
    batch          TEXT,
    result         TEXT    NOT NULL,
    cause          TEXT,
    PRIMARY KEY (org_id, id)
) STRICT;
CREATE INDEX audit_entries_by_at ON audit_entries (org_id, at, id);
CREATE INDEX audit_entries_by_object ON audit_entries (org_id, object_type, object_id, at, id);
CREATE INDEX audit_entries_by_actor ON audit_entries (org_id, actor_kind, actor_id, at, id);
CREATE INDEX audit_entries_by_action ON audit_entries (org_id, action, at, id);

-- The first answer to each call with an idempotency key, for a day. Keys and inputs are digests.
CREATE TABLE idempotency_keys (
    org_id     BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    input      BLOB    NOT NULL,
    operation  TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    run_id     BLOB,
    answer     TEXT,
    PRIMARY KEY (org_id, id)
) STRICT;
CREATE INDEX idempotency_keys_by_expires_at ON idempotency_keys (org_id, expires_at, id);

-- Statistics for the planner, fixed so that plans never change: without them it takes the rows of an
-- organization for a handful and rather walks all of them in order than looks a few up and sorts them.
-- Each line: rows, then rows for each leading part of the index. ANALYZE on empty tables only makes the table.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('organizations',    'organizations',                      '10 1'),
    ('organizations',    'sqlite_autoindex_organizations_2',   '10 1'),
    ('settings',         'settings',                           '200 100 1'),
    ('daily_numbers',    'daily_numbers',                      '4000 2000 2000 1'),
    ('assets',           'sqlite_autoindex_assets_1',          '200000 100000 1'),
    ('assets',           'assets_by_asset_id',                 '200000 100000 1'),
    ('assets',           'assets_by_status',                   '200000 100000 12500 1'),
    ('assets',           'assets_by_parent_uid',               '100000 50000 10'),
    ('assets',           'assets_by_parent_pending',           '2000 1000 10'),
    ('assets',           'assets_by_created_at',               '200000 100000 10 1'),
    ('assets',           'assets_by_updated_at',               '200000 100000 10 1'),
    ('work_orders',      'sqlite_autoindex_work_orders_1',     '1000000 500000 1'),
    ('work_orders',      'work_orders_by_number',              '1000000 500000 1'),
    ('work_orders',      'work_orders_by_status',              '1000000 500000 60000 1'),
    ('work_orders',      'work_orders_by_due_at',              '1000000 500000 60000 10 1'),
    ('work_orders',      'work_orders_by_updated_at',          '1000000 500000 60000 10 1'),
    ('work_orders',      'work_orders_by_created_at',          '1000000 500000 10 1'),
    ('work_orders',      'work_orders_by_asset_id',            '1000000 500000 10 1'),
    ('work_orders',      'work_orders_by_assigned_to',         '800000 400000 5000 1'),
    ('work_orders',      'work_orders_by_asset_pending',       '2000 1000 10'),
    ('cmms_connections', 'cmms_connections',                   '20 10 1'),
    ('cmms_connections', 'cmms_connections_by_connection_name', '20 10 1'),
    ('cmms_connections', 'cmms_connections_by_slug',           '20 10 1'),
    ('cmms_connection_health', 'cmms_connection_health',       '20 10 1'),
    ('cmms_accounts',    'cmms_accounts',                      '20 10 1'),
    ('cmms_field_mappings', 'cmms_field_mappings',             '200 100 1'),
    ('cmms_field_mappings', 'cmms_field_mappings_by_target',   '200 100 10 5 1 1'),
    ('cmms_secrets',     'cmms_secrets',                       '20 10 1 1'),
    ('cmms_secrets',     'cmms_secrets_by_id',                 '20 10 1'),
    ('external_links',   'sqlite_autoindex_external_links_1',  '1000000 500000 250000 120000 1'),
    ('external_links',   'external_links_by_record_id',        '1000000 500000 1 1'),
    ('former_links',     'sqlite_autoindex_former_links_1',    '1000000 500000 250000 120000 1'),
    ('sync_checkpoints', 'sync_checkpoints',                   '40 20 2 1'),
    ('sync_leases',      'sync_leases',                        '40 20 2 1'),
    ('sync_quarantine',  'sqlite_autoindex_sync_quarantine_1', '20000 10000 5000 2500 1'),
    ('sync_quarantine',  'sync_quarantine_by_id',              '20000 10000 1'),
    ('sync_quarantine',  'sync_quarantine_by_state',           '20000 10000 3000 1000'),
    ('sync_runs',        'sqlite_autoindex_sync_runs_1',       '40000 20000 1'),
    ('sync_runs',        'sync_runs_by_connection',            '40000 20000 4000 1'),
    ('sync_runs',        'sync_runs_by_status',                '40000 20000 4000 1'),
    ('audit_entries',    'sqlite_autoindex_audit_entries_1',   '2000000 1000000 1'),
    ('audit_entries',    'audit_entries_by_at',                '2000000 1000000 10 1'),
    ('audit_entries',    'audit_entries_by_object',            '2000000 1000000 300000 8 1 1'),
    ('audit_entries',    'audit_entries_by_actor',             '2000000 1000000 500000 20000 1 1'),
    ('audit_entries',    'audit_entries_by_action',            '2000000 1000000 100000 1 1'),
    ('idempotency_keys', 'sqlite_autoindex_idempotency_keys_1', '20000 10000 1'),
    ('idempotency_keys', 'idempotency_keys_by_expires_at',     '20000 10000 10 1');
ANALYZE sqlite_schema;
