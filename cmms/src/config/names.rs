//! The names of settings: which there are, and what a name that there is not may have been meant to be.

use super::database::POSTGRES;
use super::{
    API_DEBUG, API_HOST, API_KEYS, API_PORT, DATABASE_URL, EGRESS_ALLOW, EGRESS_PROXY, FOLDERS,
    MASTER_KEY, MASTER_KEY_FILE, OS_USER, PROXIES, SSL_CERT_FILE,
};
use cmms_core::{Error, code};

/// How the names of settings begin.
const OURS: &str = "CMMS_";
/// Names that begin so and are read elsewhere: by the command itself, by tests and by measurements.
const ELSEWHERE: [&str; 5] = [
    "CMMS_LOG",
    "CMMS_TEST_",
    "CMMS_BENCH_",
    "CMMS_PEERS",
    "CMMS_VECTORS",
];
/// How alike a name must be to one of ours, from 0 to 1, to be taken for a slip of the pen.
const ALIKE: f64 = 0.9;

/// Every variable that is read.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    [
        API_HOST,
        API_PORT,
        API_DEBUG,
        DATABASE_URL,
        MASTER_KEY_FILE,
        MASTER_KEY,
        EGRESS_ALLOW,
        EGRESS_PROXY,
        SSL_CERT_FILE,
    ]
    .into_iter()
    .chain(POSTGRES)
    .chain(API_KEYS)
    .chain(PROXIES)
    .chain(OS_USER)
    .chain(FOLDERS)
}

/// The variable of this name, if it is read.
pub(super) fn known_as(name: &str) -> Option<&'static str> {
    known().find(|known| *known == name)
}

/// The error of a name that looks like a setting and is none; nothing for names that are other programs' affair.
pub(super) fn unheeded(name: &str) -> Option<Error> {
    let upper = name.to_ascii_uppercase();
    if known_as(name).is_some() || ELSEWHERE.iter().any(|other| upper.starts_with(other)) {
        return None;
    }
    let nearest = nearest(&upper);
    if !upper.starts_with(OURS) && nearest.is_none() {
        return None;
    }
    let meant = nearest.map_or_else(String::new, |known| format!("; did you mean {known}?"));
    let remedy = match nearest {
        Some(known) => format!("Write {known}, or take {name} away."),
        None => format!("Take {name} away; the README lists all settings."),
    };
    Some(
        Error::new(
            code::CONFIG_UNKNOWN,
            format!("there is no setting {name}{meant}"),
        )
        .field(name, "unknown_setting", "is not heeded")
        .remedy_is(remedy),
    )
}

/// The setting that the name may have been meant to be. The variables of the system are not ours to guess.
fn nearest(upper: &str) -> Option<&'static str> {
    let settings = known().filter(|known| known.starts_with(OURS) || API_KEYS.contains(known));
    let alike = |known: &str| {
        let bare = known.strip_prefix(OURS).unwrap_or(known);
        strsim::jaro_winkler(known, upper).max(if bare == upper { 1.0 } else { 0.0 })
    };
    settings
        .map(|known| (alike(known), known))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(alike, _)| *alike >= ALIKE)
        .map(|(_, known)| known)
}
