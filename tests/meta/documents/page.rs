//! A page of the project, and its tables.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) text: String,
}

/// The last cell of a row.
pub(crate) struct Cell {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Titles of a last column with evidence.
const TITLES: &[&str] = &["pinned by", "shown by"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_owned()
}

impl Page {
    /// The README, the change log and every page in `docs`.
    pub(crate) fn all() -> Vec<Self> {
        let top = ["README.md", "CHANGELOG.md"].map(|name| root().join(name));
        let docs = fs::read_dir(root().join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
        let mut paths: Vec<_> =
            top.into_iter().chain(docs).filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
        paths.sort();
        paths.iter().map(|path| Self::at(path)).collect()
    }

    fn at(path: &Path) -> Self {
        Self {
            name: path.file_name().expect("a name").to_string_lossy().into_owned(),
            folder: path.parent().expect("a folder").to_owned(),
            text: fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        }
    }

    pub(crate) fn from_text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), folder: root(), text: text.to_owned() }
    }

    /// Returns the last cells of all tables with a column of evidence.
    pub(crate) fn evidence_cells(&self) -> impl Iterator<Item = Cell> {
        let mut in_table = false;
        let numbered = self.text.lines().enumerate();
        numbered.filter_map(move |(index, line)| {
            let last =
                line.strip_suffix('|').and_then(|row| row.strip_prefix('|')).and_then(|row| row.rsplit('|').next());
            let Some(last) = last.map(str::trim) else {
                in_table = false;
                return None;
            };
            if TITLES.contains(&last) {
                in_table = true;
                return None;
            }
            let is_rule = last.chars().all(|c| c == '-');
            (in_table && !is_rule).then(|| Cell { line: index + 1, text: last.to_owned() })
        })
    }
}
