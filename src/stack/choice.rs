//! Keys whose values are a short list of words.

use std::time::Duration;

use super::decode::Fields;
use super::model::{Condition, PullPolicy, Ready, Restart};
use super::node::Value;
use super::problem::{ChoiceFault, Expected, Invalid, Report, Shape};
use super::suggest::nearest;
use crate::spec::OnUnhealthy;

/// The word, if it is allowed.
pub fn one_of(key: &'static str, text: &str, allowed: &'static [&'static str]) -> Result<&'static str, Invalid> {
    allowed.iter().copied().find(|word| *word == text).ok_or_else(|| {
        Invalid::Choice(ChoiceFault::OneOf { key, value: text.to_owned(), nearest: nearest(text, allowed), allowed })
    })
}

/// Compose Specification, services, restart.
pub fn restart(text: &str) -> Result<Restart, Invalid> {
    const PLAIN: &[&str] = &["no", "always", "unless-stopped", "on-failure"];
    let invalid = || {
        Invalid::Choice(ChoiceFault::Restart {
            value: text.to_owned(),
            nearest: nearest(text, PLAIN).filter(|_| !text.contains(':')),
        })
    };
    match text {
        "no" => Ok(Restart::No),
        "always" => Ok(Restart::Always),
        "unless-stopped" => Ok(Restart::UnlessStopped),
        "on-failure" => Ok(Restart::OnFailure(None)),
        _ => {
            let retries = text.strip_prefix("on-failure:").ok_or_else(invalid)?;
            retries.parse().map(|retries| Restart::OnFailure(Some(retries))).map_err(|_| invalid())
        }
    }
}

/// What wharfd does.
pub fn on_unhealthy(text: &str) -> Result<OnUnhealthy, Invalid> {
    one_of("on_unhealthy", text, &["restart", "stop", "none"]).map(OnUnhealthy::of)
}

/// `pull_policy` and `pull_refresh_after`. Source: Compose Specification, services, pull_policy; its schema for the latter.
pub fn pull_policy(service: &mut Fields<'_>, report: &mut Report) -> Option<PullPolicy> {
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
    if refresh { age.map(PullPolicy::Refresh) } else { item?.parse(Expected::String, report, plain_pull_policy) }
}

fn plain_pull_policy(text: &str) -> Result<PullPolicy, Invalid> {
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

const DAY: Duration = Duration::from_secs(24 * 3600);

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

/// Compose Specification, services, depends_on, condition.
pub fn condition(text: &str) -> Result<Condition, Invalid> {
    const ALLOWED: &[&str] = &["service_started", "service_healthy", "service_completed_successfully"];
    Ok(match one_of("condition", text, ALLOWED)? {
        "service_healthy" => Condition::Healthy,
        "service_completed_successfully" => Condition::CompletedSuccessfully,
        _ => Condition::Started,
    })
}

/// Wharf's own key `ready`.
pub fn ready(text: &str) -> Result<Ready, Invalid> {
    Ok(match one_of("ready", text, &["started", "healthy"])? {
        "healthy" => Ready::Healthy,
        _ => Ready::Started,
    })
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
