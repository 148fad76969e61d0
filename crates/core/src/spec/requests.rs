//! Requests of an option list: every word is served, or named.

use std::ffi::OsString;
use std::fmt;

use crate::mount::{BindRequest, FilesystemOption, MountAttributes, MountRequest, Propagation, Recursion};
use crate::path::Location;
use crate::spec::option_word::nearest;
use crate::spec::{MountOptions, UnusableOption};

/// The words of an option list that a request cannot serve, in the order of [`MountOptions`]' fields; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnservedOptions(pub Vec<UnusableOption>);

impl fmt::Display for UnservedOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fmt::Display::fmt(option, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for UnservedOptions {}

impl BindRequest {
    /// A bind with these options, recursive where they say `rbind`.
    ///
    /// Every word is in the request, in [`MountOptions::userspace`], or in the error. Words about the tree change every mount
    /// of it, the others the mount on the target alone (`rbind,ro`); those about propagation apply in their order. A caller that serves a word itself takes it out of
    /// `options` first.
    ///
    /// # Errors
    ///
    /// [`UnservedOptions`]: options of a filesystem (a misspelt word is one; the nearest known word is suggested),
    /// properties of a superblock, `remount`, `tmpcopyup`, `idmap` and `ridmap`.
    ///
    /// ```
    /// use mountwright_core::spec::MountOptions;
    /// use mountwright_core::{BindRequest, Location};
    ///
    /// let bind = |words: &[&str]| {
    ///     let options = MountOptions::parse(words).unwrap();
    ///     BindRequest::from_options(Location::trusted("/s"), Location::trusted("/t"), &options)
    /// };
    /// let request = bind(&["rbind", "ro", "rslave"]).unwrap();
    /// assert!(request.change().is_nothing() && !request.top_change().is_nothing());
    /// let unserved = bind(&["bind", "nosiud", "sync"]).unwrap_err();
    /// assert_eq!((unserved.0[0].word(), unserved.0[1].word()), ("sync", "nosiud"));
    /// ```
    pub fn from_options(source: Location, target: Location, options: &MountOptions) -> Result<Self, UnservedOptions> {
        let recursion = options.bind.unwrap_or_default();
        let mut unserved = Unserved::default();
        unserved.of_no_new_mount(options);
        if options.copy_up {
            unserved.push("tmpcopyup", "a bind copies nothing");
        }
        for word in &options.superblock {
            unserved.push(word, "a bind leaves the superblock as it is");
        }
        unserved.0.extend(options.filesystem.iter().map(no_option_of_a_bind));
        let request = Self::new(source, target).top_attributes(options.attributes).attributes(options.tree_attributes);
        let request = if recursion == Recursion::Tree { request.recursive() } else { request };
        unserved.or(request.propagations(options.propagation.iter().copied()))
    }
}

impl MountRequest {
    /// A mount of a new filesystem with these options, without a source.
    ///
    /// Every word is in the request, in [`MountOptions::userspace`], or in the error. Words about the tree apply to the new
    /// mount, as it is the whole tree. `ro` is an attribute of the mount; a disk that is itself read-only needs the
    /// superblock's [`FilesystemOption::flag`]`("ro")` besides.
    ///
    /// # Errors
    ///
    /// [`UnservedOptions`]: `bind`, `rbind`, `remount`, `idmap` and `ridmap`, and `tmpcopyup` of another type than tmpfs.
    pub fn from_options(
        fs_type: impl Into<OsString>,
        target: Location,
        options: &MountOptions,
    ) -> Result<Self, UnservedOptions> {
        let mut unserved = Unserved::default();
        if let Some(recursion) = options.bind {
            unserved.push(by_reach(recursion, "bind", "rbind"), "a new filesystem is no bind");
        }
        unserved.of_no_new_mount(options);
        let superblock = options.superblock.iter().map(|word| FilesystemOption::flag(*word));
        let fs_type = fs_type.into();
        if options.copy_up && fs_type != "tmpfs" {
            unserved.push("tmpcopyup", "only a tmpfs takes it");
        }
        unserved.or(Self {
            copies_up: options.copy_up,
            attributes: MountAttributes::default().changed_by(options.attributes).changed_by(options.tree_attributes),
            options: superblock.chain(options.filesystem.iter().cloned()).collect(),
            propagation: options.propagation.iter().map(|word| word.propagation).reduce(after),
            ..Self::new(fs_type, target)
        })
    }
}

/// The words that are not served, as they are found.
#[derive(Default)]
struct Unserved(Vec<UnusableOption>);

impl Unserved {
    fn push(&mut self, word: &str, reason: &str) {
        self.0.push(UnusableOption::new(word, reason));
    }

    /// Words that no new mount serves.
    fn of_no_new_mount(&mut self, options: &MountOptions) {
        if options.remount {
            self.push("remount", "it changes an existing mount (AttributesRequest)");
        }
        if let Some(recursion) = options.id_map {
            let word = by_reach(recursion, "idmap", "ridmap");
            self.push(word, "mounts with mapped owners are not supported");
        }
    }

    fn or<T>(self, request: T) -> Result<T, UnservedOptions> {
        if self.0.is_empty() { Ok(request) } else { Err(UnservedOptions(self.0)) }
    }
}

/// The propagation of a new mount that has the first type and is given the later one: without a master or peers elsewhere a
/// slave is private, and an unbindable mount stays one.
fn after(first: Propagation, later: Propagation) -> Propagation {
    match (first, later) {
        (Propagation::Unbindable, Propagation::Slave) => Propagation::Unbindable,
        (_, Propagation::Slave) => Propagation::Private,
        _ => later,
    }
}

fn by_reach(recursion: Recursion, this: &'static str, tree: &'static str) -> &'static str {
    if recursion == Recursion::This { this } else { tree }
}

/// The refusal of an option of a filesystem on a bind, with the nearest known word.
pub(crate) fn no_option_of_a_bind(option: &FilesystemOption) -> UnusableOption {
    let (key, has_value) = (option.key.to_string_lossy(), option.value.is_some());
    let reason = match nearest(&key).filter(|_| !has_value) {
        Some(near) => format!("a bind takes no option of a filesystem; the nearest word is {near:?}"),
        None => "a bind takes no option of a filesystem".to_owned(),
    };
    let word = if has_value { format!("{key}=") } else { key.into_owned() };
    UnusableOption::new(&word, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{AtimeMode, AttributeChange, MountFlags};
    use crate::spec::option_word::{OptionWord, words_of};
    use proptest::prelude::*;

    fn at(path: &str) -> Location {
        Location::trusted(path)
    }

    fn bind(words: &str) -> Result<BindRequest, UnservedOptions> {
        let options = MountOptions::parse(words.split_whitespace()).unwrap();
        BindRequest::from_options(at("/s"), at("/t"), &options)
    }

    fn mount(words: &str) -> Result<MountRequest, UnservedOptions> {
        MountRequest::from_options("tmpfs", at("/t"), &MountOptions::parse(words.split_whitespace()).unwrap())
    }

    #[test]
    fn a_bind_has_the_words_where_they_reach() {
        let request = bind("rbind ro rnosuid rslave x-gvfs-hide").unwrap();
        let new = BindRequest::new(at("/s"), at("/t")).recursive().propagation(Propagation::Slave);
        let no_suid = AttributeChange::setting(MountFlags::NO_SUID);
        assert_eq!(request, new.top_attributes(AttributeChange::READ_ONLY).attributes(no_suid));
        let one = bind("bind ro rnosuid slave rslave").unwrap();
        assert_eq!(one.change(), AttributeChange::READ_ONLY.and_then(no_suid));
        assert_eq!((one.recursion(), one.wanted_propagation()), (Recursion::This, Some(Propagation::Slave)));
        let words = bind("rbind rslave shared").unwrap().propagation_words();
        assert_eq!(words, ["rslave".parse().unwrap(), "shared".parse().unwrap()]);
    }

    #[test]
    fn a_new_mount_has_every_word() {
        let request = mount("rro nodev noatime rstrictatime size=64k sync shared _netdev").unwrap();
        let flags = MountFlags::READ_ONLY | MountFlags::NO_DEV;
        assert_eq!(request.attributes, MountAttributes { flags, atime: AtimeMode::Strict });
        assert_eq!(request.options, [FilesystemOption::flag("sync"), FilesystemOption::with_value("size", "64k")]);
        assert_eq!(request.propagation, Some(Propagation::Shared));
        for (words, propagation) in [
            ("slave", Some(Propagation::Slave)),
            ("slave rshared", Some(Propagation::Shared)),
            ("shared slave", Some(Propagation::Private)),
            ("unbindable slave", Some(Propagation::Unbindable)),
            ("", None),
        ] {
            assert_eq!(mount(words).unwrap().propagation, propagation, "{words}");
        }
    }

    #[test]
    fn every_word_that_is_not_served_is_named() {
        let named = |unserved: UnservedOptions| unserved.0.iter().map(|one| one.word().to_owned()).collect::<Vec<_>>();
        let of_bind = bind("rbind sync remount tmpcopyup ridmap size=64k nosiud slave").unwrap_err();
        assert_eq!(named(of_bind), ["remount", "ridmap", "tmpcopyup", "sync", "size=…", "nosiud"]);
        let of_mount = mount("rbind remount tmpcopyup idmap slave shared size=64k").unwrap_err();
        assert_eq!(named(of_mount), ["rbind", "remount", "idmap"]);
        assert!(mount("tmpcopyup").unwrap().copies_up);
        let options = MountOptions::parse(["tmpcopyup"]).unwrap();
        assert_eq!(named(MountRequest::from_options("ramfs", at("/t"), &options).unwrap_err()), ["tmpcopyup"]);
        assert_eq!(
            bind("bind nosiud sync slave private").unwrap_err().to_string(),
            "mount option \"sync\" cannot be used: a bind leaves the superblock as it is; mount option \"nosiud\" cannot \
             be used: a bind takes no option of a filesystem; the nearest word is \"nosuid\""
        );
    }

    /// True of a word that a bind serves, and of a word for userspace.
    fn is_of_a_bind(word: &str) -> bool {
        use OptionWord as W;
        matches!(
            OptionWord::of(word),
            W::Nothing | W::Bind(_) | W::Attribute { .. } | W::Atime { .. } | W::Propagation(_) | W::Userspace
        )
    }

    proptest! {
        #[test]
        fn a_request_serves_every_word_or_names_one(words in prop::collection::vec(crate::strategies::option_word(), 0..8)) {
            let Ok(options) = MountOptions::parse(&words) else { return Ok(()) };
            let all: Vec<&str> = words.iter().flat_map(|entry| words_of(entry)).collect();
            match BindRequest::from_options(at("/s"), at("/t"), &options) {
                Ok(request) => {
                    // A word that turns a property off is served where nothing turns it on.
                    let off = |word: &&str| matches!(OptionWord::of(word), OptionWord::Superblock { .. });
                    prop_assert!(all.iter().filter(|word| !off(word)).all(|word| is_of_a_bind(word)), "{all:?}");
                    prop_assert!(options.superblock.is_empty());
                    prop_assert_eq!(request.propagation_words().len(), options.propagation.len());
                    let both = request.top_change().and_then(request.change());
                    prop_assert_eq!(both, options.attributes.and_then(options.tree_attributes));
                }
                Err(UnservedOptions(named)) => prop_assert!(!named.is_empty()),
            }
            let request = MountRequest::from_options("t", at("/t"), &options);
            let unserved = options.bind.is_some() || options.remount || options.copy_up || options.id_map.is_some();
            prop_assert_eq!(request.is_err(), unserved, "of another type than tmpfs");
            if let Ok(request) = request {
                prop_assert_eq!(request.options.len(), options.superblock.len() + options.filesystem.len());
            }
        }
    }
}
