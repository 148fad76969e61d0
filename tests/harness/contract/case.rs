//! One case of the suite.

use std::fmt;

use super::scene::Scene;
use super::world::World;

/// A rule, and the function that checks it.
#[derive(Clone, Copy)]
pub struct Case {
    rule: &'static str,
    needs: Needs,
    run: fn(&Scene<'_>),
}

/// The requirements of a case that not every machine meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A mount namespace of its own.
    Namespace,
    /// Device nodes can be made: not in a user namespace.
    DeviceNodes,
    /// More users than one: not in a user namespace that maps one.
    OtherUsers,
}

impl Case {
    pub(super) const fn new(rule: &'static str, run: fn(&Scene<'_>)) -> Self {
        Self { rule, needs: Needs::Namespace, run }
    }

    pub(super) const fn needing(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// The rule, as a sentence.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// Returns its requirements.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Checks the rule in a fresh world.
    pub fn run(&self, world: &dyn World) {
        // A backend may open a descriptor to keep with its first call; every later one closes what it opened.
        let _ = world.backend().mounts();
        (self.run)(&Scene::new(world));
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)
    }
}

impl Needs {
    /// Returns the reason why a user namespace cannot meet this requirement; `None`: it can.
    pub fn refused_in_user_namespace(self) -> Option<&'static str> {
        match self {
            Self::Namespace => None,
            Self::DeviceNodes => Some("device nodes cannot be made in a user namespace"),
            Self::OtherUsers => Some("the user namespace has one user"),
        }
    }
}
