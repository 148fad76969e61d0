//! Shared code of the tests and examples of mountwright.
//!
//! A function panics where the machine, or what it was given, does not allow what it is for: the test has failed then. An
//! error is the machine's errno, or says what is not to be had here.

#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)] // Said once, above.

pub mod as_command;
pub mod container_spec;
pub mod contract;
pub mod elsewhere;
pub mod fuse_server;
pub mod kernel_required;
pub mod kernel_trials;
pub mod machine;
pub mod mortal_child;
pub mod naive;
pub mod random;
pub mod scenario;
pub mod scenario_runner;
pub mod searched;
pub mod settings;
pub mod show;
pub mod snapshot;
pub mod terminal_of_a_test;
pub mod traced;
pub mod worker_process;

pub use mountwright_linux::test_namespace as namespace;

/// The programs of the pages are compiled and run as they stand there.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/cookbook.md")]
    struct Cookbook;
    #[doc = include_str!("../../docs/porting-a-runtime.md")]
    struct PortingARuntime;
}
