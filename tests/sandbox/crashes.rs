//! `--crash-at N`, for every N: a half-made sandbox, and recovery cleans it.

use libtest_mimic::Failed;

use super::Case;
use super::running::{run, story};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, on_kernel, run| Case { name, on_kernel, run };
    vec![
        case("fake: killed after any call, recovery cleans up", false, || killed_anywhere("fake")),
        case("linux: killed after any call, recovery cleans up", true, || killed_anywhere("linux")),
        case("fake: a person can read what recovery did", false, || a_person_can_read_it("fake")),
        case("linux: a person can read what recovery did", true, || a_person_can_read_it("linux")),
        case("no call has the number 0", false, no_call_zero),
    ]
}

/// Until the story ends before it is killed.
fn killed_anywhere(backend: &str) -> Result<(), Failed> {
    let (mut half_made, mut with_names) = (0, 0);
    for after in 1.. {
        let told = story(&["--backend", backend, "--crash-at", &after.to_string()])?;
        if told["unchanged"] != true {
            return Err(format!("killed after call {after}: {told:#}").into());
        }
        let count = |what: &str| told["left"][what].as_array().map_or(0, Vec::len);
        if told["crashed"] != true {
            if count("mounts") + count("names") > 0 || half_made == 0 || with_names == 0 {
                return Err(format!("a whole story left something, or a half one nothing: {told:#}").into());
            }
            println!("{backend}: killed after each of {} calls, {half_made} times with mounts left", after - 1);
            return Ok(());
        }
        half_made += u32::from(count("mounts") > 0);
        with_names += u32::from(count("names") > 0);
    }
    Ok(())
}

fn a_person_can_read_it(backend: &str) -> Result<(), Failed> {
    let output = run(&["--backend", backend, "--crash-at", "180"])?;
    let text = String::from_utf8(output.stdout)?;
    let expected = [
        "The runtime was killed after 180 calls.",
        "What it left behind",
        "a share at /run/kata-containers/shared/sandboxes/",
        "Recovery",
        "unmounted: ",
        "A second recovery",
        "Is everything as it was? yes",
    ];
    let mut rest = text.as_str();
    for part in expected {
        let at = rest.find(part).ok_or_else(|| format!("no {part:?} where it should be in\n{text}"))?;
        rest = &rest[at..];
    }
    Ok(())
}

fn no_call_zero() -> Result<(), Failed> {
    for word in ["0", "-1", "many", ""] {
        let output = run(&[&format!("--crash-at={word}")])?;
        if output.status.code() != Some(2) || output.stderr.is_empty() || !output.stdout.is_empty() {
            return Err(format!("{word:?}: {output:?}").into());
        }
    }
    Ok(())
}
