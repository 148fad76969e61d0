//! The names of filesystems whose files the kernel makes: those that container runtimes look at.

/// A file that is there from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FixedName {
    /// From the root of the filesystem; a directory stands before the names in it.
    pub(crate) path: &'static str,
    pub(crate) mode: u16,
    pub(crate) is_directory: bool,
}

const fn directory(path: &'static str, mode: u16) -> FixedName {
    FixedName { path, mode, is_directory: true }
}

const fn file(path: &'static str, mode: u16) -> FixedName {
    FixedName { path, mode, is_directory: false }
}

/// Directories of sysfs. The devices of a machine are its own matter.
pub(crate) const SYSFS: [FixedName; 24] = [
    directory("block", 0o755),
    directory("bus", 0o755),
    directory("class", 0o755),
    directory("class/net", 0o755),
    directory("dev", 0o755),
    directory("dev/block", 0o755),
    directory("dev/char", 0o755),
    directory("devices", 0o755),
    directory("devices/virtual", 0o755),
    directory("firmware", 0o755),
    directory("fs", 0o755),
    directory("fs/bpf", 0o555),
    directory("fs/cgroup", 0o555),
    directory("fs/fuse", 0o755),
    directory("fs/fuse/connections", 0o555),
    directory("fs/pstore", 0o555),
    directory("kernel", 0o755),
    directory("kernel/debug", 0o555),
    directory("kernel/mm", 0o755),
    directory("kernel/security", 0o555),
    directory("kernel/tracing", 0o555),
    file("kernel/uevent_seqnum", 0o444),
    directory("module", 0o755),
    directory("power", 0o755),
];

/// Files of the root of cgroup2 that every configuration of the kernel has.
pub(crate) const CGROUP2: [FixedName; 7] = [
    file("cgroup.controllers", 0o444),
    file("cgroup.max.depth", 0o644),
    file("cgroup.max.descendants", 0o644),
    file("cgroup.procs", 0o644),
    file("cgroup.stat", 0o444),
    file("cgroup.subtree_control", 0o644),
    file("cgroup.threads", 0o644),
];

/// Directories and files of procfs beside those of processes.
pub(crate) const PROC: [FixedName; 40] = [
    directory("acpi", 0o555),
    directory("bus", 0o555),
    directory("bus/input", 0o555),
    directory("bus/pci", 0o555),
    file("cmdline", 0o444),
    file("cpuinfo", 0o444),
    file("devices", 0o444),
    file("filesystems", 0o444),
    directory("fs", 0o555),
    file("interrupts", 0o444),
    directory("irq", 0o555),
    file("irq/default_smp_affinity", 0o644),
    file("keys", 0o444),
    file("loadavg", 0o444),
    file("meminfo", 0o444),
    file("partitions", 0o444),
    file("stat", 0o444),
    file("swaps", 0o444),
    directory("sys", 0o555),
    directory("sys/abi", 0o555),
    directory("sys/dev", 0o555),
    directory("sys/fs", 0o555),
    file("sys/fs/mount-max", 0o644),
    file("sys/fs/protected_hardlinks", 0o600),
    file("sys/fs/protected_symlinks", 0o600),
    directory("sys/kernel", 0o555),
    file("sys/kernel/cap_last_cap", 0o444),
    file("sys/kernel/core_pattern", 0o644),
    file("sys/kernel/domainname", 0o644),
    file("sys/kernel/hostname", 0o644),
    directory("sys/kernel/keys", 0o555),
    file("sys/kernel/overflowuid", 0o644),
    directory("sys/kernel/random", 0o555),
    file("sys/kernel/random/boot_id", 0o444),
    directory("sys/net", 0o555),
    directory("sys/user", 0o555),
    directory("sys/vm", 0o555),
    file("timer_list", 0o400),
    file("uptime", 0o444),
    file("version", 0o444),
];

/// Files of a process whose contents are not modelled.
pub(crate) const PROCESS: [FixedName; 35] = [
    directory("attr", 0o555),
    file("attr/current", 0o666),
    file("attr/exec", 0o666),
    file("attr/fscreate", 0o666),
    file("attr/keycreate", 0o666),
    file("attr/prev", 0o444),
    file("attr/sockcreate", 0o666),
    file("auxv", 0o400),
    file("cgroup", 0o444),
    file("cmdline", 0o444),
    file("comm", 0o644),
    file("environ", 0o400),
    file("gid_map", 0o644),
    file("io", 0o400),
    file("limits", 0o444),
    file("loginuid", 0o644),
    file("maps", 0o444),
    file("mem", 0o600),
    file("mounts", 0o444),
    file("mountstats", 0o400),
    directory("net", 0o555),
    file("oom_adj", 0o644),
    file("oom_score", 0o444),
    file("oom_score_adj", 0o644),
    file("projid_map", 0o644),
    file("sessionid", 0o444),
    file("setgroups", 0o644),
    file("smaps", 0o444),
    file("stat", 0o444),
    file("statm", 0o444),
    file("status", 0o444),
    file("timens_offsets", 0o644),
    file("timers", 0o444),
    file("timerslack_ns", 0o666),
    file("uid_map", 0o644),
];
