//! Secrets of the environment: a server reads them once and runs itself again without them.

use super::files::read_stdin;
use cmms::{Error, Result, code};
use std::collections::BTreeMap;

/// Runs this program again with the secrets on its standard input instead of in its environment.
#[cfg(unix)]
pub(super) fn run_again_without() {
    use std::io::Write;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    let secrets = cmms::Config::secrets_in_environment();
    if secrets.is_empty() {
        return;
    }
    let again = || -> std::io::Result<std::convert::Infallible> {
        let (reader, mut writer) = std::io::pipe()?;
        // A pipe holds this many secrets many times over, so writing does not wait for the reader.
        writer.write_all(&serde_json::to_vec(&secrets)?)?;
        drop(writer);
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(std::env::args_os().skip(1))
            .arg("--secrets-on-stdin");
        for name in cmms::Config::SECRET_VARIABLES {
            command.env_remove(name);
        }
        Err(command.stdin(reader).exec())
    };
    let Err(e) = again();
    tell!("warning: secrets stay in the environment, this program cannot run itself again: {e}");
}

#[cfg(not(unix))]
pub(super) fn run_again_without() {}

/// Reads what the program wrote to itself.
pub(super) fn from_stdin() -> Result<BTreeMap<String, String>> {
    serde_json::from_str(&read_stdin()?).map_err(|_| {
        Error::new(
            code::INPUT_UNREADABLE,
            "standard input holds no secrets of this program's own writing",
        )
    })
}
