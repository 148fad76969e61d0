//! Names exchanged while a rootfs is shared and taken off.

use std::time::{Duration, Instant};

use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::naive::Naive;

use crate::attack::{Attack, Attacker};
use crate::guarded::{Said, cycle};
use crate::outside::Touched;
use crate::setting;

/// Runs the attack on the backend, which it must not get out of, and on the naive way, which it must.
pub(crate) fn race(attack: Attack) {
    setting::make();
    let time = Duration::from_secs(setting::seconds());
    let backend = LinuxBackend::new();

    let (mut said, mut touched) = (Said::default(), Touched::default());
    let attacker = Attacker::start(attack);
    let start = Instant::now();
    while start.elapsed() < time {
        cycle(&backend, &mut said);
        touched.look(&backend);
        touched.look_for_left(&backend);
    }
    let exchanges = attacker.stop();
    println!("{attack}: {exchanges} exchanges, {said:?}, escapes: {}", touched.total());

    let naive = Naive::new(Linux::new(), "/w/shared/box", "/w/source/tree");
    let (mut cycles, mut escaped) = (0_u64, Touched::default());
    let attacker = Attacker::start(attack);
    let start = Instant::now();
    // As long as for the backend; longer only until it shows that the attack bites.
    while start.elapsed() < time || escaped.total() == 0 && start.elapsed() < time + Duration::from_secs(30) {
        // Either may fail: it is attacked.
        let _ = naive.share();
        escaped.look(&backend);
        let _ = naive.unshare_empty();
        cycles += 1;
        escaped.look(&backend);
        escaped.look_for_left(&backend);
    }
    attacker.stop();
    println!("{attack}: by paths, {cycles} cycles, {escaped:?}");

    assert_eq!((touched.total(), touched.left), (0, 0), "{touched:?}");
    assert!(said.shared > 0 && said.taken_off > 0, "it never got to do anything: {said:?}");
    assert!(exchanges > 0 && escaped.total() > 0, "the attack does not bite: {escaped:?}");
}
