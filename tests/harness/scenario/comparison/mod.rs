//! Two recordings of one scenario, and what explains a difference.

mod difference;
mod elsewhere;
mod minimise;
mod order_free;
mod table_drawing;
mod there;
mod verdict;

pub use difference::{Difference, first_difference};
pub use elsewhere::{CHANGES, Elsewhere, KernelChange};
pub use minimise::minimise;
pub use table_drawing::draw;
pub use verdict::Verdict;
