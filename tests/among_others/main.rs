//! Searches on the model: several callers, strangers' mounts, records of another boot, every filesystem; the counts are printed.
//! On the kernel: several callers at once.
//!
//! `MOUNTWRIGHT_LONG=1`: every place of every switch, a third switch, every set of system calls.

mod alone;
mod callers;
mod expected;
mod filesystems;
mod foreign;
mod found;
mod host;
mod interleavings;
mod operations;
mod reboots;
mod seen;
mod strangers;
mod turns;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use found::{Found, Table};
use host::Layout;
use interleavings::{Depth, Pair};
use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_linux::{Call, SyscallSet};
use mountwright_tests::settings::Settings;
use mountwright_tests::worker_process;
use operations::{AT_ONE_TARGET, COMING_AND_GOING, OF_A_SANDBOX, OF_NO_SANDBOX, Operation, Start};

/// The sets of system calls of three kernels.
fn kernels() -> [(&'static str, SyscallSet); 3] {
    let on_6_1 = SyscallSet::ALL.without(Call::OpenTreeAttr).without(Call::Statmount);
    [("6.18", SyscallSet::ALL), ("6.1", on_6_1), ("5.10", on_6_1.without(Call::MountSetattr))]
}

fn pairs(operations: &'static [Operation]) -> impl Iterator<Item = [&'static Operation; 2]> {
    operations.iter().enumerate().flat_map(|(index, one)| operations[index..].iter().map(move |other| [one, other]))
}

fn verdict(search: &str, found: &Found) -> Result<(), Failed> {
    if found.runs == 0 {
        return Err("nothing was searched".into());
    }
    let mut text = String::new();
    let unknown = |(subject, name): &(String, String)| !expected::is_known(search, subject, name);
    for ((subject, name), violations) in found.violations.iter().filter(|(key, _)| unknown(key)) {
        let _ = writeln!(text, "{subject}: {name}: {}", violations.count);
        for example in &violations.examples {
            let _ = writeln!(text, "{example}");
        }
    }
    if text.is_empty() { Ok(()) } else { Err(text.into()) }
}

/// The places of the switches in a short search of callers at one target.
const FEW: usize = 500;

/// The depth of a pair: whole if both make the same request, or work at one target.
fn depths(operations: &[Operation], [one, other]: [&Operation; 2], long: bool) -> Vec<Depth> {
    let same = one.name == other.name;
    let all = usize::MAX;
    if std::ptr::eq(operations, AT_ONE_TARGET) {
        let few = if one.name == "bind beneath" && same { 1_000 } else { FEW };
        return vec![Depth { segments: 5, most: if long { all } else { few } }];
    }
    if long {
        return vec![Depth { segments: 2, most: all }, Depth { segments: 3, most: if same { 20_000 } else { 2_000 } }];
    }
    let of_a_sandbox = std::ptr::eq(operations, OF_A_SANDBOX);
    let (segments, most) = match (of_a_sandbox, same) {
        _ if same && [operations::SET_UP_FIRST, "share a snapshot first"].contains(&one.name) => (3, 4_000),
        (true, false) => (2, 50),
        (false, true) => (2, all),
        _ => (2, 200),
    };
    vec![Depth { segments, most }]
}

fn interleaved(operations: &'static [Operation], settings: Settings, table: &Table) -> Vec<Trial> {
    let Settings { long, one_of, .. } = settings;
    let of_every_kernel = long || std::ptr::eq(operations, AT_ONE_TARGET);
    let one = |pair: [&'static Operation; 2], (index, kernel): (usize, (&'static str, SyscallSet))| {
        let depths = depths(operations, pair, long);
        let name = format!("{} with {}, {}", pair[0].name, pair[1].name, kernel.0);
        trial("interleavings", name, table, move |found| {
            for layout in Layout::ALL {
                let mut pair = Pair::new(layout, kernel, pair);
                for &depth in &depths {
                    let most = if index == 0 || long { depth.most } else { depth.most.min(FEW / 4) };
                    // A depth without a limit is small.
                    let most = if most == usize::MAX { most } else { most / one_of };
                    pair.search(Depth { most, ..depth }, found);
                }
            }
        })
    };
    let kernels = kernels().into_iter().enumerate().take(if of_every_kernel { 3 } else { 1 });
    pairs(operations)
        .flat_map(|pair| kernels.clone().map(move |kernel| (pair, kernel)))
        .map(|(pair, kernel)| one(pair, kernel))
        .collect()
}

/// A search that is one trial.
fn trial(
    search: &'static str,
    name: impl Into<String>,
    table: &Table,
    act: impl FnOnce(&mut Found) + Send + 'static,
) -> Trial {
    let table = table.clone();
    let name = name.into();
    Trial::test(format!("{search}: {name}"), move || {
        let mut found = Found::default();
        let start = Instant::now();
        act(&mut found);
        eprintln!("{search}: {name}: {} runs, {:?}", found.runs, start.elapsed());
        table.add(search, &found);
        verdict(search, &found)
    })
}

fn among_strangers(settings: Settings, table: &Table) -> impl Iterator<Item = Trial> {
    OF_NO_SANDBOX.iter().chain(OF_A_SANDBOX).map(move |operation| {
        trial("strangers", operation.name, table, move |found| {
            let Settings { long, one_of, .. } = settings;
            // Where one call decides, each is tried.
            let each = long || ["fsGroup", "unshare by name"].contains(&operation.name);
            let most = if each { usize::MAX } else { 12 / one_of };
            let kernels = kernels().into_iter().take(if long || operation.start < Start::Running { 3 } else { 1 });
            for ((_, syscalls), layout) in kernels.flat_map(|kernel| Layout::ALL.map(|layout| (kernel, layout))) {
                strangers::search(operation, layout, syscalls, most, found);
            }
        })
    })
}

fn on_every_kernel(search: &'static str, name: &'static str, table: &Table, act: fn(SyscallSet, &mut Found)) -> Trial {
    trial(search, name, table, move |found| kernels().into_iter().for_each(|(_, syscalls)| act(syscalls, found)))
}

fn main() -> ExitCode {
    if worker_process::serve_if_asked(callers::serve) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let settings = Settings::read();
    let table = Table::default();
    let all = [OF_A_SANDBOX, OF_NO_SANDBOX, COMING_AND_GOING, AT_ONE_TARGET];
    let mut trials: Vec<_> = all.into_iter().flat_map(|operations| interleaved(operations, settings, &table)).collect();
    trials.extend(among_strangers(settings, &table));
    for layout in Layout::ALL {
        trials.push(trial("reboots", format!("{layout:?}"), &table, move |found| {
            for kernel in kernels() {
                reboots::search(layout, kernel, found);
            }
        }));
    }
    trials.push(on_every_kernel("filesystems", "an overlay of two", &table, filesystems::overlay));
    trials.push(on_every_kernel("filesystems", "a server that fails", &table, filesystems::failing_servers));
    trials.push(on_every_kernel("filesystems", "for its owner alone", &table, filesystems::owners_alone));
    trials.push(on_every_kernel("filesystems", "a chroot", &table, filesystems::chroots));
    trials.extend(callers::trials(settings.long, &table));
    let whole = settings.one_of == 1 && arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    let exit_code = libtest_mimic::run(&arguments, trials).exit_code();
    print!("{table}");
    let gone = table.not_found(expected::all().filter(|[search, ..]| *search != callers::SEARCH));
    if whole && !gone.is_empty() {
        println!("known, and not found any more: take it out of known.txt\n{gone}");
        return ExitCode::FAILURE;
    }
    exit_code
}
