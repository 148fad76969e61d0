//! The operations, in short.

use mountwright_tests::scenario::{Operation, PropagationBit};

pub(crate) fn mkdir(path: &str) -> Operation {
    Operation::Mkdir { path: path.into() }
}

pub(crate) fn tmpfs(target: &str) -> Operation {
    Operation::MountTmpfs { target: target.into(), flags: vec![] }
}

pub(crate) fn bind(source: &str, target: &str) -> Operation {
    Operation::Bind { source: source.into(), target: target.into(), recursive: false }
}

pub(crate) fn rbind(source: &str, target: &str) -> Operation {
    Operation::Bind { source: source.into(), target: target.into(), recursive: true }
}

pub(crate) fn move_to(source: &str, target: &str) -> Operation {
    Operation::Move { source: source.into(), target: target.into() }
}

pub(crate) fn make(target: &str, kind: PropagationBit) -> Operation {
    Operation::Propagation { target: target.into(), kind: kind.into(), recursive: false }
}

pub(crate) fn umount(target: &str) -> Operation {
    Operation::Umount { target: target.into(), flags: vec![] }
}
