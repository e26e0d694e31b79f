//! What a change does to a file, as text.
//!
//! Invariant: no line of a private file (mode 0600: environment values may stand in it) is ever shown, only which of its
//! keys differ; so a log of a dry run gives nothing away.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use similar::TextDiff;

use super::directory::{Action, Change};

/// The change as a unified diff, as `diff -u` of the file in `directory` would show it.
pub fn diff(change: &Change, directory: &Path) -> String {
    let path = directory.join(&change.name).display().to_string();
    match &change.action {
        Action::Create { new, mode } => contents(Side::nothing(), Side::new(&path, new, *mode)),
        Action::Update { old, new, old_mode, mode } => {
            contents(Side::new(&path, old, *old_mode), Side::new(&path, new, *mode))
        }
        Action::Remove { old, old_mode } => contents(Side::new(&path, old, *old_mode), Side::nothing()),
        Action::Mode { old, new } => format!("--- {path}\n+++ {path}\nold mode {old:04o}\nnew mode {new:04o}\n"),
        Action::Enable { target } => format!("--- /dev/null\n+++ {path}\n+link to {}\n", target.display()),
        Action::Disable => format!("--- {path}\n+++ /dev/null\n-link\n"),
    }
}

struct Side<'a> {
    path: &'a str,
    text: &'a str,
    private: bool,
}

impl<'a> Side<'a> {
    fn new(path: &'a str, text: &'a str, mode: u32) -> Self {
        Self { path, text, private: mode & 0o044 == 0 }
    }

    fn nothing() -> Self {
        Self { path: "/dev/null", text: "", private: false }
    }
}

fn contents(old: Side<'_>, new: Side<'_>) -> String {
    if old.private || new.private {
        return withheld(&old, &new);
    }
    TextDiff::from_lines(old.text, new.text).unified_diff().header(old.path, new.path).to_string()
}

fn withheld(old: &Side<'_>, new: &Side<'_>) -> String {
    let (before, after) = (leaves(old.text), leaves(new.text));
    let mut text = format!("--- {}\n+++ {}\n@@ keys only: the file is private @@\n", old.path, new.path);
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let sign = match (before.get(key), after.get(key)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(_), Some(_)) => '!',
            (Some(_), None) => '-',
            (None, _) => '+',
        };
        let _infallible = writeln!(text, "{sign}{key}");
    }
    text
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
    fn a_private_file_gives_only_its_keys() {
        let old = r#"{"Env":["A=hunter1","B=x","C=gone"],"Image":"a","Cmd":["--password=hunter1"]}"#;
        let new = r#"{"Env":["A=hunter2","B=x","D=new"],"Image":"a","Cmd":["--password=hunter2"]}"#;
        let action = Action::Update { old: old.into(), new: new.into(), old_mode: 0o600, mode: 0o600 };
        let text = diff(&Change { name: "x.container.json".into(), action }, Path::new("/d"));
        assert!(text.ends_with("@@ keys only: the file is private @@\n!/Cmd\n!/Env/A\n-/Env/C\n+/Env/D\n"), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }
}
