//! Names to modules: follows paths through modules, imports, stars and re-exports.

use super::tokens::Mention;
use super::tree::{Import, Tree};
use std::collections::BTreeSet;

/// Where a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// A module.
    Module(usize),
    /// An item that this module defines.
    Item(usize),
    /// A name that this module does not show: made by a macro, or missing.
    Unknown(usize),
    /// Another crate.
    Outside,
}

/// One way to read a path: its end and the modules passed.
#[derive(Debug, Clone)]
struct Hit {
    end: End,
    trail: BTreeSet<usize>,
}

/// What a path of a module leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The modules behind the path, those of re-exports on the way included; never the root.
    pub(crate) modules: BTreeSet<usize>,
    /// It names an item that the crate's root itself defines.
    pub(crate) root_item: bool,
    /// It names something in the root that cannot be found.
    pub(crate) lost: bool,
}

impl Tree {
    /// All modules that a mention in the module `from` depends on.
    pub(crate) fn reach(&self, from: usize, mention: &Mention) -> Reached {
        let mut reached = Reached::default();
        let mut hits = self.path(from, &mention.path, from, &BTreeSet::new());
        if hits.is_empty() && mention.call {
            // A macro found by its place in the text (`#[macro_use]`), not by its path.
            let definers = mention
                .path
                .first()
                .filter(|_| mention.path.len() == 1)
                .and_then(|name| self.macros.get(name));
            hits.extend(definers.into_iter().flatten().map(|m| Hit {
                end: End::Item(*m),
                trail: BTreeSet::from([*m]),
            }));
        }
        for hit in hits {
            reached
                .modules
                .extend(hit.trail.iter().filter(|m| **m != 0));
            match hit.end {
                End::Module(m) | End::Item(m) | End::Unknown(m) if m != 0 => {
                    reached.modules.insert(m);
                }
                End::Item(_) => reached.root_item = true,
                End::Unknown(_) => reached.lost = true,
                End::Module(_) | End::Outside => {}
            }
        }
        reached
    }

    /// The top-level module that a module belongs to; `None` for the root.
    pub(crate) fn top(&self, module: usize) -> Option<&str> {
        self.modules.get(module)?.path.first().map(String::as_str)
    }

    /// Follows a path that stands in the module `at`; `from` decides what is visible.
    fn path(
        &self,
        at: usize,
        path: &[String],
        from: usize,
        seen: &BTreeSet<(usize, String)>,
    ) -> Vec<Hit> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let mut hits = match first.as_str() {
            "crate" => vec![module(0)],
            "self" => vec![module(at)],
            "super" => vec![module(self.parent(at))],
            name if self.own_names.contains(name) && path.len() > 1 => vec![module(0)],
            name => self.step(at, name, !rest.is_empty(), from, seen),
        };
        for (i, segment) in rest.iter().enumerate() {
            let mut next = Vec::new();
            for hit in hits {
                let End::Module(m) = hit.end else {
                    next.push(hit);
                    continue;
                };
                let mut found = match segment.as_str() {
                    "super" => vec![module(self.parent(m))],
                    name => self.step(m, name, i + 1 < rest.len(), from, seen),
                };
                if found.is_empty() {
                    found = self.unknown(m, from, seen);
                }
                next.extend(found.into_iter().map(|mut found| {
                    found.trail.extend(&hit.trail);
                    found
                }));
            }
            // The same for names that come from elsewhere.
            if i + 1 < rest.len() && next.iter().any(|hit| matches!(hit.end, End::Module(_))) {
                next.retain(|hit| matches!(hit.end, End::Module(_)));
            }
            hits = next;
        }
        hits
    }

    /// What `name` is in the module `at`; nothing when the module does not show it.
    ///
    /// A module and a macro may share a name: with `more` behind it, the name is the module's.
    fn step(
        &self,
        at: usize,
        name: &str,
        more: bool,
        from: usize,
        seen: &BTreeSet<(usize, String)>,
    ) -> Vec<Hit> {
        let Some(here) = self.modules.get(at) else {
            return Vec::new();
        };
        if let Some(child) = here.children.get(name).filter(|_| more) {
            return vec![module(*child)];
        }
        let mut seen = seen.clone();
        if !seen.insert((at, name.to_owned())) {
            return Vec::new();
        }
        let mut hits: Vec<Hit> = here
            .children
            .get(name)
            .map(|child| module(*child))
            .into_iter()
            .collect();
        if here.names.contains(name) {
            hits.push(Hit {
                end: End::Item(at),
                trail: BTreeSet::new(),
            });
        }
        for import in here
            .imports
            .iter()
            .filter(|i| i.name.as_deref() == Some(name) && self.visible(i, at, from))
        {
            let found = self.path(at, &import.path, at, &seen);
            if found.is_empty() && hits.is_empty() {
                hits.push(Hit {
                    end: End::Outside,
                    trail: BTreeSet::new(),
                });
            }
            hits.extend(found);
        }
        if !hits.is_empty() {
            return hits;
        }
        for star in here
            .imports
            .iter()
            .filter(|i| i.name.is_none() && self.visible(i, at, from))
        {
            for base in self.path(at, &star.path, at, &seen) {
                let End::Module(m) = base.end else { continue };
                hits.extend(
                    self.step(m, name, more, from, &seen)
                        .into_iter()
                        .map(|mut found| {
                            found.trail.extend(&base.trail);
                            found.trail.insert(m);
                            found
                        }),
                );
            }
        }
        if here.perhaps.contains(name) {
            hits.push(Hit {
                end: End::Item(at),
                trail: BTreeSet::new(),
            });
        }
        hits
    }

    /// A name that nobody shows: of this module, or of any module with macro calls behind its stars.
    fn unknown(&self, at: usize, from: usize, seen: &BTreeSet<(usize, String)>) -> Vec<Hit> {
        let mut hits = Vec::new();
        let stars = self
            .modules
            .get(at)
            .into_iter()
            .flat_map(|m| &m.imports)
            .filter(|i| i.name.is_none());
        for star in stars.filter(|i| self.visible(i, at, from)) {
            for base in self.path(at, &star.path, at, seen) {
                let End::Module(m) = base.end else { continue };
                if self
                    .modules
                    .get(m)
                    .is_some_and(|module| !module.perhaps.is_empty())
                {
                    hits.push(Hit {
                        end: End::Unknown(m),
                        trail: base.trail,
                    });
                }
            }
        }
        if at != 0 || hits.is_empty() {
            hits.push(Hit {
                end: End::Unknown(at),
                trail: BTreeSet::new(),
            });
        }
        hits
    }

    fn visible(&self, import: &Import, at: usize, from: usize) -> bool {
        let path = |m: usize| {
            self.modules
                .get(m)
                .map(|m| m.path.as_slice())
                .unwrap_or_default()
        };
        import.public || path(from).starts_with(path(at))
    }

    fn parent(&self, module: usize) -> usize {
        self.modules.get(module).map_or(0, |m| m.parent)
    }
}

/// A path that has arrived at a module.
fn module(index: usize) -> Hit {
    Hit {
        end: End::Module(index),
        trail: BTreeSet::from([index]),
    }
}
