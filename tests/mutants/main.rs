//! Faults planted in the model, one at a time: the suite has to find each of them.
//!
//! `MOUNTWRIGHT_MUTANTS=all cargo test -p mountwright-tests --test mutants` (as root) builds all faults of `list.txt` into a
//! copy of the workspace, each behind a switch; then it runs the recorded histories, the tables of `sharedsubtree.rst`, the
//! limit of mounts and random histories with one fault after the other. That takes a quarter of an hour: without the variable
//! it says no more than that every text of the list is where the list says.
//!
//! * `MOUNTWRIGHT_MUTANTS`: `all`, or only faults whose name holds this.
//! * `MOUNTWRIGHT_SEED`: of the random histories (1).
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
use crate::mutant::{Mutant, mutants, plant, planted};

/// How many random histories are tried, of 20 operations each: the next number only where the one before found nothing.
const HISTORIES: [u32; 4] = [16, 64, 250, 1000];
const OPERATIONS: u32 = 20;
/// Programs that show the fake alone, each with the cases that are the fake's.
const FAKE_ALONE: [(&str, Option<&str>); 3] =
    [("recorded", Some("fake/")), ("propagation_tables", Some("fake/")), ("mount_limit", None)];

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
    if std::env::args().any(|argument| argument == "--list") {
        // Whoever asks which cases there are: none that could be run alone.
        return Ok(true);
    }
    let mutants = mutants()?;
    let Ok(wanted) = std::env::var("MOUNTWRIGHT_MUTANTS") else {
        planted(&mutants, &workspace::own())?;
        println!("{} faults could be planted; MOUNTWRIGHT_MUTANTS=all plants them", mutants.len());
        return Ok(true);
    };
    let workspace = workspace::copy().map_err(|error| format!("the workspace cannot be copied: {error}"))?;
    plant(&mutants, &workspace)?;
    let suite = Suite::build(&workspace)?;
    if let Some(lane) = suite.fails_without_faults()? {
        return Err(format!("without any fault, {lane} fails"));
    }
    let is_wanted = |mutant: &&Mutant| wanted == "all" || mutant.name.contains(&wanted);
    let chosen: Vec<&Mutant> = mutants.iter().filter(is_wanted).collect();
    if chosen.is_empty() {
        return Err(format!("no fault has {wanted:?} in its name"));
    }
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
    seed: String,
}

impl Suite {
    fn build(workspace: &Path) -> Result<Self, String> {
        let programs = workspace::build(workspace, &["mount_limit", "propagation_tables", "random", "recorded"])?;
        let seed = std::env::var("MOUNTWRIGHT_SEED").unwrap_or_else(|_| "1".to_owned());
        Ok(Self { programs, seed })
    }

    fn program(&self, name: &str) -> Result<&Path, String> {
        self.programs.get(name).map(PathBuf::as_path).ok_or_else(|| format!("cargo built no {name}"))
    }

    /// What needs no kernel.
    fn fake_alone(&self) -> Result<Vec<(&'static str, Lane<'_>)>, String> {
        let lane = |(name, filter): (&'static str, Option<&str>)| {
            let arguments = filter.map(str::to_owned).into_iter().collect();
            Ok((name, Lane { program: self.program(name)?, arguments, variables: vec![] }))
        };
        FAKE_ALONE.into_iter().map(lane).collect()
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
        let mut lanes = self.fake_alone()?;
        lanes.push(("random", self.random(HISTORIES[HISTORIES.len() - 1])?));
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
            for (name, lane) in self.fake_alone()? {
                if !lane.passes(fault)? {
                    return Ok(Some(name.to_owned()));
                }
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
