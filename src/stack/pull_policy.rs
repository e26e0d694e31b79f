//! `pull_policy` and `pull_refresh_after`: when an image is fetched.
//!
//! Source: Compose Specification, services, pull_policy; its schema for `pull_refresh_after`.

use std::time::Duration;

use super::choice::one_of;
use super::decode::Fields;
use super::model::{Build, PullPolicy};
use super::node::Value;
use super::problem::{BuildFault, ChoiceFault, Expected, Invalid, Report, Shape};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reads both keys. What is built is not fetched.
pub fn read(build: Option<&Build>, service: &mut Fields<'_>, report: &mut Report) -> Option<PullPolicy> {
    let item = service.get("pull_policy");
    let policy = written(service, report);
    let fault = match (policy, build) {
        (Some(PullPolicy::Always | PullPolicy::Refresh(_)), Some(_)) => Some(BuildFault::PullPolicy),
        (Some(PullPolicy::Build), None) if !service.has("build") => Some(BuildFault::PolicyWithoutBuild),
        _ => None,
    };
    if let (Some(fault), Some(item)) = (fault, item) {
        report.add(item.place(), Invalid::Build(fault));
    }
    policy
}

/// What the two keys say together.
fn written(service: &mut Fields<'_>, report: &mut Report) -> Option<PullPolicy> {
    let refresh_after = service.get("pull_refresh_after");
    let age = refresh_after.and_then(|item| item.parse(Expected::String, report, refresh_age));
    let item = service.get("pull_policy");
    let refresh = item.is_some_and(|item| item.node.value == Value::String("refresh".to_owned()));
    match (refresh_after, item) {
        (Some(after), _) if !refresh => {
            let because = "it belongs to `pull_policy = \"refresh\"`";
            report.add(
                after.place(),
                Shape::Excludes { key: "pull_refresh_after".to_owned(), owner: service.owner.clone(), because },
            );
        }
        (None, Some(item)) if refresh => {
            let example = "pull_refresh_after = \"24h\"";
            report
                .add(item.place(), Shape::Missing { key: "pull_refresh_after", owner: service.owner.clone(), example });
        }
        _ => (),
    }
    if refresh { age.map(PullPolicy::Refresh) } else { item?.parse(Expected::String, report, plain) }
}

fn plain(text: &str) -> Result<PullPolicy, Invalid> {
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
fn refresh_age(text: &str) -> Result<Duration, Invalid> {
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
