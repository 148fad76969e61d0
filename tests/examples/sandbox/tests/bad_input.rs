//! Bad input is one clear line and exit status 2, and nothing is mounted.

use libtest_mimic::Failed;

use super::Case;
use super::running::{TemporaryFile, run};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, run| Case { name, on_kernel: false, run };
    vec![
        case("no such file", no_such_file),
        case("not JSON", not_json),
        case("a spec without mounts", without_mounts),
        case("a container id that is none", bad_ids),
        case("two mounts on one destination", one_destination),
        case("a captured mountinfo is for the fake alone", mountinfo_on_linux),
        case("a mountinfo that is none", bad_mountinfo),
        case("a plant that cannot be planted", bad_plant),
        case("unknown words", unknown_words),
    ]
}

/// On both backends, for a person and for a program.
fn must_be_refused(words: &[&str], because: &str) -> Result<(), Failed> {
    for backend in ["fake", "linux"] {
        refused_on(backend, words, because)?;
    }
    Ok(())
}

fn refused_on(backend: &str, words: &[&str], because: &str) -> Result<(), Failed> {
    let words = [&["--backend", backend], words].concat();
    let output = run(&words)?;
    let err = String::from_utf8_lossy(&output.stderr);
    let is_line = err.lines().count() == 1 && err.starts_with("sandbox: ") && err.contains(because);
    if output.status.code() != Some(2) || !is_line || !output.stdout.is_empty() {
        return Err(format!("{words:?}: expected exit status 2 and one line with {because:?}: {output:?}").into());
    }
    let output = run(&[&words[..], &["--json"]].concat())?;
    let object: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let says = object["error"]["message"].as_str().is_some_and(|message| message.contains(because));
    if output.status.code() == Some(2) && says { Ok(()) } else { Err(format!("{words:?}: {output:?}").into()) }
}

fn no_such_file() -> Result<(), Failed> {
    for option in ["--spec", "--plant"] {
        must_be_refused(&[option, "/no/such/file"], "cannot read /no/such/file: No such file")?;
        must_be_refused(&[option, "/"], "cannot read /: Is a directory")?;
    }
    refused_on("fake", &["--mountinfo", "/no/such/file"], "cannot read /no/such/file")
}

fn not_json() -> Result<(), Failed> {
    for (name, text) in
        [("empty", &b""[..]), ("word", b"mounts"), ("half", b"{\"mounts\": ["), ("bytes", b"\xff\xfe\x00")]
    {
        let file = TemporaryFile::new(&format!("not-json-{name}"), text)?;
        must_be_refused(&["--spec", file.path()?], "is not JSON: ")?;
    }
    let file = TemporaryFile::new("not-a-spec", br#"{"mounts": [{"destination": 7}]}"#)?;
    must_be_refused(&["--spec", file.path()?], "is no OCI runtime spec: ")
}

fn without_mounts() -> Result<(), Failed> {
    for (name, text) in [("none", "{}"), ("empty", r#"{"mounts": []}"#)] {
        let file = TemporaryFile::new(&format!("without-mounts-{name}"), text.as_bytes())?;
        must_be_refused(&["--spec", file.path()?], "has no mounts")?;
    }
    Ok(())
}

fn bad_ids() -> Result<(), Failed> {
    for id in ["a/b", "/", ".", "..", "", "../../etc", "-x y", "a\nb"] {
        must_be_refused(&[&format!("--id={id}")], "bad container id: ")?;
    }
    Ok(())
}

fn one_destination() -> Result<(), Failed> {
    let text = br#"{"mounts": [{"destination": "/a"}, {"destination": "/b"}, {"destination": "/b/../a/"}]}"#;
    let file = TemporaryFile::new("one-destination", text)?;
    must_be_refused(&["--spec", file.path()?], "mounts 1 and 3 have one destination, /a")
}

fn mountinfo_on_linux() -> Result<(), Failed> {
    refused_on("linux", &["--mountinfo", "/proc/self/mountinfo"], "--mountinfo is for the fake")
}

fn bad_mountinfo() -> Result<(), Failed> {
    for (name, text, because) in [
        ("empty", &b""[..], "has no mount on /"),
        ("odd", b"1 0 0:1 / / rw - tmpfs t rw\nnonsense\n", "not a mountinfo line"),
    ] {
        let file = TemporaryFile::new(&format!("mountinfo-{name}"), text)?;
        refused_on("fake", &["--mountinfo", file.path()?], because)?;
    }
    Ok(())
}

fn bad_plant() -> Result<(), Failed> {
    for (name, text, because) in [
        ("kind", &b"tree /a\n"[..], "line 1: no such kind of thing"),
        ("path", b"# a comment\ndir a\n", "line 2: not an absolute path"),
        ("below-a-file", b"file /f\nfile /f/g\n", "/f/g"),
    ] {
        let file = TemporaryFile::new(&format!("plant-{name}"), text)?;
        must_be_refused(&["--plant", file.path()?], because)?;
    }
    Ok(())
}

fn unknown_words() -> Result<(), Failed> {
    for words in [&["--backend", "windows"][..], &["--nonsense"], &["word"], &["--spec"]] {
        let output = run(words)?;
        if output.status.code() != Some(2) || output.stderr.is_empty() || !output.stdout.is_empty() {
            return Err(format!("{words:?}: {output:?}").into());
        }
    }
    Ok(())
}
