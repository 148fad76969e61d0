//! The files of the host, besides its mounts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mountwright_core::DeviceNumber;
use mountwright_core::file::FileKind;
use mountwright_core::path::clean_path;

use mountwright_tests::show::printable;

use super::bad_input::BadInput;
use super::given_file::GivenFile;

/// The form of a plant file, for `--help`.
pub(crate) const PLANT_FORM: &str = "\
Plant files: one thing a line, `#` starts a comment. What is planted twice is what it was last.

  dir   PATH                  a directory
  file  PATH [TEXT]           a file that holds TEXT
  link  PATH TARGET           a symlink
  char  PATH MAJOR:MINOR      a character device node
  block PATH MAJOR:MINOR      a block device node
  keys  PATH NAME[=TEXT]...   a volume in the kubelet's AtomicWriter layout, a file for each name

Paths are absolute, directories above them are made. In words, \\040 is a space, \\134 a backslash, and so on, as in
mountinfo. An example:

  file /usr/share/zoneinfo/UTC TZif2";

/// The name that the kubelet would have given the version of a volume.
const VERSION: &str = "..2026_11_20_08_15_30.1182736451";

/// One file of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
    /// A device node, of this kind
    Node(FileKind, DeviceNumber),
}

/// All files of the host, by path; a directory comes before its entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plant {
    things: BTreeMap<PathBuf, Planted>,
}

impl Plant {
    /// Adds the files that the list names; an existing path is replaced.
    pub(crate) fn add(&mut self, file: &GivenFile) -> Result<(), BadInput> {
        for (line, number) in file.bytes.split(|&b| b == b'\n').zip(1..) {
            self.add_line(line).map_err(|wrong| BadInput::new(format!("{}, line {number}: {wrong}", file.name)))?;
        }
        Ok(())
    }

    /// Every file with its path, a directory before its entries.
    pub(crate) fn things(&self) -> impl Iterator<Item = (&Path, &Planted)> {
        self.things.iter().map(|(path, planted)| (path.as_path(), planted))
    }

    fn add_line(&mut self, line: &[u8]) -> Result<(), String> {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(kind) = words.next().filter(|word| word[0] != b'#') else { return Ok(()) };
        let path = absolute(words.next().ok_or("the path is missing")?)?;
        let arguments: Vec<&[u8]> = words.collect();
        let planted = match (kind, arguments.as_slice()) {
            (b"dir", []) => Planted::Directory,
            (b"file", []) => Planted::File(Vec::new()),
            (b"file", [text]) => Planted::File(unescaped(text)),
            (b"link", [target]) => Planted::Link(OsString::from_vec(unescaped(target)).into()),
            (b"char", [number]) => Planted::Node(FileKind::CharacterDevice, device(number)?),
            (b"block", [number]) => Planted::Node(FileKind::BlockDevice, device(number)?),
            (b"keys", [_, ..]) => return self.add_keys(&path, &arguments),
            (b"dir" | b"file" | b"link" | b"char" | b"block" | b"keys", _) => {
                return Err(format!("wrong number of words for {}", String::from_utf8_lossy(kind)));
            }
            _ => return Err(format!("no such kind of thing: {:?}", String::from_utf8_lossy(kind))),
        };
        self.put(path, planted)
    }

    /// A volume as the kubelet's `AtomicWriter` lays it out.
    fn add_keys(&mut self, path: &Path, keys: &[&[u8]]) -> Result<(), String> {
        let version = path.join(VERSION);
        self.put(path.to_owned(), Planted::Directory)?;
        for key in keys {
            let at = key.iter().position(|&b| b == b'=').unwrap_or(key.len());
            let name = OsString::from_vec(unescaped(&key[..at]));
            let bytes = name.as_bytes();
            if bytes.is_empty() || bytes.starts_with(b"..") || bytes == b"." || bytes.contains(&b'/') {
                return Err(format!("not a name for a key: {}", printable(&name)));
            }
            self.put(version.join(&name), Planted::File(unescaped(key.get(at + 1..).unwrap_or_default())))?;
            self.put(path.join(&name), Planted::Link(Path::new("..data").join(&name)))?;
        }
        self.put(version, Planted::Directory)?;
        self.put(path.join("..data"), Planted::Link(VERSION.into()))
    }

    fn put(&mut self, path: PathBuf, planted: Planted) -> Result<(), String> {
        let is_no_directory = |thing: &Planted| matches!(thing, Planted::File(_) | Planted::Node(..));
        if let Some(above) = path.ancestors().skip(1).find(|above| self.things.get(*above).is_some_and(is_no_directory))
        {
            return Err(format!("{} is below {}, which is no directory", printable(&path), printable(above)));
        }
        // The entries of a removed directory are removed too.
        if planted != Planted::Directory {
            self.things.retain(|other, _| !other.starts_with(&path));
        }
        self.things.insert(path, planted);
        Ok(())
    }
}

fn absolute(word: &[u8]) -> Result<PathBuf, String> {
    let path = PathBuf::from(OsString::from_vec(unescaped(word)));
    if !path.is_absolute() || path.as_os_str().as_bytes().contains(&0) {
        return Err(format!("not an absolute path: {}", printable(&path)));
    }
    Ok(clean_path(&path).into_owned())
}

fn device(word: &[u8]) -> Result<DeviceNumber, String> {
    let number = |digits: &str| digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    std::str::from_utf8(word)
        .ok()
        .and_then(|word| word.split_once(':'))
        .and_then(|(major, minor)| Some(DeviceNumber::new(number(major)?, number(minor)?)))
        .ok_or_else(|| format!("not a device MAJOR:MINOR: {:?}", String::from_utf8_lossy(word)))
}

/// The word with every `\` and three octal digits as the byte that they are.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, after @ ..] = rest {
        match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] if *first == b'\\' => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(text: &[u8]) -> Result<Vec<(String, Planted)>, String> {
        let mut plant = Plant::default();
        let file = GivenFile { name: "p".to_owned(), bytes: text.to_vec() };
        plant.add(&file).map_err(|bad| bad.to_string())?;
        Ok(plant.things().map(|(path, thing)| (path.to_string_lossy().into_owned(), thing.clone())).collect())
    }

    #[test]
    fn each_kind_of_thing() {
        let things = plant(
            b"# comment\n\n dir /d/../e \nfile /f a\\040b\\012\nfile /g\nlink /l ../t\nchar /n 1:3\nblock /o 259:1\n",
        );
        let expected = [
            ("/e", Planted::Directory),
            ("/f", Planted::File(b"a b\n".to_vec())),
            ("/g", Planted::File(Vec::new())),
            ("/l", Planted::Link("../t".into())),
            ("/n", Planted::Node(FileKind::CharacterDevice, DeviceNumber::new(1, 3))),
            ("/o", Planted::Node(FileKind::BlockDevice, DeviceNumber::new(259, 1))),
        ];
        assert_eq!(things.unwrap(), expected.map(|(path, thing)| (path.to_owned(), thing)));
    }

    #[test]
    fn keys_are_laid_out_as_the_kubelet_does() {
        let things = plant(b"keys /v a b=text").unwrap();
        let in_version = |name: &str| format!("/v/{VERSION}{name}");
        let expected = [
            ("/v".to_owned(), Planted::Directory),
            (in_version(""), Planted::Directory),
            (in_version("/a"), Planted::File(Vec::new())),
            (in_version("/b"), Planted::File(b"text".to_vec())),
            ("/v/..data".to_owned(), Planted::Link(VERSION.into())),
            ("/v/a".to_owned(), Planted::Link("..data/a".into())),
            ("/v/b".to_owned(), Planted::Link("..data/b".into())),
        ];
        assert_eq!(things, expected);
    }

    #[test]
    fn the_last_word_on_a_path_holds() {
        let things = plant(b"keys /v a\nfile /v").unwrap();
        assert_eq!(things, [("/v".to_owned(), Planted::File(Vec::new()))]);
    }

    #[test]
    fn bad_lines_are_named() {
        for (line, expected) in [
            (&b"dir"[..], "p, line 1: the path is missing"),
            (b"\ntree /a", "p, line 2: no such kind of thing: \"tree\""),
            (b"dir a", "p, line 1: not an absolute path: a"),
            (b"dir /a b", "p, line 1: wrong number of words for dir"),
            (b"keys /a", "p, line 1: wrong number of words for keys"),
            (b"char /a 1", "p, line 1: not a device MAJOR:MINOR: \"1\""),
            (b"char /a +1:2", "p, line 1: not a device MAJOR:MINOR: \"+1:2\""),
            (b"keys /a ..data", "p, line 1: not a name for a key: ..data"),
            (b"file /f\nfile /f/g", "p, line 2: /f/g is below /f, which is no directory"),
            (b"keys /a x/y", "p, line 1: not a name for a key: x/y"),
        ] {
            assert_eq!(plant(line).unwrap_err(), expected);
        }
    }
}
