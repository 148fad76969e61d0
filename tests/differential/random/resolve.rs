//! Conversion of a plan to a history: each operation's places are picked in the tables that the ones before it left.
//!
//! The tables come from the model. If it is wrong, the history is still a history, and the comparison with the kernel
//! fails.

use std::collections::BTreeMap;

use mountwright_tests::scenario::{
    CannotRun, Credentials, KernelVersion, MountRow, Operation, Place, Scenario, Step, Tables, UnmountFlag, World,
};
use mountwright_tests::scenario_runner::{Entry, EntryKind, FakeWorld};

use crate::intent::{Intent, Pick, What};
use crate::kind::Kind;
use crate::odd_paths::odd_path;
use crate::plan::{LENGTH, Plan};
use crate::since::since;
use crate::theme::Theme;
use crate::whereabouts::{Whereabouts, drawn_to};

/// Names that are given and looked for.
const NAMES: [&str; 7] = ["a", "b", "c", "f", "g", "n", "x"];
/// The paths that are looked up below a descriptor; most often the descriptor itself.
const BELOW_DESCRIPTOR: [&str; 12] = ["a", "b", "a/b", "x", "s", ".", "..", "", "", "", "", ""];
/// The number of names among them.
const NAMES_BELOW: usize = 7;
/// The highest number of paths that are examined.
const MOST_ENTRIES: usize = 48;
/// More mounts than this take long and teach nothing more.
const MOST_MOUNTS: usize = 200;

/// A history, and the operations that the model could not perform.
pub(crate) struct Resolved {
    pub(crate) scenario: Scenario,
    pub(crate) stopped: Option<CannotRun>,
    /// Operations that this kernel is too old for
    pub(crate) left_out: Vec<String>,
}

/// The history of the plan, for this kernel.
pub(crate) fn resolve(kind: Kind, kernel: KernelVersion, plan: &Plan) -> Resolved {
    let setup = plan.layout.steps();
    let mut resolver = Resolver::new(kind, kernel, plan.theme);
    let stopped = resolver.run(&setup, plan).err();
    let name = format!("found/{}", kind.name());
    Resolved { scenario: Scenario::new(name, setup, resolver.steps), stopped, left_out: resolver.left_out }
}

struct Resolver {
    kind: Kind,
    kernel: KernelVersion,
    theme: Theme,
    world: FakeWorld,
    steps: Vec<Step>,
    left_out: Vec<String>,
    tables: Tables,
    /// The names that exist now; computed when they are needed
    entries: Option<Vec<Entry>>,
    /// Names of open descriptors, by namespace; whether it is a tree's
    descriptors: BTreeMap<u32, BTreeMap<String, bool>>,
    namespaces: Vec<u32>,
    next_namespace: u32,
}

impl Resolver {
    fn new(kind: Kind, kernel: KernelVersion, theme: Theme) -> Self {
        Self {
            kind,
            kernel,
            theme,
            world: FakeWorld::new(),
            steps: Vec::new(),
            left_out: Vec::new(),
            tables: Tables::new(),
            entries: None,
            descriptors: BTreeMap::new(),
            namespaces: vec![0],
            next_namespace: 1,
        }
    }

    fn run(&mut self, setup: &[Step], plan: &Plan) -> Result<(), CannotRun> {
        for step in setup {
            let _ = self.world.perform(step)?;
        }
        self.look()?;
        for step in plan.theme.steps() {
            self.push(step)?;
        }
        for intent in &plan.intents {
            if self.steps.len() >= LENGTH {
                break;
            }
            if let Some(step) = self.step_of(intent) {
                self.push(step)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, step: Step) -> Result<(), CannotRun> {
        self.steps.push(step.clone());
        let present = self.world.present();
        let succeeded = self.world.perform(&step)?.is_ok();
        self.look()?;
        if !succeeded {
            return Ok(());
        }
        let open = self.descriptors.entry(present).or_default();
        match step.operation {
            Operation::Open { fd: Some(fd), .. } => drop(open.insert(fd, false)),
            Operation::OpenTree { fd: Some(fd), .. }
            | Operation::OpenTreeAttr { fd: Some(fd), .. }
            | Operation::Fsmount { fd: Some(fd), .. } => drop(open.insert(fd, true)),
            Operation::Close { fd } => drop(open.remove(&fd)),
            Operation::CloneNs { .. } => {
                self.namespaces.push(self.next_namespace);
                self.next_namespace += 1;
            }
            Operation::DestroyNs { ns } => self.namespaces.retain(|live| *live != ns),
            _ => {}
        }
        self.entries = None;
        Ok(())
    }

    fn look(&mut self) -> Result<(), CannotRun> {
        if let Some(tables) = self.world.changed_tables()? {
            self.tables = tables;
        }
        Ok(())
    }

    fn step_of(&mut self, intent: &Intent) -> Option<Step> {
        let mut operation = match &intent.what {
            What::Again => return self.steps.last().filter(|step| self.can_be_repeated(&step.operation)).cloned(),
            What::Operation(operation) => operation.clone(),
        };
        match &mut operation {
            Operation::SwitchNs { ns } => *ns = *self.namespaces.get(*ns as usize % self.namespaces.len())?,
            Operation::DestroyNs { ns } => {
                let present = self.world.present();
                let others: Vec<u32> =
                    self.namespaces.iter().copied().filter(|ns| *ns != present && *ns != 0).collect();
                *ns = *others.get(*ns as usize % others.len().max(1))?;
            }
            // Processes are the most expensive element of a history.
            Operation::CloneNs { .. } if self.namespaces.len() > 3 => return None,
            _ => {}
        }
        let crowded = self.tables.values().map(Vec::len).sum::<usize>() > MOST_MOUNTS;
        if crowded && matches!(operation, Operation::Bind { recursive: true, .. } | Operation::CloneNs { .. }) {
            operation = Operation::Umount { target: Place::Path(String::new()), flags: vec![UnmountFlag::Detach] };
        }
        self.pick_places(&mut operation, intent.picks);
        if self.is_out_of_bounds(&operation) {
            return None;
        }
        if since(&operation) > self.kernel {
            self.left_out.push(operation.name());
            return None;
        }
        let credentials = self.credentials(&operation, intent.who);
        Some(Step { operation, credentials })
    }

    fn credentials(&self, operation: &Operation, who: u8) -> Credentials {
        let always_root = matches!(
            operation,
            Operation::CloneNs { .. }
                | Operation::SwitchNs { .. }
                | Operation::DestroyNs { .. }
                // They are calls of the process, which are always its own.
                | Operation::Umask { .. }
                // What others may link, and who follows their links, is a matter of fs.protected_hardlinks and _symlinks.
                | Operation::Link { .. }
                | Operation::Symlink { .. }
        );
        let (nobody, nocap) = match self.theme {
            Theme::Restricted => (45, 50),
            _ => (3, 4),
        };
        match who {
            _ if always_root => Credentials::Root,
            who if who < nobody => Credentials::Nobody,
            who if who < nocap => Credentials::Nocap,
            _ => Credentials::Root,
        }
    }

    fn can_be_repeated(&self, operation: &Operation) -> bool {
        !matches!(operation, Operation::CloneNs { .. } | Operation::DestroyNs { .. })
            && !self.is_out_of_bounds(operation)
    }

    /// No history mounts on, moves or unmounts the root: all other places depend on it.
    fn is_out_of_bounds(&self, operation: &Operation) -> bool {
        let places = match operation {
            Operation::MountTmpfs { target, .. }
            | Operation::MountNew { target, .. }
            | Operation::Umount { target, .. }
            | Operation::Bind { target, .. } => {
                vec![target]
            }
            Operation::Move { source, target } | Operation::MoveMount { source, target, .. } => vec![source, target],
            _ => vec![],
        };
        places.into_iter().any(|place| self.world.is_root(place))
    }

    fn pick_places(&mut self, operation: &mut Operation, picks: [Pick; 2]) {
        let drawn: Vec<_> = (0..2).map(|place| drawn_to(operation, place)).collect();
        let wants_tree = matches!(operation, Operation::MoveMount { .. } | Operation::Setattr { id_map: Some(_), .. });
        let needs_name = is_about_the_link(operation);
        let mut first: Option<String> = None;
        for (number, place) in operation.places_mut().into_iter().enumerate() {
            let pick = picks[number];
            if let Some(at) = self.at_descriptor(pick, wants_tree && number == 0, needs_name) {
                *place = at;
                continue;
            }
            let path = self.path(drawn[number], pick, first.as_deref());
            first.get_or_insert_with(|| path.clone());
            *place = Place::Path(path);
        }
    }

    fn at_descriptor(&self, pick: Pick, wants_tree: bool, needs_name: bool) -> Option<Place> {
        let open = self.descriptors.get(&self.world.present())?;
        let chance = match (self.kind, wants_tree) {
            (_, true) => 80,
            (Kind::Descriptors, false) => 22,
            (_, false) => 4,
        };
        if pick.by_descriptor >= chance {
            return None;
        }
        let trees: Vec<&String> = open.iter().filter(|(_, is_tree)| **is_tree).map(|(name, _)| name).collect();
        let names = if wants_tree && !trees.is_empty() { trees } else { open.keys().collect() };
        let fd = (*names.get(pick.index as usize % names.len().max(1))?).clone();
        let below = if needs_name { &BELOW_DESCRIPTOR[..NAMES_BELOW] } else { &BELOW_DESCRIPTOR[..] };
        let path = if wants_tree { "" } else { below[pick.class as usize % below.len()] };
        Some(Place::AtFd { fd, path: path.to_owned() })
    }

    fn path(&mut self, drawn: &[(u8, Whereabouts)], pick: Pick, first: Option<&str>) -> String {
        let mut class = pick.class;
        let mut whereabouts = drawn[0].1;
        for &(weight, next) in drawn {
            whereabouts = next;
            if class < weight {
                break;
            }
            class -= weight;
        }
        let index = pick.index as usize;
        self.some(whereabouts, index, first).unwrap_or_else(|| alphabet(index))
    }

    /// One of the places of this kind, if there are any.
    fn some(&mut self, whereabouts: Whereabouts, index: usize, first: Option<&str>) -> Option<String> {
        let name = NAMES[(index / 7) % NAMES.len()];
        match whereabouts {
            Whereabouts::Root => Some("/".to_owned()),
            Whereabouts::Alphabet => Some(alphabet(index)),
            Whereabouts::Same => first.map(str::to_owned),
            Whereabouts::Inside => first.map(|first| format!("{first}/{name}")),
            Whereabouts::MountPoint => {
                let rows: Vec<&str> = self.rows().iter().map(|row| row.mount_point.as_str()).collect();
                choose(&rows, index).filter(|path| **path != "/").map(|path| (*path).to_owned())
            }
            Whereabouts::AboveMount => {
                let rows: Vec<&str> = self.rows().iter().map(|row| row.mount_point.as_str()).collect();
                let above = parent(choose(&rows, index)?);
                Some(if above.is_empty() { "/" } else { above }.to_owned())
            }
            Whereabouts::CoveredFile => {
                let rows: Vec<String> = self.rows().iter().map(|row| row.mount_point.clone()).collect();
                self.entry(index, |entry| entry.kind == EntryKind::File && rows.contains(&entry.path))
            }
            Whereabouts::Directory => self.entry(index, |entry| entry.kind == EntryKind::Directory),
            Whereabouts::File => self.entry(index, |entry| entry.kind == EntryKind::File),
            Whereabouts::Symlink => self.entry(index, |entry| entry.kind == EntryKind::Symlink),
            Whereabouts::Anything => self.entry(index, |_| true),
            Whereabouts::Alike => {
                let kind = self.kind_of(first?).unwrap_or(EntryKind::Directory);
                self.entry(index, |entry| (entry.kind == EntryKind::Directory) == (kind == EntryKind::Directory))
            }
            Whereabouts::ReadOnly => {
                let read_only = self.read_only_mounts();
                self.entry(index, |entry| read_only.iter().any(|mount| is_below(&entry.path, mount)))
            }
            Whereabouts::FreshReadOnly => {
                let read_only = self.read_only_mounts();
                let directory = choose(&read_only, index)?;
                Some(format!("{directory}/{name}"))
            }
            Whereabouts::Fresh => {
                let directory = self.entry(index, |entry| entry.kind == EntryKind::Directory)?;
                Some(format!("{directory}/{name}"))
            }
            Whereabouts::FreshSibling => Some(format!("{}/{name}", parent(first?))),
            Whereabouts::Sibling => {
                let directory = parent(first?).to_owned();
                self.entry(index, |entry| parent(&entry.path) == directory)
            }
            Whereabouts::Odd => {
                let directory = self.entry(index / 16, |entry| entry.kind == EntryKind::Directory);
                let file = self.entry(index / 16, |entry| entry.kind == EntryKind::File);
                let symlink = self.entry(index / 16, |entry| entry.kind == EntryKind::Symlink);
                Some(odd_path(index, directory.as_deref().unwrap_or("/a"), file.as_deref(), symlink.as_deref()))
            }
        }
    }

    fn rows(&self) -> &[MountRow] {
        self.tables.get(&self.world.present()).map_or(&[], Vec::as_slice)
    }

    fn read_only_mounts(&self) -> Vec<String> {
        let is_read_only = |row: &&MountRow| row.superblock_read_only || row.options.starts_with("ro");
        self.rows().iter().filter(is_read_only).map(|row| row.mount_point.clone()).collect()
    }

    fn entries(&mut self) -> &[Entry] {
        let world = &self.world;
        self.entries.get_or_insert_with(|| {
            let mut entries = world.outlook(MOST_ENTRIES);
            // The terminals that it opens are not modelled.
            entries.retain(|entry| !entry.path.ends_with("/ptmx"));
            entries
        })
    }

    fn entry(&mut self, index: usize, wanted: impl Fn(&Entry) -> bool) -> Option<String> {
        let found: Vec<&Entry> = self.entries().iter().filter(|entry| wanted(entry)).collect();
        choose(&found, index).map(|entry| entry.path.clone())
    }

    fn kind_of(&mut self, path: &str) -> Option<EntryKind> {
        self.entries().iter().find(|entry| entry.path == path).map(|entry| entry.kind)
    }
}

/// Returns true if the operation would act on a descriptor's magic link in /proc instead of following it.
fn is_about_the_link(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Open { nofollow: false, .. }
            | Operation::Stat { .. }
            | Operation::Readdir { .. }
            | Operation::Tree { .. }
            | Operation::Write { .. }
            | Operation::Access { .. }
            | Operation::Chdir { .. }
            | Operation::Chmod { .. }
            | Operation::MountTmpfs { .. }
            | Operation::MountNew { .. }
            | Operation::Attributes { .. }
            | Operation::Statfs { .. }
            | Operation::PivotRoot { .. }
            | Operation::OpenTreeAttr { .. }
            | Operation::Bind { .. }
            | Operation::Move { .. }
            | Operation::Propagation { .. }
            | Operation::RemountBind { .. }
            | Operation::Remount { .. }
            | Operation::Setattr { .. }
            | Operation::Umount { .. }
            | Operation::OpenTree { .. }
            | Operation::MoveMount { .. }
    )
}

fn choose<T>(from: &[T], index: usize) -> Option<&T> {
    from.get(index % from.len().max(1))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_below(path: &str, mount: &str) -> bool {
    path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'))
}

/// A path of one or two short names, whether it is there or not.
fn alphabet(index: usize) -> String {
    let first = NAMES[index % 3];
    match (index / 3) % 6 {
        0 | 1 => format!("/{first}"),
        second => format!("/{first}/{}", NAMES[second % NAMES.len()]),
    }
}
