//! The check on small crates: each way to break an edge must be seen.

use super::{crates, modules};
use crate::repo;
use serde_json::{Value, json};
use std::path::Path;

/// A crate that keeps to the table and uses every way to write a path.
const CLEAN: &[(&str, &str)] = &[
    (
        "lib.rs",
        "extern crate self as cmms_core;
         pub mod error; pub mod ids; pub mod domain; pub mod ports; pub mod services; pub mod telemetry; pub mod memory;
         #[cfg(feature = \"testing\")] pub mod testing;
         pub use error::{Error, code}; pub use domain::*;",
    ),
    (
        "error.rs",
        "pub struct Error; pub type Result<T> = std::result::Result<T, Error>;
         pub mod code { pub use super::rows::*; } mod rows { pub static A: u8 = 1; }
         #[macro_export] macro_rules! error { () => { $crate::Error }; (@again) => { $crate::error!() } }",
    ),
    ("ids.rs", "macro_rules! id { ($n:ident) => { pub struct $n; } } id! { OrgId }"),
    (
        "domain/mod.rs",
        "//! [`crate::services::run`] is what uses this.
         pub mod asset; mod part { pub use super::asset::Asset as Part; } pub use part::Part; pub use asset::Asset;",
    ),
    (
        "domain/asset.rs",
        "use crate::ids::OrgId; use crate::{code, error, Error}; use std::fmt::{self, Debug};
         /// See [`crate::services`].
         pub struct Asset { org: OrgId, #[serde(with = \"crate::error\")] e: Error }
         fn f() -> Result<(), Error> { let services = 1; print(services, code::A); error!(); Err(crate::error!()) }
         #[cfg(test)] mod tests { use crate::services::run; #[test] fn t() { crate::services::run() } }
         #[cfg(test)] use crate::services;",
    ),
    ("ports.rs", "use crate::{Asset, telemetry}; pub trait Store { fn put(&self, a: Asset); }"),
    ("services/mod.rs", "pub mod uow; use crate::ports::Store; pub fn run() { uow::begin(); vec![crate::error::Error]; }"),
    ("services/uow.rs", "use super::super::domain::Part; pub fn begin() { let x: Part; } pub struct Uow;"),
    ("telemetry.rs", ""),
    ("memory.rs", ""),
    ("testing.rs", "use cmms_core::ports::Store;"),
];

/// What the check says about [`CLEAN`] with these files instead of its own.
fn found(changed: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in CLEAN.iter().chain(changed) {
        let file = folder.path().join("src").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    match modules(folder.path(), Path::new("src/lib.rs")) {
        Ok(broken) => broken,
        Err(failure) => vec![failure.to_string()],
    }
}

/// Asserts that `file` breaks this edge and nothing else when `line` is added as its line 2.
fn breaks(file: &str, line: &str, edge: &str) {
    let kept = CLEAN.iter().find(|(name, _)| *name == file).unwrap().1;
    assert!(!kept.contains('\n'), "{file} has more than one line");
    let broken = found(&[(file, &format!("{kept}\n{line}"))]);
    let start = format!("src/{file}:2: {edge} ");
    let only = !broken.is_empty() && broken.iter().all(|found| found.starts_with(&start));
    assert!(only, "{line}: wanted {start}, found {broken:#?}");
}

#[test]
fn a_crate_that_keeps_to_the_table_passes() {
    assert_eq!(found(&[]), [""; 0]);
}

#[test]
fn every_form_of_use_is_an_edge() {
    for line in [
        "use crate::services::run;",
        "use crate::services;",
        "use crate::services::{self as s};",
        "use crate::{error::Error, services::{run as go, uow::*}};",
        "pub(crate) use crate::services::*;",
        "use crate::services::Uow as _;",
        "fn f() { use crate::services::run; }",
        "#[cfg(feature = \"testing\")] use crate::services::run;",
        "#[cfg(any(test, feature = \"testing\"))] use crate::services::run;",
        "use cmms_core::services::run;",
    ] {
        breaks("ports.rs", line, "ports -> services");
    }
}

#[test]
fn full_paths_are_edges() {
    for line in [
        "fn f() { crate::services::run() }",
        "fn f(u: crate::services::uow::Uow) {}",
        "fn f<T>() where T: Into<crate::services::uow::Uow> {}",
        "fn f(x: u8) { match x { crate::services::ONE => {} _ => {} } }",
        "impl Store for crate::services::uow::Uow {}",
        "struct S { #[serde(with = \"crate::services\")] x: u8 }",
        "#[crate::services::traced] fn f() {}",
        "#[derive(crate::services::Traced)] struct S;",
        "fn f() { cmms_core::services::run() }",
    ] {
        breaks("ports.rs", line, "ports -> services");
    }
}

#[test]
fn relative_paths_are_edges() {
    breaks("ports.rs", "use super::services::run;", "ports -> services");
    breaks(
        "ports.rs",
        "fn f() { super::services::run() }",
        "ports -> services",
    );
    breaks(
        "ports.rs",
        "mod inner { use super::super::services::run; }",
        "ports -> services",
    );
    breaks(
        "ports.rs",
        "use self::super::services::run;",
        "ports -> services",
    );
    breaks(
        "services/uow.rs",
        "use super::super::testing::x;",
        "services -> testing",
    );
}

#[test]
fn names_are_followed_through_re_exports() {
    // Through another module, under another name, from the inside of a higher one.
    let broken = found(&[
        ("ports.rs", "pub use crate::services::uow::Uow as Work;"),
        ("memory.rs", "use crate::ports::Work;"),
    ]);
    assert_eq!(broken.len(), 2, "{broken:#?}");
    assert!(
        broken[1].starts_with("src/ports.rs:1: ports -> services"),
        "{broken:#?}"
    );
    assert!(
        broken[0].starts_with("src/memory.rs:1: memory -> services"),
        "{broken:#?}"
    );

    // Through a star.
    let broken = found(&[
        ("ports.rs", "pub use crate::services::*;"),
        ("memory.rs", "use crate::ports::*;\nfn f() { run() }"),
    ]);
    assert!(
        broken[0].starts_with("src/memory.rs:2: memory -> services"),
        "{broken:#?}"
    );

    // Through the root, by name and by star.
    let lib = CLEAN[0].1;
    let by_name = format!("{lib} pub use services::{{uow::Uow, run as go}};");
    let by_star = format!("{lib} pub use services::*; pub use services::uow::*;");
    let broken = found(&[
        ("lib.rs", &by_name),
        ("memory.rs", "use crate::Uow;\nfn f() { crate::go() }"),
    ]);
    assert_eq!(broken.len(), 2, "{broken:#?}");
    assert!(
        broken[1].starts_with("src/memory.rs:2: memory -> services"),
        "{broken:#?}"
    );
    let broken = found(&[
        ("lib.rs", &by_star),
        ("memory.rs", "use crate::Uow;\nfn f() { crate::run() }"),
    ]);
    assert_eq!(broken.len(), 2, "{broken:#?}");
    assert!(
        broken[0].starts_with("src/memory.rs:1: memory -> services"),
        "{broken:#?}"
    );
}

#[test]
fn paths_in_macros_are_edges() {
    for line in [
        "fn f() { println!(\"{}\", crate::services::run()) }",
        "fn f() { vec![Some(crate :: services :: run)]; }",
        "macro_rules! m { () => { $crate::services::run() } }",
        "macro_rules! m { () => { mod a { use super::super::services::run; } } }",
        "macro_rules! m { () => { use crate::{error::Error, services::run}; } }",
        "thing! { #[serde(with = \"crate::services\")] x: u8 }",
    ] {
        breaks("ports.rs", line, "ports -> services");
    }
    // The call of a macro that a higher module defines, by the crate's root and by its place in the text.
    let services = "pub mod uow; #[macro_export] macro_rules! act { () => {} } macro_rules! quiet { () => {} }";
    let broken = found(&[
        ("services/mod.rs", services),
        ("services/uow.rs", ""),
        ("ports.rs", "crate::act!();\nquiet!();"),
    ]);
    let broken: Vec<&String> = broken
        .iter()
        .filter(|line| line.starts_with("src/ports.rs"))
        .collect();
    assert_eq!(broken.len(), 2, "{broken:#?}");
}

#[test]
fn what_cannot_be_judged_fails() {
    let lib = CLEAN[0].1;
    let unlisted = found(&[
        ("lib.rs", &format!("{lib} pub mod helpers;")),
        ("helpers.rs", ""),
    ]);
    assert!(
        unlisted[0].contains("`helpers` is not in the table"),
        "{unlisted:#?}"
    );
    let orphan = found(&[("services/hidden.rs", "")]);
    assert!(orphan[0].contains("hidden.rs"), "{orphan:#?}");
    let item = found(&[
        (
            "lib.rs",
            &format!("{lib} pub type Short = services::uow::Uow;"),
        ),
        ("ports.rs", "use crate::{Asset, Short};"),
    ]);
    assert!(
        item.len() == 1 && item[0].contains("ports -> lib.rs"),
        "{item:#?}"
    );
    let lost = found(&[("ports.rs", "use crate::Nothing;")]);
    assert!(
        lost.len() == 1 && lost[0].contains("ports -> ?"),
        "{lost:#?}"
    );
}

#[test]
fn a_file_of_tests_is_free() {
    let domain = "pub mod asset; mod part { pub use super::asset::Asset as Part; } pub use part::Part; pub use asset::Asset; #[cfg(test)] mod tests;";
    assert_eq!(
        found(&[
            ("domain/mod.rs", domain),
            ("domain/tests.rs", "use crate::services::run;")
        ]),
        [""; 0]
    );
}

/// Metadata of a workspace: packages with their dependencies (`name`, or `name dev`), all members but those with a `!`.
fn metadata(packages: &[(&str, &[&str])]) -> String {
    let name = |package: &str| package.trim_start_matches('!').to_owned();
    let split = |entry: &str| match entry.split_once(' ') {
        Some((to, kind)) => (to.to_owned(), Value::from(kind)),
        None => (entry.to_owned(), Value::Null),
    };
    let members: Vec<String> = packages
        .iter()
        .filter(|(n, _)| !n.starts_with('!'))
        .map(|(n, _)| name(n))
        .collect();
    let listed: Vec<Value> = packages
        .iter()
        .map(|(n, to)| {
            let to: Vec<Value> = to.iter().map(|d| split(d)).map(|(to, kind)| json!({ "name": to, "kind": kind })).collect();
            json!({ "id": name(n), "name": name(n), "manifest_path": format!("{n}/Cargo.toml"), "dependencies": to })
        })
        .collect();
    let nodes: Vec<Value> = packages
        .iter()
        .map(|(n, to)| {
            let to: Vec<Value> = to
                .iter()
                .map(|d| split(d))
                .map(|(to, kind)| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] }))
                .collect();
            json!({ "id": name(n), "deps": to })
        })
        .collect();
    json!({ "workspace_members": members, "packages": listed, "resolve": { "nodes": nodes } })
        .to_string()
}

#[test]
fn a_core_with_a_database_driver_fails() {
    let direct = metadata(&[
        ("cmms-core", &["serde", "rusqlite"]),
        ("!serde", &[]),
        ("!rusqlite", &[]),
    ]);
    let broken = crates::broken(&direct).unwrap();
    assert!(
        broken.len() == 1 && broken[0].contains("cmms-core -> rusqlite"),
        "{broken:#?}"
    );

    let through = metadata(&[
        ("cmms-core", &["pool"]),
        ("!pool", &["sqlx-core"]),
        ("!sqlx-core", &[]),
    ]);
    let broken = crates::broken(&through).unwrap();
    assert!(
        broken.len() == 1 && broken[0].contains("cmms-core -> pool -> sqlx-core"),
        "{broken:#?}"
    );

    let in_tests = metadata(&[
        ("cmms-core", &["rusqlite dev", "axum build"]),
        ("!rusqlite", &[]),
        ("!axum", &[]),
    ]);
    assert_eq!(crates::broken(&in_tests).unwrap(), [""; 0]);
}

#[test]
fn an_edge_between_crates_that_the_table_does_not_have_fails() {
    let up = metadata(&[
        ("cmms-core", &[]),
        ("cmms-store", &["cmms-core", "cmms-adapters"]),
        ("cmms-adapters", &["cmms-core"]),
    ]);
    let broken = crates::broken(&up).unwrap();
    assert!(
        broken.len() == 1 && broken[0].contains("cmms-store -> cmms-adapters"),
        "{broken:#?}"
    );

    let free = metadata(&[
        ("cmms-core", &["cmms-core dev", "cmms-store dev"]),
        ("cmms-store", &["cmms-core"]),
    ]);
    assert_eq!(crates::broken(&free).unwrap(), [""; 0]);

    let unlisted = metadata(&[("cmms-core", &[]), ("cmms-new", &["cmms-core"])]);
    assert!(crates::broken(&unlisted).unwrap()[0].contains("`cmms-new` is not in the table"));
}

#[test]
fn the_crates_of_this_repository_keep_to_the_table() {
    let args = ["metadata", "--format-version", "1", "--all-features"];
    let real = repo::output(&mut repo::cargo(&repo::root(), &args)).unwrap();
    assert_eq!(crates::broken(&real).unwrap(), [""; 0]);
    // The twin: the same graph, with the store's driver below the core.
    let mut graph: Value = serde_json::from_str(&real).unwrap();
    let id = |graph: &Value, name: &str| {
        graph["packages"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["name"] == name)
            .unwrap()["id"]
            .clone()
    };
    let (core, driver) = (id(&graph, "cmms-core"), id(&graph, "rusqlite"));
    let nodes = graph["resolve"]["nodes"].as_array_mut().unwrap();
    let core = nodes.iter_mut().find(|n| n["id"] == core).unwrap();
    core["deps"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "pkg": driver, "dep_kinds": [{ "kind": null }] }));
    let broken = crates::broken(&graph.to_string()).unwrap();
    assert!(
        broken
            .iter()
            .any(|line| line.contains("cmms-core -> rusqlite:")),
        "{broken:#?}"
    );
}
