//! What a change does to a file, as text.
//!
//! Invariant: of a private file (mode 0600) no value of a variable, a build argument or a secret is ever shown, only that it
//! differs; so a log of a dry run gives no password away.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use similar::TextDiff;

use super::directory::{Action, Change};
use crate::spec::label;

/// The change as a unified diff, as `diff -u` of the file in `directory` would show it.
pub fn diff(change: &Change, directory: &Path) -> String {
    let path = directory.join(&change.name).display().to_string();
    match &change.action {
        Action::Create { new, mode } => compare(Side::nothing(), Side::new(&path, new, *mode)),
        Action::Update { old, new, old_mode, mode } => {
            compare(Side::new(&path, old, *old_mode), Side::new(&path, new, *mode))
        }
        Action::Remove { old, old_mode } => compare(Side::new(&path, old, *old_mode), Side::nothing()),
        Action::Mode { old, new } => format!("--- {path}\n+++ {path}\nold mode {old:04o}\nnew mode {new:04o}\n"),
        Action::Enable { target } => format!("--- /dev/null\n+++ {path}\n+link to {}\n", target.display()),
        Action::Disable => format!("--- {path}\n+++ /dev/null\n-link\n"),
    }
}

/// A file before or after a change.
pub struct Side<'a> {
    path: &'a str,
    text: &'a str,
    private: bool,
}

impl<'a> Side<'a> {
    pub fn new(path: &'a str, text: &'a str, mode: u32) -> Self {
        Self { path, text, private: mode & 0o044 == 0 }
    }

    /// It is not there.
    pub fn nothing() -> Self {
        Self { path: "/dev/null", text: "", private: false }
    }
}

/// Both, as `diff -u` would show them.
pub fn compare(old: Side<'_>, new: Side<'_>) -> String {
    if old.private || new.private {
        return withheld(&old, &new);
    }
    TextDiff::from_lines(old.text, new.text).unified_diff().header(old.path, new.path).to_string()
}

fn withheld(old: &Side<'_>, new: &Side<'_>) -> String {
    let (before, after) = (leaves(old.text), leaves(new.text));
    let mut text = format!(
        "--- {}\n+++ {}\n@@ private file: values of variables and secrets are not shown @@\n",
        old.path, new.path
    );
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        let _infallible = match (old, new) {
            (old, new) if old == new => Ok(()),
            (Some(_), Some(_)) if is_secret(key) => writeln!(text, "!{key}"),
            (Some(_), None) if is_secret(key) => writeln!(text, "-{key}"),
            (None, Some(_)) if is_secret(key) => writeln!(text, "+{key}"),
            (old, new) => {
                let line = |sign: char, value: Option<&Value>| value.map(|value| format!("{sign}{key}: {value}\n"));
                text.extend([line('-', old), line('+', new)].into_iter().flatten());
                Ok(())
            }
        };
    }
    text
}

/// Whether a value may be one that only its owner should see: of a variable (`Env` of the Engine API, also of an exec), of a build
/// argument (an attribute of the Dockerfile frontend), of a file of secrets, or of options that may hold a login. A hash says nothing.
fn is_secret(key: &str) -> bool {
    const SECRET: [&str; 10] = [
        "Env",
        "values",
        "frontend_attrs",
        "attrs",
        "DriverOpts",
        "LogConfig",
        "Options",
        "config_hash",
        "unit_hash",
        label::CONFIG_HASH,
    ];
    key.split('/').any(|part| SECRET.contains(&part))
}

/// Every value of a JSON document by its path; text that is no JSON has none.
fn leaves(text: &str) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    if let Ok(value) = serde_json::from_str(text) {
        collect(String::new(), value, &mut leaves);
    }
    leaves
}

fn collect(path: String, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            members.into_iter().for_each(|(key, value)| collect(format!("{path}/{key}"), value, leaves))
        }
        Value::Array(items) if path.ends_with("/Env") => {
            for item in items {
                let (name, value) = variable(&item);
                leaves.insert(format!("{path}/{name}"), value);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.into_iter().enumerate() {
                collect(format!("{path}/{index}"), item, leaves);
            }
        }
        value => {
            leaves.insert(path, value);
        }
    }
}

/// `NAME=value` of the Engine API's `Env`.
fn variable(item: &Value) -> (String, Value) {
    let text = item.as_str().unwrap_or_default();
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), Value::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_shown_line_by_line() {
        let action = Action::Update { old: "a\nb\n".into(), new: "a\nc\n".into(), old_mode: 0o644, mode: 0o644 };
        let text = diff(&Change { name: "x.service".into(), action }, Path::new("/etc/systemd/system"));
        assert_eq!(
            text,
            "--- /etc/systemd/system/x.service\n+++ /etc/systemd/system/x.service\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
        );
    }

    #[test]
    fn a_private_file_gives_all_but_the_values_of_variables_and_secrets() {
        let old = r#"{"Env":["A=hunter1","B=x","C=gone"],"Image":"a","User":"1","wharf":{"values":{"key":"hunter1"}}}"#;
        let new = r#"{"Env":["A=hunter2","B=x","D=new"],"Image":"b","Tty":true,"wharf":{"values":{"key":"hunter2"}}}"#;
        let action = Action::Update { old: old.into(), new: new.into(), old_mode: 0o600, mode: 0o600 };
        let text = diff(&Change { name: "x.container.json".into(), action }, Path::new("/d"));
        let expected = "@@ private file: values of variables and secrets are not shown @@\n!/Env/A\n-/Env/C\n+/Env/D\n\
                        -/Image: \"a\"\n+/Image: \"b\"\n+/Tty: true\n-/User: \"1\"\n!/wharf/values/key\n";
        assert!(text.ends_with(expected), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }
}
