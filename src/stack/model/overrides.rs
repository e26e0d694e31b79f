//! Directives that the stack file gives for a unit.

use std::collections::BTreeMap;

/// Unit directives by section, in the order written: section → directive → values (one line each).
pub type Overrides = BTreeMap<String, Vec<(String, Vec<String>)>>;
