//! A server of a test's own, which it stops and starts.

use super::server;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    /// It ends all sessions and writes everything down.
    Fast,
    /// It ends at once, and recovers when it starts again.
    Immediate,
}

/// A server with a database `cmms_test` whose owner is `cmms_owner`.
pub(crate) struct Own {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
    user: Option<(u32, u32)>,
    server: Option<Child>,
}

/// Whom programs run as that refuse to run as root; none where nobody is root.
pub(crate) fn user() -> Option<(u32, u32)> {
    let is_root = id(&["-u"]) == Some(0);
    is_root.then(|| {
        let of = |name: &str| Some((id(&["-u", name])?, id(&["-g", name])?));
        of("postgres")
            .or_else(|| of("nobody"))
            .expect("a user that is not root")
    })
}

impl Own {
    /// Makes a cluster and starts it.
    pub(crate) async fn start() -> Self {
        let bin = PathBuf::from(server::variable("CMMS_TEST_POSTGRES_BIN"));
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let user = user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let mut own = Self {
            bin,
            folder,
            port,
            user,
            server: None,
        };
        let made = own
            .command("initdb")
            .args([
                "-A",
                "trust",
                "-U",
                "cmms_admin",
                "--no-locale",
                "-E",
                "UTF8",
                "--no-sync",
                "-D",
            ])
            .arg(own.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        own.again().await;
        own
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Starts it, and answers when it takes connections.
    pub(crate) async fn again(&mut self) -> Instant {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args([
                "-p",
                &self.port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
            ])
            .args(["-c", "unix_socket_directories=", "-c", "max_connections=50"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < deadline, "the server does not start");
            sleep(Duration::from_millis(20)).await;
        }
        Instant::now()
    }

    /// Stops it.
    pub(crate) fn stop(&mut self, how: Stop) {
        if let Some(mut server) = self.server.take() {
            let signal = match how {
                Stop::Fast => "-INT",
                Stop::Immediate => "-QUIT",
            };
            let id = server.id().to_string();
            Command::new("kill").args([signal, &id]).status().unwrap();
            server.wait().unwrap();
        }
    }

    /// The URL of a database as the superuser.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop(Stop::Immediate);
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let said = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(said.stdout).ok()?.trim().parse().ok()
}
