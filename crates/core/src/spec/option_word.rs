//! Meanings of the words of an option list.

use crate::mount::{AtimeMode, MountFlags, Propagation, PropagationWord, Recursion};

/// The meaning of a word of an option list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionWord {
    /// Nothing: `defaults`.
    Nothing,
    /// A bind, of one mount or of a tree.
    Bind(Recursion),
    /// An on-off attribute of the mount, or of every mount of the tree.
    Attribute { flag: MountFlags, on: bool, reach: Recursion },
    /// An atime class, or its negation.
    Atime { mode: AtimeMode, on: bool, reach: Recursion },
    /// A propagation type.
    Propagation(PropagationWord),
    /// A property of the superblock, by the word that turns it on.
    Superblock { word: &'static str, on: bool },
    /// A change of an existing mount.
    Remount,
    /// The contents of the mount point are copied into the new tmpfs.
    TmpCopyUp,
    /// Owners are mapped.
    IdMap(Recursion),
    /// A word for mount(8), fstab or systemd, which no kernel takes.
    Userspace,
    /// A word that cannot be used, with the reason.
    Refused(&'static str),
    /// A word of the filesystem's own.
    Filesystem,
}

/// Words that mount(8), fstab(5) and systemd.mount(5) keep from the kernel.
const USERSPACE: [&str; 16] = [
    "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner", "group", "nogroup", "_netdev",
    "_rnetdev", "nofail", "uhelper", "helper", "comment",
];

/// The spellings of an id map that carry a value: of runc and crun (`idmap`), containerd (`uidmap`) and mount(8).
const ID_MAPS: [&str; 5] = ["idmap", "ridmap", "uidmap", "gidmap", "X-mount.idmap"];

/// The longest word: mount(2) takes all options of a filesystem in one page, its terminator included.
const WORD_MAX: usize = 4095;

/// Each on-off attribute with the word that sets and the word that clears it; an `r` before either means the whole
/// tree.
pub(crate) const ATTRIBUTES: [(MountFlags, &str, &str); 6] = [
    (MountFlags::READ_ONLY, "ro", "rw"),
    (MountFlags::NO_SUID, "nosuid", "suid"),
    (MountFlags::NO_DEV, "nodev", "dev"),
    (MountFlags::NO_EXEC, "noexec", "exec"),
    (MountFlags::NO_DIR_ATIME, "nodiratime", "diratime"),
    (MountFlags::NO_SYMLINK_FOLLOW, "nosymfollow", "symfollow"),
];

/// Each atime class with the word for it and the word against it; an `r` before either means the whole tree.
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
    /// The meaning of `word`; an unknown word belongs to the filesystem.
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
                .unwrap_or_else(|| Self::outside_the_specification(word)),
        }
    }

    fn outside_the_specification(word: &str) -> Self {
        let key = word.split('=').next().unwrap_or(word);
        match key {
            _ if word.len() > WORD_MAX => Self::Refused("it is longer than the page that mount(2) takes"),
            _ if word.contains('\0') => Self::Refused("it has a NUL, which ends a text for the kernel"),
            "" if word.is_empty() => Self::Refused("it is empty"),
            key if ID_MAPS.contains(&key) => Self::Refused("mounts with mapped owners are not supported"),
            "loop" => Self::Refused("no loop device is set up here; attach the image and mount the device"),
            key if USERSPACE.contains(&key) || key.starts_with("x-") || key.starts_with("X-") => Self::Userspace,
            _ => Self::Filesystem,
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

/// The words of one entry of an option list. An entry may hold several, joined by commas, as runc and containerd join
/// them for the kernel; a comma between double quotes or after a backslash separates nothing. Of joined words an empty one
/// is skipped, as the kernel does.
pub(crate) fn words_of(entry: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let joined = entry.split(move |character| {
        let separates = character == ',' && !quoted && !escaped;
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        separates
    });
    joined.filter(move |word| !word.is_empty() || entry.is_empty())
}

/// The word of the specification that is nearest to this one, if one is near: at most two letters
/// differ, and fewer than half.
pub(crate) fn nearest(word: &str) -> Option<String> {
    let pairs = ATTRIBUTES.iter().map(|row| (row.1, row.2)).chain(ATIMES.iter().map(|row| (row.1, row.2)));
    let with_reach = pairs.flat_map(|(set, clear)| [set, clear]).chain(PROPAGATIONS.map(Propagation::word));
    let both = with_reach.flat_map(|word| [word.to_owned(), format!("r{word}")]);
    let superblock = SUPERBLOCK.iter().flat_map(|(on, off)| [Some(*on), *off]).flatten().map(str::to_owned);
    let known = both.chain(superblock).chain(["bind", "rbind", "remount"].map(str::to_owned));
    let near = known.map(|known| (distance(word, &known), known));
    near.filter(|(distance, _)| *distance <= 2 && 2 * distance < word.len()).min().map(|(_, known)| known)
}

/// The number of letters that have to be changed, added or removed to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, other_letter) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other_letter);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
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
        for word in ["size=64k", "mode=755", "acl", "RO", "ro ", "rr", "r", "=", "rsync", "rdirsync", "ubind", "nosiud"]
        {
            assert_eq!(OptionWord::of(word), OptionWord::Filesystem, "{word:?}");
        }
    }

    #[test]
    fn words_for_mount_8_and_systemd_are_userspace_words() {
        for word in ["_netdev", "nofail", "x-systemd.automount", "X-mount.mkdir=0755", "user=me", "noauto", "comment=a"]
        {
            assert_eq!(OptionWord::of(word), OptionWord::Userspace, "{word}");
        }
    }

    #[test]
    fn words_that_nothing_serves_are_refused() {
        let long = " ".repeat(WORD_MAX + 1);
        for word in ["loop", "loop=/dev/loop0", "idmap=uids=0-1-2", "uidmap=0:1:2", "X-mount.idmap=b:0:1:1", "", &long]
        {
            assert!(matches!(OptionWord::of(word), OptionWord::Refused(_)), "{word:?}");
        }
        assert_eq!(OptionWord::of(&long[1..]), OptionWord::Filesystem);
    }

    #[test]
    fn commas_separate_words_outside_quotes_and_escapes() {
        for (entry, words) in [
            ("size=64k,mode=700", &["size=64k", "mode=700"][..]),
            (r#"context="s0:c1,c2",ro"#, &[r#"context="s0:c1,c2""#, "ro"]),
            (r"lowerdir=/a\,b:/c,ro", &[r"lowerdir=/a\,b:/c", "ro"]),
            (r"upperdir=/a\\,ro", &[r"upperdir=/a\\", "ro"]),
            ("ro,,nodev,", &["ro", "nodev"]),
            ("", &[""]),
            (",", &[]),
        ] {
            assert_eq!(words_of(entry).collect::<Vec<_>>(), words, "{entry:?}");
        }
    }

    #[test]
    fn the_nearest_word_is_found_where_one_is_near() {
        for (word, near) in [
            ("nosiud", Some("nosuid")),
            ("noexce", Some("noexec")),
            ("rprivat", Some("rprivate")),
            ("xro", Some("ro")),
            ("readonly", None),
            ("mode", None),
            ("rr", None),
        ] {
            assert_eq!(nearest(word).as_deref(), near, "{word}");
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
