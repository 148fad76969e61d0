//! Option words and lists of them.

use proptest::prelude::*;

use crate::spec::option_word::{ATIMES, ATTRIBUTES};

/// Words that are not about attributes, and words that are the filesystem's.
const OTHER: [&str; 49] = [
    "async",
    "sync",
    "dirsync",
    "mand",
    "nomand",
    "lazytime",
    "nolazytime",
    "iversion",
    "noiversion",
    "silent",
    "loud",
    "bind",
    "rbind",
    "remount",
    "defaults",
    "tmpcopyup",
    "idmap",
    "ridmap",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "unbindable",
    "runbindable",
    "size=64k",
    "mode=755",
    "password=a=b",
    "acl",
    "huge=",
    "=",
    "RO",
    "ro ",
    "rr",
    "ubind",
    "rsync",
    "",
    "é",
    "a\0b",
    "_netdev",
    "x-systemd.automount",
    "user=me",
    "loop",
    "idmap=uids=0-1-2",
    "size=64k,mode=700",
    "lowerdir=/l,ro,nofail",
    "context=\"s0:c1,c2\"",
    "nosiud",
];

/// One word of an option list: every word of the runtime specification, words of filesystems, and words that are
/// unusable.
pub(crate) fn option_word() -> impl Strategy<Value = String> {
    let attributes = ATTRIBUTES.iter().map(|row| (row.1, row.2)).chain(ATIMES.iter().map(|row| (row.1, row.2)));
    let mut words: Vec<String> = OTHER.iter().map(|word| (*word).to_owned()).collect();
    for (set, clear) in attributes {
        words.extend([set.to_owned(), clear.to_owned(), format!("r{set}"), format!("r{clear}")]);
    }
    prop::sample::select(words)
}

/// An option list of up to eight words.
pub(crate) fn option_list() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(option_word(), 0..=8)
}
