//! The rules about the text of paths.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::kata::{DOCKER_DATA_ROOT, DirectVolumes, is_docker_volume};
use mountwright_core::kubernetes::VolumeKind;
use mountwright_core::path::clean_path;
use mountwright_core::spec::Mount;
use mountwright_core::{ContainerId, RelativePath};

/// The bytes are one path; if they are UTF-8, the text before the first NUL is a path and the text after it is the root
/// that the runtime is given.
pub fn check(data: &[u8]) {
    cleaning(data);
    below_a_root(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let (path, root) = text.split_once('\0').unwrap_or((text, "/var/lib/kubelet"));
        volumes(path, root);
        container_id(text);
        directory_of_a_direct_volume(text);
    }
}

/// The components that are left, by a stack.
fn components(path: &[u8]) -> Vec<&[u8]> {
    let absolute = path.first() == Some(&b'/');
    let mut left: Vec<&[u8]> = Vec::new();
    for component in path.split(|&b| b == b'/') {
        match component {
            b"" | b"." => {}
            b".." if left.last().is_some_and(|last| *last != b"..") => drop(left.pop()),
            b".." if absolute => {}
            name => left.push(name),
        }
    }
    left
}

fn cleaning(data: &[u8]) {
    let path = Path::new(OsStr::from_bytes(data));
    let once = clean_path(path);
    let joined = components(data).join(&b'/');
    let expected = match (data.first() == Some(&b'/'), joined.is_empty()) {
        (true, _) => [b"/", &joined[..]].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    };
    assert_eq!(once.as_os_str().as_bytes(), expected, "the shortest path of the same text");
    let twice = clean_path(&once);
    assert!(matches!(twice, Cow::Borrowed(_)) && twice == once, "a clean path is a fixed point, and borrowed");
}

fn below_a_root(data: &[u8]) {
    let path = Path::new(OsStr::from_bytes(data));
    let dots = data.split(|&b| b == b'/').any(|c| c == b"." || c == b"..");
    let fit = !data.is_empty() && data[0] != b'/' && !data.contains(&0) && !dots;
    match RelativePath::new(path) {
        Ok(relative) => {
            assert!(fit, "what could leave the root is refused");
            assert_eq!(relative.as_path(), &*clean_path(path), "without dots cleaning is but single slashes");
            let names: Vec<&[u8]> = relative.components().map(OsStr::as_bytes).collect();
            assert_eq!(names.join(&b'/'), relative.as_path().as_os_str().as_bytes(), "the components are the path");
            assert_eq!(relative.name().as_bytes(), *names.last().unwrap());
            let rejoined =
                relative.parent().map_or_else(|| relative.name().into(), |parent| parent.join(relative.name()));
            assert_eq!(rejoined, relative.as_path(), "parent and name are the path");
            assert_eq!(RelativePath::new(relative.as_path()).as_ref(), Ok(&relative), "a fixed point");
        }
        Err(error) => {
            assert!(!fit);
            assert_eq!(error.path(), path, "the error names the path");
        }
    }
}

fn plugin(directory: &[u8]) -> Option<VolumeKind> {
    Some(match directory {
        b"kubernetes.io~empty-dir" => VolumeKind::EmptyDir,
        b"kubernetes.io~configmap" => VolumeKind::ConfigMap,
        b"kubernetes.io~secret" => VolumeKind::Secret,
        b"kubernetes.io~projected" => VolumeKind::Projected,
        b"kubernetes.io~downward-api" => VolumeKind::DownwardApi,
        b"kubernetes.io~csi" => VolumeKind::Csi,
        _ => return None,
    })
}

/// The kind of a volume and the components above the plugin's directory.
fn volume<'a>(names: &'a [&'a [u8]]) -> Option<(&'a [&'a [u8]], VolumeKind)> {
    match names {
        [.., directory, _] if plugin(directory) == Some(VolumeKind::Csi) => None,
        [above @ .., directory, _] if plugin(directory).is_some() => Some((above, plugin(directory)?)),
        [above @ .., b"kubernetes.io~csi", _, b"mount"] => Some((above, VolumeKind::Csi)),
        _ => None,
    }
}

fn volumes(path: &str, root: &str) {
    let absolute = path.starts_with('/');
    let names = if absolute { components(path.as_bytes()) } else { Vec::new() };
    let (path, root) = (Utf8Path::new(path), Utf8Path::new(root));

    assert_eq!(Mount::is_system_mount(path), matches!(names[..], [b"proc" | b"sys", ..]));
    assert_eq!(
        is_docker_volume(path, DOCKER_DATA_ROOT),
        matches!(names[..], [b"var", b"lib", b"docker", b"volumes", _, b"_data"])
    );

    let found = volume(&names);
    let kind = found.filter(|(above, _)| above.last() != Some(&&b"plugins"[..])).map(|(_, kind)| kind);
    assert_eq!(VolumeKind::of(path), kind);

    let below = |names: &[&[u8]], count: usize| {
        let anchor = root.as_str().starts_with('/').then(|| components(root.as_str().as_bytes()))?;
        (names.len() == anchor.len() + count && names.starts_with(&anchor)).then_some(anchor.len())
    };
    let kind = found
        .filter(|(above, _)| below(above, 3).is_some_and(|at| above[at] == b"pods" && above[at + 2] == b"volumes"));
    assert_eq!(VolumeKind::below(path, root), kind.map(|(_, kind)| kind));
    let docker = below(&names, 3).is_some_and(|at| names[at] == b"volumes" && names[at + 2] == b"_data");
    assert_eq!(is_docker_volume(path, root), docker);
}

fn container_id(text: &str) {
    let fit = (1..=255).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    match ContainerId::new(text) {
        Ok(id) => {
            assert!(fit && id.as_str() == text);
            assert_eq!(RelativePath::new(text).unwrap().components().count(), 1, "an id is one name");
        }
        Err(error) => assert!(!fit && error.path() == std::path::Path::new(text), "the error names the id"),
    }
}

fn directory_of_a_direct_volume(text: &str) {
    let name = DirectVolumes::directory_name(text.into());
    assert_eq!(name.is_some(), (1..=189).contains(&text.len()));
    if let Some(name) = name {
        assert_eq!(decoded(name.as_bytes()).as_deref(), Some(text.as_bytes()), "encode then decode is identity");
        assert_eq!(RelativePath::new(&name).unwrap().components().count(), 1, "one name");
    }
}

/// The URL-safe base64 of RFC 4648; `None` of anything else.
fn decoded(digits: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let padding = four.iter().rev().take_while(|&&digit| digit == b'=').count();
        let bits = four[..four.len() - padding].iter().try_fold(0_u32, |bits, digit| {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            Some(bits << 6 | u32::from(value))
        })?;
        let bits = bits << (6 * padding);
        if four.len() != 4 || padding > 2 || bits & ((1 << (8 * padding)) - 1) != 0 {
            return None;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}
