//! Edges between crates, from the JSON that `cargo metadata` writes.

use super::table::{CRATES, forbidden};
use crate::fail::{Failure, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The crate that must stay free of I/O libraries.
const CORE: &str = "cmms-core";

/// The broken edges in this metadata: between workspace crates, and from the core to forbidden packages.
///
/// # Errors
/// The text is not what `cargo metadata` writes.
pub(crate) fn broken(metadata: &str) -> Result<Vec<String>> {
    let all: Value =
        serde_json::from_str(metadata).map_err(|e| Failure::at("cargo metadata", e))?;
    let members: BTreeSet<&str> = list(&all, "workspace_members")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let packages = list(&all, "packages")?;
    let mut broken = between_members(packages, &members);
    broken.extend(below_core(&all, packages)?);
    Ok(broken)
}

/// Every dependency of a workspace crate on another one must be in the table; development dependencies are free.
fn between_members(packages: &[Value], members: &BTreeSet<&str>) -> Vec<String> {
    let own: Vec<&Value> = packages
        .iter()
        .filter(|p| members.contains(text(p, "id")))
        .collect();
    let names: BTreeSet<&str> = own.iter().map(|p| text(p, "name")).collect();
    let mut broken = Vec::new();
    for package in own {
        let from = text(package, "name");
        let Some((_, allowed)) = CRATES.iter().find(|(name, _)| *name == from) else {
            broken.push(format!("crate `{from}` is not in the table: add a line"));
            continue;
        };
        let used: BTreeSet<&str> = package
            .get("dependencies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|dependency| text(dependency, "kind") != "dev")
            .map(|dependency| text(dependency, "name"))
            .collect();
        for to in used
            .into_iter()
            .filter(|to| names.contains(to) && *to != from && !allowed.contains(to))
        {
            let may = if allowed.is_empty() {
                "no other crate".to_owned()
            } else {
                allowed.join(", ")
            };
            broken.push(format!(
                "{}: {from} -> {to}: `{from}` may depend on {may}",
                text(package, "manifest_path")
            ));
        }
    }
    broken
}

/// No forbidden package may be among the normal dependencies of the core, at any depth.
fn below_core(all: &Value, packages: &[Value]) -> Result<Vec<String>> {
    let names: BTreeMap<&str, &str> = packages
        .iter()
        .map(|p| (text(p, "id"), text(p, "name")))
        .collect();
    let nodes = all
        .get("resolve")
        .map(|resolve| list(resolve, "nodes"))
        .transpose()?
        .unwrap_or_default();
    let edges: BTreeMap<&str, Vec<&str>> = nodes
        .iter()
        .map(|node| (text(node, "id"), normal(node)))
        .collect();
    let Some(core) = packages.iter().find(|p| text(p, "name") == CORE) else {
        return Err(Failure::new(format!(
            "cargo metadata does not know `{CORE}`"
        )));
    };
    let start = text(core, "id");
    let mut way: BTreeMap<&str, &str> = BTreeMap::from([(start, "")]);
    let mut open = VecDeque::from([start]);
    let mut broken = Vec::new();
    while let Some(id) = open.pop_front() {
        if let Some(entry) = names.get(id).and_then(|name| forbidden(name)) {
            broken.push(format!(
                "{}: {}: `{CORE}` is storage-agnostic and may not depend on `{entry}`",
                text(core, "manifest_path"),
                chain(id, &way, &names)
            ));
        }
        for next in edges.get(id).into_iter().flatten() {
            if !way.contains_key(next) {
                way.insert(next, id);
                open.push_back(next);
            }
        }
    }
    Ok(broken)
}

/// The normal dependencies of a node of the resolved graph.
fn normal(node: &Value) -> Vec<&str> {
    let is_normal = |dependency: &&Value| {
        let kinds = dependency.get("dep_kinds").and_then(Value::as_array);
        kinds.is_none_or(|kinds| {
            kinds
                .iter()
                .any(|kind| kind.get("kind").is_none_or(Value::is_null))
        })
    };
    let dependencies = node.get("deps").and_then(Value::as_array);
    dependencies
        .into_iter()
        .flatten()
        .filter(is_normal)
        .map(|dependency| text(dependency, "pkg"))
        .collect()
}

/// `core -> a -> b`.
fn chain(end: &str, way: &BTreeMap<&str, &str>, names: &BTreeMap<&str, &str>) -> String {
    let mut parts = Vec::new();
    let mut at = end;
    while !at.is_empty() {
        parts.push(names.get(at).copied().unwrap_or(at));
        at = way.get(at).copied().unwrap_or_default();
    }
    parts.reverse();
    parts.join(" -> ")
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value]> {
    let found = value.get(key).and_then(Value::as_array);
    found
        .map(Vec::as_slice)
        .ok_or_else(|| Failure::new(format!("cargo metadata: no `{key}`")))
}

/// A string member; empty when it is absent or null.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
