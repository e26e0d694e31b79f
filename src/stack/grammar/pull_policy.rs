//! When an image is fetched.
//!
//! Source: Compose Specification, services, pull_policy.

use std::time::Duration;

use super::choice::one_of;
use crate::stack::model::PullPolicy;
use crate::stack::problem::{ChoiceFault, Invalid};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub fn pull_policy(text: &str) -> Result<PullPolicy, Invalid> {
    const WORDS: &[&str] =
        &["always", "missing", "if_not_present", "never", "build", "daily", "weekly", "refresh", "every_12h"];
    if let Some(age) = text.strip_prefix("every_") {
        return refresh_age(age).map(PullPolicy::Refresh);
    }
    Ok(match one_of("pull_policy", text, WORDS)? {
        "always" => PullPolicy::Always,
        "never" => PullPolicy::Never,
        "build" => PullPolicy::Build,
        "daily" => PullPolicy::Refresh(DAY),
        "weekly" => PullPolicy::Refresh(7 * DAY),
        _ => PullPolicy::Missing,
    })
}

/// `1w2d`, `12h`: numbers with the units w, d, h, m, s.
pub fn refresh_age(text: &str) -> Result<Duration, Invalid> {
    let invalid = || Invalid::Choice(ChoiceFault::RefreshAge { value: text.to_owned() });
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?;
        let number: u64 = rest[..digits].parse().map_err(|_| invalid())?;
        let mut after = rest[digits..].chars();
        let unit = match after.next() {
            Some('w') => 7 * 24 * 3600,
            Some('d') => 24 * 3600,
            Some('h') => 3600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(invalid()),
        };
        seconds = number.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(invalid)?;
        rest = after.as_str();
    }
    // Longer than a century is a mistake.
    if (1..100 * 365 * 24 * 3600).contains(&seconds) { Ok(Duration::from_secs(seconds)) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::refresh_age;

    #[test]
    fn the_age_of_an_image() {
        let seconds = |text| refresh_age(text).ok().map(|age| age.as_secs());
        assert_eq!(seconds("12h"), Some(12 * 3600));
        assert_eq!(seconds("1w2d3h4m5s"), Some(9 * 86400 + 3 * 3600 + 4 * 60 + 5));
        for bad in ["", "12", "h", "0s", "1y", "1.5h", "-1h", "1h ", "99999999999999999999s", "999999w"] {
            assert!(refresh_age(bad).is_err(), "{bad}");
        }
    }
}
