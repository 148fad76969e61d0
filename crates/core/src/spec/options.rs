//! The options of a mount, understood.

use crate::mount::{AtimeMode, AttributeChange, FilesystemOption, MountFlags, PropagationWord, Recursion};
use crate::spec::UnusableOption;
use crate::spec::option_word::{ATIMES, ATTRIBUTES, OptionWord, words_of};

/// The options of a mount in an OCI runtime specification, understood as runc understands them.
///
/// * Every word is either in one field of this value, or in the error.
/// * An entry may hold several words joined by commas (`"size=64k,mode=700"`), which runc and the kernel split too. A comma
///   between double quotes or after a backslash belongs to the word.
/// * A word that is neither the specification's nor userspace's belongs to the filesystem and stands in
///   [`filesystem`](Self::filesystem), as it does for runc; `nosiud` is such a word.
/// * Words for mount(8), fstab and systemd stand in [`userspace`](Self::userspace).
/// * Of two words about one thing (`ro`, `rw`; `rro`, `rrw`) the later one decides (runc since 1.2).
/// * Words for attributes that begin with an `r` apply to every mount of the tree, after all others: `["rro", "rw"]` is
///   read-only.
/// * `strictatime` decides over `noatime`, and that over `relatime`, whatever their order (mount(2)). `rnoatime` with
///   `rstrictatime` is refused: `mount_setattr(2)` fails with `EINVAL`. `rrelatime` beside either changes nothing. A later
///   `ratime` or `rnostrictatime` cancels its class, a later `rnorelatime` cancels both; what is left without a class is
///   the kernel's default, `relatime` (runc since 1.4.1). `atime`, `nostrictatime` and `norelatime` leave that class too.
/// * Id maps with a value (`idmap=…`, `uidmap=…`, `gidmap=…`, `X-mount.idmap=…`), `loop`, an empty entry, a NUL, and a word
///   longer than a page are refused.
/// * Propagation words are applied one after the other.
///
/// ```
/// use mountwright_core::{MountFlags, Recursion};
/// use mountwright_core::spec::MountOptions;
///
/// let options = MountOptions::parse(["rbind", "rro", "nosuid", "size=64k"])?;
/// assert_eq!(options.bind, Some(Recursion::Tree));
/// assert!(options.is_read_only() && options.attributes.set() == MountFlags::NO_SUID);
/// assert_eq!(options.filesystem[0].key, "size");
/// # Ok::<(), mountwright_core::spec::UnusableOption>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountOptions {
    /// `bind` or `rbind`: a bind, of one mount or of the tree. `None`: no bind.
    pub bind: Option<Recursion>,
    /// The changes of the mount's attributes; attributes without a word stay.
    pub attributes: AttributeChange,
    /// The changes of the attributes of every mount of the tree, applied last.
    pub tree_attributes: AttributeChange,
    /// The propagation types, in the order in which they are to be applied.
    pub propagation: Vec<PropagationWord>,
    /// The properties of the superblock that are on: `sync`, `dirsync`, `mand`, `lazytime`, `iversion`, `silent`. Without
    /// effect on a bind.
    pub superblock: Vec<&'static str>,
    /// `remount`: a change of the existing mount.
    pub remount: bool,
    /// `tmpcopyup`: the contents of the mount point are to be copied into the new tmpfs
    /// ([`MountRequest::copying_up`](crate::mount::MountRequest::copying_up)).
    pub copy_up: bool,
    /// `idmap` or `ridmap`: owners are to be mapped. This library does not do that, so
    /// [`Mount::from_runtime_spec`](crate::spec::Mount::from_runtime_spec) refuses such a mount.
    pub id_map: Option<Recursion>,
    /// The filesystem's own options, in order. They may hold secrets; `Debug` leaves the values out.
    pub filesystem: Vec<FilesystemOption>,
    /// Words that no kernel takes: `_netdev`, `nofail`, `user`, `x-systemd.automount`. Nothing in this library acts on them;
    /// the attributes that mount(8) derives from `user`, `users`, `owner` and `group` (`nosuid`, `nodev`, `noexec`) are not
    /// set.
    pub userspace: Vec<String>,
}

/// Attributes as they are collected from words.
#[derive(Default)]
struct Collected {
    set: MountFlags,
    clear: MountFlags,
    /// The words for atime classes that are in force.
    atimes: Vec<AtimeMode>,
    /// True where any word is about the atime class.
    names_atime: bool,
}

impl Collected {
    fn flag(&mut self, flag: MountFlags, on: bool) {
        let (to, from) = if on { (&mut self.set, &mut self.clear) } else { (&mut self.clear, &mut self.set) };
        *to |= flag;
        *from = from.without(flag);
    }

    fn atime(&mut self, mode: AtimeMode, on: bool) {
        self.names_atime = true;
        self.atimes.retain(|other| *other != mode);
        if on {
            self.atimes.push(mode);
        }
    }

    /// As [`atime`](Self::atime), for the tree: `MOUNT_ATTR_RELATIME` is no bit, so its word sets none and the word against
    /// it clears the whole field.
    fn tree_atime(&mut self, mode: AtimeMode, on: bool) {
        self.names_atime = true;
        match mode {
            AtimeMode::Relative if on => {}
            AtimeMode::Relative => self.atimes.clear(),
            mode => self.atime(mode, on),
        }
    }

    /// The change. Between atime classes it decides as mount(2) does; words that leave none ask for the kernel's default.
    fn change(&self) -> AttributeChange {
        let named = [AtimeMode::Strict, AtimeMode::Never].into_iter().find(|mode| self.atimes.contains(mode));
        let atime = named.or(self.names_atime.then_some(AtimeMode::Relative));
        // No flag is in both sets: `flag` keeps them apart.
        AttributeChange::new(self.set, self.clear, atime).unwrap_or_default()
    }
}

impl MountOptions {
    /// Reads an option list.
    ///
    /// # Errors
    ///
    /// [`UnusableOption`], naming the word: it is empty, has a NUL, is longer than a page, contradicts another, maps owners,
    /// or asks for a loop device.
    pub fn parse<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Result<Self, UnusableOption> {
        let mut options = Self::default();
        let (mut own, mut tree) = (Collected::default(), Collected::default());
        let entries: Vec<W> = words.into_iter().collect();
        for word in entries.iter().flat_map(|entry| words_of(entry.as_ref())) {
            match OptionWord::of(word) {
                OptionWord::Nothing => {}
                OptionWord::Bind(reach) => options.bind = Some(wider(options.bind, reach)),
                OptionWord::IdMap(reach) => options.id_map = Some(reach),
                OptionWord::Attribute { flag, on, reach: Recursion::This } => own.flag(flag, on),
                OptionWord::Attribute { flag, on, reach: Recursion::Tree } => tree.flag(flag, on),
                OptionWord::Atime { mode, on, reach: Recursion::This } => own.atime(mode, on),
                OptionWord::Atime { mode, on, reach: Recursion::Tree } => {
                    tree.tree_atime(mode, on);
                    if let [one, other] = tree.atimes[..] {
                        let other = if word == tree_word(other) { one } else { other };
                        return Err(UnusableOption::contradiction(word, tree_word(other)));
                    }
                }
                OptionWord::Propagation(propagation) => options.propagation.push(propagation),
                OptionWord::Superblock { word, on } => {
                    options.superblock.retain(|other| *other != word);
                    options.superblock.extend(on.then_some(word));
                }
                OptionWord::Remount => options.remount = true,
                OptionWord::TmpCopyUp => options.copy_up = true,
                OptionWord::Userspace => options.userspace.push(word.to_owned()),
                OptionWord::Refused(reason) => return Err(UnusableOption::new(word, reason)),
                OptionWord::Filesystem => options.filesystem.push(filesystem_option(word)),
            }
        }
        options.attributes = own.change();
        options.tree_attributes = tree.change();
        Ok(options)
    }

    /// True where the mount itself is to be read-only.
    pub fn is_read_only(&self) -> bool {
        let says = |change: AttributeChange| {
            let read_only = MountFlags::READ_ONLY;
            if change.set().contains(read_only) {
                Some(true)
            } else {
                change.clear().contains(read_only).then_some(false)
            }
        };
        says(self.tree_attributes).or(says(self.attributes)).unwrap_or(false)
    }

    /// An option list with the same meaning: reading it gives an equal value.
    ///
    /// The filesystem's options are included with their values.
    pub fn to_words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let by_reach = |reach: Option<Recursion>, this: &str, tree: &str| {
            reach.map(|reach| if reach == Recursion::This { this.to_owned() } else { tree.to_owned() })
        };
        words.extend(by_reach(self.bind, "bind", "rbind"));
        words.extend(self.remount.then(|| "remount".to_owned()));
        words.extend(self.superblock.iter().map(|word| (*word).to_owned()));
        attribute_words(&mut words, "", self.attributes);
        attribute_words(&mut words, "r", self.tree_attributes);
        words.extend(self.propagation.iter().map(ToString::to_string));
        words.extend(self.copy_up.then(|| "tmpcopyup".to_owned()));
        words.extend(by_reach(self.id_map, "idmap", "ridmap"));
        words.extend(self.userspace.iter().cloned());
        // They came from `str`s, or from a caller that filled the public field.
        words.extend(self.filesystem.iter().map(|option| {
            let key = option.key.to_string_lossy();
            option.value.as_ref().map_or(key.to_string(), |value| format!("{key}={}", value.to_string_lossy()))
        }));
        words
    }
}

fn attribute_words(words: &mut Vec<String>, reach: &str, change: AttributeChange) {
    for (flag, set, clear) in ATTRIBUTES {
        words.extend(change.set().contains(flag).then(|| format!("{reach}{set}")));
        words.extend(change.clear().contains(flag).then(|| format!("{reach}{clear}")));
    }
    words.extend(ATIMES.iter().filter(|row| Some(row.0) == change.atime()).map(|row| format!("{reach}{}", row.1)));
}

fn wider(before: Option<Recursion>, reach: Recursion) -> Recursion {
    if before == Some(Recursion::Tree) { Recursion::Tree } else { reach }
}

fn tree_word(mode: AtimeMode) -> String {
    ATIMES.iter().find(|row| row.0 == mode).map_or_else(String::new, |row| format!("r{}", row.1))
}

fn filesystem_option(word: &str) -> FilesystemOption {
    match word.split_once('=') {
        Some((key, value)) => FilesystemOption::with_value(key, value),
        None => FilesystemOption::flag(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(words: &str) -> MountOptions {
        MountOptions::parse(words.split_whitespace()).unwrap()
    }

    #[test]
    fn the_later_word_decides() {
        for (words, set, clear) in [
            ("ro rw", "", "ro"),
            ("rw ro", "ro", ""),
            ("nosuid nodev suid", "nodev", "nosuid"),
            ("symfollow nosymfollow noexec", "noexec,nosymfollow", ""),
        ] {
            let change = parse(words).attributes;
            assert_eq!((change.set().to_string(), change.clear().to_string()), (set.into(), clear.into()), "{words}");
        }
        assert_eq!(parse("sync lazytime async silent loud").superblock, ["lazytime"]);
    }

    #[test]
    fn the_tree_comes_after_all_else_and_the_later_word_decides_there_too() {
        for (words, read_only) in [
            ("rro", true),
            ("rro rw", true),
            ("ro rrw", false),
            ("rro rrw", false),
            ("rrw rro", true),
            ("ro", true),
            ("", false),
        ] {
            assert_eq!(parse(words).is_read_only(), read_only, "{words}");
        }
    }

    #[test]
    fn atime_words_mean_what_the_kernel_makes_of_them() {
        for (words, atime) in [
            ("noatime", Some(AtimeMode::Never)),
            ("noatime strictatime", Some(AtimeMode::Strict)),
            ("strictatime noatime", Some(AtimeMode::Strict)),
            ("relatime noatime", Some(AtimeMode::Never)),
            ("noatime atime", Some(AtimeMode::Relative)),
            ("atime", Some(AtimeMode::Relative)),
            ("strictatime nostrictatime relatime", Some(AtimeMode::Relative)),
            ("norelatime", Some(AtimeMode::Relative)),
            ("nodiratime", None),
        ] {
            assert_eq!(parse(words).attributes.atime(), atime, "{words}");
        }
        for (words, atime) in [
            ("ratime", AtimeMode::Relative),
            ("rnorelatime", AtimeMode::Relative),
            ("rnostrictatime rnoatime", AtimeMode::Never),
            ("rnoatime rnoatime", AtimeMode::Never),
            ("rnoatime ratime", AtimeMode::Relative),
            ("rstrictatime rnostrictatime", AtimeMode::Relative),
            ("rnoatime rnorelatime", AtimeMode::Relative),
            ("rrelatime rnoatime", AtimeMode::Never),
            ("rnoatime rrelatime", AtimeMode::Never),
            ("rstrictatime ratime", AtimeMode::Strict),
            ("rnoatime ratime rstrictatime", AtimeMode::Strict),
        ] {
            assert_eq!(parse(words).tree_attributes.atime(), Some(atime), "{words}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let error = |words: &[&str]| MountOptions::parse(words).unwrap_err().to_string();
        assert_eq!(error(&["ro", ""]), "mount option \"\" cannot be used: it is empty");
        assert_eq!(
            error(&["a\0b"]),
            "mount option \"a\\0b\" cannot be used: it has a NUL, which ends a text for the kernel"
        );
        assert_eq!(
            error(&["rnoatime", "ro", "rstrictatime"]),
            "mount option \"rstrictatime\" cannot be used: it contradicts \"rnoatime\""
        );
    }

    #[test]
    fn a_value_in_an_error_may_be_a_secret() {
        let error = MountOptions::parse(["password=hunter2\0"]).unwrap_err();
        assert_eq!(error.word(), "password=…");
        assert_eq!(error.reason(), "it has a NUL, which ends a text for the kernel");
        assert_eq!(
            error.to_string(),
            "mount option \"password=…\" cannot be used: it has a NUL, which ends a text for the kernel"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_attribute_is_kept_apart() {
        let options = parse("bind rbind bind rslave unbindable remount tmpcopyup ridmap size=64k=1 huge defaults");
        assert_eq!((options.bind, options.id_map), (Some(Recursion::Tree), Some(Recursion::Tree)));
        assert_eq!(options.propagation, ["rslave".parse().unwrap(), "unbindable".parse().unwrap()]);
        assert!(options.remount && options.copy_up);
        let expected = [FilesystemOption::with_value("size", "64k=1"), FilesystemOption::flag("huge")];
        assert_eq!(options.filesystem, expected);
    }

    #[test]
    fn joined_words_are_read_one_by_one() {
        let options = parse("lowerdir=/l,ro size=64k,nosuid,_netdev");
        assert!(options.is_read_only() && options.attributes.set().contains(MountFlags::NO_SUID));
        assert_eq!(options.userspace, ["_netdev"]);
        let expected = [FilesystemOption::with_value("lowerdir", "/l"), FilesystemOption::with_value("size", "64k")];
        assert_eq!(options.filesystem, expected);
        assert_eq!(MountOptions::parse(["ro,loop"]).unwrap_err().word(), "loop");
    }

    proptest! {
        #[test]
        fn no_word_is_lost(words in prop::collection::vec(crate::strategies::option_word(), 0..12)) {
            let Ok(options) = MountOptions::parse(&words) else { return Ok(()) };
            let split = words.iter().flat_map(|entry| words_of(entry));
            let (mut filesystem, mut userspace) = (0, 0);
            for word in split {
                filesystem += usize::from(OptionWord::of(word) == OptionWord::Filesystem);
                userspace += usize::from(OptionWord::of(word) == OptionWord::Userspace);
            }
            prop_assert_eq!((options.filesystem.len(), options.userspace.len()), (filesystem, userspace));
        }

        #[test]
        fn its_own_words_mean_the_same(words in prop::collection::vec(crate::strategies::option_word(), 0..12)) {
            let Ok(options) = MountOptions::parse(&words) else { return Ok(()) };
            let written = options.to_words();
            prop_assert_eq!(MountOptions::parse(&written), Ok(options), "{:?}", written);
        }
    }
}
