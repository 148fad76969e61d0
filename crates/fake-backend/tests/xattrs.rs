//! Capabilities of files.

use mountwright_core::Errno;
use mountwright_fake::abi::{CAP_FULL_SET, CAP_SETFCAP};
use mountwright_fake::{At, Credentials, Machine, Pid};

const ME: Pid = Machine::INIT;
const NAME: &[u8] = b"security.capability";
/// Version 2, `CAP_NET_BIND_SERVICE`.
const VALUE: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn machine() -> Machine {
    let mut machine = Machine::new();
    let file = machine.openat(ME, At::Cwd, b"/f", mountwright_fake::abi::O_CREAT, 0o755).unwrap();
    machine.close(ME, file).unwrap();
    machine
}

fn get(machine: &mut Machine) -> Result<Vec<u8>, Errno> {
    machine.getxattr(ME, At::Cwd, b"/f", NAME)
}

#[test]
fn capabilities_are_kept_with_the_mode_and_removed_with_the_owner() {
    let mut machine = machine();
    assert_eq!(get(&mut machine), Err(Errno::ENODATA));
    machine.setxattr(ME, At::Cwd, b"/f", NAME, &VALUE).unwrap();
    machine.fchmodat(ME, At::Cwd, b"/f", 0o700, 0).unwrap();
    assert_eq!(get(&mut machine).unwrap(), VALUE);
    machine.fchownat(ME, At::Cwd, b"/f", 0, u32::MAX, 0).unwrap();
    assert_eq!(get(&mut machine), Err(Errno::ENODATA));
}

#[test]
fn capabilities_need_cap_setfcap_and_a_form_that_the_kernel_reads() {
    let mut machine = machine();
    for bad in [&b""[..], b"net", &[0; 20], &VALUE[..19]] {
        assert_eq!(machine.setxattr(ME, At::Cwd, b"/f", NAME, bad), Err(Errno::EINVAL));
    }
    let present = machine.credentials(ME).unwrap();
    machine.set_credentials(ME, Credentials { capabilities: CAP_FULL_SET & !CAP_SETFCAP, ..present }).unwrap();
    assert_eq!(machine.setxattr(ME, At::Cwd, b"/f", NAME, &VALUE), Err(Errno::EPERM));
}

#[test]
fn another_attribute_is_refused_and_never_found() {
    let mut machine = machine();
    assert_eq!(machine.setxattr(ME, At::Cwd, b"/f", b"user.x", &VALUE), Err(Errno::EOPNOTSUPP));
    assert_eq!(machine.getxattr(ME, At::Cwd, b"/f", b"user.x"), Err(Errno::ENODATA));
    assert_eq!(machine.getxattr(ME, At::Cwd, b"/missing", NAME), Err(Errno::ENOENT));
}
