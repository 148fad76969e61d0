//! Budgets: the most system calls that an operation may make.

/// An operation and the most system calls that it may make.
pub(crate) struct Budget {
    pub(crate) what: &'static str,
    pub(crate) most: usize,
}

const fn budget(what: &'static str, most: usize) -> Budget {
    Budget { what, most }
}

/// The numbers of other mounts.
pub(crate) const CROWDS: [usize; 2] = [40, 10_000];

pub(crate) const BUDGETS: &[Budget] = &[
    budget("mount look-up", 3),
    budget("mount look-up below a root", 8),
    budget("memory-emptyDir question", 3),
    budget("count with limit 8", 5),
    budget("read-only private bind", 8),
    budget("read-only private bind below a root", 13),
    // The mount leaves the copies at its parent's peers, and the backend checks for mounts that arrived from there.
    budget("private bind below a shared mount", 16),
    // Joins the group of its source again, by a second copy, and looks at what the source received in between.
    budget("slave bind below a shared mount", 24),
    budget("unmount below a root", 6),
    // One of them checks /proc, whose path umount2(2) needs: another mount may be there by now.
    budget("unmount of one given mount", 9),
    budget("share of a rootfs", 36),
    budget("unshare of a rootfs", 12),
    // The checks included. As many where four of the ten masked and four of the five read-only paths are there.
    budget("build of the default root of a container", 189),
    // 9 for the root, 6 for each file: pin, look, capabilities, owner, mode, close.
    budget("fsGroup of ten files that change", 69),
    // 4 more for each: capabilities are read and set by /proc, which is checked before each.
    budget("fsGroup of ten files with capabilities", 109),
    // 1 more for each: whether the bit lasted.
    budget("fsGroup of ten files with set-group-id", 79),
    // 3 for the first, which is pinned in vain, then 7 for one that changes and 1 for one that is right.
    budget("fsGroup of ten files, every second right", 51),
    // 6 for the root, one for each file.
    budget("fsGroup of ten files that are right", 16),
];
