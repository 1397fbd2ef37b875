//! What can be chosen about a SQLite store.

use std::time::Duration;

/// Options of a [`SqliteStore`](crate::SqliteStore); the defaults fit.
///
/// ```
/// use std::time::Duration;
/// let options = cmms_store::SqliteOptions::default().busy_timeout(Duration::from_secs(1));
/// ```
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    pub(super) busy_timeout: Duration,
    pub(super) readers: usize,
    pub(super) cache_kib: u32,
    pub(super) max_pages: Option<u32>,
    pub(super) share_file: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            cache_kib: 32 * 1024,
            max_pages: None,
            share_file: false,
        }
    }
}

impl SqliteOptions {
    /// How long a writer waits for another one, in this process or in another; 5 s.
    #[must_use]
    pub fn busy_timeout(mut self, wait: Duration) -> Self {
        self.busy_timeout = wait;
        self
    }

    /// How many reads go on at once, at least 1; 4.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// The page cache of the writer, in KiB; 32 MiB. Readers have an eighth of it each.
    #[must_use]
    pub fn cache_kib(mut self, kib: u32) -> Self {
        self.cache_kib = kib;
        self
    }

    /// The most pages that the file may have, 16 KiB each in a file that this made; no limit but SQLite's own.
    #[must_use]
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// Lets the tables live in a file that has another program's tables; such a file is refused otherwise.
    #[must_use]
    pub fn share_file(mut self, share: bool) -> Self {
        self.share_file = share;
        self
    }
}
