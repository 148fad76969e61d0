//! Mount namespaces for tests on the kernel (feature `test-namespace`): a test runs in one of its own, or not at all.
//!
//! * [`run`] is for a `#[test]`: it starts the test again in a process of its own, in a namespace of its own, whatever the
//!   number of threads and without root where the kernel allows that.
//! * [`enter`] moves a process of one thread into one, for a test binary with a `main` of its own;
//!   [`enter_on_this_thread`] moves one thread of it into another, so that cases on several threads do not see each
//!   other's mounts.
//!
//! A namespace ends with the process or thread that entered it; the machine's own is not changed. If the kernel permits
//! none, [`NoNamespace`] says why: a test that did not run must not read as one that passed.
//!
//! ```no_run
//! use mountwright_core::{Location, MountRequest, Mounter};
//! use mountwright_core::MountInfo;
//! use mountwright_linux::{LinuxBackend, test_namespace};
//!
//! # /*
//! #[test]
//! # */
//! fn a_tmpfs_is_mounted() {
//!     let ran = test_namespace::run(|_privilege| {
//!         let kernel = LinuxBackend::new();
//!         kernel.mount(&MountRequest::new("tmpfs", Location::trusted("/tmp"))).unwrap();
//!         assert_eq!(MountInfo::at(&kernel, "/tmp").unwrap().fs_type, "tmpfs");
//!     });
//!     ran.unwrap(); // "could not" is a failure here; print it where you want to go on
//! }
//! ```

mod entry;
mod no_namespace;
mod privilege;
mod run;

pub use entry::{enter, enter_on_this_thread, enter_user_namespace};
pub use no_namespace::NoNamespace;
pub use privilege::{Privilege, has_every_user};
pub use run::run;
