//! Devices and links of a container's `/dev`.

use camino::Utf8PathBuf;

use crate::file::{DeviceNumber, FileKind, FileMode};
use crate::rootfs::BadConfig;
use crate::rootfs::fields::{At, Fields};
use crate::rootfs::identities::Identities;
use crate::rootfs::places::cleaned;
use crate::rootfs::step::{Device, DeviceBy, NewFilesystem, Step};

/// The devices that every container has (`config-linux.md`, "Default Devices").
const DEFAULTS: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// The links that every container has.
const LINKS: [(&str, &str); 6] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/core", "/proc/kcore"),
    ("/dev/ptmx", PTMX.0),
];

/// The link to the container's own multiplexer, and the number of the device that it leads to.
const PTMX: (&str, DeviceNumber) = ("pts/ptmx", DeviceNumber::new(5, 2));

/// The bits of a mode that are about the kind of a file.
const KIND_BITS: u32 = 0o170_000;

/// The steps that fill `/dev`: nothing where a directory of the host is bound on it, as runc has it.
pub(crate) fn steps(linux: &mut Fields<'_>, mounts: &[Step], identities: &Identities) -> Result<Vec<Step>, BadConfig> {
    let entries = linux.list("devices")?;
    let own = entries.iter().map(|entry| read(entry, mounts, identities)).collect::<Result<Vec<_>, _>>()?;
    if mounts.iter().any(|step| matches!(step, Step::Bind { at, .. } if cleaned(at) == "/dev")) {
        return match entries.first() {
            Some(entry) => Err(entry.bad("a directory of the host is bound on /dev, and no device is created in it")),
            None => Ok(Vec::new()),
        };
    }
    let taken = |place: &str| mounts.iter().filter_map(Step::place).any(|at| cleaned(at) == place);
    let own: Vec<_> = own.into_iter().flatten().collect();
    let defaults =
        DEFAULTS.iter().filter(|(at, ..)| !taken(at) && !own.iter().any(|device| cleaned(&device.at) == *at));
    let defaults =
        defaults.map(|&(at, major, minor)| default_device(at, DeviceNumber::new(major, minor), mounts, identities));
    let devices = defaults.chain(own.iter().cloned()).map(Step::Device);
    let links = LINKS.iter().filter(|(at, _)| !taken(at));
    let links = links.map(|(at, target)| Step::Link { at: (*at).into(), target: (*target).into() });
    Ok(devices.chain(links).collect())
}

fn default_device(at: &str, number: DeviceNumber, mounts: &[Step], identities: &Identities) -> Device {
    let at = Utf8PathBuf::from(at);
    let by = way_to(&at, mounts, identities);
    let (mode, owner) = match by {
        DeviceBy::Node => (Some(FileMode::from_bits(0o666)), Some(0)),
        DeviceBy::Bind => (None, None),
    };
    Device { at, kind: FileKind::CharacterDevice, number: Some(number), mode, uid: owner, gid: owner, by }
}

/// A node on a tmpfs of the container's own; elsewhere, and in a user namespace, which may create none, a bind.
fn way_to(at: &Utf8PathBuf, mounts: &[Step], identities: &Identities) -> DeviceBy {
    let place = cleaned(at);
    let below = mounts.iter().rev().find(|step| step.place().is_some_and(|at| place.starts_with(cleaned(at))));
    match below {
        Some(Step::Filesystem(NewFilesystem { fs_type, .. })) if fs_type == "tmpfs" && !identities.has("user") => {
            DeviceBy::Node
        }
        _ => DeviceBy::Bind,
    }
}

/// Reads an entry; `None` of the multiplexer, which the link stands for.
fn read(entry: &At<'_>, mounts: &[Step], identities: &Identities) -> Result<Option<Device>, BadConfig> {
    let mut fields = entry.fields()?;
    let kind = read_kind(&fields.required("type")?)?;
    let path = fields.required("path")?;
    let numbers = [fields.take("major"), fields.take("minor")];
    let mode = fields.take("fileMode").map(|mode| read_mode(&mode, kind)).transpose()?;
    let uid = fields.take("uid").map(|uid| read_id(&uid, |id| identities.maps_uid(id))).transpose()?;
    let gid = fields.take("gid").map(|gid| read_id(&gid, |id| identities.maps_gid(id))).transpose()?;
    fields.nothing_left()?;
    let at = path.inner_path()?;
    let number = read_number(entry, kind, numbers)?;
    if cleaned(&at) == "/dev/ptmx" {
        return match number {
            Some(number) if number == PTMX.1 => Ok(None),
            _ => Err(path.bad("it is the multiplexer of the container's own devpts, 5:2")),
        };
    }
    let by = way_to(&at, mounts, identities);
    let device = match by {
        DeviceBy::Bind if number.is_none() => {
            return Err(path.bad("a named pipe is created on a tmpfs of the container's own alone"));
        }
        DeviceBy::Bind => Device { at, kind, number, mode, uid, gid, by },
        DeviceBy::Node => {
            let mode = mode.or(Some(FileMode::from_bits(0o666)));
            Device { at, kind, number, mode, uid: uid.or(Some(0)), gid: gid.or(Some(0)), by }
        }
    };
    Ok(Some(device))
}

fn read_kind(entry: &At<'_>) -> Result<FileKind, BadConfig> {
    match entry.text()? {
        "c" | "u" => Ok(FileKind::CharacterDevice),
        "b" => Ok(FileKind::BlockDevice),
        "p" => Ok(FileKind::Fifo),
        other => Err(entry.bad(format!("{other:?} is no type of device: expected c, u, b or p"))),
    }
}

fn read_mode(entry: &At<'_>, kind: FileKind) -> Result<FileMode, BadConfig> {
    let number = entry.number(KIND_BITS | 0o7777)?;
    let expected = match kind {
        FileKind::BlockDevice => 0o060_000,
        FileKind::Fifo => 0o010_000,
        _ => 0o020_000,
    };
    if ![0, expected].contains(&(number & KIND_BITS)) {
        return Err(entry.bad(format!("{number} (octal {number:o}) is the mode of another kind of file")));
    }
    // The bits below those of the kind are twelve.
    Ok(FileMode::from_bits((number & 0o7777) as u16))
}

fn read_id(entry: &At<'_>, is_mapped: impl Fn(u32) -> bool) -> Result<u32, BadConfig> {
    let id = entry.number(u32::MAX - 1)?;
    if is_mapped(id) { Ok(id) } else { Err(entry.bad(format!("{id} has no mapping in the user namespace"))) }
}

/// The number of a device; of a named pipe there is none, and zeros say so too.
fn read_number(
    entry: &At<'_>,
    kind: FileKind,
    [major, minor]: [Option<At<'_>>; 2],
) -> Result<Option<DeviceNumber>, BadConfig> {
    let (most_major, most_minor) = (0xfff, 0xf_ffff);
    let read = |name: &str, number: Option<&At<'_>>, most: u32| match number {
        Some(number) => number.number(most),
        None if kind == FileKind::Fifo => Ok(0),
        None => Err(BadConfig::new(format!("{}.{name}", entry.path), "it is missing")),
    };
    let (high, low) = (read("major", major.as_ref(), most_major)?, read("minor", minor.as_ref(), most_minor)?);
    match kind {
        FileKind::Fifo if (high, low) != (0, 0) => Err(entry.bad("a named pipe has no device number")),
        FileKind::Fifo => Ok(None),
        _ => Ok(Some(DeviceNumber::new(high, low))),
    }
}
