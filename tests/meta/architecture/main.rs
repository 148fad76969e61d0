//! The imports of each crate: no cycle of modules, and no arrow from a lower layer to a higher one.
//!
//! Unit tests are left out. An import from a module that only re-exports counts as one from the module that defines it.

mod code;
mod layers;
mod modules;
mod rules;

use std::path::Path;

use modules::{Arrows, Modules};

/// The crates that are checked: folder, layers, and the number of findings that are still open.
const CRATES: [(&str, &[&str], usize); 3] =
    [("core", layers::CORE, 0), ("linux-backend", layers::LINUX, 0), ("fake-backend", layers::FAKE, 0)];

fn broken(arrows: &Arrows, layers: &[&str]) -> Vec<String> {
    [rules::cycles(arrows), rules::upward(arrows, layers)].concat()
}

#[test]
fn imports_lead_to_lower_layers_without_a_cycle() {
    for (folder, layers, open) in CRATES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(folder).join("src");
        let arrows = Modules::of(&source).expect("the sources").arrows();
        let count: usize = arrows.values().map(std::collections::BTreeSet::len).sum();
        assert!(count > arrows.len(), "only {count} arrows between {} modules: are paths still read?", arrows.len());
        let broken = broken(&arrows, layers);

        assert!(broken.len() <= open, "crates/{folder}/src:\n{}", broken.join("\n"));
    }
}

/// The rules that a made-up crate of these files breaks.
fn broken_by(files: &[(&str, &str)], layers: &[&str]) -> Vec<String> {
    let text_of = |module: &[String]| {
        let found = files.iter().find(|(name, _)| *name == module.join("/"));
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| module.join("/"))
    };
    broken(&Modules::read(&text_of).expect("the files").arrows(), layers)
}

#[test]
fn imports_through_the_root_are_followed() {
    let root = "mod file; mod ports; pub use ports::{Port as Other, inner::*};";
    let files = |file| {
        [("", root), ("file", file), ("ports", "pub mod inner; pub struct Port;"), ("ports/inner", "struct Deep;")]
    };
    let layers = ["file", "ports"];
    assert_eq!(broken_by(&files("use crate::{Unknown, Other};"), &layers), ["file imports ports, which is above it"]);
    assert_eq!(
        broken_by(&files("fn f() { super::Deep::new() }"), &layers),
        ["file imports ports/inner, which is above it"]
    );
    assert_eq!(
        broken_by(&files("fn f() { g!(crate::ports::Port) }"), &layers),
        ["file imports ports, which is above it"]
    );
    assert!(broken_by(&files("#[cfg(test)] mod tests { use crate::Other; }"), &layers).is_empty());
}

#[test]
fn cycles_and_modules_without_a_layer_are_found() {
    let files = [
        ("", "mod a;"),
        ("a", "mod b; mod c; mod d;"),
        ("a/b", "use super::c::C; struct B;"),
        ("a/c", "use crate::a::{d::{self, D}}; struct C;"),
        ("a/d", "use self::super::super::a::b; struct D;"),
    ];
    assert_eq!(broken_by(&files, &["a"]), ["a cycle of 3: a/b, a/c, a/d"]);
    assert_eq!(broken_by(&files, &["a/b", "a/c", "a/d"]).len(), 4);
}
