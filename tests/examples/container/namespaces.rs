//! The namespaces of a container, and the two processes that make them.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process::Command;

use mountwright_tests::mortal_child::fork_running;
use rustix::process::{Gid, Pid, Signal, Uid, WaitOptions, waitpid};
use rustix::thread::UnshareFlags;

use super::Refused;
use super::bundle::{Bundle, Mapping};
use super::init;
use super::raw;
use super::terminal::Terminal;

/// The exit status of a bundle that cannot be run.
const REFUSED: i32 = 2;

/// The namespaces by their names in a specification. The mount namespace is made by the first process of the container.
const KINDS: [(&str, UnshareFlags); 5] = [
    ("pid", UnshareFlags::NEWPID),
    ("network", UnshareFlags::NEWNET),
    ("ipc", UnshareFlags::NEWIPC),
    ("uts", UnshareFlags::NEWUTS),
    ("cgroup", UnshareFlags::NEWCGROUP),
];

/// The messages between the command and the process that makes the namespaces.
struct Wires {
    unshared: (PipeReader, PipeWriter),
    mapped: (PipeReader, PipeWriter),
}

/// Runs the bundle to its end, and returns its exit status.
pub(crate) fn run(bundle: &Bundle) -> Result<i32, Refused> {
    let terminal = bundle.plan.needs_terminal().then(Terminal::open).transpose().map_err(at("open a terminal"))?;
    let mut wires = Wires { unshared: io::pipe().map_err(at("pipe"))?, mapped: io::pipe().map_err(at("pipe"))? };
    let child = fork_running(|| as_status(make_namespaces(bundle, terminal.as_ref(), &mut wires)));
    let child = child.map_err(at("fork"))?;
    let started = map_ids(bundle, child, &mut wires);
    // Nothing is printed by a container that was not started.
    let shown = terminal.map_or(Ok(()), Terminal::show);
    let status = status_of(child)?;
    started.and(shown.map_err(at("read the terminal"))).map(|()| status)
}

fn at(step: &str) -> impl Fn(io::Error) -> Refused {
    move |error| Refused::new(format!("{step}: {error}"))
}

fn as_status(ended: Result<i32, Refused>) -> i32 {
    ended.unwrap_or_else(|refused| {
        eprintln!("container: {refused}");
        REFUSED
    })
}

/// In the first forked process: makes the namespaces but that of the mounts, and starts the container's first process in them.
fn make_namespaces(bundle: &Bundle, terminal: Option<&Terminal>, wires: &mut Wires) -> Result<i32, Refused> {
    end_with_parent()?;
    if has(bundle, "user") {
        raw::unshare(UnshareFlags::NEWUSER).map_err(at("unshare(CLONE_NEWUSER)"))?;
        wires.unshared.1.write_all(&[1]).map_err(at("pipe"))?;
        let mut message = [0];
        wires.mapped.0.read_exact(&mut message).map_err(at("pipe"))?;
        if message == [0] {
            // The parent says why.
            return Ok(REFUSED);
        }
        become_root_of_namespace()?;
    }
    if let Some(terminal) = terminal {
        terminal.become_standard().map_err(at("become the terminal"))?;
    }
    let kinds = KINDS.iter().filter(|(kind, _)| has(bundle, kind));
    let kinds = kinds.fold(UnshareFlags::empty(), |kinds, (_, kind)| kinds | *kind);
    raw::unshare(kinds).map_err(at("unshare"))?;
    if let Some(name) = bundle.spec.hostname.as_ref().filter(|_| has(bundle, "uts")) {
        rustix::system::sethostname(name.as_bytes()).map_err(|errno| at("hostname")(errno.into()))?;
    }
    let first = fork_running(|| as_status(end_with_parent().and_then(|()| Err(init::run(bundle)))));
    status_of(first.map_err(at("fork"))?)
}

fn end_with_parent() -> Result<(), Refused> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(|errno| at("prctl")(errno.into()))
}

fn has(bundle: &Bundle, kind: &str) -> bool {
    bundle.spec.linux.namespaces.iter().any(|namespace| namespace.kind == kind)
}

/// As user 0 of a user namespace, whichever id that is outside.
fn become_root_of_namespace() -> Result<(), Refused> {
    let (uid, gid) = (Uid::ROOT, Gid::ROOT);
    rustix::thread::set_thread_res_gid(gid, gid, gid)
        .map_err(|errno| at("linux.gidMappings: become group 0")(errno.into()))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
        .map_err(|errno| at("linux.uidMappings: become user 0")(errno.into()))
}

/// Writes the id maps of the process once it is in its user namespace, and lets it continue.
fn map_ids(bundle: &Bundle, child: Pid, wires: &mut Wires) -> Result<(), Refused> {
    if !has(bundle, "user") {
        return Ok(());
    }
    // The command's own end would keep the pipe open after the process has ended.
    let (mut unshared, own_end) = std::mem::replace(&mut wires.unshared, io::pipe().map_err(at("pipe"))?);
    drop(own_end);
    if unshared.read(&mut [0]).map_err(at("pipe"))? == 0 {
        // It has ended, and has said why.
        return Ok(());
    }
    let written = write_maps(bundle, child);
    wires.mapped.1.write_all(&[u8::from(written.is_ok())]).map_err(at("pipe"))?;
    written
}

fn write_maps(bundle: &Bundle, child: Pid) -> Result<(), Refused> {
    let process = format!("/proc/{}", child.as_raw_nonzero());
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        fs::write(format!("{process}/setgroups"), "deny").map_err(at("write setgroups"))?;
    }
    for (name, program, map) in
        [("uidMappings", "newuidmap", &bundle.spec.linux.uids), ("gidMappings", "newgidmap", &bundle.spec.linux.gids)]
    {
        let file = format!("{process}/{}_map", &name[..3]);
        let written = match &map[..] {
            [_, _, ..] if !is_root => map_by(program, child, map),
            _ => fs::write(file, lines(map)),
        };
        written.map_err(at(&format!("config.json: linux.{name}: cannot map {}", lines(map))))?;
    }
    Ok(())
}

fn lines(map: &[Mapping]) -> String {
    let lines: Vec<_> = map.iter().map(|range| format!("{} {} {}", range.inside, range.outside, range.size)).collect();
    lines.join("\n")
}

/// Maps by the program of shadow-utils, which knows the ranges of an ordinary user (subuid(5)).
fn map_by(program: &str, child: Pid, map: &[Mapping]) -> io::Result<()> {
    let mut command = Command::new(program);
    command.arg(child.as_raw_nonzero().to_string());
    for range in map {
        command.args([range.inside, range.outside, range.size].map(|number| number.to_string()));
    }
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// Waits for a process, and returns its exit status; 128 and the number for a signal.
fn status_of(child: Pid) -> Result<i32, Refused> {
    let status = waitpid(Some(child), WaitOptions::empty()).map_err(|errno| at("waitpid")(errno.into()))?;
    let Some((_, status)) = status else { return Err(Refused::new("the process has not ended")) };
    Ok(status.exit_status().unwrap_or_else(|| 128 + status.terminating_signal().unwrap_or(0)))
}
