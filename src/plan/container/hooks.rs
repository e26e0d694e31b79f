//! Hooks → the bodies of `POST /containers/ID/exec` (Engine API).

use super::{some_unless_empty, variables};
use crate::spec::ReloadPart;
use crate::spec::models::ExecConfig;
use crate::stack::{Hook, Reload};

pub fn reload(reload: &Reload) -> ReloadPart {
    match reload {
        Reload::Signal(signal) => ReloadPart::Signal(signal.clone()),
        Reload::Command(words) => {
            let command = Hook { command: words.clone(), ..Hook::default() };
            ReloadPart::Exec(Box::new(hook(&command)))
        }
    }
}

pub fn hooks(hooks: &[Hook]) -> Vec<ExecConfig> {
    hooks.iter().map(hook).collect()
}

fn hook(hook: &Hook) -> ExecConfig {
    ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(hook.command.clone()),
        env: some_unless_empty(variables(&hook.environment)),
        privileged: hook.privileged.then_some(true),
        user: hook.user.clone(),
        working_dir: hook.working_dir.clone(),
        ..Default::default()
    }
}
