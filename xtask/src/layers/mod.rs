//! `cargo xtask layers`: who may use whom.
//!
//! Inside `cmms-core` every path is resolved to the module that defines what it names, through imports, stars and
//! re-exports, and compared with [`table`]. Between crates the manifests decide, as `cargo metadata` reports them.
//! Code of test builds is free. What no path names (a method of a value got elsewhere) is not an edge.

mod cfg;
mod crates;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

use crate::fail::{Failure, Result};
use crate::repo;
use std::collections::BTreeSet;
use std::path::Path;
use tree::Tree;

/// Checks the modules of `cmms-core` and the crates of the workspace at `root`.
///
/// # Errors
/// One line per broken edge.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut broken = modules(root, Path::new("cmms-core/src/lib.rs"))?;
    let args = ["metadata", "--format-version", "1", "--all-features"];
    broken.extend(crates::broken(&repo::output(&mut repo::cargo(
        root, &args,
    ))?)?);
    Failure::unless_empty(
        "broken edges (the table is xtask/src/layers/table.rs)",
        &broken,
    )
}

/// The broken edges between top-level modules of the crate with this root file.
fn modules(root: &Path, lib: &Path) -> Result<Vec<String>> {
    let tree = tree::read(&root.join(lib))?;
    let mut broken = Vec::new();
    for name in tree
        .modules
        .first()
        .into_iter()
        .flat_map(|m| m.children.keys())
    {
        if table::allowed(name).is_none() {
            broken.push(format!(
                "{}: module `{name}` is not in the table: add a line",
                lib.display()
            ));
        }
    }
    let mut edges = Vec::new();
    for index in 0..tree.modules.len() {
        edges.extend(edges_of(&tree, index, root));
    }
    edges.sort();
    edges.dedup_by(|a, b| (&a.file, a.line, &a.edge) == (&b.file, b.line, &b.edge));
    // An imported name is told once, where it is imported.
    let direct: BTreeSet<(&str, &str)> = edges
        .iter()
        .filter(|e| e.direct)
        .map(|e| (e.file.as_str(), e.edge.as_str()))
        .collect();
    let told = edges
        .iter()
        .filter(|e| e.direct || !direct.contains(&(e.file.as_str(), e.edge.as_str())));
    broken.extend(told.map(|e| {
        format!(
            "{}:{}: {} (by `{}`): {}",
            e.file, e.line, e.edge, e.path, e.why
        )
    }));
    Ok(broken)
}

/// An edge that the table does not have.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Broken {
    file: String,
    line: usize,
    edge: String,
    path: String,
    why: String,
    /// The path does not begin with an imported name.
    direct: bool,
}

/// The broken edges of one module.
fn edges_of(tree: &Tree, index: usize, root: &Path) -> Vec<Broken> {
    let mut edges = Vec::new();
    let (Some(module), Some(from)) = (tree.modules.get(index), tree.top(index)) else {
        return edges;
    };
    let Some(allowed) = table::allowed(from) else {
        return edges;
    };
    for mention in &module.mentions {
        let reached = tree.reach(index, mention);
        let direct = module
            .imports
            .iter()
            .all(|import| import.name.as_ref() != mention.path.first());
        let mut add = |to: &str, why: String| {
            edges.push(Broken {
                file: repo::relative(root, &module.file),
                line: mention.line,
                edge: format!("{from} -> {to}"),
                path: mention.path.join("::"),
                why,
                direct,
            });
        };
        let tops: BTreeSet<&str> = reached
            .modules
            .iter()
            .filter_map(|m| tree.top(*m))
            .collect();
        for to in tops
            .into_iter()
            .filter(|to| *to != from && !allowed.contains(to))
        {
            add(to, may(from, &allowed));
        }
        if reached.root_item {
            add(
                "lib.rs",
                "lib.rs holds modules and re-exports only: move the item into a module".to_owned(),
            );
        }
        if reached.lost {
            add(
                "?",
                "lib.rs does not show this name, so its module is unknown: re-export it by name"
                    .to_owned(),
            );
        }
    }
    edges
}

/// What the table says.
fn may(from: &str, allowed: &[&str]) -> String {
    if allowed.is_empty() {
        return format!("`{from}` may use no other module");
    }
    format!("`{from}` may use {}", allowed.join(", "))
}
