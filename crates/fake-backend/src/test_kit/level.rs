//! The calls between which a search acts.

use std::fmt;
use std::sync::Arc;

use mountwright_core::{Backend, Errno};
use mountwright_linux::LinuxBackend;

use crate::fake_backend::FakeBackend;
use crate::test_kit::errnos::{errnos, is_a_statement, means_again};
use crate::test_kit::hooked::Hooked;
use crate::test_kit::interposed::between::{Between, Moment, Point, PortMoment};
use crate::test_kit::interposed::wrapper::Interposed;

/// The calls between which a search acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The system calls of the backend: a port call is several of them, and can fail half way.
    SystemCalls,
    /// The port calls: each is made or not.
    PortCalls,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemCalls => "system calls",
            Self::PortCalls => "port calls",
        })
    }
}

/// The kind of call of one level: [`Moment`] or [`PortMoment`].
pub trait SearchedCall: Point {
    /// Runs code on the host with this between its calls.
    fn play<T>(host: &FakeBackend, between: Arc<dyn Between<Self>>, act: &dyn Fn(&dyn Backend) -> T) -> T;

    /// The errors that a call of this kind is given.
    fn failures(self) -> Vec<Errno>;

    /// The name of the call.
    fn name(self) -> String;

    /// The position and the name.
    fn text(self) -> String {
        format!("call {}, {}", self.number(), self.name())
    }
}

impl SearchedCall for Moment {
    fn play<T>(host: &FakeBackend, between: Arc<dyn Between<Self>>, act: &dyn Fn(&dyn Backend) -> T) -> T {
        act(&LinuxBackend::over(Interposed::new(host.kernel(), between)))
    }

    fn failures(self) -> Vec<Errno> {
        errnos(self.call, self.probe)
            .into_iter()
            .filter(|&errno| !is_a_statement(errno) && !means_again(errno))
            .collect()
    }

    fn name(self) -> String {
        format!("{}{}", self.call, if self.probe { " (probe)" } else { "" })
    }
}

impl SearchedCall for PortMoment {
    fn play<T>(host: &FakeBackend, between: Arc<dyn Between<Self>>, act: &dyn Fn(&dyn Backend) -> T) -> T {
        act(&Hooked::new(host.unobserved(), between))
    }

    fn failures(self) -> Vec<Errno> {
        vec![Errno::EIO, Errno::ENOMEM, Errno::EACCES]
    }

    fn name(self) -> String {
        self.method.to_owned()
    }
}
