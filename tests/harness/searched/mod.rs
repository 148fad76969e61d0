//! Shared code of the searches, on the model and on the kernel: the operations, the initial state, and the conditions
//! that must hold after every run, whatever fault or attack it met.

mod answer;
mod difference;
mod filesystem;
mod kernel_scene;
mod layout;
mod named_set;
pub mod operation;
mod parent;
mod run;
mod snapshot;
mod tally;
pub mod verdict;
mod violation;

pub use answer::Answer;
pub use difference::{Difference, differences};
pub use filesystem::{FILESYSTEMS, Filesystem};
pub use kernel_scene::KernelScene;
pub use layout::{DIRECTORIES, FILES, layout};
pub use named_set::{NamedSet, syscall_sets};
pub use operation::Operation;
pub use parent::Parent;
pub use run::Run;
pub use snapshot::{FileName, FileSeen, Files, Group, MountSeen, Snapshot, add_files, without_numbers};
pub use tally::{Tallies, Tally};
pub use verdict::{Expected, Wrong};
pub use violation::{Harm, Violation};
