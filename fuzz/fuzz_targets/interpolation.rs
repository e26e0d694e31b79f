//! Variables in one string.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_fuzz::{environment, quoted, stack_of};

fuzz_target!(|text: &str| {
    let stack = |value: &str| stack_of(&format!("[services.web]\nimage = \"a\"\nlabels.x = {}\n", quoted(value)));
    let value = |value: &str| stack(value).ok().map(|stack| stack.services["web"].labels["x"].clone());
    let interpolated = value(text);
    // What has no variable stays as it is.
    if !text.contains('$') {
        assert_eq!(interpolated.as_deref(), Some(text));
    }
    // `$$` is a dollar, whatever follows.
    assert_eq!(value(&text.replace('$', "$$")).as_deref(), Some(text));
    // A replacement is not looked at again.
    if let Some(dollar) = value("${DOLLAR}") {
        assert_eq!(Some(dollar), environment("DOLLAR"));
    }
});
