//! The record of a direct-assigned volume, on the kernel.

use camino::{Utf8Path, Utf8PathBuf};
use mountwright_core::Errno;
use mountwright_core::kata::{DirectVolume, DirectVolumeError, DirectVolumeType, DirectVolumes, MOUNT_INFO_FILE};
use mountwright_core::spec::Mount;
use mountwright_tests::machine::furnish;

use crate::Case;
use crate::scene::Scene;

pub(crate) const CASES: &[Case] = &[
    ("direct volume: what is written reads back, for its owner alone, and leaves nothing beside it", round_trip),
    ("direct volume: symlinks are refused", symlinks),
];

const VOLUME: &str = "/var/lib/kubelet/pods/5f0861a0/volumes/kubernetes.io~csi/pvc-1/mount";

fn root(scene: &Scene) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(scene.path("run/shared/direct-volumes")).expect("it is UTF-8")
}

fn volume(device: &str) -> DirectVolume {
    let metadata = [("fsGroup".to_owned(), "2000".to_owned())].into();
    let options = vec!["noatime".to_owned(), "x".repeat(device.len() * 50)];
    DirectVolume::new(DirectVolumeType::Block, device, "ext4", metadata, options).expect("it is a record")
}

fn write(scene: &Scene, volume: &DirectVolume) -> Result<(), DirectVolumeError<serde_json::Error>> {
    DirectVolumes::at(root(scene)).write(&scene.backend, VOLUME.into(), volume, serde_json::to_vec)
}

fn read(scene: &Scene) -> Result<Option<DirectVolume>, DirectVolumeError<serde_json::Error>> {
    DirectVolumes::at(root(scene)).read(&scene.backend, VOLUME.into(), |json| serde_json::from_slice(json))
}

fn round_trip(scene: &Scene) {
    assert_eq!(read(scene).expect("no record is no error"), None);
    for device in ["/dev/sdb", "/dev/sdc"] {
        write(scene, &volume(device)).expect("it can be written");
        assert_eq!(read(scene).expect("it can be read"), Some(volume(device)));
    }
    let name = DirectVolumes::directory_name(Utf8Path::new(VOLUME)).expect("it has a name");
    let directory = format!("run/shared/direct-volumes/{name}");
    assert_eq!(scene.names(&directory), [MOUNT_INFO_FILE]);
    assert_eq!(
        (scene.shown(&directory), scene.shown(&format!("{directory}/{MOUNT_INFO_FILE}"))),
        ("700 0".into(), "600 0".into())
    );
    let mut mount = Mount::new(VOLUME, "/data", "bind");
    let parse = |json: &[u8]| serde_json::from_slice(json);
    DirectVolumes::at(root(scene))
        .apply(&scene.backend, &mut mount, parse)
        .expect("it can be read")
        .expect("it is there");
    assert_eq!((mount.source.as_str(), mount.fs_group.map(|group| group.gid)), ("/dev/sdc", Some(2000)));
}

fn symlinks(scene: &Scene) {
    let name = DirectVolumes::directory_name(Utf8Path::new(VOLUME)).expect("it has a name");
    furnish("dir run/shared/direct-volumes");
    furnish(r#"file:600 elsewhere/mountInfo.json {"volume-type":"block"}"#);
    furnish(&format!("link {} run/shared/direct-volumes/{name}", scene.path("elsewhere").display()));
    for refused in [read(scene).map(drop), write(scene, &volume("/dev/sdb"))] {
        let Err(DirectVolumeError::File(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.errno(), Some(Errno::ELOOP));
    }
    assert_eq!(scene.names("elsewhere"), ["mountInfo.json"]);
}
