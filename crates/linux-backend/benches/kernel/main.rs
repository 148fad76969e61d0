//! The backend on this kernel, compared with raw system calls as the lower bound and with other implementations.
//!
//! It needs root (`CAP_SYS_ADMIN`), and says so where it has none. All mounts are made in private mount namespaces, over
//! `/mnt`, and end with the process.

mod binds;
mod containers;
mod counts;
mod fs_group;
mod look_ups;
mod namespace;
#[path = "../../../core/benches/paired/mod.rs"]
mod paired;
mod raw;
mod shares;
mod stage;
mod table;
mod three_calls;

use paired::Report;

fn main() {
    // Before anything is mounted over the place where its log may be.
    let mut report = Report::from_args();
    let worlds = match stage::set_up() {
        Ok(worlds) => worlds,
        Err(error) => {
            println!("not measured: {error}");
            return;
        }
    };
    look_ups::run(&mut report, &worlds);
    binds::run(&mut report, &worlds);
    shares::run(&mut report, &worlds);
    containers::run(&mut report, &worlds);
    table::run(&mut report, &worlds);
    counts::run(&mut report, &worlds);
    fs_group::run(&mut report, &worlds);
    report.end();
}
