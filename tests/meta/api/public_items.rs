//! The public items of a crate's root.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use syn::{File, Item, ItemMod, ItemUse, UseTree, Visibility};

use super::expansion::expanded;
use super::public_part::{attributes_but_docs, public_part};

/// The public items of a crate, by module and name.
pub(crate) struct PublicItems {
    /// By the path from the root; each with its implementations.
    found: BTreeMap<String, Vec<Item>>,
    /// Names of public modules' items at another place: the place, and the path of the item.
    again: BTreeMap<String, String>,
}

/// A module's file, read.
struct Module {
    items: Vec<Item>,
    /// The folder of its own modules.
    folder: PathBuf,
}

impl Module {
    fn read(file: &Path, folder: PathBuf) -> Result<Self, Failed> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let File { items, .. } = syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self { items: expanded(items), folder })
    }

    fn has_child(&self, name: &str) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Mod(module) if module.ident == name))
    }

    fn is_public_child(&self, name: &str) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item, Item::Mod(ItemMod { vis: Visibility::Public(_), ident, .. }) if ident == name))
    }

    fn child(&self, name: &str) -> Result<Self, Failed> {
        let flat = self.folder.join(format!("{name}.rs"));
        let folder = self.folder.join(name);
        if flat.exists() { Self::read(&flat, folder) } else { Self::read(&folder.join("mod.rs"), folder.clone()) }
    }
}

impl PublicItems {
    /// Of the crate whose root is in this folder.
    pub(crate) fn of(source: &Path) -> Result<Self, Failed> {
        let root = Module::read(&source.join("lib.rs"), source.to_path_buf())?;
        let mut items = Self { found: BTreeMap::new(), again: BTreeMap::new() };
        items.add_module(&root, "")?;
        items.add_implementations(source)?;
        Ok(items)
    }

    fn add_module(&mut self, module: &Module, prefix: &str) -> Result<(), Failed> {
        for item in &module.items {
            match item {
                Item::Use(ItemUse { vis: Visibility::Public(_), tree, attrs, .. }) => {
                    for (path, name) in leaves(tree) {
                        self.add_reexported(module, prefix, &path, &name, attrs)?;
                    }
                }
                Item::Mod(ItemMod { vis: Visibility::Public(_), ident, content: None, .. }) => {
                    self.add_module(&module.child(&ident.to_string())?, &format!("{prefix}{ident}::"))?;
                }
                other => {
                    if let Some((name, part)) = public_part(other) {
                        self.found.entry(format!("{prefix}{name}")).or_default().push(part);
                    }
                }
            }
        }
        Ok(())
    }

    /// `pub use path::name`, with its `cfg`.
    fn add_reexported(
        &mut self,
        from: &Module,
        prefix: &str,
        path: &[String],
        name: &str,
        attributes: &[syn::Attribute],
    ) -> Result<(), Failed> {
        let [first, rest @ ..] = path else { return Err(format!("{name} is re-exported from nowhere").into()) };
        let full = format!("{prefix}{name}");
        if !from.has_child(first) {
            // Of another crate: only its name belongs to this one.
            self.found.entry(full).or_default();
            return Ok(());
        }
        if from.is_public_child(first) {
            self.again.insert(full, format!("{prefix}{}::{name}", path.join("::")));
            return Ok(());
        }
        let mut module = from.child(first)?;
        for step in rest {
            module = module.child(step)?;
        }
        for item in &module.items {
            match item {
                Item::Use(ItemUse { vis: Visibility::Public(_), tree, .. }) => {
                    if let Some((path, _)) = leaves(tree).into_iter().find(|(_, leaf)| leaf == name) {
                        return self.add_reexported(&module, prefix, &path, name, attributes);
                    }
                }
                Item::Mod(ItemMod { ident, .. }) if ident == name => {
                    return self.add_module(&module.child(name)?, &format!("{full}::"));
                }
                other => match public_part(other) {
                    Some((found, mut part)) if found == name => {
                        for attribute in attributes_but_docs(attributes) {
                            super::public_part::add_attribute(&mut part, attribute);
                        }
                        self.found.entry(full).or_default().push(part);
                        return Ok(());
                    }
                    _ => {}
                },
            }
        }
        // A mock is made by a macro: only its name can be listed.
        self.found.entry(full).or_default();
        Ok(())
    }

    /// Every implementation for a type that was found, wherever it stands, and the exported macros.
    fn add_implementations(&mut self, source: &Path) -> Result<(), Failed> {
        let names: BTreeSet<String> = self.found.keys().map(|full| last(full).to_owned()).collect();
        for file in rust_files(source)? {
            for item in Module::read(&file, PathBuf::new())?.items {
                if let Item::Macro(_) = &item
                    && let Some((name, part)) = public_part(&item)
                {
                    self.found.entry(name).or_default().push(part);
                }
                let Item::Impl(implementation) = &item else { continue };
                let for_type = type_name(&implementation.self_ty);
                let of_trait = implementation.trait_.as_ref().and_then(|(_, path, _)| type_in(path.segments.last()?));
                let Some(name) = [for_type, of_trait].into_iter().flatten().find(|name| names.contains(name)) else {
                    continue;
                };
                if let Some((_, part)) = public_part(&item) {
                    let full = self.found.keys().find(|full| last(full) == name).cloned();
                    self.found.entry(full.unwrap_or(name)).or_default().push(part);
                }
            }
        }
        Ok(())
    }

    /// The names at the root that are items of public modules too.
    pub(crate) fn at_root(&self) -> usize {
        self.again.len()
    }

    /// The types, traits and functions; constants, variants and methods are not counted.
    pub(crate) fn count(&self) -> usize {
        let counts = |item: &Item| !matches!(item, Item::Const(_) | Item::Impl(_) | Item::Macro(_));
        self.found.values().filter(|items| items.is_empty() || items.iter().any(counts)).count()
    }

    /// As text, in the order of the names.
    pub(crate) fn listed(&self) -> String {
        let mut text = String::new();
        for (name, item) in &self.again {
            let _ = writeln!(text, "// {name} is {item}");
        }
        if !self.again.is_empty() {
            text.push('\n');
        }
        for (name, items) in &self.found {
            let file = File { shebang: None, attrs: Vec::new(), items: items.clone() };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "// {name}\n{}", prettyplease::unparse(&file));
        }
        text
    }
}

fn last(full: &str) -> &str {
    full.rsplit("::").next().unwrap_or(full)
}

/// `a::b::{C, d::E}` as `(a::b, C)`, `(a::b::d, E)`.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree)
            .into_iter()
            .map(|(below, name)| ([vec![path.ident.to_string()], below].concat(), name))
            .collect(),
        UseTree::Name(name) => vec![(Vec::new(), name.ident.to_string())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Rename(rename) => vec![(Vec::new(), rename.ident.to_string())],
        UseTree::Glob(_) => Vec::new(),
    }
}

fn type_name(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}

/// `From<Errno>` is about `Errno`.
fn type_in(segment: &syn::PathSegment) -> Option<String> {
    match &segment.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::Type(ty) => type_name(ty),
            _ => None,
        }),
        _ => None,
    }
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
