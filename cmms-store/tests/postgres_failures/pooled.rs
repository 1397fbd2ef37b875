//! Poolers, with PgBouncer between.

use super::own::user;
use super::{insert, names, scope, server};
use cmms_core::code;
use cmms_core::ports::store::Store as _;
use cmms_store::{PostgresOptions, PostgresStore};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use url::Url;

/// PgBouncer before the server of the tests.
struct Pooler {
    program: Child,
    url: String,
    _folder: TempDir,
}

impl Pooler {
    async fn start(settings: &str) -> Self {
        let mut url = Url::parse(&server::url()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (host, to) = (url.host_str().unwrap(), url.port().unwrap());
        let (name, password) = (url.username(), url.password().unwrap());
        let database = url.path().trim_start_matches('/');
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n\
             {database} = host={host} port={to} dbname={database} user={name} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             {settings}\n"
        );
        fs::write(&file, text).unwrap();
        // Debian has it where only root looks.
        let path = format!("{}:/usr/sbin", server::variable("PATH"));
        let mut command = Command::new("pgbouncer");
        command.arg(&file).env("PATH", path).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = user() {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
            command.uid(uid).gid(gid);
        }
        let program = command.spawn().expect("PgBouncer: run `cargo xtask test`");
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not start");
            sleep(Duration::from_millis(20)).await;
        }
        url.set_port(Some(port)).unwrap();
        Self {
            program,
            url: url.into(),
            _folder: folder,
        }
    }

    fn options(&self, schema: &str) -> PostgresOptions {
        let options = PostgresOptions::parse(&self.url).unwrap();
        options.schema(schema).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// What a login through PgBouncer needs.
const PASSES_ON: &str = "ignore_startup_parameters = extra_float_digits";

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_changes_sessions_is_refused() {
    let schema = server::schema();
    let direct = PostgresStore::connect(server::options_of(&schema)).await;
    direct.unwrap().migrate().await.unwrap();
    for settings in [
        "pool_mode = transaction",
        &format!("pool_mode = transaction\n{PASSES_ON}"),
        &format!("pool_mode = transaction\n{PASSES_ON}\ndefault_pool_size = 1"),
        &format!("pool_mode = transaction\n{PASSES_ON}\nserver_round_robin = 1"),
        &format!("pool_mode = statement\n{PASSES_ON}"),
    ] {
        let pooler = Pooler::start(settings).await;
        let refused = PostgresStore::connect(pooler.options(&schema)).await;
        let e = refused.unwrap_err();
        assert!(e.is(code::STORE_POOLED), "{settings}: {e:?}");
        assert!(e.remedy().contains("session"), "{}", e.remedy());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_keeps_sessions_may_stand_between() {
    let schema = server::schema();
    let pooler = Pooler::start(&format!("pool_mode = session\n{PASSES_ON}")).await;
    let store = PostgresStore::connect(pooler.options(&schema)).await;
    let store = store.unwrap();
    store.migrate().await.unwrap();
    let scope = scope(&store).await;
    insert(&store, &scope, "through").await.unwrap();
    assert_eq!(names(&store, &scope).await, ["through"]);
}
