//! The words of option lists.

use mountwright_core::mount::{AtimeMode, FilesystemOption, MountAttributes, PropagationWord};
use mountwright_core::spec::{Mount, MountOptions, UnservedOptions, UnusableMount};
use mountwright_core::{AttributeChange, BindRequest, Location, MountFlags, MountRequest, Propagation, Recursion};
use oci_spec::runtime;

/// The bytes are a list of options, with commas between.
pub fn check(data: &[u8]) {
    let list = String::from_utf8_lossy(data);
    let words: Vec<&str> = list.split(',').collect();
    let places = Places::of(&words);
    words.iter().for_each(|word| propagation(word));
    flags(&words);
    let refused = refused(&words);
    match MountOptions::parse(&words) {
        Ok(options) => {
            assert_eq!(refused, None, "what cannot be used is refused");
            let written = options.to_words();
            assert_eq!(MountOptions::parse(&written).as_ref(), Ok(&options), "print then parse is identity");
            understood(&words, &places, &options);
            served(&options);
        }
        Err(error) => {
            let word = refused.expect("what can be used is not refused");
            let key = word.split_once('=').map_or_else(|| word.to_owned(), |(key, _)| format!("{key}=…"));
            assert_eq!(error.word(), key, "the error names the word, without its value");
        }
    }
    if !list.contains(['"', '\\']) && words.iter().all(|word| !word.is_empty()) {
        assert_eq!(MountOptions::parse([&*list]), MountOptions::parse(&words), "joined words are read one by one");
    }
    // What surrounds the list is the same for a long one.
    if data.len() <= 128 {
        mount(&words, &places, refused);
    }
}

/// Every word of the specification, sorted.
const KNOWN: [&str; 62] = [
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "idmap",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
    "nolazytime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "rdiratime",
    "relatime",
    "remount",
    "rexec",
    "ridmap",
    "rnoatime",
    "rnodev",
    "rnodiratime",
    "rnoexec",
    "rnorelatime",
    "rnostrictatime",
    "rnosuid",
    "rnosymfollow",
    "ro",
    "rprivate",
    "rrelatime",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "rstrictatime",
    "rsuid",
    "rsymfollow",
    "runbindable",
    "rw",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "tmpcopyup",
    "unbindable",
];

/// The last position of each word of the specification in a list, counted from 1; 0 if it is missing.
struct Places([u32; KNOWN.len()]);

impl Places {
    fn of(words: &[&str]) -> Self {
        let mut places = [0; KNOWN.len()];
        for (place, word) in (1..).zip(words) {
            if let Ok(known) = KNOWN.binary_search(word) {
                places[known] = place;
            }
        }
        Self(places)
    }

    fn last(&self, word: &str) -> u32 {
        self.0[KNOWN.binary_search(&word).expect("a word of the specification")]
    }

    fn has(&self, word: &str) -> bool {
        self.last(word) > 0
    }

    /// The later one of two words: the first or the second; `None` if the list has neither.
    fn later(&self, [one, other]: [&str; 2]) -> Option<usize> {
        let (one, other) = (self.last(one), self.last(other));
        (one != other).then_some(usize::from(other > one))
    }
}

/// The word that the list is refused for.
fn refused<'a>(words: &[&'a str]) -> Option<&'a str> {
    let (mut never, mut strict) = (false, false);
    words.iter().copied().find(|word| {
        match *word {
            "rnoatime" => never = true,
            "ratime" => never = false,
            "rstrictatime" => strict = true,
            "rnostrictatime" => strict = false,
            "rnorelatime" => (never, strict) = (false, false),
            _ => {}
        }
        let id_map = ["idmap", "ridmap", "uidmap", "gidmap", "X-mount.idmap"].contains(&key(word));
        let unserved = KNOWN.binary_search(word).is_err() && (id_map || key(word) == "loop");
        never && strict || unserved || word.is_empty() || word.contains('\0') || word.len() > 4095
    })
}

fn key(word: &str) -> &str {
    word.split('=').next().unwrap_or(word)
}

/// Words that no kernel takes.
fn is_userspace(word: &str) -> bool {
    let known = "auto noauto user nouser users nousers owner noowner group nogroup _netdev _rnetdev nofail uhelper helper \
                 comment";
    let key = key(word);
    known.split(' ').any(|other| other == key) || key.starts_with("x-") || key.starts_with("X-")
}

/// Each attribute with the words that set and clear it, in one mount and in the tree.
const ATTRIBUTES: [(MountFlags, [&str; 2], [&str; 2]); 6] = [
    (MountFlags::READ_ONLY, ["ro", "rw"], ["rro", "rrw"]),
    (MountFlags::NO_SUID, ["nosuid", "suid"], ["rnosuid", "rsuid"]),
    (MountFlags::NO_DEV, ["nodev", "dev"], ["rnodev", "rdev"]),
    (MountFlags::NO_EXEC, ["noexec", "exec"], ["rnoexec", "rexec"]),
    (MountFlags::NO_DIR_ATIME, ["nodiratime", "diratime"], ["rnodiratime", "rdiratime"]),
    (MountFlags::NO_SYMLINK_FOLLOW, ["nosymfollow", "symfollow"], ["rnosymfollow", "rsymfollow"]),
];

/// The meaning of the list, by the specification and mount(2).
fn understood(words: &[&str], places: &Places, options: &MountOptions) {
    let has = |word: &str| places.has(word);
    let said = |change: AttributeChange, flag| (change.set().contains(flag), change.clear().contains(flag));
    for (flag, own, tree) in ATTRIBUTES {
        let expected = places.later(own);
        assert_eq!(said(options.attributes, flag), (expected == Some(0), expected == Some(1)), "the later one decides");
        let expected = places.later(tree);
        let expected = (expected == Some(0), expected == Some(1));
        assert_eq!(said(options.tree_attributes, flag), expected, "in the tree too");
    }
    let classes = [
        (AtimeMode::Strict, ["strictatime", "nostrictatime"]),
        (AtimeMode::Never, ["noatime", "atime"]),
        (AtimeMode::Relative, ["relatime", "norelatime"]),
    ];
    let class = classes.into_iter().find(|(_, both)| places.later(*both) == Some(0)).map(|(mode, _)| mode);
    let named = classes.into_iter().flat_map(|(_, both)| both).any(has).then_some(AtimeMode::Relative);
    assert_eq!(options.attributes.atime(), class.or(named), "without a class the kernel's default");
    let stands = |on, off| places.last(on) > places.last(off).max(places.last("rnorelatime"));
    let named = ["rrelatime", "rnorelatime", "rnoatime", "ratime", "rstrictatime", "rnostrictatime"];
    let class = match () {
        () if stands("rstrictatime", "rnostrictatime") => Some(AtimeMode::Strict),
        () if stands("rnoatime", "ratime") => Some(AtimeMode::Never),
        () => named.into_iter().any(has).then_some(AtimeMode::Relative),
    };
    assert_eq!(options.tree_attributes.atime(), class);

    let reach = |this, tree| if has(tree) { Some(Recursion::Tree) } else { has(this).then_some(Recursion::This) };
    assert_eq!(options.bind, reach("bind", "rbind"));
    let id_map = [Recursion::This, Recursion::Tree];
    assert_eq!(options.id_map, places.later(["idmap", "ridmap"]).map(|at| id_map[at]));
    assert_eq!((options.remount, options.copy_up), (has("remount"), has("tmpcopyup")));
    let superblock = ["sync", "dirsync", "mand", "lazytime", "iversion", "silent"];
    // Nothing turns `dirsync` off.
    let off = ["async", "defaults", "nomand", "nolazytime", "noiversion", "loud"];
    for (on, off) in superblock.into_iter().zip(off) {
        let expected = if on == "dirsync" { has(on) } else { places.later([on, off]) == Some(0) };
        assert_eq!(options.superblock.contains(&on), expected, "{on}");
    }

    let propagation: Vec<PropagationWord> =
        words.iter().filter(|word| !word.ends_with("ubind")).filter_map(|word| word.parse().ok()).collect();
    assert_eq!(options.propagation, propagation, "each in its order");
    let other = words.iter().copied().filter(|word| KNOWN.binary_search(word).is_err());
    let (userspace, filesystem): (Vec<&str>, Vec<&str>) = other.partition(|word| is_userspace(word));
    assert_eq!(options.userspace, userspace, "no word of userspace is lost");
    assert_eq!(options.filesystem.len(), filesystem.len(), "every other word is the filesystem's");
    for (option, word) in options.filesystem.iter().zip(filesystem) {
        let (key, value) = word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)));
        assert_eq!(option.key.to_str(), Some(key));
        assert_eq!(option.value.as_deref().map(|value| value.to_str().unwrap()), value);
    }
}

/// Of a request that is made of the list no word is lost: each is served, or named as unserved.
fn served(options: &MountOptions) {
    let target = || Location::trusted("/t");
    let id_map = options.id_map.map(|reach| if reach == Recursion::This { "idmap" } else { "ridmap" });
    let of_no_new_mount = options.remount.then_some("remount").into_iter();
    let of_no_new_mount = of_no_new_mount.chain(id_map);
    let copy_up = options.copy_up.then_some("tmpcopyup");
    let keys = || options.filesystem.iter().map(|option| option.key.to_str().expect("of a text"));
    let types: Vec<Propagation> = options.propagation.iter().map(|word| word.propagation).collect();
    let (own, tree) = (options.attributes, options.tree_attributes);

    let unserved: Vec<&str> = of_no_new_mount.clone().chain(copy_up).chain(options.superblock.iter().copied()).chain(keys()).collect();
    match BindRequest::from_options(Location::trusted("/s"), target(), options) {
        Ok(request) => {
            assert!(unserved.is_empty(), "{unserved:?} would be lost");
            assert_eq!(request.recursion(), options.bind.unwrap_or_default());
            assert_eq!(
                (request.propagation_words(), request.wanted_propagation()),
                (options.propagation.clone(), types.last().copied())
            );
            let (all, top) = match request.recursion() {
                Recursion::This => (own.and_then(tree), AttributeChange::NOTHING),
                Recursion::Tree => (tree, request.top_change()),
            };
            assert_eq!((request.change(), request.top_change()), (all, top));
            let defaults = MountAttributes::default();
            let expected = defaults.changed_by(own).changed_by(tree);
            assert_eq!(defaults.changed_by(request.top_change()).changed_by(request.change()), expected);
        }
        Err(error) => named(&error, &unserved),
    }

    let bind = options.bind.map(|reach| if reach == Recursion::This { "bind" } else { "rbind" });
    let unserved: Vec<&str> = bind.into_iter().chain(of_no_new_mount).collect();
    match MountRequest::from_options("tmpfs", target(), options) {
        Ok(request) => {
            assert!(unserved.is_empty(), "{unserved:?} would be lost");
            assert_eq!(request.attributes, MountAttributes::default().changed_by(own).changed_by(tree));
            let is_slave = types.len() > 1 && types.last() == Some(&Propagation::Slave);
            assert!(is_slave && request.propagation.is_some() || request.propagation == types.last().copied());
            let all = options.superblock.iter().map(|word| FilesystemOption::flag(*word));
            assert!(
                request.options.iter().eq(all.chain(options.filesystem.iter().cloned()).collect::<Vec<_>>().iter())
            );
        }
        Err(error) => named(&error, &unserved),
    }
}

/// Each of these words is in the error, and no other.
fn named(error: &UnservedOptions, words: &[&str]) {
    let found: Vec<&str> = error.0.iter().map(|option| key(option.word())).collect();
    assert!(words.iter().all(|word| found.contains(&key(word))), "{words:?} of {found:?}");
    assert!(found.iter().all(|word| words.iter().any(|known| key(known) == *word)), "{found:?}");
    assert!(!words.is_empty());
}

fn propagation(word: &str) {
    match word.parse::<PropagationWord>() {
        Ok(parsed) => {
            let printed = parsed.to_string();
            assert_eq!(printed.parse(), Ok(parsed), "print then parse is identity");
            assert!(printed == word || word.ends_with("ubind"), "only the original's ubind has another spelling");
        }
        Err(error) => assert_eq!(error.0, word, "the error names the word"),
    }
}

fn flags(words: &[&str]) {
    let parsed = |words: &mut dyn Iterator<Item = &str>| {
        let flags = words.filter_map(|word| MountFlags::from_word(word.as_bytes()));
        flags.fold(MountFlags::NONE, |all, flag| all | flag)
    };
    let set = parsed(&mut words.iter().copied());
    let printed = set.to_string();
    assert_eq!(parsed(&mut printed.split(',')), set, "print then parse is identity");
    assert!(set.is_empty() || printed.split(',').all(|word| words.contains(&word)), "no word out of nothing");
}

fn mount(words: &[&str], places: &Places, refused: Option<&str>) {
    let options: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    match Mount::from_runtime_spec("/d", None, Some("/s"), &options) {
        Ok(mount) => {
            assert_eq!(mount.options, options, "every option is kept, in its order");
            assert_eq!(mount.is_bind(), places.has("bind") || places.has("rbind"));
            let read_only = match () {
                () if places.later(["rro", "rrw"]).is_some() => places.later(["rro", "rrw"]) == Some(0),
                () => places.later(["ro", "rw"]) == Some(0),
            };
            assert_eq!(mount.read_only, read_only);
            assert_eq!(Mount::try_from(&runtime::Mount::from(&mount)), Ok(mount), "there and back is identity");
        }
        Err(UnusableMount::Option { option, .. }) => match refused {
            Some(word) => assert_eq!(key(option.word()), key(word)),
            None => {
                assert!(places.has("bind") || places.has("rbind"), "only a bind takes no option of a filesystem");
                assert!(words.iter().any(|word| KNOWN.binary_search(word).is_err() && key(option.word()) == key(word)));
            }
        },
        Err(UnusableMount::IdMapping { what, .. }) => assert!(words.contains(&what) && refused.is_none()),
        Err(other) => panic!("{other}"),
    }
}
