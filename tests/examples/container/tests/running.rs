//! Bundles that run.

use std::fs;

use libtest_mimic::Failed;
use serde_json::json;

use super::Case;
use super::bundle::{Bundle, USER, default_spec, rootless_spec};

/// Fails with both texts unless they are equal.
fn same(seen: &str, expected: &str) -> Result<(), Failed> {
    if seen == expected { Ok(()) } else { Err(format!("expected\n{expected}\nseen\n{seen}").into()) }
}

/// The mount point, type and attributes of each mount that the container sees.
const MOUNTS: &str = "while read -r a b c root at attributes more; do set -- $more; \
    while [ $1 != - ]; do shift; done; echo \"$at $2 $attributes $root\"; done < /proc/self/mountinfo | busybox sort";

const DEVICES: &str = "busybox stat -c '%n %F %t:%T %a %u:%g' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; \
    for n in fd stdin stdout stderr core ptmx; do busybox readlink /dev/$n; done";

const NODES: &str = "\
/dev/null character special file 1:3 666 0:0
/dev/zero character special file 1:5 666 0:0
/dev/full character special file 1:7 666 0:0
/dev/random character special file 1:8 666 0:0
/dev/urandom character special file 1:9 666 0:0
/dev/tty character special file 5:0 666 0:0
";

const LINKS: &str = "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n/proc/kcore\npts/ptmx\n";

pub(crate) const CASES: &[Case] = &[
    Case { name: "default_bundle_runs_as_root_with_the_root_of_its_specification", runs: true, run: as_root },
    Case { name: "bundle_runs_without_root_with_one_mapped_id", runs: true, run: without_root },
    Case { name: "masks_and_read_only_paths_hold", runs: true, run: masks },
    Case { name: "process_has_its_directory_below_the_root_and_three_descriptors", runs: true, run: last_steps },
    Case { name: "propagation_of_the_root_is_set_after_it_is_entered", runs: true, run: propagation },
    Case { name: "owners_of_a_mount_are_mapped", runs: true, run: owners },
    Case { name: "terminal_of_the_container_is_its_console", runs: true, run: console },
    Case { name: "binds_through_symlinks_of_the_image_stay_inside_it", runs: true, run: binds },
    Case { name: "hierarchies_of_cgroups_are_mounted_for_the_container", runs: true, run: cgroups },
    Case { name: "exit_status_is_that_of_the_process", runs: true, run: status },
];

fn as_root() -> Result<(), Failed> {
    let bundle = Bundle::new("root", &default_spec())?;
    same(&bundle.shell(DEVICES)?, &format!("{NODES}{LINKS}"))?;
    let mounts = bundle.shell(MOUNTS)?;
    let points: Vec<_> = mounts.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    for mount in ["/dev tmpfs", "/dev/pts devpts", "/dev/shm tmpfs", "/dev/mqueue mqueue", "/sys sysfs", "/proc proc"] {
        if !points.iter().any(|point| point == mount) {
            return Err(format!("no {mount} in\n{mounts}").into());
        }
    }
    same(
        &bundle.shell("busybox hostname; echo $$; (echo x > /new) 2>/dev/null || echo read-only")?,
        "box\n1\nread-only\n",
    )
}

fn without_root() -> Result<(), Failed> {
    let bundle = Bundle::new("rootless", &rootless_spec())?;
    bundle.give_to_user()?;
    same(
        &bundle.shell_of_user("busybox id -u; busybox cat /proc/self/uid_map | busybox tr -s ' '")?,
        &format!("0\n 0 {USER} 1\n"),
    )?;
    let devices = bundle.shell_of_user(
        "echo x > /dev/null && busybox head -c 3 /dev/zero | busybox wc -c; busybox readlink /dev/ptmx",
    )?;
    same(&devices, "3\npts/ptmx\n")
}

fn masks() -> Result<(), Failed> {
    let bundle = Bundle::new("masks", &default_spec())?;
    let line = "busybox wc -c < /proc/keys; busybox ls /sys/firmware /proc/scsi /proc/acpi 2>/dev/null | busybox grep -c '^[a-z]'; \
        (echo 1 > /proc/sys/kernel/domainname) 2>/dev/null || echo sys; (echo 1 > /sys/x) 2>/dev/null || echo sysfs; \
        (echo h > /proc/sysrq-trigger) 2>/dev/null || echo sysrq";
    same(&bundle.shell(line)?, "0\n0\nsys\nsysfs\nsysrq\n")
}

fn last_steps() -> Result<(), Failed> {
    let mut spec = default_spec();
    spec["process"]["cwd"] = json!("/srv/link");
    let bundle = Bundle::new("cwd", &spec)?;
    fs::create_dir_all(bundle.path("rootfs/srv/here"))?;
    // Outside the root it would be another directory.
    std::os::unix::fs::symlink("/../../srv/here", bundle.path("rootfs/srv/link"))?;
    same(&bundle.shell("busybox pwd; for d in /proc/self/fd/*; do echo ${d##*/}; done")?, "/srv/here\n0\n1\n2\n")
        .or_else(|_| {
            same(
                &bundle.shell("busybox pwd; for d in /proc/$$/fd/*; do echo ${d##*/}; done")?,
                "/srv/here\n0\n1\n2\n3\n",
            )
        })
}

fn propagation() -> Result<(), Failed> {
    for (word, kind) in [("shared", "shared:"), ("private", "-"), ("unbindable", "unbindable")] {
        let mut spec = default_spec();
        spec["linux"]["rootfsPropagation"] = json!(word);
        let bundle = Bundle::new(&format!("propagation-{word}"), &spec)?;
        let seen = bundle.shell("busybox cat /proc/self/mountinfo")?;
        let optional = seen.lines().next().and_then(|line| line.split(' ').nth(6));
        if !optional.is_some_and(|field| field.starts_with(kind)) {
            return Err(format!("{word}: {seen}").into());
        }
    }
    Ok(())
}

fn owners() -> Result<(), Failed> {
    let mut spec = default_spec();
    let range = json!([{"containerID": 0, "hostID": 7000, "size": 10}]);
    let mount = json!({"destination": "/m", "source": "volume", "options": ["bind", "idmap"], "uidMappings": range,
        "gidMappings": [{"containerID": 0, "hostID": 8000, "size": 10}]});
    spec["mounts"].as_array_mut().ok_or("no mounts")?.push(mount);
    let bundle = Bundle::new("owners", &spec)?;
    fs::create_dir_all(bundle.path("volume"))?;
    for (name, id) in [("root", 0), ("five", 5), ("fifty", 50)] {
        fs::write(bundle.path("volume").join(name), "")?;
        std::os::unix::fs::chown(bundle.path("volume").join(name), Some(id), Some(id))?;
    }
    let line = "busybox stat -c '%n %u:%g' /m/root /m/five /m/fifty";
    same(&bundle.shell(line)?, "/m/root 7000:8000\n/m/five 7005:8005\n/m/fifty 65534:65534\n")?;
    let played = String::from_utf8(bundle.run(&["--backend", "fake"])?.stdout)?;
    if played.contains(" /m rw,relatime,idmapped ") { Ok(()) } else { Err(played.into()) }
}

fn console() -> Result<(), Failed> {
    let mut spec = default_spec();
    spec["process"]["terminal"] = json!(true);
    let bundle = Bundle::new("console", &spec)?;
    let line = "busybox stat -c '%F %t' /dev/console; echo said > /dev/console; busybox test -t 0 && echo tty";
    same(&bundle.shell(line)?.replace('\r', ""), "character special file 88\nsaid\ntty\n")
}

fn binds() -> Result<(), Failed> {
    let mut spec = default_spec();
    spec["root"]["readonly"] = json!(false);
    if let Some(mounts) = spec["mounts"].as_array_mut() {
        mounts
            .push(json!({"destination": "/var/run/secret", "source": "volume", "options": ["rbind", "ro", "nosuid"]}));
        mounts.push(json!({"destination": "/etc/dangling", "source": "volume/file", "options": ["bind"]}));
    }
    let bundle = Bundle::new("binds", &spec)?;
    fs::create_dir_all(bundle.path("volume"))?;
    fs::write(bundle.path("volume/file"), "of the host\n")?;
    for directory in ["rootfs/var", "rootfs/etc"] {
        fs::create_dir_all(bundle.path(directory))?;
    }
    std::os::unix::fs::symlink("../../../../run", bundle.path("rootfs/var/run"))?;
    std::os::unix::fs::symlink("/made/for/it", bundle.path("rootfs/etc/dangling"))?;
    let plan = String::from_utf8(bundle.run(&["--plan"])?.stdout)?;
    let line = "busybox cat /run/secret/file /made/for/it; (echo x > /run/secret/new) 2>/dev/null || echo read-only";
    same(&bundle.shell(line)?, "of the host\nof the host\nread-only\n")?;
    for name in bundle.names()? {
        let known = ["/bin", "/bin/busybox", "/var", "/var/run", "/etc", "/etc/dangling"].contains(&name.as_str());
        if !known && !plan.contains(&format!("rootfs{name} (")) {
            return Err(format!("{name} was created, and is not in\n{plan}").into());
        }
    }
    Ok(())
}

fn cgroups() -> Result<(), Failed> {
    let mut spec = default_spec();
    if let Some(mounts) = spec["mounts"].as_array_mut() {
        mounts.push(json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
            "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}));
    }
    let bundle = Bundle::new("cgroups", &spec)?;
    let seen = bundle.shell(MOUNTS)?;
    let mounts: Vec<_> = seen.lines().filter(|line| line.starts_with("/sys/fs/cgroup")).collect();
    let are_safe = |line: &&str| line.contains(" ro,nosuid,nodev,noexec");
    if mounts.is_empty() || !mounts.iter().all(are_safe) {
        Err(format!("cgroups are not read-only:\n{seen}").into())
    } else {
        Ok(())
    }
}

fn status() -> Result<(), Failed> {
    let bundle = Bundle::new("status", &default_spec())?;
    let seen = |line: &str| Ok::<_, Failed>(bundle.run(&["--", "/bin/busybox", "sh", "-c", line])?.status.code());
    let seen = [seen("exit 7")?, seen("kill -9 $$; exit 3")?, bundle.run(&[])?.status.code()];
    if seen == [Some(7), Some(3), Some(0)] { Ok(()) } else { Err(format!("{seen:?}").into()) }
}
