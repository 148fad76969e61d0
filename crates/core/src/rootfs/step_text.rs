//! Steps as lines of text.

use std::fmt;

use crate::mount::Recursion;
use crate::path::printable;
use crate::rootfs::step::{Device, DeviceBy, NewFilesystem, Preparation, Step};
use crate::spec::MountOptions;

/// Filesystems of the kernel alone: none of their options is a secret.
const WITHOUT_SECRETS: [&str; 8] = ["tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "overlay"];

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root { image } => write!(f, "/: bind of {} with the mounts below it", printable(image.as_str())),
            Self::Filesystem(new) => fmt::Display::fmt(new, f),
            Self::Bind { at, source, options, owners } => {
                write!(f, "{}: bind of {}", printable(at.as_str()), printable(source.as_str()))?;
                write_options(f, options, true)?;
                f.write_str(match owners {
                    None => "",
                    Some((_, Recursion::This)) => ", owners mapped",
                    Some((_, Recursion::Tree)) => ", owners mapped of every mount",
                })
            }
            Self::Cgroups { at, options } => {
                write!(f, "{}: cgroups of the container", printable(at.as_str()))?;
                write_options(f, options, true)
            }
            Self::Device(device) => fmt::Display::fmt(device, f),
            Self::Link { at, target } => {
                write!(f, "{}: symlink to {}", printable(at.as_str()), printable(target.as_str()))
            }
            Self::Console { at } => write!(f, "{}: bind of the terminal", printable(at.as_str())),
            Self::Mask { at, label } => {
                write!(f, "{}: masked, where it is there", printable(at.as_str()))?;
                label.iter().try_for_each(|label| write!(f, ", label {}", printable(label)))
            }
            Self::ReadOnlyPath { at } => {
                write!(f, "{}: read-only with all below it, where it is there", printable(at.as_str()))
            }
            Self::ReadOnlyRoot => f.write_str("/: read-only"),
            Self::ReadOnlyMount { at } => write!(f, "{}: read-only", printable(at.as_str())),
            Self::Propagation(word) => write!(f, "/: {word}"),
        }
    }
}

impl fmt::Display for NewFilesystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: new {}", printable(self.at.as_str()), printable(&self.fs_type))?;
        if let Some(source) = self.source.as_ref().filter(|source| **source != self.fs_type) {
            write!(f, " of {}", printable(source))?;
        }
        write_options(f, &self.options, WITHOUT_SECRETS.contains(&self.fs_type.as_str()))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(self.at.as_str()), self.kind)?;
        if let Some(number) = self.number {
            write!(f, " {number}")?;
        }
        if let Some(mode) = self.mode {
            write!(f, ", mode {mode}")?;
        }
        for (name, id) in [("uid", self.uid), ("gid", self.gid)] {
            if let Some(id) = id {
                write!(f, ", {name} {id}")?;
            }
        }
        f.write_str(match self.by {
            DeviceBy::Node => ", by a node",
            DeviceBy::Bind => ", by a bind of the host's",
        })
    }
}

impl fmt::Display for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(word) => write!(f, "every mount of the namespace: {}", word.propagation),
            Self::ParentPrivate => f.write_str("the mount that holds the image: private"),
        }
    }
}

/// Writes ` (ro,size=64k)`, nothing for an empty list. Values are left out where they may be secrets.
fn write_options(f: &mut fmt::Formatter<'_>, options: &MountOptions, with_values: bool) -> fmt::Result {
    let words = options.to_words();
    let shown = words.iter().map(|word| match word.split_once('=') {
        Some((key, _)) if !with_values => format!("{}=…", printable(key)),
        _ => printable(word),
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() { Ok(()) } else { write!(f, " ({})", shown.join(",")) }
}
