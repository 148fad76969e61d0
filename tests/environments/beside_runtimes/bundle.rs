//! Bundles: a specification, an image, and files beside it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use mountwright_tests::container_spec::default_spec;
use serde_json::{Value, json};

use crate::furnish::furnish;

/// The shell of the containers, and its commands.
const BUSYBOX: &str = "/bin/busybox";
const COMMANDS: [&str; 11] = ["sh", "cat", "ls", "stat", "find", "sort", "readlink", "wc", "sed", "echo", "mkdir"];

/// A bundle as `bundles.txt` has it.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    name: String,
    lines: Vec<String>,
}

impl Bundle {
    pub(crate) fn all(text: &str) -> Vec<Self> {
        let mut bundles: Vec<Self> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match (line.strip_prefix("bundle "), bundles.last_mut()) {
                (Some(name), _) => bundles.push(Self { name: name.to_owned(), lines: Vec::new() }),
                (None, Some(bundle)) => bundle.lines.push(line.to_owned()),
                (None, None) => panic!("a line before the first bundle: {line}"),
            }
        }
        bundles
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The rest of each line that begins with this word.
    fn lines<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
    }

    /// `config.json`.
    pub(crate) fn specification(&self) -> Value {
        let mut spec = default_spec();
        for line in &self.lines {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["mount", destination, kind, source] => add_mount(&mut spec, destination, kind, source, &[]),
                ["mount", destination, kind, source, options] => {
                    add_mount(&mut spec, destination, kind, source, &options.split(',').collect::<Vec<_>>());
                }
                ["no", destination] => {
                    spec["mounts"].as_array_mut().unwrap().retain(|mount| mount["destination"] != destination);
                }
                ["set", pointer, ref value @ ..] => {
                    let value =
                        serde_json::from_str(&value.join(" ")).unwrap_or_else(|error| panic!("{line}: {error}"));
                    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
                    spec.pointer_mut(parent).expect("a field of the base")[field] = value;
                }
                ["remove", pointer] => remove(&mut spec, pointer),
                ["image" | "host" | "probe", ..] => {}
                _ => panic!("{line} is no line of a bundle"),
            }
        }
        spec
    }

    /// Makes the bundle in an empty directory.
    pub(crate) fn make(&self, directory: &Path) {
        let image = directory.join("rootfs");
        fs::create_dir_all(image.join("bin")).unwrap();
        fs::copy(BUSYBOX, image.join("bin/busybox")).unwrap();
        for command in COMMANDS {
            symlink("busybox", image.join("bin").join(command)).unwrap();
        }
        fs::write(image.join("probe"), self.probe()).unwrap();
        self.lines("image").for_each(|line| furnish(&image, &line.split(' ').collect::<Vec<_>>()));
        self.lines("host").for_each(|line| furnish(directory, &line.split(' ').collect::<Vec<_>>()));
        fs::write(directory.join("config.json"), self.specification().to_string()).unwrap();
    }

    /// The program in the container: each line of its output after `@SECTION` is a name, `|` and a value.
    fn probe(&self) -> String {
        let spec = self.specification();
        let listed = |field: &str| {
            let paths = spec["linux"][field].as_array().into_iter().flatten();
            paths.map(|path| path.as_str().expect("a path")).collect::<Vec<_>>().join(" ")
        };
        let mounted = spec["mounts"].as_array().into_iter().flatten();
        let mounted: Vec<_> = mounted.map(|mount| mount["destination"].as_str().expect("a path")).collect();
        let mut probe = include_str!("probe.sh")
            .replace("MASKED", &format!("{} {}", listed("maskedPaths"), listed("readonlyPaths")))
            .replace("WRITTEN", &format!("{} {}", mounted.join(" "), listed("readonlyPaths")));
        let numbered = (1..).zip(self.lines("probe"));
        probe.extend(numbered.map(|(number, command)| format!("( {command} ) 2>&1 | sed 's/^/{number}|/'\n")));
        probe
    }
}

fn add_mount(spec: &mut Value, destination: &str, kind: &str, source: &str, options: &[&str]) {
    let mount = json!({"destination": destination, "type": kind, "source": source, "options": options});
    spec["mounts"].as_array_mut().expect("mounts").push(mount);
}

fn remove(spec: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match spec.pointer_mut(parent).expect("a field of the base") {
        Value::Array(entries) => drop(entries.remove(name.parse().expect("a number"))),
        Value::Object(fields) => drop(fields.remove(name)),
        other => panic!("{other} has no fields"),
    }
}
