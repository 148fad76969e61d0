//! Random targets in a root that a bind creates: what it reports is there, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::BindReport;
use mountwright_core::{BindRequest, Errno, FileMode, Location, Mounter, OsError};
use mountwright_linux::abi::{AT_REMOVEDIR, MNT_DETACH};
use mountwright_linux::{At, Kernel, LinuxBackend, Reach};
use mountwright_tests::machine::walk;
use mountwright_tests::random::Random;

use crate::look_ups::{Asked, Tally};
use crate::tree::{ROOT, Tree};

/// The names that were created, or the errno.
pub(crate) type Created = Result<Vec<PathBuf>, Errno>;

/// Every name below `/w`, and the rows of the mount table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Machine {
    names: BTreeSet<PathBuf>,
    rows: Vec<Vec<u8>>,
}

impl Machine {
    fn of(kernel: &impl Kernel) -> Self {
        let mut names = BTreeSet::new();
        walk(kernel, At::Cwd, Path::new("/w"), &mut |path, _, _| {
            names.insert(path.to_owned());
        });
        let text = kernel.mountinfo().expect("the table");
        Self { names, rows: text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect() }
    }
}

/// A bind that creates its target.
pub(crate) fn request(path: &str, is_file: bool) -> BindRequest {
    let source = Location::trusted(if is_file { "/w/text" } else { "/w/source" });
    let modes = (FileMode::from_bits(0o750), FileMode::from_bits(0o640));
    BindRequest::new(source, Location::in_root(ROOT, path)).creating_target_with(modes.0, modes.1)
}

impl<K: Kernel> Asked<K> {
    /// Makes the bind by each rung and removes it again; returns the result, and the laws that were broken.
    pub(crate) fn created(&self, path: &str, is_file: bool) -> (Created, Vec<String>) {
        let [with, without] = self.rungs.each_ref().map(|backend| self.created_by(backend, path, is_file));
        let mut broken = [with.1, without.1].concat();
        if with.0 != without.0 {
            broken.push(format!("target {path:?}: with openat2: {:?}, without: {:?}", with.0, without.0));
        }
        (with.0, broken)
    }

    fn created_by(&self, backend: &LinuxBackend<K>, path: &str, is_file: bool) -> (Created, Vec<String>) {
        let kernel = backend.kernel();
        let before = Machine::of(kernel);
        let bound = backend.bind(&request(path, is_file));
        let mut broken = match &bound {
            Ok(report) => self.after_success(backend, path, report, &before),
            Err(error) => after_failure(error),
        };
        if Machine::of(kernel) != before {
            broken.push("something is left".to_owned());
        }
        let broken = broken.into_iter().map(|law| format!("target {path:?}: {law}: {bound:?}")).collect();
        (bound.map(|report| report.created).map_err(|error| error.errno()), broken)
    }

    /// Checks what is there, and removes it.
    fn after_success(
        &self,
        backend: &LinuxBackend<K>,
        path: &str,
        report: &BindReport,
        before: &Machine,
    ) -> Vec<String> {
        let kernel = backend.kernel();
        let mut broken = Vec::new();
        let mut law = |holds: bool, text: &str| {
            if !holds {
                broken.push(text.to_owned());
            }
        };
        let shown = self.look(path, FinalSymlink::Follow);
        law(shown.is_ok_and(|(_, seen)| seen.mount == Some(report.mount)), "the path does not show the mount");
        let mounted = backend.find_mount(report.mount).expect("it is mounted").mount_point;
        kernel.umount2(Reach::Path(&mounted), MNT_DETACH).expect("it is mounted");
        let created: BTreeSet<_> = Machine::of(kernel).names.difference(&before.names).cloned().collect();
        law(report.created.iter().all(|path| created.contains(path)), "a reported name is missing");
        // A bind in the image shows one file under two names.
        let is_reported = |path: &PathBuf| report.created.iter().any(|made| made.file_name() == path.file_name());
        law(created.iter().all(is_reported), "a name is there that was not reported");
        law(created.iter().all(|path| path.starts_with(ROOT)), "created outside of the root");
        for path in report.created.iter().rev() {
            let is_dir = kernel.unlinkat(At::Cwd, path, AT_REMOVEDIR);
            law(is_dir.or_else(|_| kernel.unlinkat(At::Cwd, path, 0)).is_ok(), "a created name is not empty");
        }
        broken
    }
}

fn after_failure(error: &OsError) -> Vec<String> {
    if error.left().is_empty() { Vec::new() } else { vec!["the error names what it left".to_owned()] }
}

/// The sum of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    pub(crate) results: Tally,
    pub(crate) different: Vec<String>,
}

impl Targets {
    /// Creates so many targets in an image, on the kernel and on the model.
    pub(crate) fn create<K: Kernel, M: Kernel>(
        &mut self,
        (kernel, model): (&Asked<K>, &Asked<M>),
        tree: &Tree,
        random: &mut Random,
        times: usize,
    ) {
        for _ in 0..times {
            let (path, is_file) = (tree.path(random), random.one_in(3));
            let (found, mut broken) = kernel.created(&path, is_file);
            let (modelled, of_model) = model.created(&path, is_file);
            broken.extend(of_model.into_iter().map(|text| format!("model: {text}")));
            if found != modelled {
                broken.push(format!("target {path:?}: model: {modelled:?}, kernel: {found:?}"));
            }
            self.results.add(match &found {
                Ok(created) if created.is_empty() => "found".to_owned(),
                Ok(_) => "created".to_owned(),
                Err(errno) => errno.to_string(),
            });
            self.different.extend(broken.into_iter().map(|text| format!("{text}\nin\n{}\n", tree.text())));
        }
    }
}
