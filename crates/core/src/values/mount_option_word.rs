//! What each word of an option list means.

use crate::{AtimeMode, MountFlags, Propagation, PropagationWord, Recursion};

/// What a word of an option list asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionWord {
    /// Nothing: `defaults`.
    Nothing,
    /// A bind, of one mount or of a tree.
    Bind(Recursion),
    /// An on-off attribute of the mount, or of every mount of the tree.
    Attribute { flag: MountFlags, on: bool, reach: Recursion },
    /// An atime class, or that it is not to be this one.
    Atime { mode: AtimeMode, on: bool, reach: Recursion },
    /// A propagation type.
    Propagation(PropagationWord),
    /// A property of the superblock, by the word that turns it on.
    Superblock { word: &'static str, on: bool },
    /// A change of what is mounted already.
    Remount,
    /// What the mount point holds is copied into the new tmpfs.
    TmpCopyUp,
    /// Owners are mapped.
    IdMap(Recursion),
    /// A word of the filesystem's own.
    Filesystem,
}

/// Each on-off attribute with the word that sets and the word that clears it; an `r` before either speaks of the tree.
pub(crate) const ATTRIBUTES: [(MountFlags, &str, &str); 6] = [
    (MountFlags::READ_ONLY, "ro", "rw"),
    (MountFlags::NO_SUID, "nosuid", "suid"),
    (MountFlags::NO_DEV, "nodev", "dev"),
    (MountFlags::NO_EXEC, "noexec", "exec"),
    (MountFlags::NO_DIR_ATIME, "nodiratime", "diratime"),
    (MountFlags::NO_SYMLINK_FOLLOW, "nosymfollow", "symfollow"),
];

/// Each atime class with the word for it and the word against it; an `r` before either speaks of the tree.
pub(crate) const ATIMES: [(AtimeMode, &str, &str); 3] = [
    (AtimeMode::Relative, "relatime", "norelatime"),
    (AtimeMode::Never, "noatime", "atime"),
    (AtimeMode::Strict, "strictatime", "nostrictatime"),
];

/// Each property of a superblock with the word that turns it on and the word that turns it off.
const SUPERBLOCK: [(&str, Option<&str>); 6] = [
    ("sync", Some("async")),
    ("dirsync", None),
    ("mand", Some("nomand")),
    ("lazytime", Some("nolazytime")),
    ("iversion", Some("noiversion")),
    ("silent", Some("loud")),
];

const PROPAGATIONS: [Propagation; 4] =
    [Propagation::Private, Propagation::Shared, Propagation::Slave, Propagation::Unbindable];

impl OptionWord {
    /// What `word` means; what is not known belongs to the filesystem.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "defaults" => Self::Nothing,
            "bind" => Self::Bind(Recursion::This),
            "rbind" => Self::Bind(Recursion::Tree),
            "remount" => Self::Remount,
            "tmpcopyup" => Self::TmpCopyUp,
            "idmap" => Self::IdMap(Recursion::This),
            "ridmap" => Self::IdMap(Recursion::Tree),
            _ => Self::with_reach(word, Recursion::This)
                .or_else(|| superblock(word))
                .or_else(|| Self::with_reach(word.strip_prefix('r')?, Recursion::Tree))
                .unwrap_or(Self::Filesystem),
        }
    }

    fn with_reach(word: &str, reach: Recursion) -> Option<Self> {
        for (flag, set, clear) in ATTRIBUTES {
            if word == set || word == clear {
                return Some(Self::Attribute { flag, on: word == set, reach });
            }
        }
        for (mode, set, clear) in ATIMES {
            if word == set || word == clear {
                return Some(Self::Atime { mode, on: word == set, reach });
            }
        }
        let propagation = PROPAGATIONS.into_iter().find(|propagation| propagation.word() == word)?;
        Some(Self::Propagation(PropagationWord { propagation, recursion: reach }))
    }
}

fn superblock(word: &str) -> Option<OptionWord> {
    SUPERBLOCK.into_iter().find_map(|(on, off)| {
        let is_on = word == on;
        (is_on || off == Some(word)).then_some(OptionWord::Superblock { word: on, on: is_on })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of the runtime specification (`config.md`, "Linux mount options"), as of version 1.3.
    const OF_THE_SPECIFICATION: &str = "async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand \
        noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private \
        ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime \
        rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow \
        runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap";

    #[test]
    fn every_word_of_the_specification_is_known() {
        for word in OF_THE_SPECIFICATION.split_whitespace() {
            assert_ne!(OptionWord::of(word), OptionWord::Filesystem, "{word}");
        }
    }

    #[test]
    fn other_words_are_the_filesystems() {
        for word in ["size=64k", "mode=755", "acl", "RO", "ro ", "rr", "r", "", "rsync", "rdirsync", "ubind", "nosiud"]
        {
            assert_eq!(OptionWord::of(word), OptionWord::Filesystem, "{word:?}");
        }
    }

    #[test]
    fn an_r_speaks_of_the_tree() {
        let read_only = |on, reach| OptionWord::Attribute { flag: MountFlags::READ_ONLY, on, reach };
        assert_eq!(OptionWord::of("ro"), read_only(true, Recursion::This));
        assert_eq!(OptionWord::of("rw"), read_only(false, Recursion::This));
        assert_eq!(OptionWord::of("rro"), read_only(true, Recursion::Tree));
        assert_eq!(OptionWord::of("rrw"), read_only(false, Recursion::Tree));
        // Not an `r` before `elatime`.
        let relative = OptionWord::Atime { mode: AtimeMode::Relative, on: true, reach: Recursion::This };
        assert_eq!(OptionWord::of("relatime"), relative);
    }
}
