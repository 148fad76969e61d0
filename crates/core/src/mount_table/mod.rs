//! Mount tables: reading, look-ups, printing.

pub(crate) mod index;
pub(crate) mod line;
pub(crate) mod pasted;
pub(crate) mod render;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;

pub use line::OddLine;
pub use pasted::RemovedText;
pub use render::{TABLE_HEADS, TreeRow};
pub use table::{MountRow, MountTable};
pub use text::RowText;
