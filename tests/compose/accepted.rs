//! Every difference that may be, and why. The manual's page is made from this table.

use serde_json::Value;

use super::compare::Difference;

/// One kind of difference.
pub struct Accepted {
    /// What it is about, as the manual calls it.
    pub title: &'static str,
    /// The path of the value; `*` stands for any one name.
    pub path: &'static str,
    /// The only stack where it may be; any, if there is none.
    pub stack: Option<&'static str>,
    /// Whether these values, Compose's and Wharf's, are the ones that are meant.
    pub holds: fn(&Value, &Value) -> bool,
    pub compose: &'static str,
    pub wharf: &'static str,
    pub why: &'static str,
}

pub const ACCEPTED: &[Accepted] = &[
    Accepted {
        title: "Log",
        path: "containers/*/HostConfig/LogConfig",
        stack: None,
        holds: |_, wharf| wharf["Type"] == "local",
        compose: "The engine's default log driver, or the one of `logging`.",
        wharf: "The driver `local`, of at most 20 MB.",
        why: "The log is the journal. The engine keeps just enough for wharf-run to go on where it left off.",
    },
    Accepted {
        title: "Control group",
        path: "containers/*/HostConfig/CgroupParent",
        stack: None,
        holds: |compose, wharf| compose.is_null() && is_slice(wharf),
        compose: "The engine's own place, `system.slice`.",
        wharf: "The slice of the service, `wharf-PROJECT-SERVICE.slice`.",
        why: "So `systemctl set-property`, drop-ins and systemd-cgtop act on the container's processes.",
    },
    Accepted {
        title: "Attached streams",
        path: "containers/*/Config/AttachStdout",
        stack: None,
        holds: |compose, wharf| compose == true && wharf == false,
        compose: "`AttachStdout` is noted, as `docker compose up` in the foreground attaches to the container.",
        wharf: "It is not: the output is read as the log.",
        why: "The engine notes who attached when the container was made; nothing follows from it later.",
    },
    Accepted {
        title: "Attached errors",
        path: "containers/*/Config/AttachStderr",
        stack: None,
        holds: |compose, wharf| compose == true && wharf == false,
        compose: "`AttachStderr`, likewise.",
        wharf: "It is not noted.",
        why: "As for `AttachStdout`.",
    },
];

fn is_slice(value: &Value) -> bool {
    value.as_str().is_some_and(|name| name.starts_with("wharf-") && name.ends_with(".slice"))
}

/// The entry of the table that allows a difference.
pub fn find(stack: &str, difference: &Difference) -> Option<&'static Accepted> {
    ACCEPTED.iter().find(|accepted| {
        accepted.stack.is_none_or(|only| only == stack)
            && matches(accepted.path, &difference.path)
            && (accepted.holds)(&difference.compose, &difference.wharf)
    })
}

fn matches(pattern: &str, path: &[String]) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    pattern.len() == path.len() && pattern.iter().zip(path).all(|(wanted, name)| *wanted == "*" || wanted == name)
}
