//! The tables of docs "Crates and direction of dependencies", as data. A new edge needs a line here first.

/// What one top-level module of `cmms-core` may use.
pub(crate) struct Line {
    /// The module.
    pub(crate) module: &'static str,
    /// May use all that this module may use, and the module itself.
    pub(crate) above: Option<&'static str>,
    /// May use these as well.
    pub(crate) plus: &'static [&'static str],
    /// May use what everything but `domain` and the base may use: [`COMMON`].
    pub(crate) common: bool,
}

/// A base module: exactly what it needs.
const fn base(module: &'static str, plus: &'static [&'static str]) -> Line {
    Line {
        module,
        above: None,
        plus,
        common: false,
    }
}

/// A layer above another one.
const fn layer(module: &'static str, above: &'static str, plus: &'static [&'static str]) -> Line {
    Line {
        module,
        above: Some(above),
        plus,
        common: true,
    }
}

/// Used by all layers but `domain`.
pub(crate) const COMMON: &[&str] = &["telemetry", "failpoint"];

/// The modules of `cmms-core`, from the bottom up.
pub(crate) const MODULES: &[Line] = &[
    // The base: nobody of it knows more than is written here.
    base("error", &[]),
    base("clock", &[]),
    base("telemetry", &[]),
    base("failpoint", &[]),
    base("encoding", &[]),
    base("record", &["error"]),
    base("ids", &["error", "record"]),
    base("money", &["error", "record"]),
    base("quantity", &["error", "record"]),
    base("page", &["error", "record", "ids"]),
    base("request", &[]),
    // The layers. `domain` is pure: no async, no I/O, no clock.
    base("domain", &["error", "ids", "money", "quantity", "record"]),
    // A call tells how far it is in the words of a run, so the context knows the domain.
    layer("context", "domain", &["error", "ids"]),
    layer("mapping", "domain", &[]),
    // An adapter ships its default mapping as data.
    layer("ports", "mapping", &["context", "page", "clock"]),
    layer("services", "ports", &["request"]),
    layer("ops", "services", &["encoding"]),
    layer("client", "ops", &[]),
    layer("memory", "ports", &[]),
    // Whole syncs are part of what adapters are held to.
    layer("testing", "client", &["memory"]),
];

/// The modules that `module` may use; `None` without a line in the table.
pub(crate) fn allowed(module: &str) -> Option<Vec<&'static str>> {
    let line = MODULES.iter().find(|line| line.module == module)?;
    let mut all = line.above.and_then(allowed).unwrap_or_default();
    all.extend(line.above);
    all.extend(line.plus);
    if line.common {
        all.extend(COMMON);
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// The crates of the workspace, each with the crates of the workspace it may depend on (tests excepted).
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    ("cmms-core", &[]),
    ("cmms-store", &["cmms-core"]),
    ("cmms-adapters", &["cmms-core"]),
    ("cmms", &["cmms-core", "cmms-store", "cmms-adapters"]),
    ("cmms-sim", &["cmms-core"]),
    ("cmms-server", &["cmms", "cmms-sim"]),
    ("cmms-py", &["cmms", "cmms-sim"]),
    ("cmms-ffi", &["cmms"]),
    ("cmms-examples", &["cmms"]),
    ("cmms-benches", &["cmms", "cmms-server", "cmms-sim"]),
    (
        "cmms-tests",
        &[
            "cmms-core",
            "cmms-store",
            "cmms-adapters",
            "cmms",
            "cmms-sim",
            "cmms-server",
        ],
    ),
    ("xtask", &["cmms-core"]),
];

/// What `cmms-core` may not depend on, not even through others. A star at the end stands for any rest of the name.
pub(crate) const FORBIDDEN: &[&str] = &[
    "rusqlite",
    "sqlx*",
    "libsqlite3-sys",
    "postgres*",
    "tokio-postgres",
    "reqwest",
    "hyper",
    "axum",
    "tower-http",
    "rustls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "tonic",
    "actix-web",
];

/// The entry of [`FORBIDDEN`] that names this package.
pub(crate) fn forbidden(package: &str) -> Option<&'static str> {
    FORBIDDEN
        .iter()
        .copied()
        .find(|entry| match entry.strip_suffix('*') {
            Some(start) => package.starts_with(start),
            None => *entry == package,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_modules_may_use_each_other() {
        for line in MODULES {
            for used in allowed(line.module).unwrap() {
                let back = allowed(used).unwrap_or_else(|| panic!("{used} has no line"));
                assert!(
                    !back.contains(&line.module),
                    "{} and {used} may use each other",
                    line.module
                );
            }
        }
    }

    #[test]
    fn the_table_is_the_one_of_the_architecture() {
        let domain = ["error", "ids", "money", "quantity", "record"];
        assert_eq!(allowed("domain").unwrap(), domain);
        let mapping = [
            "domain",
            "error",
            "failpoint",
            "ids",
            "money",
            "quantity",
            "record",
            "telemetry",
        ];
        assert_eq!(allowed("mapping").unwrap(), mapping);
        assert!(!allowed("ports").unwrap().contains(&"services"));
        assert!(allowed("ports").unwrap().contains(&"context"));
        assert!(!allowed("ops").unwrap().contains(&"client"));
        assert!(allowed("client").unwrap().contains(&"mapping"));
        assert!(!allowed("memory").unwrap().contains(&"services"));
        assert!(!allowed("memory").unwrap().contains(&"testing"));
        assert!(!allowed("client").unwrap().contains(&"testing"));
        assert_eq!(allowed("nowhere"), None);
    }

    #[test]
    fn forbidden_names_match_whole_or_by_their_start() {
        assert_eq!(forbidden("sqlx-core"), Some("sqlx*"));
        assert_eq!(forbidden("axum"), Some("axum"));
        assert_eq!(forbidden("rustls-pki-types"), None);
        assert_eq!(forbidden("serde"), None);
    }
}
