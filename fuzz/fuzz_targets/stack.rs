//! A whole stack file.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // What files it names must not depend on the machine: an absolute path could be a device that never ends.
    if !text.contains("/dev") && !text.contains("/proc") {
        let _valid_or_not = wharf_fuzz::stack_of(text);
    }
});
