//! The modules of a crate and the arrows between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::code::{Code, NamedPath};

/// A module's path from the crate's root, as `mount/flags`. The root's is empty.
pub(crate) type Module = Vec<String>;

/// From a module to each module that it names.
pub(crate) type Arrows = BTreeMap<Module, BTreeSet<Module>>;

/// The modules of one crate, unit tests left out.
pub(crate) struct Modules {
    code: BTreeMap<Module, Code>,
}

impl Modules {
    /// Reads the crate whose `lib.rs` is in this folder.
    pub(crate) fn of(source: &Path) -> Result<Self, String> {
        Self::read(&|module| {
            let beside: PathBuf = source.join(module.join("/"));
            let file = match module {
                [] => source.join("lib.rs"),
                _ => beside.with_extension("rs"),
            };
            let file = if file.exists() { file } else { beside.join("mod.rs") };
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
        })
    }

    /// Reads the crate whose files `text_of` returns.
    pub(crate) fn read(text_of: &dyn Fn(&[String]) -> Result<String, String>) -> Result<Self, String> {
        let mut code: BTreeMap<Module, Code> = BTreeMap::new();
        let mut to_read = vec![Module::new()];
        while let Some(module) = to_read.pop() {
            let found = Code::read(&text_of(&module)?).map_err(|error| format!("{}: {error}", module.join("/")))?;
            to_read.extend(found.children.iter().map(|child| child_of(&module, child)));
            code.insert(module, found);
        }
        Ok(Self { code })
    }

    pub(crate) fn arrows(&self) -> Arrows {
        let targets = |module: &Module, code: &Code| {
            let named = code.paths.iter().filter_map(|path| self.target(module, path));
            named.filter(|target| target != module && !target.is_empty()).collect()
        };
        self.code.iter().map(|(module, code)| (module.clone(), targets(module, code))).collect()
    }

    /// The module that defines what the path names; `None` for another crate's.
    fn target(&self, module: &Module, path: &NamedPath) -> Option<Module> {
        self.resolve(&self.path_in_crate(module, &path.segments)?, 0)
    }

    /// The path from the crate's root.
    fn path_in_crate(&self, module: &Module, segments: &[String]) -> Option<Vec<String>> {
        let (first, rest) = segments.split_first()?;
        let base = match first.as_str() {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            _ if self.code.get(module)?.children.contains(first) => {
                return Some([module.as_slice(), segments].concat());
            }
            _ => return None,
        };
        match rest.first() {
            Some(next) if next == "super" => self.path_in_crate(&base, rest),
            _ => Some([base.as_slice(), rest].concat()),
        }
    }

    /// Follows re-exports to the module that defines the last segment.
    fn resolve(&self, path: &[String], re_exports: usize) -> Option<Module> {
        let mut module = Module::new();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            if !self.code.get(&module)?.children.contains(first) {
                break;
            }
            module.push(first.clone());
            rest = after;
        }
        let Some((name, after)) = rest.split_first() else { return Some(module) };
        let imports = self.code.get(&module)?.paths.iter().filter(|path| path.imported && re_exports < 8);
        for import in imports {
            let Some(from) = self.path_in_crate(&module, &import.segments) else { continue };
            match from.split_last() {
                Some((last, folder)) if last == "*" && self.defines(folder, name) => return Some(folder.to_vec()),
                _ if import.name == *name => return self.resolve(&[from.as_slice(), after].concat(), re_exports + 1),
                _ => {}
            }
        }
        Some(module)
    }

    fn defines(&self, module: &[String], name: &str) -> bool {
        self.code.get(module).is_some_and(|code| code.defines.contains(name))
    }
}

fn child_of(module: &[String], child: &str) -> Module {
    [module, &[child.to_owned()]].concat()
}
