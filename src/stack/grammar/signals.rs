//! `stop_signal`: names and numbers of signals.
//!
//! Source: Compose Specification, services, stop_signal; signal(7).

use super::suggest::nearest;
use crate::stack::problem::{ChoiceFault, Invalid};

const NAMES: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// A signal as written: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
pub fn signal(text: &str) -> Result<String, Invalid> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let is_number = text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    if is_number || NAMES.contains(&bare) || is_real_time(bare) {
        return Ok(text.to_owned());
    }
    let nearest = nearest(bare, NAMES).map(|name| format!("SIG{name}"));
    Err(Invalid::Choice(ChoiceFault::Signal { value: text.to_owned(), nearest }))
}

/// `RTMIN`, `RTMIN+1`…`RTMIN+15`, `RTMAX-14`…`RTMAX`: what the engine knows.
fn is_real_time(bare: &str) -> bool {
    let offset = |prefix: &str, sign: char, most: u8| match bare.strip_prefix(prefix) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(sign).is_some_and(|n| n.parse().is_ok_and(|n: u8| (1..=most).contains(&n))),
        None => false,
    };
    offset("RTMIN", '+', 15) || offset("RTMAX", '-', 14)
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
