//! Programs that are compared, as child processes.

use cmms_benches::Figures;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// This program itself in another role.
pub fn this(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(role);
    command
}

/// Runs a program to its end and reads its figures; what it says otherwise is shown when it fails.
pub fn run(command: &mut Command, input: &str) -> Result<String, String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let mut stdin = child.stdin.take().ok_or("no input")?;
    stdin
        .write_all(input.as_bytes())
        .map_err(|e| e.to_string())?;
    drop(stdin);
    let out = child.wait_with_output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() {
        return Ok(text);
    }
    let why = String::from_utf8_lossy(&out.stderr).into_owned();
    Err(format!("{command:?} ends with {}: {text}{why}", out.status))
}

/// The figures of a program.
pub fn figures(command: &mut Command, input: &str) -> Result<Figures, String> {
    let text = run(command, input)?;
    Figures::find(&text).ok_or_else(|| format!("{command:?} printed no figures: {text}"))
}

/// A vendor in a process of its own, which ends with this value.
pub struct Vendor {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub url: String,
}

impl Vendor {
    /// Ours.
    pub fn ours(kind: &str, latency_ms: u32, extra: &[&str]) -> Self {
        let mut command = this("vendor");
        command
            .args([kind, "--latency-ms", &latency_ms.to_string()])
            .args(extra);
        Self::start(command, "LISTENS ")
    }

    /// The one of the folder of peers.
    pub fn of_peers(folder: &Path, port: u16, latency_ms: u32) -> Self {
        let mut command = Command::new(folder.join("vendor_sim/target/release/vendor_sim"));
        command
            .current_dir(folder)
            .args(["--data", "data", "--port", &port.to_string()])
            .args(["--latency-ms", &latency_ms.to_string()]);
        let mut vendor = Self::start(command, "vendor_sim on ");
        vendor.url = format!("http://{}", vendor.url);
        vendor
    }

    fn start(mut command: Command, says: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a vendor");
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its address");
        let url = line
            .trim()
            .strip_prefix(says)
            .expect("its address")
            .to_owned();
        Self {
            child,
            input,
            output,
            url,
        }
    }

    /// All requests so far, a line each.
    pub fn requests(&mut self) -> String {
        let input = self.input.as_mut().expect("its input");
        input.write_all(b"requests\n").expect("a question");
        let mut text = String::new();
        while self.output.read_line(&mut text).expect("an answer") > 1 {}
        text.trim_end().to_owned() + "\n"
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.input.take();
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder for databases that goes with this value.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A database file with nothing left over from an earlier run.
    pub fn fresh(&self, name: &str) -> PathBuf {
        for end in ["", "-wal", "-shm"] {
            // Most of the time there is none.
            let _ = std::fs::remove_file(self.0.path().join(format!("{name}.db{end}")));
        }
        self.file(name)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.db"))
    }
}
