//! Paths that a careless caller passes.

/// The odd path of this number, near an existing directory, file and symlink.
pub(crate) fn odd_path(number: usize, directory: &str, file: Option<&str>, symlink: Option<&str>) -> String {
    let directory = if directory == "/" { "" } else { directory };
    match number % 16 {
        0 => String::new(),
        1 => "/nx".to_owned(),
        2 => format!("{directory}/nx/x"),
        3 | 4 => format!("{}/x", file.unwrap_or("/a/f")),
        5 | 6 => "/l".to_owned(),
        7 => "/l/x".to_owned(),
        // One byte more than a name may have.
        8 | 9 => format!("{directory}/{}", "n".repeat(256)),
        10 | 11 => format!("{directory}{}", "/.".repeat(2048)),
        12 => format!("{directory}/."),
        13 => format!("{directory}/.."),
        14 => format!("{directory}/../b"),
        _ => format!("{}/", symlink.unwrap_or("/s")),
    }
}
