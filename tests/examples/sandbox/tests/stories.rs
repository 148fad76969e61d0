//! The expected output of the story.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::Case;
use super::expected::{NEVER_BUILT, NOT_BUILT, ON_THE_FAKE, SELDOM_BUILT, rows};
use super::running::{TemporaryFile, run, story};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, on_kernel, run| Case { name, on_kernel, run };
    vec![
        case("fake: every verdict of the sample", false, every_verdict),
        case("fake: keys are counted", false, keys_are_counted),
        case("fake: what is shared is seen, and gone in the end", false, || must_be_seen_and_gone(&[])),
        case("fake: the host is the captured one", false, the_host_is_the_captured_one),
        case("fake: more can be planted", false, || more_can_be_planted("fake")),
        case("fake: a mountinfo of one's own", false, own_mountinfo),
        case("fake: a person can read it", false, || a_person_can_read_it("fake")),
        case("linux: no verdict but the fake's", true, no_other_verdict),
        case("linux: what is shared is seen, and gone in the end", true, || {
            must_be_seen_and_gone(&["--backend", "linux"])
        }),
        case("linux: more can be planted", true, || more_can_be_planted("linux")),
        case("linux: a person can read it", true, || a_person_can_read_it("linux")),
    ]
}

fn every_verdict() -> Result<(), Failed> {
    let rows = rows(&story(&[])?)?;
    let expected: Vec<_> = ON_THE_FAKE.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).into();
    for (found, expected) in rows.iter().zip(&expected) {
        if found != expected {
            return Err(format!("expected {expected:?}, found {found:?}").into());
        }
    }
    if rows.len() == expected.len() { Ok(()) } else { Err(format!("{} rows", rows.len()).into()) }
}

fn no_other_verdict() -> Result<(), Failed> {
    let rows = rows(&story(&["--backend", "linux"])?)?;
    for ((destination, verdict, _), expected) in rows.iter().zip(ON_THE_FAKE) {
        let not_built = verdict == NOT_BUILT;
        let may_be = match destination.as_str() {
            never if NEVER_BUILT.contains(&never) => not_built,
            seldom if SELDOM_BUILT.contains(&seldom) => not_built || verdict == expected.1,
            _ => verdict == expected.1,
        };
        if destination != expected.0 || !may_be {
            return Err(format!("expected {expected:?}, found {destination} {verdict}").into());
        }
    }
    if rows.len() == ON_THE_FAKE.len() { Ok(()) } else { Err(format!("{} rows", rows.len()).into()) }
}

fn keys_are_counted() -> Result<(), Failed> {
    let story = story(&[])?;
    let keys = |destination: &str| {
        let row = story["mounts"].as_array()?.iter().find(|row| row["destination"] == destination)?;
        Some((row["keys"].clone(), row["entries"].clone(), row["reason"].clone()))
    };
    let expected = [
        ("/etc/app", json!(3), json!(7), "entries 7"),
        ("/etc/tls", json!(2), json!(5), "entries 5"),
        ("/etc/app-many", Value::Null, Value::Null, "more than 8 entries"),
    ];
    for (destination, keys_expected, entries_expected, reason) in expected {
        let (keys, entries, why) = keys(destination).ok_or("no such row")?;
        if keys != keys_expected || entries != entries_expected || !why.as_str().is_some_and(|why| why.contains(reason))
        {
            return Err(format!("{destination}: {keys} {entries} {why}").into());
        }
    }
    Ok(())
}

/// Each share on the guest's side too, read-only where it has to be; the rootfs among them; the table as before in the end.
fn must_be_seen_and_gone(words: &[&str]) -> Result<(), Failed> {
    let story = story(words)?;
    let shares = story["set_up"]["shares"].as_array().ok_or("no shares")?;
    let wanted = story["mounts"].as_array().ok_or("no mounts")?.iter().filter(|row| row["shared"] == true).count();
    if shares.len() != wanted + 1 || shares[0]["what"] != "/" {
        return Err(format!("{} shares for {wanted} mounts and the rootfs", shares.len()).into());
    }
    for share in shares {
        let path = share["path"].as_str().ok_or("no path")?;
        let guests = path.replacen("/mounts/", "/shared/", 1);
        let mount = |at: &str| story["during"].as_array()?.iter().find(|mount| mount["mount_point"] == at);
        let (Some(ours), Some(theirs)) = (mount(path), mount(&guests)) else {
            return Err(format!("{path} is not on both sides").into());
        };
        let is_read_only = |mount: &Value| mount["attributes"].as_str().is_some_and(|words| words.starts_with("ro"));
        let read_only = share["read_only"] == true;
        if share["seen_by_guest"] != true || is_read_only(ours) != read_only || is_read_only(theirs) != read_only {
            return Err(format!("{path}: {share}, {ours}, {theirs}").into());
        }
        if ours["propagation"] != "private" {
            return Err(format!("{path} is not private: {ours}").into());
        }
    }
    let shared_dir = story["during"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|mount| mount["mount_point"] == story["set_up"]["shared_dir"]);
    let is_slave = shared_dir.is_some_and(|mount| {
        mount["propagation"] == "slave" && mount["attributes"].as_str().is_some_and(|words| words.starts_with("ro"))
    });
    if !is_slave {
        return Err(format!("the guest's side is no read-only slave: {shared_dir:?}").into());
    }
    if story["before"] != story["after"] || story["unchanged"] != true || story["before"] == story["during"] {
        return Err("the table is not as it was, or never changed".into());
    }
    Ok(())
}

/// Every mount of the sample, at its place, with its type, source, device and group.
fn the_host_is_the_captured_one() -> Result<(), Failed> {
    let story = story(&[])?;
    let table = mountwright_core::MountTable::parse(include_bytes!("../node.mountinfo").to_vec());
    let before = story["before"].as_array().ok_or("no table")?;
    for row in table.iter() {
        let point = row.mount_point().to_string_lossy().into_owned();
        let found =
            before.iter().find(|mount| mount["mount_point"] == point).ok_or_else(|| format!("no mount on {point}"))?;
        let expected = json!([
            row.fs_type().to_string_lossy(),
            row.source().to_string_lossy(),
            row.device().to_string(),
            row.root().to_string_lossy(),
            row.attributes().to_string(),
            row.propagation().kind().word()
        ]);
        let is = json!([
            found["fs_type"],
            found["source"],
            found["device"],
            found["root"],
            found["attributes"],
            found["propagation"]
        ]);
        if is != expected {
            return Err(format!("{point}: expected {expected}, found {is}").into());
        }
    }
    if before.len() == table.len() { Ok(()) } else { Err(format!("{} mounts", before.len()).into()) }
}

fn more_can_be_planted(backend: &str) -> Result<(), Failed> {
    let plant = TemporaryFile::new(&format!("plant-{backend}"), b"# more\nfile /usr/share/zoneinfo/UTC TZif2\n")?;
    let story = story(&["--backend", backend, "--plant", plant.path()?])?;
    match rows(&story)?.last() {
        Some((destination, verdict, _)) if destination == "/host-zone" && verdict == "share-read-only" => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn own_mountinfo() -> Result<(), Failed> {
    let spec = br#"{"mounts": [
        {"destination": "/a", "type": "bind", "source": "/srv/a b", "options": ["ro"]},
        {"destination": "/b", "type": "bind", "source": "/srv/none"},
        {"destination": "/c", "source": "/srv/a b", "options": ["rbind"]},
        {"destination": "/d", "type": "bind", "source": "/srv/../srv/./a b"},
        {"destination": "/dev/x", "type": "bind", "source": "/sys/../proc/1"}]}"#;
    let spec = TemporaryFile::new("own-spec", spec)?;
    let mountinfo = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / /srv/a\\040b rw shared:3 - nfs4 nas:/x rw\n";
    let mountinfo = TemporaryFile::new("own-mountinfo", mountinfo)?;
    let story = story(&["--spec", spec.path()?, "--mountinfo", mountinfo.path()?, "--id", "own"])?;
    let verdicts: Vec<String> = rows(&story)?.into_iter().map(|(_, verdict, _)| verdict).collect();
    let expected = ["share-read-only", "source-missing", "share-writable", "share-writable", "skip-system"];
    if verdicts != expected || story["container"] != "own" || story["set_up"]["made_shared"] != true {
        return Err(format!("{verdicts:?} {story}").into());
    }
    Ok(())
}

fn a_person_can_read_it(backend: &str) -> Result<(), Failed> {
    let output = run(&["--backend", backend])?;
    let text = String::from_utf8(output.stdout)?;
    let expected = [
        "Container 9d1e7c in sandbox 3f1c0f2f6f6d",
        "What becomes of each mount",
        "watchable, 3 keys",
        "Set-up",
        "The mount tree before",
        "├─/run",
        "The mount tree with the sandbox up",
        "/shared/9d1e7c/rootfs",
        "Teardown",
        "Is everything as it was? yes\n  the same",
    ];
    let mut rest = text.as_str();
    for part in expected {
        let at = rest.find(part).ok_or_else(|| format!("no {part:?} where it should be in\n{text}"))?;
        rest = &rest[at..];
    }
    if text.contains('\x1b') || text.contains('…') {
        return Err("through a pipe there are no colours, and paths are whole".into());
    }
    Ok(())
}
