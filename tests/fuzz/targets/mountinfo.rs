#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mountwright_fuzz::mountinfo::check(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("a fuzz target: cargo fuzz run --fuzz-dir tests/fuzz mountinfo");
    std::process::exit(2);
}
