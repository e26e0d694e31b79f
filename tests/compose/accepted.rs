//! Every difference that may be, and why. The manual's page is made from this table.

use serde_json::Value;

use super::compare::Difference;

/// One kind of difference.
pub struct Accepted {
    /// What it is about, as the manual calls it.
    pub title: &'static str,
    /// The paths of the values; `*` stands for any one name.
    pub paths: &'static [&'static str],
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
        paths: &["containers/*/HostConfig/LogConfig"],
        stack: None,
        holds: |_, wharf| wharf["Type"] == "local",
        compose: "The engine's default log driver, or the one of `logging`.",
        wharf: "The driver `local`, of at most 80 MB.",
        why: "The journal has the output. The engine keeps only what wharf-run needs to continue after a restart.",
    },
    Accepted {
        title: "Control group",
        paths: &["containers/*/HostConfig/CgroupParent"],
        stack: None,
        holds: |compose, wharf| compose.is_null() && is_slice(wharf),
        compose: "The engine's default, `system.slice`.",
        wharf: "The slice of the service, `wharf-PROJECT-SERVICE.slice`.",
        why: "`systemctl set-property`, drop-ins and systemd-cgtop act on the container's processes.",
    },
    Accepted {
        title: "Attached streams",
        paths: &["containers/*/Config/AttachStdout", "containers/*/Config/AttachStderr"],
        stack: None,
        holds: |compose, wharf| compose == true && wharf == false,
        compose: "`AttachStdout` and `AttachStderr` are set, even with `up --detach`.",
        wharf: "They are not set: wharf-run reads the output from the log.",
        why: "The setting has no effect on the container.",
    },
    Accepted {
        title: "The container's name as an alias",
        paths: &["containers/*/Networks/*/Aliases"],
        stack: None,
        holds: own_name_more,
        compose: "The container's name is among its aliases in each network.",
        wharf: "It is not among them.",
        why: "The engine's DNS knows a container by its name anyway; the names that DNS knows (`DNSNames`) are the same.",
    },
    Accepted {
        title: "Anonymous volumes",
        paths: &[
            "containers/*/HostConfig/BindsAndMounts/*",
            "containers/*/HostConfig/BindsAndMounts/*/source",
            "containers/*/Mounts/*/Name",
            "containers/*/Mounts/*/Source",
            "volumes/*",
        ],
        stack: None,
        holds: anonymous_is_named,
        compose: "A volume that only the image declares, or that has no source, is anonymous; `up` moves it from the old container to the new one.",
        wharf: "It is a named volume, `PROJECT-SERVICE_PATH`.",
        why: "Each start creates a new container, also after a crash or at boot, and must find the data again.",
    },
    Accepted {
        title: "Files of secrets and configs",
        paths: &[
            "containers/*/HostConfig/BindsAndMounts/*",
            "containers/*/HostConfig/BindsAndMounts/*/source",
            "containers/*/HostConfig/BindsAndMounts/*/options",
            "containers/*/Mounts/*",
            "containers/*/Mounts/*/Source",
        ],
        stack: None,
        holds: |compose, wharf| {
            let is_copy = |path: &Value| path.as_str().is_some_and(|path| path.starts_with("/run/wharf/"));
            match compose {
                Value::Null => is_copy(&wharf["source"]) || is_copy(&wharf["Source"]),
                Value::String(_) => is_copy(wharf),
                _ => *compose == serde_json::json!(["ro"]) && *wharf == serde_json::json!(["Z", "ro"]),
            }
        },
        compose: "`file` is mounted; other sources are copied into the container.",
        wharf: "A copy below `/run/wharf`, with an SELinux label of the container's own.",
        why: "It is a systemd credential: the file stays readable only by root, and `uid`, `gid` and `mode` are honoured for all sources.",
    },
    Accepted {
        title: "Read-only volumes of another container",
        paths: &["containers/*/HostConfig/VolumesFrom", "containers/*/Mounts/*/RW"],
        stack: Some("backup"),
        holds: |compose, wharf| {
            let (wharf_text, read_only) = (wharf.to_string(), compose.to_string().replace(">\"", ">:ro\""));
            compose == true && wharf == false || wharf_text == read_only
        },
        compose: "`volumes_from: [\"db:ro\"]` mounts them read and write (Compose 2.26 loses the mode).",
        wharf: "They are read-only.",
        why: "It is what the file says.",
    },
    Accepted {
        title: "SELinux label in the long form",
        paths: &["containers/*/HostConfig/BindsAndMounts/*/options"],
        stack: Some("volumes"),
        holds: |compose, wharf| {
            *compose == serde_json::json!(["private"]) && *wharf == serde_json::json!(["private", "z"])
        },
        compose: "`bind.selinux` is lost without `create_host_path: true`, as the engine's API has no place for it there.",
        wharf: "The mount is made in the form that has one.",
        why: "It is what the file says.",
    },
    Accepted {
        title: "SELinux label of a named volume",
        paths: &["containers/*/HostConfig/BindsAndMounts/*/options"],
        stack: Some("nextcloud"),
        holds: |compose, wharf| compose.is_null() && *wharf == serde_json::json!(["Z"]),
        compose: "`data:/data:Z` loses its label with Compose 2.26; 2.40 keeps it.",
        wharf: "The engine relabels the volume.",
        why: "It is what the file says.",
    },
];

/// `<web>`, as the normal form calls the container itself, is the one alias more.
fn own_name_more(compose: &Value, wharf: &Value) -> bool {
    let (Some(compose), Some(wharf)) = (compose.as_array(), wharf.as_array()) else { return false };
    let is_own = |alias: &&Value| alias.as_str().is_some_and(|alias| alias.starts_with('<') && alias.ends_with('>'));
    let others: Vec<&Value> = compose.iter().filter(|alias| !is_own(alias)).collect();
    compose.len() == others.len() + 1 && others == wharf.iter().collect::<Vec<_>>()
}

fn anonymous_is_named(compose: &Value, wharf: &Value) -> bool {
    let name = match wharf {
        Value::String(name) => name,
        Value::Object(table) => match table.get("source").or(table.get("Name")) {
            Some(Value::String(name)) => name,
            _ => return false,
        },
        _ => return false,
    };
    let name = name.trim_start_matches("/var/lib/docker/volumes/").trim_end_matches("/_data");
    (compose.is_null() || compose == "<anonymous>") && name.contains('-') && name.contains('_') && !name.contains('/')
}

fn is_slice(value: &Value) -> bool {
    value.as_str().is_some_and(|name| name.starts_with("wharf-") && name.ends_with(".slice"))
}

/// The entry of the table that allows a difference.
pub fn find(stack: &str, difference: &Difference) -> Option<&'static Accepted> {
    ACCEPTED.iter().find(|accepted| {
        accepted.stack.is_none_or(|only| only == stack)
            && accepted.paths.iter().any(|pattern| matches(pattern, &difference.path))
            && (accepted.holds)(&difference.compose, &difference.wharf)
    })
}

fn matches(pattern: &str, path: &[String]) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    pattern.len() == path.len() && pattern.iter().zip(path).all(|(wanted, name)| *wanted == "*" || wanted == name)
}
