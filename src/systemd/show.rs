//! What `systemctl show` prints: systemctl(1).

use std::time::SystemTime;

/// The value of a property as `systemctl show` prints it.
pub fn value<'a>(answer: &'a str, property: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.strip_prefix(property)?.strip_prefix('='))
}

/// `Thu 2026-01-01 12:00:00.000000 UTC`
pub fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let mut words = text.split_whitespace().skip(1);
    humantime::parse_rfc3339(&format!("{}T{}Z", words.next()?, words.next()?)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn what_systemctl_prints_is_a_time() {
        let time = super::parse_timestamp("Thu 1970-01-01 00:00:02.000001 UTC\n");
        assert_eq!(time, Some(UNIX_EPOCH + Duration::new(2, 1000)));
        assert_eq!(super::parse_timestamp("\n"), None);
    }
}
