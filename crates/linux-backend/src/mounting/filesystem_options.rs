//! Options of a filesystem in the forms that the kernel takes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use mountwright_core::mount::FilesystemOption;
use mountwright_core::path::printable;
use mountwright_core::{Errno, Location, MountRequest};

use crate::backend::LinuxBackend;
use crate::syscalls::abi::{MS_DIRSYNC, MS_I_VERSION, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY, MS_SILENT, MS_SYNCHRONOUS};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};

/// Words that mount(2) takes as flags of the superblock and not among the options, and the word that clears each.
const SUPERBLOCK_WORDS: [(&str, &str, u32); 7] = [
    ("ro", "rw", MS_RDONLY),
    ("sync", "async", MS_SYNCHRONOUS),
    ("dirsync", "", MS_DIRSYNC),
    ("lazytime", "nolazytime", MS_LAZYTIME),
    ("mand", "nomand", MS_MANDLOCK),
    ("silent", "loud", MS_SILENT),
    ("iversion", "noiversion", MS_I_VERSION),
];
/// Those among them that fsconfig refuses.
const ONLY_BY_MOUNT: [&str; 4] = ["silent", "loud", "iversion", "noiversion"];
/// The layers of an overlay, one option each; before 6.5 they are one option with colons between them.
const LAYER: &str = "lowerdir+";
const LAYERS: &str = "lowerdir";

/// Options that `SELinux` reads: of mount(2)'s text it takes their values in quotes, commas included.
const LABELS: [&str; 4] = ["context", "fscontext", "defcontext", "rootcontext"];

/// The limit of fsconfig's texts: the longest one is one byte shorter.
const LONGEST_TEXT: usize = 256;
/// The limit of mount(2)'s options and source: the longest one is one byte shorter.
const PAGE: usize = 4096;

/// Returns true if fsconfig accepts every word and the length of every key and value.
pub(crate) fn fit_a_context(options: &[FilesystemOption]) -> bool {
    let only_by_mount =
        |option: &FilesystemOption| option.value.is_none() && ONLY_BY_MOUNT.iter().any(|word| option.key == *word);
    let keys = options.iter().map(|option| &option.key);
    let values = options.iter().filter_map(|option| option.value.as_ref());
    !options.iter().any(only_by_mount) && keys.chain(values).all(|text| text.len() < LONGEST_TEXT)
}

/// The same of a request for a new filesystem.
pub(crate) fn fits_a_context(request: &MountRequest) -> bool {
    let texts = [Some(&request.fs_type), request.source.as_ref()];
    fit_a_context(&request.options) && texts.into_iter().flatten().all(|text| text.len() < LONGEST_TEXT)
}

/// A filesystem may log an option with its value, which may be a secret.
pub(crate) fn without_values(fault: Fault, options: &[FilesystemOption]) -> Fault {
    let values = options.iter().filter_map(|option| option.value.as_ref());
    let values = values.map(printable).filter(|value| !value.is_empty());
    fault.with_detail_changed(|detail| values.fold(detail, |detail, value| detail.replace(&format!("={value}"), "=…")))
}

/// Options in the form of mount(2).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MountData {
    /// Flags that a word sets.
    pub(crate) set: u32,
    /// Flags that a word clears.
    pub(crate) clear: u32,
    /// The other options, joined by commas.
    pub(crate) text: OsString,
}

impl MountData {
    /// # Errors
    /// `EINVAL`: an option with a comma would become two. `E2BIG`: more than a page.
    pub(crate) fn of(options: &[FilesystemOption]) -> Step<Self> {
        let mut data = Self::default();
        let (layers, others): (Vec<_>, Vec<_>) = options.iter().partition(|option| option.key == LAYER);
        let layers: Vec<&OsStr> = layers.iter().filter_map(|option| option.value.as_deref()).collect();
        if !layers.is_empty() {
            data.push(OsStr::new(LAYERS), Some(&layers.join(OsStr::new(":"))))?;
        }
        for option in others {
            data.add(option)?;
        }
        fits_a_page(&data.text).map(|()| data)
    }

    fn add(&mut self, option: &FilesystemOption) -> Step<()> {
        for (set, clear, flag) in SUPERBLOCK_WORDS.into_iter().filter(|_| option.value.is_none()) {
            if option.key == set {
                (self.set, self.clear) = (self.set | flag, self.clear & !flag);
                return Ok(());
            }
            if option.key == clear && !clear.is_empty() {
                (self.set, self.clear) = (self.set & !flag, self.clear | flag);
                return Ok(());
            }
        }
        self.push(&option.key, option.value.as_deref())
    }

    fn push(&mut self, key: &OsStr, value: Option<&OsStr>) -> Step<()> {
        let quoted = value.filter(|_| LABELS.iter().any(|label| key == *label)).and_then(in_quotes);
        let has_comma = |part: &OsStr| part.as_bytes().contains(&b',');
        if has_comma(key) || (quoted.is_none() && value.is_some_and(has_comma)) {
            return Err(Fault::new(Call::Mount, Errno::EINVAL));
        }
        let value = quoted.as_deref().or(value);
        if !self.text.is_empty() {
            self.text.push(",");
        }
        self.text.push(key);
        if let Some(value) = value {
            self.text.push("=");
            self.text.push(value);
        }
        Ok(())
    }
}

/// A value with commas in quotes; `None`: it has none, or quotes of its own.
fn in_quotes(value: &OsStr) -> Option<OsString> {
    let bytes = value.as_bytes();
    let fits = bytes.contains(&b',') && !bytes.contains(&b'"');
    fits.then(|| OsString::from_vec([b"\"", bytes, b"\""].concat()))
}

/// `E2BIG`: mount(2) takes a source and options of less than a page each.
pub(crate) fn fits_a_page(text: &OsStr) -> Step<()> {
    if text.len() < PAGE {
        return Ok(());
    }
    Err(Fault::new(Call::Mount, Errno::E2BIG).at_step("mount (options or source of more than 4095 bytes)"))
}

/// Options without places. The descriptors stay open as long as the kernel may follow their links.
pub(crate) struct ByPath<Fd> {
    pub(crate) options: Vec<FilesystemOption>,
    _pinned: Vec<Fd>,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Puts a path in the place of each place: its own, if it is trusted and has none of the characters that separate options
    /// and layers, else that of the magic link of its descriptor.
    pub(crate) fn by_path(&self, options: &[FilesystemOption]) -> Step<ByPath<K::Fd>> {
        let mut pinned = Vec::new();
        let mut by_path = |option: &FilesystemOption| {
            let Some(place) = &option.place else { return Ok(option.clone()) };
            let path = match place {
                Location::Trusted(path) if path.is_absolute() && is_plain(path.as_os_str()) => path.clone(),
                place => {
                    let file = self.pin_option(&option.key, place)?;
                    let link = self.calls.fd_link(&file)?;
                    pinned.push(file);
                    link
                }
            };
            Ok(FilesystemOption::with_value(&option.key, path))
        };
        let options = options.iter().map(&mut by_path).collect::<Step<_>>()?;
        Ok(ByPath { options, _pinned: pinned })
    }
}

fn is_plain(path: &OsStr) -> bool {
    !path.as_bytes().iter().any(|byte| b",:\\\"".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_flags_and_one_text() {
        let option = FilesystemOption::with_value;
        let mut options = vec![option("size", "64k"), FilesystemOption::flag("ro"), option("mode", "0700")];
        let data = MountData::of(&options).unwrap();
        assert_eq!(data, MountData { set: MS_RDONLY, clear: 0, text: "size=64k,mode=0700".into() });
        options.extend(["rw", "sync", "nomand"].map(FilesystemOption::flag));
        let data = MountData::of(&options).unwrap();
        assert_eq!((data.set, data.clear), (MS_SYNCHRONOUS, MS_RDONLY | MS_MANDLOCK));
        options.push(option("context", "u:r:t:s0:c1,c2"));
        assert_eq!(MountData::of(&options).unwrap().text, "size=64k,mode=0700,context=\"u:r:t:s0:c1,c2\"");
        options.push(option("a", "b,c"));
        assert_eq!(MountData::of(&options).unwrap_err().errno(), Errno::EINVAL);
    }

    #[test]
    fn layers_become_one_option() {
        let layers = ["/a", "/b", "/c"].map(|path| FilesystemOption::with_value(LAYER, path));
        let options = [&layers[..], &[FilesystemOption::with_value("upperdir", "/u")]].concat();
        assert_eq!(MountData::of(&options).unwrap().text, "lowerdir=/a:/b:/c,upperdir=/u");
        let many: Vec<_> =
            (0..500).map(|number| FilesystemOption::with_value(LAYER, format!("/layers/{number}"))).collect();
        assert_eq!(MountData::of(&many).unwrap_err().errno(), Errno::E2BIG);
    }
}
