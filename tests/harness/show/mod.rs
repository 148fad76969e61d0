//! Output of the examples: for a terminal, through a pipe, and as JSON.

mod backing_words;
mod mount_json;
mod mount_tree;
mod path_json;
mod style;
mod terminal;
mod text_table;
mod width;
mod written;

pub use backing_words::{backing_json, backing_words};
pub use mount_json::mount_json;
pub use mount_tree::{mount_list, mount_tree};
pub use mountwright_core::path::printable;
pub use path_json::put_path;
pub use style::Style;
pub use terminal::Terminal;
pub use text_table::{Cell, Column, Fit, TextTable};
pub use width::{cut_middle, width_of};
pub use written::write_out;
