//! The specification of a container that tests begin with.

use serde_json::Value;

/// The mounts, masks and namespaces that `runc spec` writes, without cgroups and terminal; the root is writable.
pub fn default_spec() -> Value {
    serde_json::from_str(include_str!("default_spec.json")).expect("the file is JSON")
}

/// The devices that every container has, as a host has them: lines of [`HostBuilder::from_text`](mountwright_fake::HostBuilder).
pub const DEVICES: &str = " char /dev/null 1:3
 char /dev/zero 1:5
 char /dev/full 1:7
 char /dev/random 1:8
 char /dev/urandom 1:9
 char /dev/tty 5:0
";
