//! `MountOptions` against runc's reading of the same words (`runc_options.txt`): every word, every ordered pair.

use std::collections::{BTreeMap, BTreeSet};

use mountwright_core::mount::AtimeMode;
use mountwright_core::spec::MountOptions;
use mountwright_core::{AttributeChange, Recursion};

const TABLE: &str = include_str!("runc_options.txt");
const ATTRIBUTES: [&str; 6] = ["ro", "nosuid", "nodev", "noexec", "nosymfollow", "nodiratime"];
const CLASSES: [&str; 3] = ["strictatime", "noatime", "relatime"];
const SUPERBLOCK: [&str; 6] = ["sync", "dirsync", "mand", "lazytime", "iversion", "silent"];

/// The meaning of a list, field by field.
type Meaning = BTreeMap<&'static str, String>;

struct Word {
    text: &'static str,
    class: &'static str,
    argument: &'static str,
}

/// Flags that are set and flags that are cleared.
#[derive(Default)]
struct Flags {
    set: BTreeSet<&'static str>,
    clear: BTreeSet<&'static str>,
}

impl Flags {
    fn word(&mut self, flags: &'static str, on: bool) {
        let (to, from) = if on { (&mut self.set, &mut self.clear) } else { (&mut self.clear, &mut self.set) };
        for flag in flags.split(',') {
            from.remove(flag);
            to.insert(flag);
        }
    }

    /// The attributes as text: set, cleared, atime class. A class that is cleared and not replaced is the default.
    fn attributes(&self) -> String {
        let of = |flags: &BTreeSet<&str>| {
            ATTRIBUTES.into_iter().filter(|flag| flags.contains(flag)).collect::<Vec<_>>().join(",")
        };
        let class = CLASSES.into_iter().find(|class| self.set.contains(class));
        let cleared = CLASSES.into_iter().any(|class| self.clear.contains(class));
        let class = class.or(cleared.then_some("relatime"));
        format!("+{} -{} {}", of(&self.set), of(&self.clear), class.unwrap_or_default())
    }
}

fn by_runc(list: &[&Word]) -> Meaning {
    let (mut own, mut tree) = (Flags::default(), Flags::default());
    let (mut propagation, mut data) = (Vec::new(), Vec::new());
    let (mut copy_up, mut id_map) = ("", "");
    for Word { text, class, argument } in list {
        match *class {
            "set" => own.word(argument, true),
            "clear" => own.word(argument, false),
            "tree-set" => tree.word(argument, true),
            "tree-clear" => tree.word(argument, false),
            "propagation" => propagation.push(*text),
            "copy-up" => copy_up = "yes",
            "id-map" => id_map = text,
            "data" => data.push(*text),
            other => panic!("{other} is no class"),
        }
    }
    if tree.set.contains("noatime") && tree.set.contains("strictatime") {
        // Both bits of the field: mount_setattr(2) is EINVAL.
        return Meaning::from([("refused", "yes".to_owned())]);
    }
    let has = |flag: &str| own.set.contains(flag);
    let superblock: Vec<_> = SUPERBLOCK.into_iter().filter(|flag| has(flag)).collect();
    let bind = if has("rec") { "rbind" } else { "bind" };
    Meaning::from([
        ("own", own.attributes()),
        ("tree", tree.attributes()),
        ("bind", if has("bind") { bind } else { "" }.to_owned()),
        ("remount", has("remount").to_string()),
        ("superblock", superblock.join(",")),
        ("propagation", propagation.join(",")),
        ("copy-up", copy_up.to_owned()),
        ("id-map", id_map.to_owned()),
        ("filesystem", data.join(",")),
        ("userspace", String::new()),
    ])
}

fn here(list: &[&Word]) -> Meaning {
    let Ok(options) = MountOptions::parse(list.iter().map(|word| word.text)) else {
        return Meaning::from([("refused", "yes".to_owned())]);
    };
    let by_reach = |reach: Option<Recursion>, this: &str, tree: &str| match reach {
        None => String::new(),
        Some(Recursion::This) => this.to_owned(),
        Some(Recursion::Tree) => tree.to_owned(),
    };
    let filesystem = options.filesystem.iter().map(|option| match &option.value {
        Some(value) => format!("{}={}", option.key.display(), value.display()),
        None => option.key.display().to_string(),
    });
    let superblock: Vec<_> = SUPERBLOCK.into_iter().filter(|word| options.superblock.contains(word)).collect();
    Meaning::from([
        ("own", attributes(options.attributes)),
        ("tree", attributes(options.tree_attributes)),
        ("bind", by_reach(options.bind, "bind", "rbind")),
        ("remount", options.remount.to_string()),
        ("superblock", superblock.join(",")),
        ("propagation", options.propagation.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        ("copy-up", if options.copy_up { "yes" } else { "" }.to_owned()),
        ("id-map", by_reach(options.id_map, "idmap", "ridmap")),
        ("filesystem", filesystem.collect::<Vec<_>>().join(",")),
        ("userspace", options.userspace.join(",")),
    ])
}

fn attributes(change: AttributeChange) -> String {
    let class = change.atime().map_or("", |class| match class {
        AtimeMode::Strict => "strictatime",
        AtimeMode::Never => "noatime",
        AtimeMode::Relative => "relatime",
    });
    let of = |flags: String| {
        ATTRIBUTES.into_iter().filter(|flag| flags.split(',').any(|word| word == *flag)).collect::<Vec<_>>().join(",")
    };
    format!("+{} -{} {class}", of(change.set().to_string()), of(change.clear().to_string()))
}

fn lines(kind: &str) -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter_map(move |line| line.strip_prefix(kind)?.strip_prefix(' '))
}

fn words() -> Vec<Word> {
    lines("word")
        .map(|line| {
            let mut parts = line.split(' ');
            let (text, class) = (parts.next().unwrap(), parts.next().unwrap());
            Word { text, class, argument: parts.next().unwrap_or_default() }
        })
        .collect()
}

/// The listed differences: the word or the pair, the fields.
fn differences() -> Vec<(&'static str, Vec<&'static str>)> {
    let difference = |line: &'static str| {
        let mut parts = line.splitn(3, ' ');
        let (words, fields) = (parts.next().unwrap(), parts.next().unwrap());
        assert!(parts.next().is_some_and(|reason| !reason.is_empty()), "{line}: a difference has a reason");
        (words, fields.split(',').collect())
    };
    lines("differs").map(difference).collect()
}

#[test]
fn every_word_and_every_pair_means_what_it_means_to_runc_or_is_listed() {
    let (words, listed) = (words(), differences());
    let single = words.iter().map(|word| vec![word]);
    let pairs = words.iter().flat_map(|one| words.iter().map(move |other| vec![one, other]));
    let mut occurred = BTreeSet::new();
    let (mut lists, mut unlisted) = (0, Vec::new());
    for list in single.chain(pairs) {
        lists += 1;
        let (runc, ours) = (by_runc(&list), here(&list));
        let refused = runc.contains_key("refused") != ours.contains_key("refused");
        let differing: Vec<&str> = if refused {
            vec!["refused"]
        } else {
            runc.keys().copied().filter(|field| runc[field] != ours[field]).collect()
        };
        let name = list.iter().map(|word| word.text).collect::<Vec<_>>().join(",");
        let concerns = |words: &str| words == name || list.iter().any(|word| word.text == words);
        for field in differing {
            let difference = listed.iter().find(|(words, fields)| concerns(words) && fields.contains(&field));
            if let Some((words, _)) = difference {
                occurred.insert((*words, field));
            } else {
                let (runc, ours) = (runc.get(field), ours.get(field));
                unlisted.push(format!("{name}: {field}: runc {runc:?}, here {ours:?}"));
            }
        }
    }
    assert!(unlisted.is_empty(), "{} of {lists} lists:\n{}", unlisted.len(), unlisted.join("\n"));
    for (words, fields) in &listed {
        for field in fields {
            assert!(occurred.contains(&(*words, field)), "{words}: {field} no longer differs: take it off the list");
        }
    }
    println!("{} words, {lists} lists, {} listed differences, 0 unlisted", words.len(), listed.len());
}
