//! How the examples show what they found: to a person at a terminal, through a pipe, and as JSON.

mod backing_words;
mod mount_json;
mod mount_tree;
mod path_json;
mod printable;
mod style;
mod terminal;
mod text_table;
mod written;

pub use backing_words::{backing_json, backing_words};
pub use mount_json::mount_json;
pub use mount_tree::{ShownMount, in_tree_order, mount_list, mount_tree, propagation_words, source_words};
pub use path_json::put_path;
pub use printable::{printable, printable_path};
pub use style::Style;
pub use terminal::Terminal;
pub use text_table::{Cell, Column, Fit, TextTable};
pub use written::write_out;
