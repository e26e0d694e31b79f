//! How a problem is worded.

use crate::diagnostic::Severity;

/// What is wrong, and the way out.
pub struct Wording {
    pub message: String,
    pub help: String,
}

/// A sentence pair; the help is in the imperative.
pub fn wording(message: impl Into<String>, help: impl Into<String>) -> Wording {
    Wording { message: message.into(), help: help.into() }
}

/// Something that can be reported.
pub trait Problem {
    fn severity(&self) -> Severity {
        Severity::Error
    }
    /// Whether it is a key that Wharf does not take at all, rather than a wrong value.
    fn refuses_key(&self) -> bool {
        false
    }
    fn wording(&self) -> Wording;
}

/// `` `a`, `b` and `c` ``
pub fn quoted_list(items: &[impl AsRef<str>], last: &str) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// A value in back-quotes, or in words where there is nothing to quote.
pub fn quote(value: &str) -> String {
    if value.is_empty() { "an empty string".to_owned() } else { format!("`{value}`") }
}

/// Why a value is not what it should be, and what to write instead.
pub fn why(why: impl Into<String>, help: impl Into<String>) -> (String, String) {
    (why.into(), help.into())
}

/// Why a value is not what it should be; for an empty one, that it is empty is enough.
pub fn refused(value: &str, is_not: &str, why: &str, help: String) -> Wording {
    let message =
        if value.is_empty() { format!("an empty string {is_not}") } else { format!("`{value}` {is_not}: {why}") };
    wording(message, help)
}

/// `did you mean X?` or, when nothing is near, what else there is.
pub fn did_you_mean<S: Into<String>>(nearest: Option<&String>, alternative: impl FnOnce() -> S) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => alternative().into(),
    }
}
