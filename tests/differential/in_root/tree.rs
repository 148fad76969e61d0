//! Random images, and random paths in them.

use std::collections::BTreeMap;

use mountwright_tests::random::Random;

/// The image's directory.
pub(crate) const ROOT: &str = "/w/root";
/// Names outside of the image that a path would find if it left it.
pub(crate) const OUTSIDE: &str =
    "dir /a/b /b/a /w/a/b/c /w/b /w/c; file /c outside; file /w/d outside; dir /w/source; file /w/text";

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Paths in procfs: magic links, and symlinks that are their text.
const IN_PROCFS: [&str; 10] = [
    "proc/self",
    "proc/thread-self",
    "proc/mounts",
    "proc/self/fd",
    "proc/self/fd/0",
    "proc/self/cwd",
    "proc/thread-self/root",
    "proc/self/exe",
    "proc/self/ns/mnt",
    "proc/net",
];
const LONGEST_TEXT: usize = 4095;
/// The symlinks of a chain: more than the kernel follows.
const CHAIN: usize = 43;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory,
    File,
    Other,
}

/// An image: the lines that furnish it.
pub(crate) struct Tree {
    pub(crate) lines: Vec<String>,
    nodes: BTreeMap<String, Node>,
    /// It has a procfs: its names depend on the process.
    pub(crate) has_procfs: bool,
    has_chain: bool,
}

impl Tree {
    pub(crate) fn random(random: &mut Random, has_procfs: bool) -> Self {
        let nodes = BTreeMap::from([(ROOT.to_owned(), Node::Directory)]);
        let lines = vec![format!("tmpfs:root {ROOT}")];
        let mut tree = Self { lines, nodes, has_procfs, has_chain: random.one_in(4) };
        if has_procfs {
            tree.lines.push(format!("mount proc proc {ROOT}/proc"));
        }
        if tree.has_chain {
            tree.add_chain(random);
        }
        for _ in 0..8 + random.below(30) {
            tree.add_node(random);
        }
        for _ in 0..random.below(4) {
            tree.add_mount(random);
        }
        tree
    }

    /// The lines, for a message.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    fn add(&mut self, path: &str, node: Node, line: String) {
        self.nodes.insert(path.to_owned(), node);
        self.lines.push(line);
    }

    fn one_of(&self, random: &mut Random, node: Node) -> Option<String> {
        let all: Vec<&String> = self.nodes.iter().filter(|(_, found)| **found == node).map(|(path, _)| path).collect();
        if all.is_empty() { None } else { Some(all[random.below(all.len())].clone()) }
    }

    fn add_chain(&mut self, random: &mut Random) {
        self.lines.push(format!("link {} {ROOT}/k0", self.link_text(random)));
        for link in 1..CHAIN {
            self.lines.push(format!("link {}k{} {ROOT}/k{link}", random.of(&["", "/", "./", "../"]), link - 1));
        }
    }

    fn add_node(&mut self, random: &mut Random) {
        let Some(above) = self.one_of(random, Node::Directory) else { return };
        let path = format!("{above}/{}", random.of(&NAMES));
        if self.nodes.contains_key(&path) {
            return;
        }
        match random.below(20) {
            0..=8 => self.add(&path, Node::Directory, format!("dir {path}")),
            9..=11 => self.add(&path, Node::File, format!("file {path}")),
            12 => self.add(&path, Node::Other, format!("{} {path}", random.of(&["fifo", "socket"]))),
            _ => {
                let text = self.link_text(random);
                self.add(&path, Node::Other, format!("link {text} {path}"));
            }
        }
    }

    fn add_mount(&mut self, random: &mut Random) {
        let kind = if random.one_in(4) { Node::File } else { Node::Directory };
        let (Some(source), Some(target)) = (self.one_of(random, kind), self.one_of(random, kind)) else { return };
        if target == ROOT || source == target {
            return;
        }
        let below = format!("{target}/");
        self.nodes.retain(|path, _| !path.starts_with(&below));
        if kind == Node::File || random.one_in(2) {
            // Names that are added there would be the source's.
            return self.add(&target, Node::Other, format!("bind {source} {target}"));
        }
        self.lines.push(format!("tmpfs {target}"));
        for _ in 0..random.below(8) {
            self.add_node(random);
        }
        if random.one_in(3) {
            self.lines.push(format!("remount rw,nosymfollow {target}"));
        }
    }

    /// A path that a symlink can hold.
    fn link_text(&self, random: &mut Random) -> String {
        let mut text = self.path(random);
        text.truncate(LONGEST_TEXT);
        if text.is_empty() { ".".to_owned() } else { text }
    }

    /// A path that may lead anywhere.
    pub(crate) fn path(&self, random: &mut Random) -> String {
        if random.one_in(400) {
            return random.of(&["a/", "../", "b/../"]).repeat(1100);
        }
        let mut path = String::from(random.of(&["", "", "/", "//"]));
        let known = self.nodes.keys().nth(random.below(self.nodes.len())).and_then(|path| path.strip_prefix(ROOT));
        let most = match known {
            Some(known) if random.one_in(2) => {
                path.push_str(known.trim_start_matches('/'));
                path.push('/');
                4
            }
            _ => 8,
        };
        for _ in 0..random.below(most) {
            path.push_str(&self.component(random));
            path.push_str(random.of(&["/", "/", "/", "/", "//", "/./"]));
        }
        if !random.one_in(5) {
            path.truncate(path.trim_end_matches('/').len());
        }
        path
    }

    fn component(&self, random: &mut Random) -> String {
        match random.below(30) {
            0..=6 => "..".to_owned(),
            7 => ".".to_owned(),
            8 if random.one_in(8) => "n".repeat(255 + random.below(2)),
            9 | 10 if self.has_chain => format!("k{}", random.below(CHAIN)),
            11..=13 if self.has_procfs => random.of(&IN_PROCFS).to_owned(),
            _ => random.of(&NAMES).to_owned(),
        }
    }
}
