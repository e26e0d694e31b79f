//! Keys whose values are a short list of words.

use super::suggest::nearest;
use crate::spec::{OnUnhealthy, UpdateHook};
use crate::stack::model::{Condition, Ready, Restart};
use crate::stack::problem::{ChoiceFault, Invalid};

/// How mounts below a bind mount spread (mount_namespaces(7)).
pub const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// The word, if it is allowed.
pub fn one_of(key: &'static str, text: &str, allowed: &'static [&'static str]) -> Result<&'static str, Invalid> {
    allowed.iter().copied().find(|word| *word == text).ok_or_else(|| not_one_of(key, text, allowed))
}

/// That a word is not allowed.
pub fn not_one_of(key: &'static str, text: &str, allowed: &'static [&'static str]) -> Invalid {
    Invalid::Choice(ChoiceFault::OneOf { key, value: text.to_owned(), nearest: nearest(text, allowed), allowed })
}

/// Compose Specification, services, network_mode: what is a word alone. The engine takes the name of a network there, too; a stack
/// joins it by `networks`, so that a misspelt mode is not one.
pub fn network_mode(text: &str) -> Result<String, Invalid> {
    const MODES: &[&str] = &["host", "none", "bridge"];
    if MODES.contains(&text) {
        return Ok(text.to_owned());
    }
    let nearest = nearest(text, MODES.iter().copied());
    Err(Invalid::Choice(ChoiceFault::NetworkMode { value: text.to_owned(), nearest }))
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

/// The levels of syslog(3) as systemd names them (systemd.exec(5), `SyslogLevel=`), from 0 on.
pub const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Wharf's own keys `stdout_level` and `stderr_level`: the level's number.
pub fn level(key: &'static str, text: &str) -> Result<u8, Invalid> {
    let number = LEVELS.iter().zip(0..).find(|(level, _)| **level == text).map(|(_, number)| number);
    number.ok_or_else(|| not_one_of(key, text, LEVELS))
}

/// When an update or a rollback runs a job.
pub const UPDATE_HOOKS: &[&str] = &["pre_update", "post_update", "pre_rollback"];

/// Wharf's own key `update_hook`.
pub fn update_hook(text: &str) -> Result<UpdateHook, Invalid> {
    UpdateHook::of(text).ok_or_else(|| not_one_of("update_hook", text, UPDATE_HOOKS))
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
