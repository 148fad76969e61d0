//! Faults planted in the model, one at a time: the suite has to find each of them.
//!
//! `MOUNTWRIGHT_LONG=1 cargo test -p mountwright-tests --test mutants` (as root) builds all faults of `list.txt` into a
//! copy of the workspace, each behind a switch; then it runs the recorded histories, the tables of `sharedsubtree.rst`, the
//! limit of mounts and random histories with one fault after the other. That takes a quarter of an hour: without the variable
//! it says no more than that every text of the list is where the list says, and that `docs/fake-mutants.txt` has each.
//!
//! * An argument (`-- NAME`): only faults whose name contains it.
//! * `MOUNTWRIGHT_SEED`: of the random histories.
//!
//! It prints everything that found each fault; what hung with it says so. Those marked `(random)` have to be found by at most
//! 20,000 random operations alone. Anything that is not found is a failure.

mod lane;
mod mutant;
mod workspace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mountwright_tests::settings::Settings;

use crate::lane::{Ending, Lane};
use crate::mutant::{Mutant, SWITCH, mutants, plant, planted};

/// The numbers of random histories, of 20 operations each: the next one only if the one before found nothing.
const HISTORIES: [u32; 4] = [16, 64, 250, 1000];
const OPERATIONS: u32 = 20;
/// The factor over the slowest run without a fault that is too long.
const SLOWER: u32 = 4;
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
        // A list of cases is empty: none can be run alone.
        return Ok(true);
    }
    let mutants = mutants()?;
    let settings = Settings::read();
    if !settings.long {
        planted(&mutants, &workspace::own())?;
        documented(&mutants)?;
        println!("{} faults could be planted; MOUNTWRIGHT_LONG=1 plants them", mutants.len());
        return Ok(true);
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let workspace = workspace::copy().map_err(|error| format!("the workspace cannot be copied: {error}"))?;
    plant(&mutants, &workspace)?;
    let mut suite = Suite::build(&workspace)?;
    if let Some(lane) = suite.fails_without_faults()? {
        return Err(format!("without any fault, {lane} fails"));
    }
    let is_wanted = |mutant: &&Mutant| mutant.name.contains(&wanted);
    let chosen: Vec<&Mutant> = mutants.iter().filter(is_wanted).collect();
    if chosen.is_empty() {
        return Err(format!("no fault has {wanted:?} in its name"));
    }
    let mut missed = 0;
    // The faults that random operations have to find, and those that they do find.
    let (mut demanded, mut drawn) = (0, 0);
    for mutant in &chosen {
        let found = suite.finds(mutant)?;
        demanded += usize::from(mutant.random);
        drawn += usize::from(mutant.random && found.is_enough);
        missed += usize::from(!found.is_enough);
        let by = if found.is_enough { found.by.join(", ") } else { format!("NOT FOUND {:?}", found.by) };
        println!("{by:58} {}", mutant.name);
    }
    println!("{} faults, {} found, {missed} not found", chosen.len(), chosen.len() - missed);
    println!("of the {demanded} marked (random), random operations alone found {drawn}");
    Ok(missed == 0)
}

struct Suite {
    programs: BTreeMap<String, PathBuf>,
    seed: String,
    /// The file that holds the number of the fault that is switched on.
    switch: PathBuf,
    /// The duration of the slowest run without a fault
    slowest: Duration,
}

impl Suite {
    fn build(workspace: &Path) -> Result<Self, String> {
        let programs = workspace::build(workspace, &["mount_limit", "propagation_tables", "random", "recorded"])?;
        let seed = Settings::read().seed().to_string();
        Ok(Self { programs, seed, switch: workspace.join(SWITCH), slowest: Duration::ZERO })
    }

    fn program(&self, name: &str) -> Result<&Path, String> {
        self.programs.get(name).map(PathBuf::as_path).ok_or_else(|| format!("cargo built no {name}"))
    }

    fn patience(&self) -> Duration {
        if self.slowest.is_zero() { Duration::from_mins(10) } else { self.slowest * SLOWER + Duration::from_secs(10) }
    }

    /// Returns the lanes that need no kernel.
    fn fake_alone(&self) -> Result<Vec<(&'static str, Lane<'_>)>, String> {
        let lane = |(name, filter): (&'static str, Option<&str>)| {
            Ok((name, self.lane(name, filter.map(str::to_owned).into_iter().collect(), vec![])?))
        };
        FAKE_ALONE.into_iter().map(lane).collect()
    }

    fn random(&self, histories: u32) -> Result<Lane<'_>, String> {
        let variables = vec![("MOUNTWRIGHT_SEED", self.seed.clone()), ("MOUNTWRIGHT_REQUIRE_KERNEL", "1".to_owned())];
        // It is enough to know that there is a difference.
        let arguments = vec![format!("--histories={histories}"), "--as-drawn".to_owned()];
        self.lane("random", arguments, variables)
    }

    fn lane(
        &self,
        program: &str,
        arguments: Vec<String>,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Lane<'_>, String> {
        let (program, patience) = (self.program(program)?, self.patience());
        Ok(Lane { program, arguments, variables, switch: &self.switch, patience })
    }

    fn fails_without_faults(&mut self) -> Result<Option<&'static str>, String> {
        let mut slowest = Duration::ZERO;
        let mut lanes = self.fake_alone()?;
        lanes.push(("random", self.random(HISTORIES[HISTORIES.len() - 1])?));
        for (name, lane) in lanes {
            let begun = Instant::now();
            if lane.run(None)? != Ending::Passed {
                return Ok(Some(name));
            }
            slowest = slowest.max(begun.elapsed());
        }
        self.slowest = slowest;
        Ok(None)
    }

    /// Returns the lanes that find it.
    fn finds(&self, mutant: &Mutant) -> Result<Found, String> {
        let fault = Some(mutant.number);
        let mut by = Vec::new();
        for (name, lane) in self.fake_alone()? {
            by.extend(told(name, lane.run(fault)?));
        }
        let mut by_random = false;
        for histories in HISTORIES {
            let operations = format!("{} random operations", with_comma(histories * OPERATIONS));
            if let Some(told) = told(&operations, self.random(histories)?.run(fault)?) {
                by.push(told);
                by_random = true;
                break;
            }
        }
        let is_enough = if mutant.random { by_random } else { !by.is_empty() };
        Ok(Found { by, is_enough })
    }
}

struct Found {
    by: Vec<String>,
    /// It was found, and by random operations if they have to find it
    is_enough: bool,
}

fn told(name: &str, ending: Ending) -> Option<String> {
    match ending {
        Ending::Passed => None,
        Ending::Failed => Some(name.to_owned()),
        Ending::Hung => Some(format!("{name} (hung)")),
    }
}

fn with_comma(number: u32) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

/// Checks that the page of the findings lists each fault once, and no other.
fn documented(mutants: &[Mutant]) -> Result<(), String> {
    let page = workspace::own().join("docs/fake-mutants.txt");
    let text = std::fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    for mutant in mutants {
        if lines.iter().filter(|line| line.ends_with(mutant.name)).count() != 1 {
            return Err(format!("docs/fake-mutants.txt does not tell once what found {:?}", mutant.name));
        }
    }
    if lines.len() == mutants.len() {
        Ok(())
    } else {
        Err("docs/fake-mutants.txt tells of faults that are not in the list".to_owned())
    }
}
