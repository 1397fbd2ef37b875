//! A PostgreSQL server for one run: a fresh cluster, a port of this machine only, passwords of this run.

mod find;
mod place;
mod process;
mod user;

use crate::fail::{Failure, Result};
use find::Binaries;
use place::Place;
use process::Process;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use user::User;

/// The address, as the owner of the tests' database: a role that may make roles and databases and is no superuser.
const OWNER_VARIABLE: &str = "CMMS_TEST_POSTGRES";
/// The same, as the superuser.
const ADMIN_VARIABLE: &str = "CMMS_TEST_POSTGRES_ADMIN";
/// The folder of the programs, for tests that restart or kill a server of their own.
const BIN_VARIABLE: &str = "CMMS_TEST_POSTGRES_BIN";

const OWNER: &str = "cmms_owner";
const ADMIN: &str = "postgres";
const DATABASE: &str = "cmms_test";

/// A running server; it ends with this value, and its data goes with it.
#[derive(Debug)]
pub(crate) struct Server {
    // Dropped in this order: the data is removed when no process uses it any more.
    process: Process,
    place: Place,
    environment: Vec<(&'static str, String)>,
}

/// Makes sure that PostgreSQL is installed.
///
/// # Errors
/// It is not, and could not be.
pub(crate) fn ensure() -> Result<()> {
    find::ensure().map(drop)
}

/// Runs a server until it is stopped, for those who run the tests of single crates with `cargo test`.
///
/// # Errors
/// It does not start, or it ends badly.
pub(crate) fn by_hand(root: &Path) -> Result<()> {
    let mut server = Server::start_in(root, "by-hand", &find::ensure()?)?;
    for (name, value) in server.environment() {
        println!("export {name}='{value}'");
    }
    eprintln!("  it runs until Ctrl-C; the next one begins with an empty database");
    let status = server.process.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(process::crashed(status, &server.place))
    }
}

impl Server {
    /// Starts the server of the test command.
    ///
    /// # Errors
    /// PostgreSQL is missing, or does not start.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        Self::start_in(root, "test", &find::ensure()?)
    }

    fn start_in(root: &Path, name: &str, binaries: &Binaries) -> Result<Self> {
        let user = User::pick()?;
        let place = Place::take(root, name, user)?;
        let (owner, admin) = (random()?, random()?);
        create(binaries, user, &place, &owner, &admin)?;
        // Another program may take the port between the look for a free one and the server's start.
        for _ in 0..5 {
            let port = free_port()?;
            let mut process = Process::start(binaries, user, &place, port)?;
            if !process.wait_ready(&place)? {
                continue;
            }
            eprintln!(
                "  PostgreSQL {} of {} on 127.0.0.1:{port}, process {}; its messages are in {}",
                binaries.version,
                binaries.folder.display(),
                process.id(),
                place.log.display()
            );
            return Ok(Self {
                process,
                place,
                environment: vec![
                    (OWNER_VARIABLE, url(OWNER, &owner, port)),
                    (ADMIN_VARIABLE, url(ADMIN, &admin, port)),
                    (BIN_VARIABLE, binaries.folder.display().to_string()),
                ],
            });
        }
        Err(Failure::new(format!(
            "other programs took each port that PostgreSQL was to have; {}",
            place.tail()
        )))
    }

    /// What the tests' programs find in their environment.
    pub(crate) fn environment(&self) -> &[(&'static str, String)] {
        &self.environment
    }

    /// # Errors
    /// The server has ended: what failed before may have failed for that.
    pub(crate) fn alive(&mut self) -> Result<()> {
        match self.process.ended()? {
            None => Ok(()),
            Some(status) => Err(process::crashed(status, &self.place)),
        }
    }
}

/// Makes the cluster, its roles and the database. PostgreSQL's single-user mode needs no client and no open port.
fn create(binaries: &Binaries, user: User, place: &Place, owner: &str, admin: &str) -> Result<()> {
    let mut initdb = user.command(binaries.folder.join("initdb"), &place.data);
    initdb.arg("--pgdata").arg(&place.data).args([
        "--username",
        ADMIN,
        "--encoding=UTF8",
        "--locale=C",
        "--auth-local=reject",
        "--auth-host=scram-sha-256",
        // A machine that loses its power here starts anew anyway.
        "--no-sync",
    ]);
    feed(&mut initdb, "")?;
    let mut single = user.command(binaries.folder.join("postgres"), &place.data);
    single.arg("--single").arg("-D").arg(&place.data).args([
        "-c",
        "exit_on_error=on",
        "-c",
        "password_encryption=scram-sha-256",
        "postgres",
    ]);
    // Each line is a statement.
    feed(
        &mut single,
        &format!(
            "ALTER ROLE {ADMIN} PASSWORD '{admin}'\n\
             CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD '{owner}'\n\
             CREATE DATABASE {DATABASE} OWNER {OWNER}\n"
        ),
    )
}

/// Runs a program with this input; its output is shown only when it fails.
fn feed(command: &mut Command, input: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let at = |e| Failure::at(&name, e);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(at)?;
    // The input is shorter than a pipe holds: writing does not wait for reading.
    let written = match child.stdin.take() {
        Some(mut stdin) => stdin.write_all(input.as_bytes()),
        None => Ok(()),
    };
    let done = child.wait_with_output().map_err(at)?;
    if !done.status.success() {
        return Err(Failure::new(format!(
            "{name}: {}:\n{}{}",
            done.status,
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        )));
    }
    written.map_err(at)
}

fn url(role: &str, password: &str, port: u16) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{DATABASE}")
}

fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| Failure::at("a free port on 127.0.0.1", e))
}

/// 128 bits that nobody can guess, in hexadecimal: neither a URL nor a shell reads anything into them.
fn random() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|e| Failure::at("/dev/urandom", e))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn the_url_has_role_password_port_and_database() {
        assert_eq!(
            url(OWNER, "5e", 4711),
            "postgres://cmms_owner:5e@127.0.0.1:4711/cmms_test"
        );
        let password = random().unwrap();
        assert_eq!(password.len(), 32);
        assert_ne!(password, random().unwrap());
    }

    /// What the server says first to a client that gives this role: `R` and the kind of proof that it wants.
    fn greeted(port: &str) -> (u8, u32) {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let mut packet = vec![0, 0, 0, 0, 0, 3, 0, 0];
        packet.extend(format!("user\0{OWNER}\0database\0{DATABASE}\0\0").bytes());
        packet[3] = u8::try_from(packet.len()).unwrap();
        stream.write_all(&packet).unwrap();
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).unwrap();
        (
            answer[0],
            u32::from_be_bytes(answer[5..9].try_into().unwrap()),
        )
    }

    #[test]
    fn a_server_answers_wants_a_password_and_is_gone_with_its_data() {
        let top = tempfile::tempdir().unwrap();
        let binaries = find::installed().unwrap();
        let mut server = Server::start_in(top.path(), "unit", &binaries).unwrap();
        server.alive().unwrap();
        let names: Vec<_> = server.environment().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [OWNER_VARIABLE, ADMIN_VARIABLE, BIN_VARIABLE]);
        let url = server.environment()[0].1.clone();
        let port = url.rsplit([':', '/']).nth(1).unwrap();
        // 10 is SASL, which is how a password is proven without being sent.
        assert_eq!(greeted(port), (b'R', 10));
        let data = server.place.data.clone();
        assert!(data.join("postmaster.pid").exists());
        drop(server);
        assert!(!data.exists());
        assert!(TcpStream::connect(format!("127.0.0.1:{port}")).is_err());
        // The folder is free for the next one.
        Server::start_in(top.path(), "unit", &binaries).unwrap();
    }

    #[test]
    fn what_a_program_says_is_shown_when_it_fails() {
        let mut failing = Command::new("sh");
        let failure = feed(
            failing.args(["-c", "cat; echo it broke >&2; exit 3"]),
            "given",
        );
        let text = failure.unwrap_err().to_string();
        assert!(
            text.contains("given") && text.contains("it broke"),
            "{text}"
        );
    }
}
