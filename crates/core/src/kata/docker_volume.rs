//! Docker's named volumes.

use camino::Utf8Path;

use crate::path::clean::clean_absolute;
use crate::path::prefix::{rest_below_written, split_last};

/// The default data directory of docker (`dockerd --data-root`).
pub const DOCKER_DATA_ROOT: &str = "/var/lib/docker";

/// The directory of docker's volumes below [`DOCKER_DATA_ROOT`].
#[doc(alias = "dockerVolumePrefix")]
pub const DOCKER_VOLUME_PREFIX: &str = "/var/lib/docker/volumes";

/// The directory of a docker volume that holds its files.
#[doc(alias = "dockerVolumeSuffix")]
pub const DOCKER_VOLUME_SUFFIX: &str = "_data";

/// The directory of the volumes in the data root.
const VOLUMES: &[u8] = b"volumes";

/// True of `<data_root>/volumes/<name>/_data`: the files of a named docker volume.
///
/// Only the texts are examined: the path is [cleaned](crate::path::clean_path), nothing is looked up. There is exactly
/// one component between prefix and suffix. False where one of the two is relative or empty.
///
/// ```
/// use mountwright_core::kata::{DOCKER_DATA_ROOT, is_docker_volume};
///
/// assert!(is_docker_volume("/var/lib/docker/volumes/00da1347c7cf/_data".into(), DOCKER_DATA_ROOT));
/// assert!(!is_docker_volume("/var/lib/docker/volumes/_data".into(), DOCKER_DATA_ROOT));
/// ```
#[doc(alias = "IsDockerVolume")]
pub fn is_docker_volume(path: &Utf8Path, data_root: impl AsRef<Utf8Path>) -> bool {
    let data_root = data_root.as_ref();
    let Some(path) = clean_absolute(path.as_str().as_bytes()) else { return false };
    match split_last(&path) {
        Some((volume, suffix)) if suffix == DOCKER_VOLUME_SUFFIX.as_bytes() => {
            split_last(volume).is_some_and(|(volumes, _name)| {
                rest_below_written(volumes, data_root.as_str().as_bytes()) == Some(VOLUMES)
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_docker(expected: bool, paths: &[&str]) {
        for path in paths {
            assert_eq!(is_docker_volume(Utf8Path::new(path), DOCKER_DATA_ROOT), expected, "{path:?}");
        }
    }

    #[test]
    fn the_data_of_a_named_volume_is_one() {
        assert_docker(
            true,
            &["/var/lib/docker/volumes/00da1347c7cf4f15db35f/_data", "/var/lib/docker/volumes/a/_data"],
        );
    }

    #[test]
    fn other_paths_are_not() {
        assert_docker(false, &["/", "/var/lib/docker/volumes", "/var/lib/docker/volumes/a", "/srv/a/_data"]);
        assert_docker(false, &["/var/lib/docker/volumes/a/data", "/x/var/lib/docker/volumes/a/_data"]);
    }

    #[test]
    fn exactly_one_component_stands_between() {
        assert_docker(false, &["/var/lib/docker/volumes/_data", "/var/lib/docker/volumes/a/b/_data"]);
        assert_docker(false, &["/var/lib/docker/volumes/a/_data/b", "/var/lib/docker/volumes/a/_data/_data"]);
    }

    #[test]
    fn the_prefix_ends_at_a_component() {
        assert_docker(false, &["/var/lib/docker/volumesX/a/_data", "/var/lib/docker/volumes-old/a/_data"]);
    }

    #[test]
    fn the_path_is_cleaned_first() {
        assert_docker(true, &["//var/lib/docker/volumes//a/_data/", "/var/lib/docker/volumes/x/../a/_data"]);
        assert_docker(false, &["/var/lib/docker/volumes/../_data", "/var/lib/docker/volumes/../x/a/_data"]);
        assert_docker(false, &["/var/lib/docker/volumes/a/../_data", "/var/lib/docker/volumes/../../a/_data"]);
    }

    #[test]
    fn a_relative_or_empty_path_is_not() {
        assert_docker(false, &["", "var/lib/docker/volumes/a/_data", "a/_data"]);
    }

    #[test]
    fn another_data_root_can_be_given() {
        let in_root = |path, root| is_docker_volume(Utf8Path::new(path), Utf8Path::new(root));
        assert!(in_root("/mnt/docker/volumes/a/_data", "/mnt/docker/"));
        assert!(in_root("/volumes/a/_data", "/"));
        assert!(!in_root("/var/lib/docker/volumes/a/_data", "/mnt/docker"));
        assert!(!in_root("/mnt/docker/volumes/a/_data", "mnt/docker"));
        assert!(!in_root("/volumes/a/_data", ""));
    }

    #[test]
    fn the_constants_agree() {
        assert_eq!(DOCKER_VOLUME_PREFIX, format!("{DOCKER_DATA_ROOT}/{}", String::from_utf8_lossy(VOLUMES)));
        assert!(is_docker_volume(
            &Utf8Path::new(DOCKER_VOLUME_PREFIX).join("a").join(DOCKER_VOLUME_SUFFIX),
            DOCKER_DATA_ROOT
        ));
    }
}
