//! A question to systemd that is answered while something else is done.

use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use super::own_unit::parse_timestamp;

/// The state of a unit, asked for.
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
        was_changing(&answer, time)
    }
}

fn was_changing(answer: &str, time: Option<SystemTime>) -> bool {
    let value = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let is_changing = matches!(value("ActiveState"), Some("deactivating" | "activating"));
    let entered = value("ActiveEnterTimestamp").and_then(parse_timestamp);
    is_changing || time.zip(entered).is_some_and(|(time, entered)| entered > time)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::was_changing;

    #[test]
    fn a_unit_that_was_started_since_was_being_started_then() {
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let active = "ActiveState=active\nActiveEnterTimestamp=Thu 1970-01-01 00:00:10.000000 UTC\n";
        assert!(was_changing(active, at(9)));
        assert!(!was_changing(active, at(11)));
        assert!(!was_changing(active, None));
        assert!(was_changing("ActiveState=deactivating\nActiveEnterTimestamp=\n", at(11)));
        assert!(!was_changing("", at(11)));
    }
}
