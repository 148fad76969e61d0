//! The words of option lists.

use mountwright_core::{Mount, MountFlags, PropagationWord, Recursion};

/// The bytes are a list of options, with commas between.
pub fn check(data: &[u8]) {
    let list = String::from_utf8_lossy(data);
    let words: Vec<String> = list.split(',').map(str::to_owned).collect();
    words.iter().for_each(|word| propagation(word));
    flags(&words);
    mount(&words);
}

fn propagation(word: &str) {
    match word.parse::<PropagationWord>() {
        Ok(parsed) => {
            let printed = match parsed.recursion {
                Recursion::This => parsed.propagation.word().to_owned(),
                _ => format!("r{}", parsed.propagation.word()),
            };
            assert_eq!(printed.parse(), Ok(parsed), "print then parse is identity");
            assert!(printed == word || word.ends_with("ubind"), "only the original's ubind has another spelling");
        }
        Err(error) => assert_eq!(error.0, word, "the error names the word"),
    }
}

fn flags(words: &[String]) {
    let parsed = |words: &str| {
        let flags = words.split(',').filter_map(|word| MountFlags::from_word(word.as_bytes()));
        flags.fold(MountFlags::NONE, |all, flag| all | flag)
    };
    let set = parsed(&words.join(","));
    let printed = set.to_string();
    assert_eq!(parsed(&printed), set, "print then parse is identity");
    if !set.is_empty() {
        assert!(printed.split(',').all(|word| words.iter().any(|given| given == word)), "no word out of nothing");
    }
}

fn mount(words: &[String]) {
    let mount = Mount::from_runtime_spec("/d", None, Some("/s"), words);
    assert_eq!(mount.options, words, "every option is kept, in its order");
    assert_eq!(mount.is_bind(), words.iter().any(|word| word == "bind" || word == "rbind"));
    let mut read_only = false;
    for word in words {
        read_only = matches!(word.as_str(), "ro" | "rro") || (read_only && !matches!(word.as_str(), "rw" | "rrw"));
    }
    assert_eq!(mount.read_only, read_only, "the last one decides");
}
