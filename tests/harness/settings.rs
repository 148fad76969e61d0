//! The variables that a person sets for a test run.

use std::env::{var, var_os};
use std::time::{SystemTime, UNIX_EPOCH};

/// The four variables, read once from the environment.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `MOUNTWRIGHT_REQUIRE_KERNEL`: a kernel case that cannot run is a failure.
    pub require_kernel: bool,
    /// `MOUNTWRIGHT_LONG=1`: every search at its full size.
    pub long: bool,
    /// The longest searches of the model try one of this many places: 4, and 1 where `MOUNTWRIGHT_LONG` is set. `.ci/run` sets it
    /// to `review`: those at every place, and everything else as in an ordinary run.
    pub one_of: usize,
    /// `MOUNTWRIGHT_UPDATE`: a reviewed output that differs is kept.
    pub update: bool,
    /// `MOUNTWRIGHT_SEED`: the beginning of random histories.
    seed: Option<u32>,
}

impl Settings {
    /// Reads them. A seed that is not a number counts as none.
    pub fn read() -> Self {
        let is_set = |name| var_os(name).is_some();
        let size = var_os("MOUNTWRIGHT_LONG");
        Self {
            require_kernel: is_set("MOUNTWRIGHT_REQUIRE_KERNEL"),
            long: size.as_ref().is_some_and(|size| size != "review"),
            one_of: if size.is_some() { 1 } else { 4 },
            update: is_set("MOUNTWRIGHT_UPDATE"),
            seed: var("MOUNTWRIGHT_SEED").ok().and_then(|text| text.parse().ok()),
        }
    }

    /// The seed, or another one in each run.
    pub fn seed(self) -> u32 {
        let fresh = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.subsec_nanos());
        self.seed.unwrap_or_else(fresh)
    }
}
