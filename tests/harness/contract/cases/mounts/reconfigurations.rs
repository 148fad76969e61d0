//! Changing the options of a mounted filesystem.

use std::ffi::OsStr;

use mountwright_core::mount::FilesystemOption;
use mountwright_core::{Errno, Location, OsError};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below, within};
use crate::contract::world::Hold;

fn reconfigure(s: &Scene<'_>, place: &Location, words: &str) -> Result<(), OsError> {
    let options: Vec<FilesystemOption> = words
        .split(',')
        .map(|word| match word.split_once('=') {
            Some((key, value)) => FilesystemOption::with_value(key, value),
            None => FilesystemOption::flag(word),
        })
        .collect();
    s.mounter().reconfigure(place, &options)
}

/// The options of the superblock of a mount.
fn options(s: &Scene<'_>, path: &str) -> String {
    s.mount(path).options.to_string_lossy().into_owned()
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("the options of a mounted filesystem that are named change, and no other", |s| {
        s.does("tmpfs /w/m; tmpfs /w/same; bind /w/m /w/other; remount nosuid,noexec,noatime /w/m");
        let (attributes, others) = (s.mount("/w/m").attributes, s.mount("/w/other").attributes);
        let same = options(s, "/w/same");
        reconfigure(s, &at("/w/m"), "size=64k,nr_inodes=100").unwrap();
        for (words, place) in [
            ("size=128k", at("/w/m")),
            ("ro", below("/w", "m")),
            ("sync", within("/w", "m")),
            ("nr_inodes=200", at("/w/other")),
            ("rw,size=256k", within("/w", "/other")),
        ] {
            let before = (s.mount("/w/m"), s.mount("/w/other"));
            reconfigure(s, &place, words).unwrap();
            for word in words.split(',') {
                let (key, value) = word.split_once('=').unwrap_or((word, ""));
                for path in ["/w/m", "/w/other"] {
                    assert_eq!(
                        s.mount(path).option(key).as_deref(),
                        Some(OsStr::new(value)),
                        "{words}: {}",
                        options(s, path)
                    );
                }
            }
            for key in ["size", "nr_inodes", "mode", "ro", "rw", "sync"] {
                let is_named = words.split(',').any(|word| word == key || word.split('=').next() == Some(key));
                let is_counterpart = key == "ro" && words.starts_with("rw") || key == "rw" && words == "ro";
                if !is_named && !is_counterpart {
                    assert_eq!(s.mount("/w/m").option(key), before.0.option(key), "{words}: {key}");
                }
            }
        }
        assert_eq!((s.mount("/w/m").attributes, s.mount("/w/other").attributes), (attributes, others));
        assert_eq!(options(s, "/w/same"), same);
        assert_eq!(s.try_write("/w/other"), Ok(()));
    }),
    Case::new("an option that a mounted filesystem refuses is named, and none changes", |s| {
        s.does("tmpfs /w/m");
        reconfigure(s, &at("/w/m"), "size=64k").unwrap();
        let before = options(s, "/w/m");
        for words in ["size=128k,nosuch", "nosuch=secret", "size=secret"] {
            let error = s.refuses(Errno::EINVAL, || reconfigure(s, &at("/w/m"), words));
            assert!(!error.to_string().contains("secret"), "{error}");
            let named = ["tmpfs: Unknown parameter 'nosuch'", "tmpfs: Bad value for 'size'"];
            assert!(error.detail().is_none_or(|detail| named.contains(&detail)), "{error}");
            assert_eq!(options(s, "/w/m"), before, "{words}");
        }
        let long = format!("size={:0>5000}", 1);
        s.refuses(Errno::E2BIG, || reconfigure(s, &at("/w/m"), &long));
        // In octal, as every number that begins with a zero.
        reconfigure(s, &at("/w/m"), &format!("size={:0>400}k", 200)).unwrap();
        assert_eq!(s.mount("/w/m").option("size").as_deref(), Some(OsStr::new("128k")));
    }),
    Case::new("only the root of a mount has a filesystem to reconfigure: EINVAL", |s| {
        s.does("tmpfs /w/m; dir /w/m/inner; file /w/m/file; link m /w/link");
        for place in [at("/w/m/inner"), at("/w/m/file"), below("/w/m", "inner"), within("/w/m", "inner")] {
            s.refuses(Errno::EINVAL, || reconfigure(s, &place, "size=64k"));
        }
        s.refuses(Errno::ENOENT, || reconfigure(s, &at("/w/missing"), "size=64k"));
        s.refuses(Errno::ELOOP, || reconfigure(s, &below("/w", "link"), "size=64k"));
        reconfigure(s, &within("/w", "link"), "size=64k").unwrap();
        assert_eq!(s.mount("/w/m").option("size").as_deref(), Some(OsStr::new("64k")));
    }),
    Case::new("a filesystem that is written to does not become read-only: EBUSY, and no option changes", |s| {
        s.does("tmpfs /w/m; file /w/m/f");
        reconfigure(s, &at("/w/m"), "size=64k").unwrap();
        let held = s.hold("/w/m/f", Hold::Write);
        s.refuses(Errno::EBUSY, || reconfigure(s, &at("/w/m"), "size=128k,ro"));
        assert_eq!(s.mount("/w/m").option("size").as_deref(), Some(OsStr::new("64k")));
        drop(held);
        reconfigure(s, &at("/w/m"), "size=128k,ro").unwrap();
        assert_eq!(s.try_write("/w/m"), Err(Errno::EROFS));
    }),
];
