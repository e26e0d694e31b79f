//! Changes of a unit directory, as data.

use std::path::PathBuf;
use std::sync::Arc;

use crate::mark::is_spec;

/// All changes of one project, in the order in which they are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub project: String,
    pub items: Vec<Change>,
}

/// One change of a unit directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file in the unit directory, or an enablement link as `multi-user.target.wants/shop.target`.
    pub name: String,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Create {
        new: Arc<str>,
        mode: u32,
    },
    Update {
        old: String,
        new: Arc<str>,
        old_mode: u32,
        mode: u32,
    },
    /// The contents are right, the permissions are not.
    Mode {
        old: u32,
        new: u32,
    },
    /// An enablement link, to where `systemctl enable` would make it lead.
    Enable {
        target: PathBuf,
    },
    /// An enablement link of a unit that goes away.
    Disable,
    Remove {
        old: String,
        old_mode: u32,
    },
}

impl Action {
    /// One word, as it stands in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Mode { .. } => "mode",
            Self::Enable { .. } => "enable",
            Self::Disable => "disable",
            Self::Remove { .. } => "remove",
        }
    }

    /// Whether something goes away by it.
    pub fn removes(&self) -> bool {
        matches!(self, Self::Disable | Self::Remove { .. })
    }
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Units that go away.
    pub fn removed_units(&self) -> impl Iterator<Item = &str> {
        let removed = self.items.iter().filter(|change| matches!(change.action, Action::Remove { .. }));
        removed.map(|change| change.name.as_str()).filter(|name| !is_spec(name))
    }
}
