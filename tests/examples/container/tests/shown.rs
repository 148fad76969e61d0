//! Plans that are printed, and played on the model.

use libtest_mimic::Failed;

use super::Case;
use super::bundle::{Bundle, default_spec};

pub(crate) const CASES: &[Case] = &[
    Case { name: "plan_is_printed_and_nothing_is_done", runs: false, run: plan },
    Case { name: "bundle_is_played_on_the_model", runs: false, run: model },
];

fn plan() -> Result<(), Failed> {
    let bundle = Bundle::new("plan", &default_spec())?;
    let before = bundle.names()?;
    let output = bundle.run(&["--plan"])?;
    let text = String::from_utf8(output.stdout)?;
    for line in
        [" 1. /: bind of ", "/dev/pts: new devpts", "create on the host\n", "rootfs/dev (directory)", "process.args\n"]
    {
        if !text.contains(line) {
            return Err(format!("no {line:?} in\n{text}").into());
        }
    }
    if output.status.code() == Some(0) && bundle.names()? == before {
        Ok(())
    } else {
        Err(format!("{:?}", output.status).into())
    }
}

fn model() -> Result<(), Failed> {
    let bundle = Bundle::new("model", &default_spec())?;
    let before = bundle.names()?;
    let output = bundle.run(&["--backend", "fake"])?;
    let text = String::from_utf8(output.stdout)?;
    for mount in [
        " / ro,",
        " /dev rw,nosuid",
        " /dev/pts rw,nosuid,noexec,relatime - devpts devpts",
        " /proc rw",
        " /sys ro,nosuid",
        " /proc/sys ro",
    ] {
        if !text.contains(mount) {
            return Err(format!("no {mount:?} in\n{text}{}", String::from_utf8_lossy(&output.stderr)).into());
        }
    }
    let points = text.lines().skip(1).filter_map(|line| line.split(' ').nth(4));
    if points.into_iter().any(|point| point.contains("rootfs")) {
        return Err(format!("the old root is seen in\n{text}").into());
    }
    if bundle.names()? == before { Ok(()) } else { Err("the image was changed".into()) }
}
