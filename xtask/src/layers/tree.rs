//! The modules of a crate: what each one declares, imports and mentions.

use super::cfg::{implies_test, only_in_tests};
use super::tokens::{Mention, idents, plain, scan};
use crate::fail::{Failure, Result};
use crate::repo;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Stmt, TraitItem, UseTree, Visibility};

/// A crate as read from its sources; module 0 is its root.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// All modules that exist outside of test builds.
    pub(crate) modules: Vec<Module>,
    /// Names by which the crate calls itself: `extern crate self as name`.
    pub(crate) own_names: BTreeSet<String>,
    /// The modules that define a macro of a name.
    pub(crate) macros: BTreeMap<String, Vec<usize>>,
}

/// A module of the crate.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its name behind the crate's root; empty for the root.
    pub(crate) path: Vec<String>,
    /// The module around it; the root is its own.
    pub(crate) parent: usize,
    /// Its file.
    pub(crate) file: PathBuf,
    /// Modules in it.
    pub(crate) children: BTreeMap<String, usize>,
    /// Names of its items.
    pub(crate) names: BTreeSet<String>,
    /// Identifiers in its macro calls: names that these may define.
    pub(crate) perhaps: BTreeSet<String>,
    /// Its imports and re-exports.
    pub(crate) imports: Vec<Import>,
    /// Every path that its code mentions.
    pub(crate) mentions: Vec<Mention>,
}

/// One leaf of a `use`.
#[derive(Debug)]
pub(crate) struct Import {
    /// What is imported.
    pub(crate) path: Vec<String>,
    /// Under which name; `None` for a star.
    pub(crate) name: Option<String>,
    /// Whether others can see it.
    pub(crate) public: bool,
}

/// Reads the crate whose root is `lib`, following its `mod` declarations.
///
/// # Errors
/// A file cannot be read or parsed, or a file below the root's folder is no module of the crate.
pub(crate) fn read(lib: &Path) -> Result<Tree> {
    let folder = lib.parent().unwrap_or(lib).to_path_buf();
    let mut reader = Reader {
        tree: Tree::default(),
        at: 0,
        files: VecDeque::new(),
        exempt: 0,
        folder: folder.clone(),
    };
    reader.tree.modules.push(Module {
        file: lib.to_path_buf(),
        ..Module::default()
    });
    reader.files.push_back(Job {
        module: 0,
        file: lib.to_path_buf(),
        folder: folder.clone(),
        exempt: false,
    });
    let mut seen = BTreeSet::new();
    while let Some(job) = reader.files.pop_front() {
        let text = repo::read(&job.file)?;
        let file = syn::parse_file(&text).map_err(|e| {
            Failure::new(format!(
                "{}:{}: {e}",
                job.file.display(),
                e.span().start().line
            ))
        })?;
        seen.insert(job.file);
        reader.at = job.module;
        reader.folder = job.folder;
        reader.exempt = usize::from(job.exempt || only_in_tests(&file.attrs));
        reader.visit_file(&file);
    }
    let lost: Vec<String> = repo::rust_files(&folder)?
        .into_iter()
        .filter(|file| !seen.contains(file))
        .map(|file| file.display().to_string())
        .collect();
    Failure::unless_empty(
        "no `mod` leads to these files (an `include!` would hide them from this check)",
        &lost,
    )?;
    Ok(reader.tree)
}

/// A file to be read.
struct Job {
    module: usize,
    file: PathBuf,
    /// Where the files of its own modules are.
    folder: PathBuf,
    /// Part of test builds only: read for the list of files, not for edges.
    exempt: bool,
}

struct Reader {
    tree: Tree,
    at: usize,
    files: VecDeque<Job>,
    /// How many items around us exist in test builds only.
    exempt: usize,
    /// Where the files of modules declared here are.
    folder: PathBuf,
}

impl Reader {
    fn module(&mut self) -> Option<&mut Module> {
        self.tree.modules.get_mut(self.at)
    }

    fn mention(&mut self, mention: Mention) {
        if let Some(module) = self.module() {
            module.mentions.push(mention);
        }
    }

    fn name(&mut self, ident: &syn::Ident) {
        if let Some(module) = self.module() {
            module.names.insert(plain(ident));
        }
    }

    /// Visits what is inside unless it is there in test builds only; modules are followed all the same.
    fn unless_test(&mut self, attributes: &[Attribute], inside: impl FnOnce(&mut Self)) {
        let skip = only_in_tests(attributes);
        if !skip && self.exempt == 0 {
            inside(self);
        }
    }

    /// Adds a module below the current one, or in exempt code leads to a module that nobody looks at.
    fn child(&mut self, name: &str, file: PathBuf, exempt: bool) -> usize {
        let index = self.tree.modules.len();
        let parent = self.at;
        if exempt {
            return parent;
        }
        let mut path = self.module().map(|m| m.path.clone()).unwrap_or_default();
        path.push(name.to_owned());
        if let Some(module) = self.module() {
            module.children.insert(name.to_owned(), index);
        }
        self.tree.modules.push(Module {
            path,
            parent,
            file,
            ..Module::default()
        });
        index
    }

    fn item_mod(&mut self, item: &syn::ItemMod) {
        let exempt = self.exempt > 0 || only_in_tests(&item.attrs);
        let name = plain(&item.ident);
        let given = item.attrs.iter().find_map(path_attribute);
        let Some((_, items)) = &item.content else {
            let own = self.folder.join(&name);
            let flat = own.with_extension("rs");
            let (file, folder) = match given {
                Some(given) => {
                    let here = self
                        .module()
                        .and_then(|m| m.file.parent().map(Path::to_path_buf))
                        .unwrap_or_default();
                    let file = here.join(given);
                    let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
                    (file, folder)
                }
                None if flat.is_file() => (flat, own),
                None => (own.join("mod.rs"), own),
            };
            let module = self.child(&name, file.clone(), exempt);
            self.files.push_back(Job {
                module,
                file,
                folder,
                exempt,
            });
            return;
        };
        let file = self.module().map(|m| m.file.clone()).unwrap_or_default();
        let (outer, around) = (self.at, self.folder.clone());
        self.at = self.child(&name, file, exempt);
        self.folder.push(given.unwrap_or(name));
        self.exempt += usize::from(exempt);
        for item in items {
            self.visit_item(item);
        }
        self.exempt -= usize::from(exempt);
        (self.at, self.folder) = (outer, around);
    }

    fn item_use(&mut self, item: &syn::ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        let mut leaves = Vec::new();
        if item.leading_colon.is_none() {
            flatten(&item.tree, Vec::new(), &mut leaves);
        }
        for (path, name, line) in leaves {
            self.mention(Mention {
                path: path.clone(),
                line,
                call: false,
            });
            let skip = name.as_deref() == Some("_");
            if let Some(module) = self.module().filter(|_| !skip) {
                module.imports.push(Import { path, name, public });
            }
        }
    }

    fn item_macro(&mut self, item: &syn::ItemMacro) {
        let Some(ident) = &item.ident else {
            let mut found = Vec::new();
            idents(item.mac.tokens.clone(), &mut found);
            if let Some(module) = self.module() {
                module.perhaps.extend(found);
            }
            return;
        };
        self.name(ident);
        let name = plain(ident);
        self.tree
            .macros
            .entry(name.clone())
            .or_default()
            .push(self.at);
        if item.attrs.iter().any(|a| a.path().is_ident("macro_export")) {
            let mut path = vec!["crate".to_owned()];
            path.extend(self.module().map(|m| m.path.clone()).unwrap_or_default());
            path.push(name.clone());
            if let Some(root) = self.tree.modules.first_mut() {
                root.imports.push(Import {
                    path,
                    name: Some(name),
                    public: true,
                });
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(item) = item {
            for attribute in &item.attrs {
                self.visit_attribute(attribute);
            }
            return self.item_mod(item);
        }
        let attributes = attributes_of(item);
        self.unless_test(attributes, |reader| {
            match item {
                Item::Const(i) => reader.name(&i.ident),
                Item::Enum(i) => reader.name(&i.ident),
                Item::Fn(i) => reader.name(&i.sig.ident),
                Item::Static(i) => reader.name(&i.ident),
                Item::Struct(i) => reader.name(&i.ident),
                Item::Trait(i) => reader.name(&i.ident),
                Item::TraitAlias(i) => reader.name(&i.ident),
                Item::Type(i) => reader.name(&i.ident),
                Item::Union(i) => reader.name(&i.ident),
                Item::ExternCrate(i) => {
                    let name = i.rename.as_ref().map_or(&i.ident, |(_, name)| name);
                    if i.ident == "self" {
                        reader.tree.own_names.insert(plain(name));
                    } else {
                        reader.name(name);
                    }
                }
                Item::Macro(i) => reader.item_macro(i),
                Item::Use(i) => reader.item_use(i),
                _ => {}
            }
            visit::visit_item(reader, item);
        });
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(i) => &i.attrs,
            ImplItem::Fn(i) => &i.attrs,
            ImplItem::Type(i) => &i.attrs,
            ImplItem::Macro(i) => &i.attrs,
            _ => &[],
        };
        self.unless_test(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes: &[Attribute] = match item {
            TraitItem::Const(i) => &i.attrs,
            TraitItem::Fn(i) => &i.attrs,
            TraitItem::Type(i) => &i.attrs,
            TraitItem::Macro(i) => &i.attrs,
            _ => &[],
        };
        self.unless_test(attributes, |reader| visit::visit_trait_item(reader, item));
    }

    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        let attributes: &[Attribute] = match stmt {
            Stmt::Local(local) => &local.attrs,
            Stmt::Macro(call) => &call.attrs,
            Stmt::Expr(syn::Expr::Block(block), _) => &block.attrs,
            _ => &[],
        };
        self.unless_test(attributes, |reader| visit::visit_stmt(reader, stmt));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.unless_test(&field.attrs, |reader| visit::visit_field(reader, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.unless_test(&variant.attrs, |reader| {
            visit::visit_variant(reader, variant)
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.unless_test(&arm.attrs, |reader| visit::visit_arm(reader, arm));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && self.exempt == 0 {
            let segments = path.segments.iter().map(|s| plain(&s.ident)).collect();
            self.mention(Mention {
                path: segments,
                line: path.span().start().line,
                call: false,
            });
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if self.exempt > 0 {
            return;
        }
        let segments: Vec<String> = call.path.segments.iter().map(|s| plain(&s.ident)).collect();
        if call.path.leading_colon.is_none()
            && segments.last().is_none_or(|name| name != "macro_rules")
        {
            self.mention(Mention {
                path: segments,
                line: call.path.span().start().line,
                call: true,
            });
        }
        for mention in scan(call.tokens.clone(), false) {
            self.mention(mention);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if self.exempt > 0 || attribute.path().is_ident("doc") || for_tests(attribute) {
            return;
        }
        self.visit_path(attribute.path());
        if let syn::Meta::List(list) = &attribute.meta {
            for mention in scan(list.tokens.clone(), true) {
                self.mention(mention);
            }
        }
    }
}

/// Whether this is a `cfg_attr` that applies to test builds only.
fn for_tests(attribute: &Attribute) -> bool {
    use syn::{Meta, Token, punctuated::Punctuated};
    attribute.path().is_ident("cfg_attr")
        && attribute
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.first().is_some_and(implies_test))
}

/// The file that `#[path = "…"]` names.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) if pair.path.is_ident("path") => Some(text.value()),
        _ => None,
    }
}

/// The leaves of a `use`: path, name and line.
fn flatten(
    tree: &UseTree,
    before: Vec<String>,
    to: &mut Vec<(Vec<String>, Option<String>, usize)>,
) {
    let with = |ident: &syn::Ident| {
        let mut path = before.clone();
        if *ident != "self" || path.is_empty() {
            path.push(plain(ident));
        }
        path
    };
    match tree {
        UseTree::Path(path) => flatten(&path.tree, with(&path.ident), to),
        UseTree::Name(name) => {
            let path = with(&name.ident);
            let last = path.last().cloned();
            to.push((path, last, name.ident.span().start().line));
        }
        UseTree::Rename(rename) => {
            to.push((
                with(&rename.ident),
                Some(plain(&rename.rename)),
                rename.ident.span().start().line,
            ));
        }
        UseTree::Glob(glob) => to.push((before, None, glob.span().start().line)),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before.clone(), to);
            }
        }
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::ExternCrate(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::ForeignMod(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::TraitAlias(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Union(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}
