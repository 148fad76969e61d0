//! The list of faults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LIST: &str = include_str!("list.txt");
/// The folder of the files that faults are planted in.
const CODE: &str = "crates/fake-backend/src/model";
/// The file that `switch.rs.txt` reads.
pub(crate) const SWITCH: &str = "crates/fake-backend/fault";
/// The suffix of a fault that random histories alone have to find.
const RANDOM: &str = " (random)";

/// One fault, switched on by its number.
pub(crate) struct Mutant {
    pub(crate) number: usize,
    pub(crate) name: &'static str,
    /// Random histories alone have to find it
    pub(crate) random: bool,
    file: &'static str,
    old: String,
    new: String,
}

/// The faults of the list.
///
/// A text that does not occur exactly once; a file that cannot be read or written.
/// A line that is none of the form.
pub(crate) fn mutants() -> Result<Vec<Mutant>, String> {
    let mut mutants: Vec<Mutant> = Vec::new();
    for (index, line) in LIST.lines().enumerate() {
        let bad = || format!("list.txt, line {}: {line}", index + 1);
        if let Some(title) = line.strip_prefix("## ") {
            let (name, random) = title.strip_suffix(RANDOM).map_or((title, false), |name| (name, true));
            let number = mutants.len();
            mutants.push(Mutant { number, name, random, file: "", old: String::new(), new: String::new() });
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mutant = mutants.last_mut().ok_or_else(bad)?;
        match line.split_once(' ') {
            Some(("in", file)) => mutant.file = file,
            Some(("-", text)) => add_line(&mut mutant.old, text),
            Some(("+", text)) => add_line(&mut mutant.new, text),
            _ => return Err(bad()),
        }
    }
    Ok(mutants)
}

fn add_line(to: &mut String, line: &str) {
    if !to.is_empty() {
        to.push('\n');
    }
    to.push_str(line);
}

/// Plants all faults in this copy of the workspace, each behind its switch.
///
/// A text that does not occur exactly once; a file that cannot be read.
/// A text that is not there just once; a file that cannot be read or written.
pub(crate) fn plant(mutants: &[Mutant], workspace: &Path) -> Result<(), String> {
    for (path, text) in planted(mutants, workspace)? {
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The files of the workspace that have the faults in them.
///
/// # Errors
/// A text that is not there just once; a file that cannot be read.
pub(crate) fn planted(mutants: &[Mutant], workspace: &Path) -> Result<BTreeMap<PathBuf, String>, String> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for mutant in mutants {
        let path = workspace.join(CODE).join(mutant.file);
        if !files.contains_key(&path) {
            files.insert(path.clone(), read(&path)?);
        }
        let Some(text) = files.get_mut(&path) else { continue };
        let found = text.matches(mutant.old.as_str()).count();
        if found != 1 {
            return Err(format!("{}: its text is {found} times in {}", mutant.name, mutant.file));
        }
        let switch = format!("crate::mutant::is_on({})", mutant.number);
        *text = text.replacen(&mutant.old, &mutant.new.replace("MUTANT", &switch), 1);
    }
    let root = workspace.join("crates/fake-backend/src/lib.rs");
    let text = format!("{}\n/// The fault that is switched on.\nmod mutant;\n", read(&root)?);
    files.insert(root, text);
    files.insert(workspace.join("crates/fake-backend/src/mutant.rs"), include_str!("switch.rs.txt").to_owned());
    Ok(files)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
