//! Writers of other processes that wait for the file.
//!
//! SQLite has no queue between processes: who waits tries again and again, and finds the file taken each time while
//! another process writes one transaction after the other. So who waits shares a lock on a file beside the database,
//! which is made when somebody waits for the first time, and who writes looks whether anybody has that lock. A process
//! that ends loses its lock with it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The file beside a database.
#[derive(Debug)]
pub(super) struct Waiting(PathBuf);

/// Says that somebody waits, as long as it lives.
#[derive(Debug)]
pub(super) struct Mark {
    _file: File,
}

impl Waiting {
    pub(super) fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-waiting");
        Self(path.into())
    }

    /// Says that this process waits. None: somebody is just looking, or the folder takes no file; then the next try
    /// may say it.
    pub(super) fn mark(&self) -> Option<Mark> {
        let file = match self.open() {
            Err(e) if e.kind() == ErrorKind::NotFound => self.make(),
            opened => opened,
        };
        let file = file.ok()?;
        file.try_lock_shared().ok()?;
        Some(Mark { _file: file })
    }

    /// Whether another process waits.
    pub(super) fn has_any(&self) -> bool {
        // Opened each time: somebody may have deleted it.
        let tried = self.open().map(|file| file.try_lock());
        matches!(tried, Ok(Err(TryLockError::WouldBlock)))
    }

    fn open(&self) -> io::Result<File> {
        File::open(&self.0)
    }

    fn make(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        options.open(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_seen_as_long_as_it_waits() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("cmms.db");
        let (writer, other, third) = (
            Waiting::beside(&database),
            Waiting::beside(&database),
            Waiting::beside(&database),
        );
        assert!(!writer.has_any());
        let empty = std::fs::read_dir(folder.path()).unwrap().next().is_none();
        assert!(empty, "looking makes no file");
        let (mark, another) = (other.mark().unwrap(), third.mark().unwrap());
        assert!(writer.has_any());
        drop(mark);
        assert!(writer.has_any());
        drop(another);
        assert!(!writer.has_any());
    }
}
