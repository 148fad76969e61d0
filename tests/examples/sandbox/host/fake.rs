//! A host in memory: the whole of the captured one.

use mountwright_core::file::FileKind;
use mountwright_fake::{HostBuilder, HostError, Plant as FakePlant};

use super::super::bad_input::BadInput;
use super::super::given_file::GivenFile;
use super::super::plant::{Plant, Planted};
use super::super::runtime_spec::RuntimeSpec;
use super::super::unbuilt::Unbuilt;
use super::Host;

/// Builds the host of a captured mountinfo, with what is planted, and with the container's root where no mount has it.
pub(crate) fn fake_host(mountinfo: &GivenFile, plant: &Plant, spec: &RuntimeSpec) -> Result<Host, BadInput> {
    let named = |error: HostError| match &error {
        HostError::Plant { .. } => BadInput::new(error.to_string()),
        _ => BadInput::new(format!("{}: {error}", mountinfo.name)),
    };
    let host = HostBuilder::from_mountinfo(&mountinfo.bytes).map_err(named)?.dir(&spec.rootfs);
    let host = plant.things().fold(host, |host, (path, planted)| host.plant(path, planting(planted)));
    Ok(Host {
        backend: Box::new(host.build().map_err(named)?),
        unbuilt: Unbuilt::default(),
        description: format!("in memory, after {}", mountinfo.name),
    })
}

fn planting(planted: &Planted) -> FakePlant {
    match planted {
        Planted::Directory => FakePlant::Directory,
        Planted::File(contents) => FakePlant::File(contents.clone()),
        Planted::Link(target) => FakePlant::Symlink(target.clone()),
        Planted::Node(FileKind::BlockDevice, device) => FakePlant::BlockDevice(*device),
        Planted::Node(_, device) => FakePlant::CharacterDevice(*device),
    }
}
