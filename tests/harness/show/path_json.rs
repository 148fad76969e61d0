//! Paths in JSON, whose strings cannot hold every path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Map, Value, json};

/// Puts a path, or any name of the kernel's, into an object: as the string `field`; where it is not UTF-8 the string has
/// U+FFFD in the places that are not, and `<field>_bytes` is the array of its bytes.
pub fn put_path(object: &mut Map<String, Value>, field: &str, path: impl AsRef<OsStr>) {
    let path = path.as_ref();
    object.insert(field.to_owned(), json!(path.to_string_lossy()));
    if path.to_str().is_none() {
        object.insert(format!("{field}_bytes"), json!(path.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_there_only_where_the_string_is_not_enough() {
        let mut object = Map::new();
        put_path(&mut object, "path", OsStr::new("/a b"));
        put_path(&mut object, "root", OsStr::from_bytes(b"/\xff"));
        assert_eq!(Value::from(object), json!({"path": "/a b", "root": "/\u{fffd}", "root_bytes": [47, 255]}));
    }
}
