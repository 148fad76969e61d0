//! Faults planted in the model, one at a time: the suite has to find each of them.
//!
//! `cargo test -p mountwright-tests --test mutants` (as root; not part of the ordinary command: it builds a copy of the
//! workspace and runs for a quarter of an hour). All faults of `list.txt` are built into the copy behind a switch; then the
//! recorded histories, the tables of `sharedsubtree.rst` and random histories are run with one fault after the other.
//!
//! * `MOUNTWRIGHT_SEED`: of the random histories (1).
//! * An argument: only faults whose name holds it.
//!
//! It prints what found each fault. Those marked `(random)` have to be found by at most 20,000 random operations alone.
//! Anything that is not found is a failure.

mod lane;
mod mutant;
mod workspace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::lane::Lane;
use crate::mutant::{Mutant, mutants, plant};

/// How many random histories are tried, of 20 operations each: the next number only where the one before found nothing.
const HISTORIES: [u32; 4] = [16, 64, 250, 1000];
const OPERATIONS: u32 = 20;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, String> {
    // Flags are of the test harness that this is not.
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mutants = mutants()?;
    let workspace = workspace::copy().map_err(|error| format!("the workspace cannot be copied: {error}"))?;
    plant(&mutants, &workspace)?;
    let suite = Suite::build(&workspace)?;
    if let Some(lane) = suite.fails_without_faults()? {
        return Err(format!("without any fault, {lane} fails"));
    }
    let chosen: Vec<&Mutant> = mutants.iter().filter(|mutant| mutant.name.contains(&filter)).collect();
    let mut missed = 0;
    for mutant in &chosen {
        let found = suite.finds(mutant)?;
        missed += usize::from(found.is_none());
        let by = found.unwrap_or_else(|| "NOT FOUND".to_owned());
        println!("{by:32} {}", mutant.name);
    }
    println!("{} faults, {} found, {missed} not found", chosen.len(), chosen.len() - missed);
    Ok(missed == 0)
}

struct Suite {
    programs: BTreeMap<String, PathBuf>,
    recorded: Vec<String>,
    seed: String,
}

impl Suite {
    fn build(workspace: &Path) -> Result<Self, String> {
        let programs = workspace::build(workspace, &["propagation_tables", "random"], &["replay"])?;
        let folder = workspace.join("tests/scenarios");
        let files = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let recorded = files.filter_map(|file| Some(file.ok()?.path().to_string_lossy().into_owned()));
        let seed = std::env::var("MOUNTWRIGHT_SEED").unwrap_or_else(|_| "1".to_owned());
        Ok(Self { recorded: recorded.filter(|file| file.ends_with(".jsonl.gz")).collect(), programs, seed })
    }

    fn program(&self, name: &str) -> Result<&Path, String> {
        self.programs.get(name).map(PathBuf::as_path).ok_or_else(|| format!("cargo built no {name}"))
    }

    fn recorded(&self) -> Result<Lane<'_>, String> {
        let mut arguments = ["--backend", "fake", "--check"].map(str::to_owned).to_vec();
        arguments.extend(self.recorded.iter().cloned());
        Ok(Lane { program: self.program("replay")?, arguments, variables: vec![] })
    }

    fn tables(&self) -> Result<Lane<'_>, String> {
        Ok(Lane {
            program: self.program("propagation_tables")?,
            arguments: vec!["fake/".to_owned()],
            variables: vec![],
        })
    }

    fn random(&self, histories: u32) -> Result<Lane<'_>, String> {
        let variables = vec![
            ("MOUNTWRIGHT_HISTORIES", histories.to_string()),
            ("MOUNTWRIGHT_SEED", self.seed.clone()),
            ("MOUNTWRIGHT_REQUIRE_KERNEL", "1".to_owned()),
            // It is enough to know that there is a difference.
            ("MOUNTWRIGHT_SHRINKING", "0".to_owned()),
        ];
        Ok(Lane { program: self.program("random")?, arguments: vec![], variables })
    }

    fn fails_without_faults(&self) -> Result<Option<&'static str>, String> {
        let lanes =
            [("replay", self.recorded()?), ("propagation_tables", self.tables()?), ("random", self.random(1000)?)];
        for (name, lane) in lanes {
            if !lane.passes(None)? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// What finds it.
    fn finds(&self, mutant: &Mutant) -> Result<Option<String>, String> {
        let fault = Some(mutant.number);
        if !mutant.random {
            if !self.recorded()?.passes(fault)? {
                return Ok(Some("recorded histories".to_owned()));
            }
            if !self.tables()?.passes(fault)? {
                return Ok(Some("tables".to_owned()));
            }
        }
        for histories in HISTORIES {
            if !self.random(histories)?.passes(fault)? {
                return Ok(Some(format!("{} random operations", histories * OPERATIONS)));
            }
        }
        Ok(None)
    }
}
