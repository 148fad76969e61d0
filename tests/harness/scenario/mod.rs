//! Mount histories in the neutral JSON form, with the code to run one on any world and to compare the outcome.
//!
//! A [`Scenario`] is a history of typed [`Step`]s with the kernel's recorded results. A [`World`] is anything that can
//! perform one step and show its mount tables: the Linux kernel in a sandbox, or the in-memory model. [`play`] runs a
//! scenario on a world and writes the outcome down as a [`Recording`] in the normalised shape, in which numbers that
//! differ from run to run (mount ids, peer groups, devices, inodes) are labels in order of first appearance.

mod bits;
mod comparison;
mod file;
mod kernel_version;
mod normalise;
mod numbers;
mod one_or_many;
mod operation;
mod operation_lines;
mod outcome;
mod place;
mod play;
mod recording;
pub(crate) mod returned;
mod scenario_record;
mod snapshot;
mod step;
pub(crate) mod table_text;
mod value;
mod world;

pub use bits::{AccessMode, Attribute, MountFlag, NodeKind, OpenMode, PropagationBit, ResolveFlag, UnmountFlag};
pub use comparison::{CHANGES, Difference, Elsewhere, KernelChange, Verdict, draw, first_difference, minimise};
pub use file::{BadFile, read_scenarios, scenarios_from_text};
pub use kernel_version::KernelVersion;
pub use numbers::{DeviceNumber, IdRanges, Octal};
pub use one_or_many::OneOrMany;
pub use operation::Operation;
pub use operation_lines::operations;
pub use outcome::Outcome;
pub use place::Place;
pub use play::play;
pub use recording::Recording;
pub use scenario_record::Scenario;
pub use snapshot::{Row, Snapshot};
pub use step::{Credentials, Step};
pub use value::{AttributesValue, MountLabel, StatValue, Value};
pub use world::{Answer, CannotRun, MountRow, StatAnswer, Tables, World};
