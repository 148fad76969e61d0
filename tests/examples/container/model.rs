//! The bundle on the model: its root is built and entered there, and no program runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use mountwright_core::ports::ProcessRoot;
use mountwright_core::{DeviceNumber, Location, Mounter};
use mountwright_fake::abi::CLONE_NEWNS;
use mountwright_fake::{FakeBackend, HostBuilder, Plant};
use mountwright_tests::container_spec::DEVICES;

use super::Refused;
use super::bundle::Bundle;
use super::root;

/// The host: what a build asks of one besides the image and the sources.
const HOST: &str = "mount / ext4 /dev/vda1 dev=254:1
 dir /proc
 dir /sys
 dir /dev
mount /proc proc proc
mount /sys sysfs sysfs
mount /sys/fs/cgroup cgroup2 cgroup2
mount /dev devtmpfs devtmpfs
 char /dev/pty 136:0";

/// The terminal of the container on it.
const TERMINAL: &str = "/dev/pty";

/// The deepest files of the image that are planted, and the most.
const DEEPEST: usize = 4;
const MOST: usize = 10_000;

/// Builds the root in a new mount namespace and enters it, and returns the mounts that the process sees then.
pub(crate) fn play(bundle: &Bundle) -> Result<String, Refused> {
    let host = host(bundle)?;
    let terminal = Location::trusted(TERMINAL);
    let terminal = bundle.plan.needs_terminal().then_some(&terminal);
    let before = host.pin_namespace().map_err(Refused::because)?;
    let unshared = host.machine(|machine| machine.unshare(host.process(), CLONE_NEWNS));
    unshared.map_err(|errno| Refused::new(format!("unshare(CLONE_NEWNS): {errno}")))?;
    let host = host.for_process(host.process());
    let report = root::build_and_enter(bundle, &host, before, terminal)?;
    let mounts = host.mounts().map_err(Refused::because)?;
    let text = String::from_utf8_lossy(mounts.text()).into_owned();
    Ok(format!("built at attempt {}, {}\n{text}", report.attempts, report.form))
}

fn host(bundle: &Bundle) -> Result<FakeBackend, Refused> {
    let mut builder =
        HostBuilder::from_text(&format!("{HOST}\n{DEVICES}")).map_err(|error| Refused::new(error.to_string()))?;
    let mut planted = 0;
    if let Some(image) = bundle.plan.image() {
        builder = plant(builder, image.as_std_path(), DEEPEST, &mut planted);
    }
    let own = |path: &Path| ["/proc", "/sys", "/dev"].iter().any(|own| path.starts_with(own));
    for source in bundle.sources.iter().map(|source| source.as_std_path()).filter(|source| !own(source)) {
        builder = plant(builder, source, 0, &mut planted);
    }
    builder.build().map_err(|error| Refused::new(error.to_string()))
}

/// Plants a file of this machine, a directory with what is in it. What cannot be read is left out: the build then says so.
fn plant(builder: HostBuilder, path: &Path, depth: usize, planted: &mut usize) -> HostBuilder {
    let Ok(metadata) = fs::symlink_metadata(path) else { return builder };
    *planted += 1;
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        Plant::Directory
    } else if kind.is_symlink() {
        Plant::Symlink(fs::read_link(path).unwrap_or_default())
    } else if metadata.rdev() != 0 {
        Plant::CharacterDevice(DeviceNumber::from_raw(metadata.rdev()))
    } else {
        Plant::File(Vec::new())
    };
    let builder = builder.plant(path, what);
    if depth == 0 || !kind.is_dir() {
        return builder;
    }
    let mut names: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.sort();
    names
        .into_iter()
        .take(MOST.saturating_sub(*planted))
        .fold(builder, |builder, path| plant(builder, &path, depth - 1, planted))
}
