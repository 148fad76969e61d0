//! Operations in short.

use super::bits::{MountFlag, NodeKind, PropagationBit};
use super::operation::Operation;
use super::place::Place;

/// The operations of these lines, in their order. A line ends with `;` and is one of these:
///
/// | line | operation |
/// |---|---|
/// | `mkdir PATH…`, `create PATH…`, `char PATH…`, `fifo PATH…` | new names |
/// | `symlink TARGET PATH…`, `chmod MODE PATH…` | symlinks; modes in octal |
/// | `tmpfs PATH…`, `umount PATH…` | mounts without flags |
/// | `bind SOURCE PATH…`, `rbind SOURCE PATH…`, `move SOURCE PATH…` | binds of a mount or of a tree, and moves |
/// | `shared PATH…`, `private PATH…`, `slave PATH…`, `unbindable PATH…` | changes of type |
/// | `remount FLAG,FLAG PATH…` | the flags of a mount |
pub fn operations(lines: &str) -> Vec<Operation> {
    lines.split(';').map(str::trim).filter(|line| !line.is_empty()).flat_map(of_line).collect()
}

fn of_line(line: &str) -> Vec<Operation> {
    let (verb, rest) = line.split_once(' ').unwrap_or_else(|| panic!("a path is missing: {line}"));
    let takes_word = ["symlink", "chmod", "bind", "rbind", "move", "remount"].contains(&verb);
    let (word, paths) = if takes_word { rest.split_once(' ').unwrap_or((rest, "")) } else { ("", rest) };
    paths
        .split(' ')
        .map(|path| operation(verb, word, path.into()).unwrap_or_else(|| panic!("no such line: {line}")))
        .collect()
}

fn operation(verb: &str, word: &str, path: Place) -> Option<Operation> {
    let (target, source) = (path.clone(), Place::from(word));
    Some(match verb {
        "mkdir" => Operation::Mkdir { path, mode: None },
        "create" => Operation::Create { path, mode: None },
        "char" => Operation::Mknod { path, kind: NodeKind::Char, device: None, mode: None },
        "fifo" => Operation::Mknod { path, kind: NodeKind::Fifo, device: None, mode: None },
        "symlink" => Operation::Symlink { target: word.to_owned(), path },
        "chmod" => Operation::Chmod { path, mode: word.to_owned() },
        "tmpfs" => Operation::MountTmpfs { target, flags: Vec::new() },
        "umount" => Operation::Umount { target, flags: Vec::new() },
        "bind" | "rbind" => Operation::Bind { source, target, recursive: verb == "rbind" },
        "move" => Operation::Move { source, target },
        "remount" => {
            Operation::RemountBind { target, flags: word.split(',').map(MountFlag::of).collect::<Option<_>>()? }
        }
        _ => Operation::Propagation { target, kind: PropagationBit::of(verb)?.into(), recursive: false },
    })
}
