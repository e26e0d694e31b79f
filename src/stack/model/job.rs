//! What happens around and instead of a container's long life: hooks, schedules and updates.

use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::spec::UpdateHook;

/// One command of `post_start` or `pre_stop`, run inside the container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// At least one word. A string was split into words as a POSIX shell would.
    pub command: Vec<String>,
    /// `None`: the container's own.
    pub user: Option<String>,
    pub privileged: bool,
    /// `None`: the container's own.
    pub working_dir: Option<String>,
    /// Added to the container's own variables; `None` takes one of them away.
    pub environment: BTreeMap<String, Option<String>>,
}

/// `schedule`: Wharf's own key. When the service runs, as a job that ends by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Calendar expressions of systemd.time(7), as written; at least one.
    pub on_calendar: Vec<String>,
    /// Where the key's value stands.
    pub place: Place,
}

/// `update_hook`: Wharf's own key. The updates and rollbacks that run the service, as a job that ends by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateHooks {
    /// At least one.
    pub moments: Vec<UpdateHook>,
    /// Where the key's value stands.
    pub place: Place,
}
