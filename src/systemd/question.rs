//! A question to systemd that is answered while something else is done.

use std::process::{Child, Command, Stdio};

/// The state of a unit, asked for.
pub struct AskedState(Option<Child>);

/// Asks for the state of a unit.
pub fn ask_state(unit: &str) -> AskedState {
    let mut command = Command::new("systemctl");
    command.args(["show", "--property=ActiveState", "--value", unit]);
    AskedState(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok())
}

impl AskedState {
    /// Whether the unit was being stopped or started; waits for the answer. Without one: no.
    pub fn is_changing(self) -> bool {
        let answer = self.0.and_then(|child| child.wait_with_output().ok());
        answer.is_some_and(|answer| matches!(answer.stdout.trim_ascii(), b"deactivating" | b"activating"))
    }
}
