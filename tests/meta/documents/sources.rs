//! The names that exist: test functions, targets, cases, recorded histories.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::evidence::Evidence;
use crate::page::root;

pub(crate) struct Sources {
    /// All Rust of the project but this target
    rust: String,
    lanes: BTreeSet<String>,
    scenarios: BTreeSet<String>,
}

impl Sources {
    pub(crate) fn read() -> Self {
        let mut rust = String::new();
        for folder in ["crates", "tests"] {
            add_rust_below(&root().join(folder), &mut rust);
        }
        let manifest = fs::read_to_string(root().join("tests/Cargo.toml")).expect("the package of tests");
        let names = manifest.lines().filter_map(|line| line.strip_prefix("name = "));
        Self { rust, lanes: names.map(|name| name.trim_matches('"').to_owned()).collect(), scenarios: scenarios() }
    }

    /// The environment variables of the project that the code names.
    pub(crate) fn variables(&self) -> BTreeSet<&str> {
        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
        let words = self.rust.split(|c| !is_name(c));
        words.filter(|word| word.strip_prefix("MOUNTWRIGHT_").is_some_and(|name| !name.is_empty())).collect()
    }

    pub(crate) fn have(&self, evidence: &Evidence) -> bool {
        match evidence {
            Evidence::Function(name) => ["(", "<"].iter().any(|open| self.rust.contains(&format!("fn {name}{open}"))),
            Evidence::Lane(name) => self.lanes.contains(name),
            Evidence::Case(name) => self.rust.contains(&format!("\"{name}")),
            Evidence::Scenario(name) => match name.strip_suffix('…') {
                Some(beginning) => self.scenarios.iter().any(|scenario| scenario.starts_with(beginning)),
                None => self.scenarios.contains(name),
            },
        }
    }
}

fn add_rust_below(folder: &Path, rust: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("tests/meta/documents") && !path.ends_with("target") {
                add_rust_below(&path, rust);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            rust.push_str(&fs::read_to_string(&path).expect("a file of Rust"));
        }
    }
}

fn scenarios() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("tests/scenarios")).expect("the recorded histories") {
        let packed = fs::File::open(entry.expect("an entry").path()).expect("a file of histories");
        let mut text = String::new();
        MultiGzDecoder::new(packed).read_to_string(&mut text).expect("JSON Lines");
        for line in text.lines().filter(|line| !line.is_empty()) {
            let scenario: serde_json::Value = serde_json::from_str(line).expect("a history");
            names.insert(scenario["name"].as_str().expect("a name").to_owned());
        }
    }
    names
}
