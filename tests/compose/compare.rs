//! Where two snapshots differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// A value that is not the same on both sides. What is absent is null.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The keys that lead to it: `containers`, `web`, `HostConfig`, `Memory`.
    pub path: Vec<String>,
    pub compose: Value,
    pub wharf: Value,
}

/// Every difference, each as deep down as there are tables on both sides.
pub fn differences(compose: &Value, wharf: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    visit(&mut Vec::new(), compose, wharf, &mut found);
    found
}

/// Tables that are judged as one value.
const WHOLE: [&str; 1] = ["LogConfig"];

fn visit(path: &mut Vec<String>, compose: &Value, wharf: &Value, found: &mut Vec<Difference>) {
    match (compose, wharf) {
        _ if compose == wharf => (),
        (Value::Object(left), Value::Object(right)) if path.last().is_none_or(|key| !WHOLE.contains(&key.as_str())) => {
            for key in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
                path.push(key.clone());
                visit(path, left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null), found);
                path.pop();
            }
        }
        _ => found.push(Difference { path: path.clone(), compose: compose.clone(), wharf: wharf.clone() }),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    compose {}\n    wharf   {}", self.path.join(" / "), self.compose, self.wharf)
    }
}
