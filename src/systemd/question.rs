//! Questions to systemd about another unit, by systemctl.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use super::show::{parse_timestamp, value};
use crate::name::UnitName;

/// The state of a unit, asked for while something else is done.
pub struct AskedState(Option<Child>);

/// Asks for the state of a unit.
pub fn ask_state(unit: &str) -> AskedState {
    let mut command = Command::new("systemctl");
    command.args(["show", "--timestamp=us+utc", "--property=ActiveState,ActiveEnterTimestamp", unit]);
    AskedState(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok())
}

impl AskedState {
    /// Whether the unit is being stopped or started, or was at that time; waits for the answer. Without one: no.
    pub fn was_changing_at(self, time: Option<SystemTime>) -> bool {
        let answer = self.0.and_then(|child| child.wait_with_output().ok());
        let answer = String::from_utf8(answer.map(|answer| answer.stdout).unwrap_or_default()).unwrap_or_default();
        was_changing(&answer, time, SystemTime::now())
    }
}

fn was_changing(answer: &str, time: Option<SystemTime>, now: SystemTime) -> bool {
    let is_changing = matches!(value(answer, "ActiveState"), Some("deactivating" | "activating"));
    let entered = value(answer, "ActiveEnterTimestamp").and_then(parse_timestamp);
    // A start in the future was before the clock was set back.
    is_changing || time.zip(entered).is_some_and(|(time, entered)| time < entered && entered <= now)
}

/// The unit file of a unit that has failed; `None`: it is in another state, has no file, or systemd does not answer.
pub fn file_of_failed(unit: &UnitName) -> Option<PathBuf> {
    let properties = "--property=ActiveState,FragmentPath";
    let shown = Command::new("systemctl").args(["show", properties, unit]).output().ok()?;
    file_if_failed(str::from_utf8(&shown.stdout).ok()?)
}

fn file_if_failed(answer: &str) -> Option<PathBuf> {
    let file = value(answer, "FragmentPath").filter(|path| !path.is_empty())?;
    (value(answer, "ActiveState") == Some("failed")).then(|| PathBuf::from(file))
}

/// Whether one of the services runs, or has ended so lately that systemd has no job yet to start it again.
pub fn any_runs(services: &[UnitName]) -> bool {
    let names = services.iter().map(UnitName::as_str);
    let shown = Command::new("systemctl").args(["show", "--property=SubState", "--value"]).args(names).output();
    let states = shown.map(|shown| String::from_utf8_lossy(&shown.stdout).into_owned()).unwrap_or_default();
    !services.is_empty() && states.split_whitespace().any(runs)
}

fn runs(state: &str) -> bool {
    matches!(state, "running" | "auto-restart") || ["stop", "final"].iter().any(|ending| state.starts_with(ending))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{file_if_failed, was_changing};

    #[test]
    fn a_unit_that_was_started_since_was_being_started_then() {
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let active = "ActiveState=active\nActiveEnterTimestamp=Thu 1970-01-01 00:00:10.000000 UTC\n";
        let now = UNIX_EPOCH + Duration::from_secs(12);
        assert!(was_changing(active, at(9), now));
        assert!(!was_changing(active, at(11), now));
        assert!(!was_changing(active, None, now));
        assert!(was_changing("ActiveState=deactivating\nActiveEnterTimestamp=\n", at(11), now));
        assert!(!was_changing("", at(11), now));
    }

    #[test]
    fn a_unit_that_was_started_before_the_clock_was_set_back_was_not_being_started() {
        let active = "ActiveState=active\nActiveEnterTimestamp=Thu 1970-01-02 00:00:10.000000 UTC\n";
        let [time, now] = [8, 9].map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(!was_changing(active, Some(time), now));
    }

    #[test]
    fn the_file_of_a_unit_is_told_while_it_is_failed() {
        let path = "/etc/systemd/system/shop-web@.service";
        let answer = |state: &str, path: &str| file_if_failed(&format!("ActiveState={state}\nFragmentPath={path}\n"));
        assert_eq!(answer("failed", path), Some(path.into()));
        assert_eq!(answer("activating", path), None);
        assert_eq!(answer("failed", ""), None);
    }
}
