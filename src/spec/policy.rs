//! What keys of a service say to wharfd and to updates: a unit's mark hands it on.

/// What wharfd does about an unhealthy container: the key `on_unhealthy`, which a unit's mark hands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnUnhealthy {
    #[default]
    Restart,
    Stop,
    None,
}

impl OnUnhealthy {
    /// As the stack file and the mark say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::None => "none",
        }
    }

    /// An unknown word, from a newer version of Wharf, counts as `none`.
    pub fn of(word: &str) -> Self {
        [Self::Restart, Self::Stop].into_iter().find(|action| action.as_str() == word).unwrap_or(Self::None)
    }
}

/// When an update or a rollback runs a job: the key `update_hook`, which a unit's mark hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateHook {
    /// Before an update stops anything.
    PreUpdate,
    /// When all containers of an update were good for as long as they are monitored.
    PostUpdate,
    /// Before an earlier revision is put back.
    PreRollback,
}

impl UpdateHook {
    /// As the stack file and the mark say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreUpdate => "pre_update",
            Self::PostUpdate => "post_update",
            Self::PreRollback => "pre_rollback",
        }
    }

    /// `None`: an unknown word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::PreUpdate, Self::PostUpdate, Self::PreRollback].into_iter().find(|hook| hook.as_str() == word)
    }
}
