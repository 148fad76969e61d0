//! Option lists of a specification: every word is served, or refused with its JSON path.

use crate::mount::{BindRequest, MountRequest};
use crate::path::Location;
use crate::rootfs::BadConfig;
use crate::rootfs::fields::At;
use crate::spec::option_word::words_of;
use crate::spec::{MountOptions, UnservedOptions, UnusableOption};

/// The options of a mount, with the entries that they were read from.
pub(crate) struct Options<'a> {
    entries: Vec<(At<'a>, &'a str)>,
    pub(crate) read: MountOptions,
}

impl<'a> Options<'a> {
    pub(crate) fn read(list: &[At<'a>]) -> Result<Self, BadConfig> {
        let entries =
            list.iter().map(|entry| Ok((entry.clone(), entry.text()?))).collect::<Result<Vec<_>, BadConfig>>()?;
        let read = MountOptions::parse(entries.iter().map(|(_, words)| *words));
        let read = read.map_err(|option| refused(&entries, &option))?;
        let options = Self { entries, read };
        match options.read.userspace.first() {
            Some(word) => Err(options.refuse(word, "it is for mount(8) or systemd, and no kernel takes it")),
            None => Ok(options),
        }
    }

    /// The refusal of a word, with the path of its entry.
    pub(crate) fn refuse(&self, word: &str, reason: &str) -> BadConfig {
        refused(&self.entries, &UnusableOption::new(word, reason))
    }

    /// Refuses the words that a bind does not serve.
    pub(crate) fn must_suit_a_bind(&self) -> Result<(), BadConfig> {
        let nowhere = || Location::trusted("/");
        self.served(BindRequest::from_options(nowhere(), nowhere(), &self.read).map(drop))
    }

    /// Refuses the words that a new filesystem of this type does not serve.
    pub(crate) fn must_suit_a_filesystem(&self, fs_type: &str) -> Result<(), BadConfig> {
        self.served(MountRequest::from_options(fs_type, Location::trusted("/"), &self.read).map(drop))
    }

    fn served(&self, request: Result<(), UnservedOptions>) -> Result<(), BadConfig> {
        match request {
            Ok(()) => Ok(()),
            Err(UnservedOptions(words)) => words.first().map_or(Ok(()), |option| Err(refused(&self.entries, option))),
        }
    }
}

/// The refusal of an option, at the last entry that has the word: there it got its meaning.
fn refused(entries: &[(At<'_>, &str)], option: &UnusableOption) -> BadConfig {
    let is_it = |word: &str| UnusableOption::new(word, "").word() == option.word();
    let entry = entries.iter().rev().find(|(_, words)| words_of(words).any(is_it)).or(entries.first());
    let path = entry.map_or("mounts", |(at, _)| &at.path);
    BadConfig::new(path, option.to_string())
}
