//! Names exchanged during share and unshare.

use std::time::{Duration, Instant};

use mountwright_linux::LinuxBackend;

use crate::attack::{Attack, Attackers};
use crate::guarded::{Said, cycle};
use crate::outside::Touched;
use crate::setting;

/// The extra time for an attack that has not yet proved effective.
const LONGER: Duration = Duration::from_secs(30);

/// Runs the attack on the backend, which must withstand it, and on the naive implementation, which must not.
pub(crate) fn race(attack: Attack) {
    let shared = attack.shared;
    setting::make(shared);
    let time = Duration::from_secs(setting::seconds());
    let backend = LinuxBackend::new();

    let (mut said, mut touched) = (Said::default(), Touched::default());
    let attackers = Attackers::start(attack);
    let start = Instant::now();
    while start.elapsed() < time || (said.shared == 0 || said.taken_off == 0) && start.elapsed() < time + LONGER {
        cycle(shared, &backend, &mut said);
        touched.look(shared, &backend);
        touched.look_for_left(&backend);
    }
    let exchanges = attackers.stop();
    println!("{attack}: {exchanges} exchanges, {said:?}, escapes: {}, left: {}", touched.total(), touched.left);

    let naive = shared.naive();
    let (mut cycles, mut escaped) = (0_u64, Touched::default());
    let attackers = Attackers::start(attack);
    let start = Instant::now();
    // A quarter of the time is enough; longer only until the attack has proved effective.
    while start.elapsed() < time / 4 || escaped.total() == 0 && start.elapsed() < time + LONGER {
        // Either may fail: it is attacked.
        let _ = naive.share();
        escaped.look(shared, &backend);
        let _ = naive.unshare_empty();
        cycles += 1;
        escaped.look(shared, &backend);
        escaped.look_for_left(&backend);
    }
    attackers.stop();
    println!("{attack}: by paths, {cycles} cycles, {escaped:?}, escapes: {}", escaped.total());

    assert_eq!((touched.total(), touched.left), (0, 0), "{touched:?}");
    assert!(said.shared > 0 && said.taken_off > 0, "it never got to do anything: {said:?}");
    assert!(exchanges > 0 && escaped.total() > 0, "the attack does not bite: {escaped:?}");
}
