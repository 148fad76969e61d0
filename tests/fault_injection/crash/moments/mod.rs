//! A process that leads a sandbox's life is killed at random moments, with mounts and files of others beside it; a
//! recovery then leaves nothing of the sandbox but what it names, and everything of others as it was.

mod life;
mod named;
mod neighbours;
mod reply;

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed, Trial};
use mountwright_core::sandbox::SandboxDirs;
use mountwright_core::{BindRequest, Location, Mounter, Propagation, UnmountRequest};
use mountwright_linux::LinuxBackend;
use mountwright_tests::contract::in_fresh_root;
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::mortal_child::{ChildEnd, end_of, start_child};
use mountwright_tests::random::Random;
use mountwright_tests::searched::syscall_sets;
use mountwright_tests::settings::Settings;
use mountwright_tests::{namespace, worker_process};
use rustix::process::{Signal, kill_process, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use life::{Life, Said, Ways};
use neighbours::{Neighbourhood, ON_SHARED, Ours, Theirs};
use reply::Reply;

/// Kills in each layout, short and long.
const KILLS: [usize; 2] = [50, 500];

/// The request to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    made_shared: bool,
    kills: usize,
    seed: u64,
}

/// One trial for each layout.
pub(crate) fn trials(settings: Settings) -> Vec<Trial> {
    let kills = KILLS[usize::from(settings.long)];
    let seed = u64::from(settings.seed());
    let layouts = [(false, "on a shared mount"), (true, "on a mount that the set-up makes shared")];
    let trials = layouts.map(|(made_shared, layout)| {
        let request = Request { made_shared, kills, seed };
        Trial::ignorable_test(format!("killed at random moments, {layout}"), move || trial(layout, &request))
    });
    trials.into()
}

fn trial(layout: &str, request: &Request) -> Result<Completion, Failed> {
    let reply: Reply = worker_process::ask(request)?;
    if let Some(reason) = &reply.no_namespace {
        return not_run(reason);
    }
    println!("killed at random moments, {layout}, seed {}: {reply}", request.seed);
    match reply.bad.first() {
        Some(_) => Err(reply.bad.join("\n").into()),
        None if reply.kills != request.kills => Err("not all were killed".into()),
        None => Ok(Completion::Completed),
    }
}

/// In a worker: kills in one layout.
pub(crate) fn serve(request: Request) -> Reply {
    if let Err(error) = namespace::enter() {
        return Reply { no_namespace: Some(error.to_string()), ..Reply::default() };
    }
    in_fresh_root("moments", move || Kills::new(&request).all(request.kills)).expect("a namespace")
}

/// The process that is killed.
struct Killed {
    operation: String,
    record: Option<SandboxDirs>,
}

struct Kills {
    around: Neighbourhood,
    made_shared: bool,
    random: Random,
    reply: Reply,
}

/// The choices of one kill.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)] // Each is drawn by itself.
struct Chosen {
    ways: Ways,
    lowest: bool,
    crowded: bool,
    /// The mount of others on the directory that the guest sees, by its place in the list.
    on_shared: usize,
    /// They do it after the kill.
    later: bool,
    with_record: bool,
}

impl Chosen {
    fn backend(self) -> LinuxBackend {
        LinuxBackend::new().with_syscalls(syscall_sets(false)[usize::from(self.lowest)].syscalls)
    }

    /// True where nothing of others is on the sandbox's own directories.
    fn is_alone(self) -> bool {
        !self.crowded && self.on_shared == 0
    }
}

impl Kills {
    fn new(request: &Request) -> Self {
        Self {
            around: Neighbourhood::new(),
            made_shared: request.made_shared,
            random: Random::new(request.seed ^ u64::from(request.made_shared)),
            reply: Reply::default(),
        }
    }

    fn all(mut self, kills: usize) -> Reply {
        let whole = [false, true].map(|lowest| self.length(lowest));
        for _ in 0..kills {
            let chosen = self.choose();
            let most = usize::try_from(whole[usize::from(chosen.lowest)].as_micros()).expect("a short time");
            let delay = Duration::from_micros(self.random.below(most) as u64);
            self.one(chosen, delay);
        }
        self.reply
    }

    fn choose(&mut self) -> Chosen {
        let random = &mut self.random;
        Chosen {
            ways: Ways { made_shared: self.made_shared, private: random.one_in(2) },
            lowest: random.one_in(2),
            crowded: random.one_in(2),
            on_shared: if random.one_in(2) { 0 } else { random.below(ON_SHARED.len()) },
            later: random.one_in(2),
            with_record: random.one_in(2),
        }
    }

    /// The time that two lives take, one with a tear-down and one with a recovery.
    fn length(&self, lowest: bool) -> Duration {
        let ways = Ways { made_shared: self.made_shared, private: true };
        let chosen = Chosen { ways, lowest, crowded: false, on_shared: 0, later: false, with_record: false };
        self.around.furnish(self.made_shared, false);
        let (child, mut lines) = start(chosen, 2);
        lines.next();
        let start = Instant::now();
        assert_eq!(end_of(child).expect("it ends"), ChildEnd::Done);
        start.elapsed()
    }

    fn one(&mut self, chosen: Chosen, delay: Duration) {
        self.around.furnish(self.made_shared, chosen.crowded);
        if !chosen.later {
            ON_SHARED[chosen.on_shared].make();
        }
        let mut theirs = Theirs::of(self.around.look());
        let killed = kill(chosen, delay);
        let before = self.around.look();
        self.reply.note_moment(&killed.operation, &theirs.ours(&before));
        if chosen.later {
            ON_SHARED[chosen.on_shared].make();
            theirs.and_between(&before, &self.around.look());
        }
        let bad = self.recover(chosen, &killed, &theirs);
        let on_shared = ON_SHARED[chosen.on_shared].0;
        let number = self.reply.kills;
        let text = |bad| {
            format!("kill {number}, during {:?} after {delay:?}, {on_shared}, {chosen:?}: {bad}", killed.operation)
        };
        self.reply.bad.extend(bad.into_iter().map(text));
    }

    /// Recovers twice, and returns what is wrong after it.
    fn recover(&mut self, chosen: Chosen, killed: &Killed, theirs: &Theirs) -> Vec<String> {
        let backend = chosen.backend();
        let mut recovery = chosen.ways.recovery();
        if let Some(record) = killed.record.as_ref().filter(|_| chosen.with_record) {
            recovery = recovery.with_record(record);
            self.reply.with_record += 1;
        }
        let report = recovery.reap(&backend).expect("a recovery begins");
        let now = self.around.look();
        let (staged, ours) = split(theirs.ours(&now));
        let mut bad = theirs.changed(&now);
        bad.extend(named::unnamed(&report, &now, theirs, &ours));
        if chosen.is_alone() && !(report.is_clean() && report.unproven.is_empty() && ours.is_empty()) {
            bad.push(format!("something is left: {ours:?}\n{report}"));
        }
        self.reply.note_rest(&report);
        let again = recovery.reap(&backend).expect("a recovery begins");
        if !again.did_nothing() {
            bad.push(format!("the second recovery did something: {again}"));
        }
        if !staged.is_empty() {
            self.reply.staged += 1;
            bad.extend(self.reclaim(&backend, theirs));
        }
        bad
    }

    /// A staging directory of a dead process is removed by the next process that needs one.
    fn reclaim(&self, backend: &LinuxBackend, theirs: &Theirs) -> Option<String> {
        let target = || Location::trusted("/w/sb/none");
        let bind =
            BindRequest::new(Location::trusted("/h/data"), target()).read_only().propagation(Propagation::Private);
        backend.bind(&bind).expect("a bind");
        backend.unmount(&UnmountRequest::new(target())).expect("an unmount");
        let now = self.around.look();
        let (staged, _) = split(theirs.ours(&now));
        let bad = theirs.changed(&now);
        (!staged.is_empty() || !bad.is_empty()).then(|| format!("after a bind {staged:?} is left: {bad:?}"))
    }
}

/// The things in the staging directory, and the rest.
fn split(ours: Ours) -> (Ours, Ours) {
    let is_staged = |path: &str| path.starts_with("/run/.mountwright-staging-");
    let (staged_names, names) = ours.names.into_iter().partition(|name| is_staged(name));
    let mut staged = Ours { mounts: [Vec::new(), Vec::new()], names: staged_names };
    let mut rest = Ours { mounts: [Vec::new(), Vec::new()], names };
    for (side, mounts) in ours.mounts.into_iter().enumerate() {
        let parts = mounts.into_iter().partition(|mount| is_staged(&mount.mount_point.to_string_lossy()));
        (staged.mounts[side], rest.mounts[side]) = parts;
    }
    (staged, rest)
}

type Lines = Box<dyn Iterator<Item = Said>>;

/// Starts the process, and returns its messages.
fn start(chosen: Chosen, times: usize) -> (rustix::process::Pid, Lines) {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let child = start_child(|| {
        set_parent_process_death_signal(Some(Signal::KILL)).expect("it ends with this process");
        Life { backend: &chosen.backend(), ways: chosen.ways, stream: theirs.try_clone().expect("a descriptor") }
            .lead(times);
    });
    let lines = BufReader::new(ours).lines().map_while(Result::ok);
    // The last line is cut off where the process was killed as it wrote.
    (child.expect("a process"), Box::new(lines.map_while(|line| serde_json::from_str(&line).ok())))
}

/// Starts the process and kills it so long after its first operation began.
fn kill(chosen: Chosen, delay: Duration) -> Killed {
    let (child, mut lines) = start(chosen, usize::MAX);
    let first = lines.next();
    std::thread::sleep(delay);
    kill_process(child, Signal::KILL).expect("it lives");
    assert_eq!(end_of(child).expect("it ends"), ChildEnd::Killed);
    let mut killed = Killed { operation: String::new(), record: None };
    for said in first.into_iter().chain(lines) {
        match said {
            Said::Begins(operation) => killed.operation = operation,
            Said::SetUp(record) => killed.record = Some(*record),
        }
    }
    killed
}
