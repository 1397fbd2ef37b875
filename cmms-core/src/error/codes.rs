//! Every code of the product, once, with its remedy.

use super::ErrorKind;

/// A stable error code with what it means and what to do.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Code {
    pub(super) id: &'static str,
    #[serde(skip)]
    pub(super) kind: ErrorKind,
    pub(super) reason: &'static str,
    pub(super) title: &'static str,
    pub(super) remedy: &'static str,
    /// Where only HTTP has a status for it.
    #[serde(skip)]
    pub(super) status: Option<u16>,
}

impl Code {
    /// `CMMS-AREA-NNN`.
    pub const fn id(&self) -> &'static str {
        self.id
    }
    /// The kind of every error with this code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
    /// The HTTP status: that of its kind, unless HTTP has one for just this.
    pub fn http_status(&self) -> u16 {
        self.status.unwrap_or(self.kind.http_status())
    }
    /// The area, such as `INPUT`.
    pub fn area(&self) -> &'static str {
        self.id.split('-').nth(1).unwrap_or(self.id)
    }
    /// The stable slug.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
    /// What it means.
    pub fn title(&self) -> &'static str {
        self.title
    }
    /// What to do, in general.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }
}

macro_rules! codes {
    (@status) => { None };
    (@status $status:literal) => { Some($status) };
    ($($name:ident = $id:literal, $kind:ident $($status:literal)?, $reason:literal, $title:literal, $remedy:literal;)*) => {
        /// The rows.
        pub(super) mod rows {
            use super::{Code, ErrorKind};
            $(#[doc = $title] pub static $name: &Code = &Code {
                id: $id, kind: ErrorKind::$kind, reason: $reason, title: $title, remedy: $remedy,
                status: codes!(@status $($status)?),
            };)*
        }
        /// Every code, in the order of its id.
        pub static ALL: &[&Code] = &[$(&Code {
            id: $id, kind: ErrorKind::$kind, reason: $reason, title: $title, remedy: $remedy,
            status: codes!(@status $($status)?),
        },)*];
    };
}

codes! {
    INPUT_UNREADABLE = "CMMS-INPUT-001", Unreadable, "unreadable", "The input cannot be read", "Send one JSON object in UTF-8.";
    INPUT_UNKNOWN_FIELD = "CMMS-INPUT-002", InvalidInput, "unknown_field", "The input has a field that does not exist", "Remove the field or use the name that is offered.";
    INPUT_VALUE = "CMMS-INPUT-003", InvalidInput, "invalid_value", "A value is outside of what the field takes", "Correct the named field and send the request again.";
    INPUT_MISSING = "CMMS-INPUT-004", InvalidInput, "missing_field", "A field that is needed is missing", "Add the named field.";
    INPUT_TYPE = "CMMS-INPUT-005", InvalidInput, "wrong_type", "A value has the wrong type", "Send the named field with the type that its description says.";
    INPUT_ENUM = "CMMS-INPUT-006", InvalidInput, "unknown_value", "A value is none of the known ones", "Use one of the values that the message lists.";
    INPUT_DATE = "CMMS-INPUT-007", InvalidInput, "malformed_date", "A date or time cannot be read", "Write times as RFC 3339 with an offset, such as 2024-01-15T09:00:00Z; only fields that hold a date, and filters, take 2024-01-15.";
    INPUT_CONTROL = "CMMS-INPUT-008", InvalidInput, "nul_character", "A text holds the character U+0000", "Remove the character U+0000 from the named field.";
    INPUT_CURSOR = "CMMS-INPUT-009", Unreadable, "bad_cursor", "The page cursor does not belong to this list", "Start again without `cursor`, with the same filter and sort.";
    INPUT_RANGE = "CMMS-INPUT-010", InvalidInput, "out_of_range", "A number is outside of its range", "Correct the named field to the range that the message says.";
    OP_UNKNOWN = "CMMS-OP-001", NotFound, "unknown_operation", "There is no such operation", "`cmms op --list` shows all operations.";
    OP_DENIED = "CMMS-OP-002", PermissionDenied, "permission_denied", "The principal may not do that", "Ask an administrator for the permission that the message names.";
    OP_CANCELLED = "CMMS-OP-003", Cancelled, "cancelled", "The caller gave up", "Call again when the answer is wanted.";
    OP_KEY_REUSED = "CMMS-OP-005", InvalidInput, "key_reused", "The idempotency key was used for another input", "Use a new key for each wish, and the same key only to repeat the same call.";
    OP_KEY_IN_USE = "CMMS-OP-006", Conflict, "key_in_use", "The first call with this idempotency key is still under way", "Wait for the first call to end, then repeat it with the same key to get its answer.";
    OP_KEY = "CMMS-OP-007", InvalidInput, "bad_key", "The idempotency key cannot be used", "Send one key of 1 to 255 visible ASCII characters, such as a UUID.";
    EMBED_CLOSED = "CMMS-EMBED-001", Conflict, "closed", "The client is closed", "Open another client; do not call one after it was closed.";
    EMBED_FORKED = "CMMS-EMBED-002", Unsupported, "forked", "The client belongs to the process that opened it", "Open a client in the child after the fork, or start children by spawning programs instead.";
    EMBED_ARGUMENT = "CMMS-EMBED-003", InvalidInput, "bad_argument", "An argument of the library's C functions cannot be used", "Correct the argument that the message names; every pointer needs its length, every text is UTF-8.";
    EMBED_VERSION = "CMMS-EMBED-004", Unsupported, "other_version", "Library and client do not fit each other", "Install the library and the client of one release; a newer library serves an older client.";
    WORK_ORDER_NOT_FOUND = "CMMS-WO-001", NotFound, "work_order_not_found", "There is no such work order", "List the work orders to see which exist.";
    WORK_ORDER_TRANSITION = "CMMS-WO-002", Conflict, "illegal_transition", "The work order cannot go from its status to that one", "Move it to one of the statuses that the message lists.";
    WORK_ORDER_REASON = "CMMS-WO-003", InvalidInput, "reason_required", "This change of status needs a reason", "Send `reason` with the status.";
    ASSET_NOT_FOUND = "CMMS-ASSET-001", NotFound, "asset_not_found", "There is no such asset", "Register the asset first, or correct its asset_id.";
    ASSET_EXISTS = "CMMS-ASSET-002", AlreadyExists, "asset_exists", "An asset with this asset_id is registered", "Update the registered asset, or choose another asset_id.";
    ASSET_PARENT = "CMMS-ASSET-003", InvalidInput, "parent_cycle", "The asset would become a part of itself", "Choose a parent that is not below this asset.";
    CONNECTION_NOT_FOUND = "CMMS-CONN-001", NotFound, "connection_not_found", "There is no such connection", "List the connections to see which exist.";
    CONNECTION_TYPE = "CMMS-CONN-002", InvalidInput, "unknown_cmms_type", "No adapter is known by this cmms_type", "Use one of the types that the message lists, or register your adapter under this name.";
    CONNECTION_CREDENTIALS = "CMMS-CONN-003", InvalidInput, "credentials_invalid", "The credentials have not the shape that this vendor needs", "Send the fields that the message lists in `credentials`.";
    CONNECTION_HOST_CHANGE = "CMMS-CONN-004", InvalidInput, "credentials_needed", "Changing the host needs the secret again", "Send the credentials together with the new api_url.";
    CONNECTION_EXISTS = "CMMS-CONN-005", AlreadyExists, "connection_exists", "A connection with this name exists", "Choose another connection_name or update the present connection.";
    CONNECTION_BUSY = "CMMS-CONN-006", Conflict, "connection_busy", "A sync of this connection is running", "Wait for the run to end, then try again.";
    CONNECTION_DISABLED = "CMMS-CONN-007", Conflict, "connection_disabled", "The connection is switched off", "Enable the connection, then sync it.";
    CONNECTION_CHANGED = "CMMS-CONN-008", Unavailable, "connection_changed", "The connection was changed while a call of it began", "Try again: the call then begins with the connection as it is now.";
    ACCOUNT_CHANGED = "CMMS-CONN-009", Conflict, "account_changed", "The connection would lead to another account of the vendor", "Update the connection with `relink: true` where it is the same plant and the vendor's ids are the same (links stay), or with `forget_links: true` where it is another one (records stay, what is linked is forgotten).";
    ACCOUNT_CONNECTED = "CMMS-CONN-010", Conflict, "account_connected", "Another connection leads to this account of the vendor", "Use the connection that the message names, or say `allow_same_account: true` if every record is to come in once more.";
    EGRESS_REFUSED = "CMMS-EGRESS-001", InvalidInput, "egress_refused", "The address may not be called from here", "Use the vendor's own host, or let an operator add the origin to CMMS_EGRESS_ALLOW.";
    EGRESS_TRUST = "CMMS-EGRESS-003", InvalidInput, "certificates_unreadable", "The certificates to trust cannot be read", "Name a file that this program may read, with certificates in PEM.";
    EGRESS_URL = "CMMS-EGRESS-002", InvalidInput, "bad_url", "The URL cannot be used", "Send an https URL without user name, query or fragment.";
    SYNC_RUNNING = "CMMS-SYNC-001", Conflict, "sync_running", "A run of this connection and entity is going on", "Wait for the run that the answer names, then start again.";
    RUN_NOT_FOUND = "CMMS-SYNC-002", NotFound, "run_not_found", "There is no such run", "List the runs to see which exist.";
    SYNC_TYPE = "CMMS-SYNC-003", InvalidInput, "sync_type_mismatch", "The sync_type is not the one of this route", "Leave sync_type away or send the one that the route says.";
    RECORD_REFUSED = "CMMS-SYNC-004", InvalidInput, "record_quarantined", "A record of the vendor cannot be stored", "Correct the record at the vendor or the mapping of the named field; the next sync takes it in.";
    RECORDS_WAITING = "CMMS-SYNC-005", Conflict, "quarantine_open", "Records of earlier runs wait in quarantine", "List the quarantine; correct the records at the vendor or the mapping, then sync again; or discard them.";
    SYNC_INTERRUPTED = "CMMS-SYNC-006", Unavailable, "run_interrupted", "The process of this run ended before the run did", "Start the sync again: it goes on behind the last committed page.";
    QUARANTINE_NOT_FOUND = "CMMS-SYNC-007", NotFound, "quarantine_not_found", "There is no such quarantined record", "List the quarantine to see which records wait.";
    QUARANTINE_RESOLVED = "CMMS-SYNC-008", Conflict, "quarantine_resolved", "The quarantined record has come in already", "Leave it as it is: there is nothing to discard.";
    MAPPING_NOT_FOUND = "CMMS-MAP-001", NotFound, "mapping_not_found", "There is no such field mapping", "List the mappings to see which exist.";
    MAPPING_EXISTS = "CMMS-MAP-002", AlreadyExists, "mapping_exists", "The connection has a mapping for this target", "Delete the present mapping first, or choose another target_field.";
    MAPPING_RULE = "CMMS-MAP-003", InvalidInput, "mapping_rule", "A transformation rule cannot be used", "Correct the named part of the rule; try it with POST /cmms/mappings/preview.";
    MAPPING_UNSUPPORTED = "CMMS-MAP-004", InvalidInput, "rule_not_supported", "This type of rule is not supported yet", "Use one of the types that the message lists.";
    MAPPING_TARGET = "CMMS-MAP-005", InvalidInput, "mapping_target", "A mapping may not set this field", "Use one of the fields that the message lists.";
    RUN_ENDED = "CMMS-SYNC-010", Conflict, "run_ended", "The run has ended", "Start another sync; a run that ended cannot be cancelled.";
    RUN_ELSEWHERE = "CMMS-SYNC-011", Conflict, "run_elsewhere", "Another process works on the run", "Cancel it in the process that started it, or end that process.";
    TOO_MANY_RUNS = "CMMS-SYNC-012", Unavailable, "too_many_runs", "Too many runs go on in the background", "Wait for one of the runs to end, then start the sync again.";
    RECORDS_UNLISTED = "CMMS-SYNC-013", Conflict, "records_unlisted", "The vendor's whole list lacks records that are linked", "Look at the vendor whether they were deleted there; if not, sync everything again (force_sync). Here they stay as they are.";
    RUN_TAKEN_OVER = "CMMS-SYNC-014", Conflict, "run_taken_over", "Another process goes on with the run", "Look at the run to see how it goes on; nothing of it is lost.";
    RECORDS_AHEAD = "CMMS-SYNC-015", Conflict, "records_ahead", "Records are dated later than the vendor's clock", "Nothing is lost: they came in, and later changes still do. Correct their time at the vendor if it is wrong.";
    RECORDS_GONE = "CMMS-SYNC-016", Conflict, "records_gone", "The vendor's whole list lacked the same linked records twice", "If they were deleted at the vendor, nothing: here they stay as they are. If not, look at the rights of the account there.";
    PARENT_CYCLE = "CMMS-SYNC-018", Conflict, "cyclic_parents", "The vendor's assets are parts of themselves", "Nothing is lost: the asset waits for its parent. Correct the parents at the vendor; then the next sync puts it there.";
    FIELD_GONE = "CMMS-SYNC-017", Conflict, "field_gone", "No record of the run has a field that had values", "Nothing was emptied. If the vendor renamed the field, map it (cmms_field_mappings); if it is empty in all records, edit them here.";
    VENDOR_UNREACHABLE = "CMMS-VENDOR-001", Unavailable, "vendor_unreachable", "The vendor's system cannot be reached", "Check the network, the host in api_url and the vendor's status page, then try again.";
    VENDOR_LOGIN = "CMMS-VENDOR-002", Upstream, "login_refused", "The vendor refused the credentials", "Correct the credentials of the connection.";
    VENDOR_FORBIDDEN = "CMMS-VENDOR-003", Upstream, "vendor_forbidden", "The vendor does not allow this account to do that", "Check the plan and the rights of the account at the vendor.";
    VENDOR_ANSWER = "CMMS-VENDOR-004", Upstream, "vendor_answer", "The vendor's answer cannot be understood", "Check that api_url points at the vendor's API; if it does, report the answer.";
    VENDOR_LIMIT = "CMMS-VENDOR-005", RateLimited, "vendor_rate_limited", "The vendor asks to call less often", "Wait as long as the answer says, or set options.max_requests_per_second.";
    VENDOR_ERROR = "CMMS-VENDOR-006", Upstream, "vendor_error", "The vendor's system failed", "Try again later; if it stays, ask the vendor.";
    VENDOR_TOO_LARGE = "CMMS-VENDOR-007", Upstream, "answer_too_large", "The vendor's answer is larger than allowed", "Lower options.page_size, or check that api_url points at the vendor's API.";
    VENDOR_TIMEOUT = "CMMS-VENDOR-008", Timeout, "vendor_timeout", "The vendor did not answer in time", "Try again later, or lower options.page_size.";
    VENDOR_UNSUPPORTED = "CMMS-VENDOR-009", Unsupported, "unsupported_by_vendor", "The vendor's system cannot do that", "Ask for what the adapter's capabilities list.";
    VENDOR_CERTIFICATE = "CMMS-VENDOR-012", Upstream, "certificate_refused", "The vendor's certificate is not accepted", "Check the host in api_url, this machine's clock, and whose certificates are trusted (options.ca_file, SSL_CERT_FILE).";
    VENDOR_LIST = "CMMS-VENDOR-010", Upstream, "list_incomplete", "The vendor's list has fewer records than it should", "Sync again: the list is read from its beginning. If it stays, check the vendor's system.";
    VENDOR_IGNORES = "CMMS-VENDOR-011", Upstream, "query_not_heeded", "The vendor does not heed a part of the query", "Nothing of what it lists is missing. Ask the vendor if what the message names should come in.";
    SECRET_UNREADABLE = "CMMS-SECRET-001", Unavailable, "secret_unreadable", "A stored secret cannot be opened", "Give the master key that sealed it, or set the secret again.";
    SECRET_NO_KEY = "CMMS-SECRET-002", Unavailable, "no_master_key", "There is no master key to seal a secret with", "Set CMMS_MASTER_KEY_FILE to a file with 32 random bytes in base64, readable by its owner only.";
    SECRET_KEY_FILE = "CMMS-SECRET-003", Unavailable, "bad_master_key", "The master key cannot be used", "Give 32 random bytes in base64, in a file that only its owner can read.";
    SECRET_INLINE = "CMMS-SECRET-004", InvalidInput, "secret_inline", "A secret may not stand on the command line", "Give the input from a file (`@file`) or from standard input (`-`).";
    STORE_STALE = "CMMS-STORE-001", StaleVersion, "stale_version", "Somebody changed the object since it was read", "Read the object again and repeat the change on the new version.";
    STORE_BUSY = "CMMS-STORE-002", Unavailable, "store_busy", "The database is in use by another writer", "Try again in a moment.";
    STORE_FULL = "CMMS-STORE-003", StorageFull, "disk_full", "There is no room left for the database", "Make room on the disk of the database; nothing was half stored.";
    STORE_READ_ONLY = "CMMS-STORE-004", Unavailable, "read_only", "The database file cannot be written", "Give the process the right to write the database file and its folder.";
    STORE_NOT_DATABASE = "CMMS-STORE-005", Unavailable, "not_a_database", "The file is no database", "Check the path in CMMS_DATABASE_URL, or choose a new file.";
    STORE_NEWER = "CMMS-STORE-006", Unavailable, "newer_schema", "The database was written by a newer version of this program", "Install the newer version, or use another database.";
    STORE_OPEN = "CMMS-STORE-007", Unavailable, "cannot_open", "The database cannot be opened", "Check that the folder exists and can be written, then try again.";
    STORE_DAMAGED = "CMMS-STORE-008", Unavailable, "damaged", "The database is damaged", "Restore the last backup; keep the damaged file for a look.";
    STORE_URL = "CMMS-STORE-009", InvalidInput, "bad_database_url", "The database URL cannot be used", "Write it as sqlite://cmms.db.";
    STORE_OLDER = "CMMS-STORE-010", Unavailable, "schema_older", "The database has an older schema", "Run `cmms migrate up`.";
    STORE_UNGUARDED = "CMMS-STORE-011", Unavailable, "row_security_off", "The database role may pass by row-level security", "Use a role that is neither a superuser nor has BYPASSRLS.";
    STORE_UNREACHABLE = "CMMS-STORE-012", Unavailable, "database_unreachable", "The database server cannot be reached", "Check that the server runs, and the host, the port and the network.";
    STORE_LOGIN = "CMMS-STORE-013", Unavailable, "database_login", "The database server refused the login", "Correct the user and the password of the database.";
    STORE_MISSING = "CMMS-STORE-014", Unavailable, "database_missing", "The database does not exist", "Create the database, then run `cmms migrate up`.";
    STORE_CONFLICT = "CMMS-STORE-015", Unavailable, "write_conflict", "Another writer was in the way", "Try again; nothing was stored.";
    STORE_UNKNOWN = "CMMS-STORE-016", Unavailable, "outcome_unknown", "Whether the change was stored is not known", "Read the object to see whether it was changed, before the change is repeated.";
    STORE_ENCODING = "CMMS-STORE-018", Unavailable, "database_encoding", "The database does not keep its texts in UTF-8", "Create another one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.";
    STORE_POOLED = "CMMS-STORE-019", Unavailable, "database_pooled", "The database is reached through a pooler that changes sessions", "Connect to the server itself, or let the pooler keep sessions (pool_mode = session) and pass startup parameters on.";
    STORE_VALUE = "CMMS-STORE-017", InvalidInput, "value_refused", "A value cannot be stored", "Correct the named value; nothing of this change was stored.";
    COPY_TARGET = "CMMS-COPY-001", Conflict, "target_not_empty", "The target of the copy has records of its own", "Choose an empty database, or the one in which this copy broke off.";
    COPY_SOURCE = "CMMS-COPY-002", Conflict, "source_unfinished", "The source is an unfinished copy", "Finish the copy that broke off first, by starting it again.";
    COPY_ROWS = "CMMS-COPY-003", Conflict, "rows_refused", "Some rows cannot be stored in the target", "Correct or delete the named rows in the source, then start the copy again: it carries over what lacks.";
    CONFIG_VALUE = "CMMS-CONFIG-001", InvalidInput, "bad_setting", "A setting cannot be used", "Correct the named setting.";
    CONFIG_UNKNOWN = "CMMS-CONFIG-002", InvalidInput, "unknown_setting", "There is no such setting", "Write the name as the README has it, or take it away.";
    SERVE_PORT = "CMMS-SERVE-001", Unavailable, "port_in_use", "The port is in use", "Stop the other program or choose another port with --port.";
    SERVE_HOST = "CMMS-SERVE-002", InvalidInput, "host_refused", "The server may not listen there", "Listen on 127.0.0.1, and put a proxy in front of it.";
    SERVE_NO_AUTH = "CMMS-SERVE-003", InvalidInput, "auth_missing", "The server has no authentication yet", "Say --no-auth to serve this machine's own programs without it.";
    SERVE_ORIGIN = "CMMS-SERVE-004", PermissionDenied, "foreign_origin", "The request comes from another site or names another host", "Call the server by its own address, without an Origin of another site.";
    SERVE_MEDIA = "CMMS-SERVE-005", InvalidInput 415, "json_only", "The body is not JSON", "Send the body with Content-Type: application/json.";
    SERVE_PATH = "CMMS-SERVE-006", NotFound, "unknown_path", "There is no such path", "Use a path of /openapi.json.";
    SERVE_METHOD = "CMMS-SERVE-007", Unsupported 405, "method_not_allowed", "The path does not have this method", "Use one of the methods that `Allow` lists.";
    SERVE_BODY_SLOW = "CMMS-SERVE-008", Timeout 408, "body_too_slow", "The body did not arrive in time", "Send the request again.";
    SERVE_BODY_LARGE = "CMMS-SERVE-009", Unreadable 413, "body_too_large", "The body is larger than is read", "Send less at once.";
    SERVE_URL_LONG = "CMMS-SERVE-010", Unreadable 414, "url_too_long", "The path and query are longer than is read", "Shorten the query; what does not fit belongs into a JSON body.";
    SERVE_HEADERS_LARGE = "CMMS-SERVE-011", Unreadable 431, "headers_too_large", "The headers are larger than is read", "Leave headers away that the server does not need, such as cookies.";
    DEMO_FILE = "CMMS-DEMO-001", Conflict, "not_a_demo_file", "The file is no demo database, so the demo does not replace it", "Move the file away or run the demo in another folder.";
    INTERNAL = "CMMS-INTERNAL-001", Internal, "internal", "The program met a state that it does not expect", "Report it with the request id and the log.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_reasons_are_unique() {
        let mut ids: Vec<_> = ALL.iter().map(|c| c.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        let mut reasons: Vec<_> = ALL.iter().map(|c| c.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), ALL.len());
    }
}
