#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mountwright_fuzz::paths::check(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("a fuzz target: cargo fuzz run --fuzz-dir tests/fuzz paths");
    std::process::exit(2);
}
