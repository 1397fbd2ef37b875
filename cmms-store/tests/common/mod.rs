//! What the tests of this crate share.

use cmms_core::context::{Principal, Scope};
use cmms_core::ids::OrgId;
use cmms_core::ports::store::Store as _;
use cmms_core::testing::samples;
use cmms_store::{SqliteOptions, SqliteStore};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with a path for a database in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cmms.db");
    (folder, path)
}

/// Opens a store with the default options.
pub(crate) fn open(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).unwrap()
}

/// The scope of the organization `default`.
pub(crate) async fn scope(store: &SqliteStore) -> Scope {
    let new = OrgId(samples::id(9, 1));
    let org = store
        .organization("default", new, samples::start())
        .await
        .unwrap();
    Scope::new(org, Principal::user("tester"))
}
