//! The last probe of a healthcheck: what it printed, and why it could not be run.
//!
//! Source: Engine API, `Health.Log`. Docker Engine 26 and 28 give a probe that they cannot execute the status -1 and the text of runc; one
//! that exceeds its timeout has -1, too. A shell that finds no program exits with 127, or with 126 if it cannot execute it (POSIX, Shell
//! Command Language, 2.8.2).

use bollard::models::HealthcheckResult;

use super::error::Words;
use crate::refusal::explain_probe;

/// How the last probe went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Probe {
    /// There was none yet.
    #[default]
    None,
    /// It ran, whatever it found.
    Ran,
    /// It could not be executed. `why` has nothing of what a probe prints but the name of a program; `command` may hold a password.
    CannotRun { why: Words, command: Words },
}

const NOT_EXECUTABLE: i64 = 126;
const NOT_FOUND: i64 = 127;

impl Probe {
    /// `test`: the healthcheck's, with the way to run it as its first word.
    pub(super) fn of(result: Option<&HealthcheckResult>, test: &[String]) -> Self {
        let Some(result) = result else { return Self::None };
        let output = result.output.as_deref().unwrap_or_default();
        let status = result.exit_code.unwrap_or(0);
        let why = match status {
            -1 | NOT_EXECUTABLE | NOT_FOUND if output.starts_with("OCI runtime exec failed") => {
                let text = Words::from(output);
                explain_probe(text.as_str())
                    .map_or_else(|| text.to_string(), |explained| format!("{explained} [{text}]"))
            }
            NOT_FOUND | NOT_EXECUTABLE => of_shell(status, output),
            _ => return Self::Ran,
        };
        Self::CannotRun { why: why.into(), command: command(test).into() }
    }
}

/// `/bin/sh: curl: not found`, `sh: 1: curl: not found`, `bash: line 1: curl: command not found`, `sh: ./x: Permission denied`
fn of_shell(status: i64, output: &str) -> String {
    let last = output.lines().map(str::trim_end).rfind(|line| !line.is_empty()).unwrap_or_default();
    let why = [": command not found", ": not found", ": No such file or directory", ": Permission denied"];
    let before = why.iter().find_map(|why| last.strip_suffix(why));
    let program = before.and_then(|before| before.rsplit(": ").next());
    let program = program.filter(|program| !program.is_empty() && !program.contains(char::is_whitespace));
    match (program, status) {
        (Some(program), NOT_FOUND) => {
            format!("the image has no program `{program}`: see the service's `healthcheck` [exit status {status}]")
        }
        (Some(program), _) => {
            format!(
                "`{program}` is not executable in the image: see the service's `healthcheck` [exit status {status}]"
            )
        }
        (None, NOT_FOUND) => {
            "a program of it was not found [exit status 127]: the journal has what it printed".to_owned()
        }
        (None, _) => "a program of it is not executable [exit status 126]: the journal has what it printed".to_owned(),
    }
}

fn command(test: &[String]) -> String {
    test.split_first().map_or(String::new(), |(_how, command)| command.join(" "))
}

/// What the last probe printed; of one that failed and printed nothing, its command and exit status.
pub(super) fn output(result: HealthcheckResult, test: &[String]) -> String {
    let output = result.output.unwrap_or_default();
    match result.exit_code.unwrap_or(0) {
        0 => output,
        _ if !output.trim().is_empty() => output,
        status => format!("`{}` exited with status {status} and printed nothing", command(test)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNC: &str = "OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": executable file not \
                        found in $PATH: unknown";

    fn why(exit_code: i64, output: &str) -> Option<String> {
        let result =
            HealthcheckResult { exit_code: Some(exit_code), output: Some(output.to_owned()), ..Default::default() };
        match Probe::of(Some(&result), &["CMD".to_owned(), "curl".to_owned(), "-f".to_owned()]) {
            Probe::CannotRun { why, command } => {
                assert_eq!(command.as_str(), "curl -f");
                Some(why.to_string())
            }
            Probe::Ran => None,
            Probe::None => panic!("there was one"),
        }
    }

    #[test]
    fn a_probe_that_cannot_be_executed_is_told_from_one_that_fails() {
        let image_has_none = "the image has no program `curl` in its PATH: see the service's `healthcheck` [";
        assert_eq!(why(-1, RUNC), Some(format!("{image_has_none}{RUNC}]")));
        let not_found = "the image has no program `curl`: see the service's `healthcheck` [exit status 127]";
        for shell in
            ["/bin/sh: curl: not found\n", "sh: 1: curl: not found\n", "x\nbash: line 1: curl: command not found\n\n"]
        {
            assert_eq!(why(127, shell).as_deref(), Some(not_found), "{shell}");
        }
        let denied = "`/etc/passwd` is not executable in the image: see the service's `healthcheck` [exit status 126]";
        assert_eq!(why(126, "/bin/sh: /etc/passwd: Permission denied\n").as_deref(), Some(denied));
        for ran in [(0, ""), (1, RUNC), (1, "sh: curl: not found"), (-1, "Health check exceeded timeout (1s)")] {
            assert_eq!(why(ran.0, ran.1), None, "{ran:?}");
        }
        assert_eq!(Probe::of(None, &[]), Probe::None);
    }

    #[test]
    fn what_else_a_probe_printed_is_not_in_the_reason() {
        for (status, output) in [(127, "the password hunter2: not found"), (126, "hunter2"), (127, "")] {
            let why = why(status, output).expect("it could not be run");
            assert!(!why.contains("hunter2") && why.ends_with("the journal has what it printed"), "{why}");
        }
    }
}
