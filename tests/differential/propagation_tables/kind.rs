//! The propagation types of a mount.

/// As the columns and rows of the tables in the kernel's `sharedsubtree.rst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Shared,
    Private,
    Slave,
    SharedAndSlave,
    Unbindable,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Shared, Self::Private, Self::Slave, Self::SharedAndSlave, Self::Unbindable];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Private => "private",
            Self::Slave => "slave",
            Self::SharedAndSlave => "shared+slave",
            Self::Unbindable => "unbindable",
        }
    }

    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::SharedAndSlave)
    }

    pub(crate) fn is_slave(self) -> bool {
        matches!(self, Self::Slave | Self::SharedAndSlave)
    }
}
