//! `stop_signal`: names and numbers of signals.
//!
//! Source: Compose Specification, services, stop_signal; signal(7).

use super::suggest::nearest;
use crate::signals::{NAMES, is_known};
use crate::stack::problem::{ChoiceFault, Invalid};

/// A signal as written: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
pub fn signal(text: &str) -> Result<String, Invalid> {
    if is_known(text) {
        return Ok(text.to_owned());
    }
    let upper = text.to_ascii_uppercase();
    let nearest = nearest(upper.strip_prefix("SIG").unwrap_or(&upper), NAMES).map(|name| format!("SIG{name}"));
    Err(Invalid::Choice(ChoiceFault::Signal { value: text.to_owned(), nearest }))
}

#[cfg(test)]
mod tests {
    use super::signal;

    #[test]
    fn names_and_numbers() {
        for good in ["SIGTERM", "TERM", "sigquit", "15", "SIGRTMIN", "SIGRTMIN+3", "RTMAX-14"] {
            assert!(signal(good).is_ok(), "{good}");
        }
        for bad in ["", "SIGTERMINATE", "0", "65", "SIGRTMIN+16", "SIGRTMIN-1", "-9"] {
            assert!(signal(bad).is_err(), "{bad}");
        }
    }
}
