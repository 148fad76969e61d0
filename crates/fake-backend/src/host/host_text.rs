//! The short text that a host can be built from.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mountwright_core::mount::{AtimeMode, MountAttributes, MountId, PeerGroup, PropagationState};
use mountwright_core::{DeviceNumber, FileMode, MountFlags, MountInfo};

use crate::host::host_builder::HostBuilder;
use crate::host::host_error::{HostError, HostLine};
use crate::host::mount_row::Row;
use crate::host::planted_file::Plant;

/// The first anonymous device number that is given to a filesystem without one.
const FIRST_DEVICE: u32 = 40;

/// The lines that were read so far.
#[derive(Default)]
struct Description {
    rows: Vec<Row>,
    /// By path: the row that is seen there.
    seen: BTreeMap<PathBuf, usize>,
    devices: BTreeSet<DeviceNumber>,
    planted: Vec<(PathBuf, Plant)>,
    modes: Vec<(PathBuf, FileMode)>,
    owners: Vec<(PathBuf, u32, u32)>,
    hanging: Vec<PathBuf>,
}

type Reason = &'static str;

impl HostBuilder {
    /// A host from a short text (see above).
    ///
    /// # Errors
    /// The line that cannot be read, or the two lines that contradict each other.
    pub fn from_text(text: &str) -> Result<Self, HostError> {
        read(text)
    }
}

fn read(text: &str) -> Result<HostBuilder, HostError> {
    let mut description = Description::default();
    let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before).trim());
    let lines: Vec<(usize, &str)> = (1..).zip(lines).filter(|(_, line)| !line.is_empty()).collect();
    // A number that a later line gives is not given to an earlier one.
    for (_, line) in &lines {
        let given = line.split_whitespace().filter_map(|word| word.strip_prefix("dev=").and_then(device));
        description.devices.extend(given);
    }
    for (number, line) in lines {
        let line = HostLine::new(number, line.as_bytes());
        let words: Vec<String> = line.text.split_whitespace().map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        description.read_line(&line, &words).map_err(|problem| match problem {
            Problem::Reason(reason) => HostError::BadLine { line, reason },
            Problem::Whole(error) => error,
        })?;
    }
    let mut builder = HostBuilder::with_rows(description.rows)?;
    for (path, what) in description.planted {
        builder = builder.plant(path, what);
    }
    for (path, mode) in description.modes {
        builder = builder.mode(path, mode);
    }
    for (path, uid, gid) in description.owners {
        builder = builder.owner(path, uid, gid);
    }
    for path in description.hanging {
        builder = builder.hanging(path);
    }
    Ok(builder)
}

enum Problem {
    Reason(Reason),
    Whole(HostError),
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

/// The words after those that have a place of their own.
#[derive(Default)]
struct Extras {
    attributes: Option<MountAttributes>,
    state: PropagationState,
    device: Option<DeviceNumber>,
    options: Option<OsString>,
}

impl Description {
    fn read_line(&mut self, line: &HostLine, words: &[&str]) -> Result<(), Problem> {
        match words {
            ["mount", path, fs_type, source, extras @ ..] => {
                let mount = self.new_mount(absolute(path)?, fs_type, source, extras)?;
                self.add(line, mount)
            }
            ["bind", source, target, extras @ ..] => {
                let mount = self.new_bind(&absolute(source)?, absolute(target)?, extras)?;
                self.add(line, mount)
            }
            ["dir", path] => self.plant(path, Plant::Directory),
            ["file", path, text @ ..] => self.plant(path, Plant::File(unescape(&text.join(" ")))),
            ["link", path, target] => self.plant(path, Plant::Symlink(bytes_path(target))),
            ["block", path, number] => self.plant(path, Plant::BlockDevice(numbered(number)?)),
            ["char", path, number] => self.plant(path, Plant::CharacterDevice(numbered(number)?)),
            ["fifo", path] => self.plant(path, Plant::Fifo),
            ["socket", path] => self.plant(path, Plant::Socket),
            ["mode", path, mode] => {
                let mode = u16::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777);
                self.modes.push((absolute(path)?, FileMode::from_bits(mode.ok_or("the mode is not an octal number")?)));
                Ok(())
            }
            ["owner", path, owner] => {
                let ids = owner.split_once(':').and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
                let (uid, gid) = ids.ok_or("the owner is not UID:GID")?;
                self.owners.push((absolute(path)?, uid, gid));
                Ok(())
            }
            ["hang", path] => {
                self.hanging.push(absolute(path)?);
                Ok(())
            }
            _ => Err("no line of this form is known".into()),
        }
    }

    fn plant(&mut self, path: &str, what: Plant) -> Result<(), Problem> {
        self.planted.push((absolute(path)?, what));
        Ok(())
    }

    fn add(&mut self, line: &HostLine, mount: MountInfo) -> Result<(), Problem> {
        let path = mount.mount_point.clone();
        self.rows.push(Row::new(line.clone(), mount).map_err(Problem::Whole)?);
        // What was mounted below it is hidden now.
        let hidden: Vec<_> = self.seen.range(path.clone()..).map(|(below, _)| below.clone()).collect();
        for below in hidden.into_iter().take_while(|below| below.starts_with(&path)) {
            self.seen.remove(&below);
        }
        self.seen.insert(path, self.rows.len() - 1);
        Ok(())
    }

    /// The mount that a path is on.
    fn holder(&self, path: &Path) -> Option<&MountInfo> {
        path.ancestors().find_map(|above| self.seen.get(above)).map(|&row| &self.rows[row].mount)
    }

    fn next_id(&self) -> Result<MountId, Reason> {
        // The lowest mount, which no line is, has the first.
        u32::try_from(self.rows.len() + 2).map(MountId).map_err(|_| "too many lines")
    }

    fn new_mount(&mut self, path: PathBuf, fs_type: &str, source: &str, extras: &[&str]) -> Result<MountInfo, Problem> {
        let extras = Extras::read(extras)?;
        let parent = self.holder(&path).map_or(MountId(1), |holder| holder.id);
        if self.rows.is_empty() && path != Path::new("/") {
            self.add_default_root()?;
            return self.new_mount_on(path, fs_type, source, extras, MountId(2));
        }
        self.new_mount_on(path, fs_type, source, extras, parent)
    }

    fn add_default_root(&mut self) -> Result<(), Problem> {
        let root = self.new_mount_on(PathBuf::from("/"), "tmpfs", "tmpfs", Extras::default(), MountId(1))?;
        self.add(&HostLine::new(0, b"mount / tmpfs tmpfs"), root)
    }

    fn new_mount_on(
        &mut self,
        path: PathBuf,
        fs_type: &str,
        source: &str,
        extras: Extras,
        parent: MountId,
    ) -> Result<MountInfo, Problem> {
        let device = extras.device.unwrap_or_else(|| self.free_device());
        self.devices.insert(device);
        let mut mount = MountInfo::new(self.next_id()?, parent, device);
        mount.mount_point = path;
        mount.fs_type = OsString::from_vec(unescape(fs_type));
        mount.source = OsString::from_vec(unescape(source));
        mount.attributes = extras.attributes.unwrap_or_default();
        mount.propagation = extras.state;
        if let Some(options) = extras.options {
            let has_mode = matches!(options.as_bytes().split(|&byte| byte == b',').next(), Some(b"rw" | b"ro"));
            if has_mode {
                mount.options = options;
            } else {
                mount.options.push(",");
                mount.options.push(options);
            }
        }
        Ok(mount)
    }

    fn new_bind(&mut self, source: &Path, target: PathBuf, extras: &[&str]) -> Result<MountInfo, Problem> {
        let extras = Extras::read(extras)?;
        if extras.device.is_some() || extras.options.is_some() {
            return Err("a bind has the device and the options of what it is of".into());
        }
        if self.rows.is_empty() {
            self.add_default_root()?;
        }
        let of = self.holder(source).ok_or("there is no mount at / to bind from")?;
        let parent = self.holder(&target).ok_or("there is no mount at / to bind onto")?.id;
        let mut mount = of.clone();
        let below = source.strip_prefix(&of.mount_point).unwrap_or(Path::new(""));
        if !below.as_os_str().is_empty() {
            mount.root.push(below);
        }
        mount.id = self.next_id()?;
        mount.parent = parent;
        mount.mount_point = target;
        mount.attributes = extras.attributes.unwrap_or(mount.attributes);
        mount.propagation = extras.state;
        Ok(mount)
    }

    fn free_device(&self) -> DeviceNumber {
        let numbers = (FIRST_DEVICE..).map(|minor| DeviceNumber::new(0, minor));
        numbers.into_iter().find(|number| !self.devices.contains(number)).unwrap_or(DeviceNumber::new(0, u32::MAX))
    }
}

impl Extras {
    fn read(words: &[&str]) -> Result<Self, Reason> {
        let mut extras = Self::default();
        for word in words {
            let group =
                |number: &str| number.parse().ok().and_then(PeerGroup::new).ok_or("a group is a number above 0");
            if let Some(number) = word.strip_prefix("dev=") {
                extras.device = Some(numbered(number)?);
            } else if let Some(options) = word.strip_prefix("options=") {
                extras.options = Some(OsString::from(options));
            } else if let Some(number) = word.strip_prefix("shared:") {
                extras.state.peers = Some(group(number)?);
            } else if let Some(number) = word.strip_prefix("master:") {
                extras.state.master = Some(group(number)?);
            } else if let Some(number) = word.strip_prefix("propagate_from:") {
                extras.state.propagate_from = Some(group(number)?);
            } else if *word == "unbindable" {
                extras.state.unbindable = true;
            } else {
                extras.attributes = Some(attributes(word)?);
            }
        }
        Ok(extras)
    }
}

fn attributes(text: &str) -> Result<MountAttributes, Reason> {
    let mut attributes = MountAttributes::default();
    for word in text.split(',') {
        match word {
            "rw" => {}
            "relatime" => attributes.atime = AtimeMode::Relative,
            "noatime" => attributes.atime = AtimeMode::Never,
            "strictatime" => attributes.atime = AtimeMode::Strict,
            _ => {
                let known = MountFlags::ALL.words().find(|(_, known)| *known == word);
                attributes.flags |= known.ok_or("a word is neither an attribute nor anything else")?.0;
            }
        }
    }
    Ok(attributes)
}

fn device(text: &str) -> Option<DeviceNumber> {
    let (major, minor) = text.split_once(':')?;
    Some(DeviceNumber::new(major.parse().ok()?, minor.parse().ok()?))
}

fn numbered(text: &str) -> Result<DeviceNumber, Reason> {
    device(text).ok_or("a device is MAJOR:MINOR")
}

/// A clean absolute path.
fn absolute(text: &str) -> Result<PathBuf, Reason> {
    let path = bytes_path(text);
    if !path.is_absolute() {
        return Err("a path does not begin with a slash");
    }
    // Slashes at the end or doubled go.
    Ok(path.components().collect())
}

fn bytes_path(text: &str) -> PathBuf {
    PathBuf::from(OsString::from_vec(unescape(text)))
}

/// Undoes `\040` and its like.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] if *first == b'\\' => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            _ => {
                out.push(*first);
                tail
            }
        };
    }
    out
}
