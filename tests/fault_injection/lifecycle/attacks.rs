//! The search with the adversary, and the conditions after each of its runs.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use mountwright_core::MountInfo;
use mountwright_core::error::Leftover;
use mountwright_fake::test_kit::Strike;
use mountwright_linux::abi::{S_IFLNK, S_IFMT, S_IFREG};
use mountwright_tests::settings::Settings;

use crate::adversary::{Deed, touched};
use crate::ground::{Ground, SANDBOX};
use crate::model::Model;
use crate::search::{Found, Stage, Told};
use crate::state::State;
use crate::stories::{MOUNTS, recovery};
use crate::story::{Ended, Law};
use crate::verdict::named;

impl Stage {
    /// Every action before every call, for good and undone again.
    pub(crate) fn attacks(&self) -> Found {
        let (mut found, mut laws) = (Found::default(), Laws::default());
        let mut each = |told: &Told, deeds: &[Deed]| {
            let now = State::of(&told.model);
            let verdict = self.after_attack(told, &now, &touched(deeds));
            let verdict = verdict.and_then(|()| laws.of(deeds, now, || self.law_after_attack(&told.model, deeds)));
            found.note(&format!("{} ({:?})", told.point, told.ended), verdict);
        };
        let deeds = Deed::all(self.expected.story.about);
        let exchanges: Vec<_> = deeds.iter().map(|deed| deed.exchange(&self.model)).collect();
        let possible = self.search.possible(&exchanges);
        let settings = Settings::read();
        let (long, first) = (settings.long, settings.seed() as usize);
        for (before, now) in possible.iter().enumerate() {
            let next = before + 1;
            for &one in now.iter().filter(|&&one| (first + before + one).is_multiple_of(settings.one_of)) {
                let strike = Strike { exchange: &exchanges[one], before, undone_before: None };
                self.attack(std::slice::from_ref(&strike), &[deeds[one]], &mut each);
                let windows = if long { next..possible.len() } else { next..possible.len().min(next + 1) };
                for after in windows.filter(|_| exchanges[one].can_be_undone()) {
                    self.attack(&[Strike { undone_before: Some(after), ..strike.clone() }], &[deeds[one]], &mut each);
                }
                let later = possible.iter().enumerate().skip(before).filter(|_| long);
                for (before, others) in later {
                    for &other in others.iter().filter(|other| **other != one) {
                        let second = Strike { exchange: &exchanges[other], before, undone_before: None };
                        self.attack(&[strike.clone(), second], &[deeds[one], deeds[other]], &mut each);
                    }
                }
            }
        }
        found
    }

    /// A run in which no action was possible does not count.
    fn attack(&self, strikes: &[Strike<'_>], deeds: &[Deed], each: &mut dyn FnMut(&Told, &[Deed])) {
        if let Some(run) = self.search.struck(strikes) {
            each(&self.told(run), deeds);
        }
    }

    fn after_attack(&self, told: &Told, now: &State, touched: &BTreeSet<PathBuf>) -> Result<(), String> {
        let then = &self.expected.then;
        now.same_outside("outside the sandbox", then)?;
        let is_new = |mount: &&MountInfo| then.here.iter().all(|other| other.id != mount.id);
        match &told.ended {
            Ended::Whole => {
                // Its new mounts are as requested: never writable if they are to be read-only, never of another source.
                let sort = |mount: &MountInfo| (mount.device, mount.root.clone(), mount.attributes);
                let makes: Vec<_> = self.expected.after.here.iter().map(sort).collect();
                if let Some(odd) = now.here.iter().filter(is_new).find(|mount| !makes.contains(&sort(mount))) {
                    return Err(format!("it made another mount than it should: {odd}"));
                }
                // A mount that it reports as unmounted is unmounted, wherever it was.
                if !self.expected.story.by_identity {
                    return Ok(());
                }
                let has = |state: &State, id| state.here.iter().any(|mount| mount.id == id);
                let stays = |mount: &&MountInfo| !has(&self.expected.after, mount.id) && has(now, mount.id);
                match then.here.iter().find(stays) {
                    Some(mount) => Err(format!("said to be off, and it is there: {mount}")),
                    None => Ok(()),
                }
            }
            Ended::Nothing(left, _) => {
                Self::mounts_are_named(&told.model, left, now.here.iter().filter(is_new))?;
                let named = named(left);
                let is_known = |path: &Path| {
                    then.names.contains_key(path) || named.contains(path) || is_below(touched, path) || is_copy(path)
                };
                match now.names.keys().find(|path| !is_known(path)) {
                    Some(path) => Err(format!("left and not named: {}", path.display())),
                    None => Ok(()),
                }
            }
            Ended::InPart(_) => match now.here.iter().find(is_new) {
                Some(new) => Err(format!("a mount that was not there: {new}")),
                None => Ok(()),
            },
        }
    }

    /// By their identity: their names are the adversary's.
    fn mounts_are_named<'a>(
        model: &Model,
        left: &[Leftover],
        new: impl Iterator<Item = &'a MountInfo>,
    ) -> Result<(), String> {
        let ports = model.ports();
        let named: Vec<MountInfo> = left
            .iter()
            .filter_map(|left| match left {
                Leftover::Mount { mount, .. } => ports.find_mount(*mount).ok(),
                _ => None,
            })
            .collect();
        for new in new {
            let is_named = named.iter().any(|named| {
                named.id == new.id
                    || is_copy(&new.mount_point) && (named.device, &named.root) == (new.device, &new.root)
            });
            if !is_named {
                return Err(format!("a mount is left and not named: {new}"));
            }
        }
        Ok(())
    }

    /// Recovery unmounts every mount and removes every name but those of other users; the second recovery does nothing.
    fn law_after_attack(&self, model: &Model, deeds: &[Deed]) -> Result<(), String> {
        let recovers = matches!(self.expected.story.law, Law::Recovers);
        if recovers {
            let ports = model.ports();
            let report = recovery().reap(&ports).map_err(|error| format!("recovery: {error}"))?;
            if report.failures().next().is_some() {
                return Err(format!("recovery: {report}"));
            }
            let again = recovery().reap(&ports).map_err(|error| format!("second recovery: {error}"))?;
            if !again.did_nothing() || again.failures().next().is_some() {
                return Err(format!("second recovery: {again}"));
            }
        }
        let now = State::of(model);
        if recovers {
            self.is_recovered(&now, &touched(deeds))?;
        }
        now.same_outside("outside the sandbox, in the end", &self.expected.then)?;
        let there = now.texts();
        let must = self.expected.then.texts_outside().into_iter().chain(deeds.iter().filter_map(|deed| deed.text()));
        match must.into_iter().find(|text| !there.contains(text)) {
            Some(text) => Err(format!("lost: {:?}", String::from_utf8_lossy(text))),
            None => Ok(()),
        }
    }

    fn is_recovered(&self, now: &State, touched: &BTreeSet<PathBuf>) -> Result<(), String> {
        let empty = &self.expected.empty;
        let changes = if empty.has_same_mounts(now) { Vec::new() } else { empty.lines().changes(&now.lines()) };
        if !changes.is_empty() {
            return Err(format!("after recovery: {}", changes.join(", ")));
        }
        // Links, nonempty files, and names deeper than any share's.
        let is_theirs = |path: &Path| {
            let found = &now.names[path];
            let kind = found.mode & S_IFMT;
            let deep = path.components().count() > Path::new(MOUNTS).components().count() + 2;
            is_below(touched, path) && (deep || kind == S_IFLNK || kind == S_IFREG && !found.bytes.is_empty())
        };
        let theirs: Vec<&PathBuf> = now.names.keys().filter(|path| is_theirs(path)).collect();
        let may_stay =
            |path: &Path| empty.names.contains_key(path) || theirs.iter().any(|theirs| theirs.starts_with(path));
        match now.names.keys().find(|path| !may_stay(path)) {
            Some(path) => Err(format!("recovery leaves {}", path.display())),
            None => Ok(()),
        }
    }
}

/// The verdicts on the states that the same actions have led to: recovery does the same in the same state.
#[derive(Default)]
struct Laws(HashMap<Vec<Deed>, Vec<(State, Verdict)>>);

type Verdict = Result<(), String>;

impl Laws {
    fn of(&mut self, deeds: &[Deed], now: State, judge: impl FnOnce() -> Verdict) -> Verdict {
        let known = self.0.entry(deeds.to_vec()).or_default();
        if let Some((_, verdict)) = known.iter().find(|(state, _)| *state == now) {
            return verdict.clone();
        }
        let verdict = judge();
        known.push((now, verdict.clone()));
        verdict
    }
}

fn is_below(touched: &BTreeSet<PathBuf>, path: &Path) -> bool {
    touched.iter().any(|name| path.starts_with(name)) || is_copy(path)
}

/// Seen through the guest's directory: a copy of what is below the mounts directory.
fn is_copy(path: &Path) -> bool {
    path.strip_prefix(SANDBOX).is_ok_and(|below| below.starts_with("shared") && below != Path::new("shared"))
}
