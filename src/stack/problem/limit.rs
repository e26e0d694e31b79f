//! Limits and counts that contradict each other.

use super::wording::{Problem, Wording, wording};

pub enum LimitConflict {
    /// The service key and `deploy` say different things.
    DeployDiffers {
        key: &'static str,
    },
    CpusAndQuota {
        key: &'static str,
    },
    MemoryTooSmall,
    SwapWithoutMemory,
    SwapBelowMemory,
    ReservationAboveLimit,
    GlobalReplicas,
    CountAndIds,
}

impl Problem for LimitConflict {
    fn wording(&self) -> Wording {
        match self {
            Self::DeployDiffers { key } => {
                wording(format!("`{key}` conflicts with its value in `deploy`"), "keep one of them")
            }
            Self::CpusAndQuota { key } => wording(
                format!("`cpus` and `{key}` cannot be used together: both limit CPU time"),
                format!("keep `cpus` and remove `{key}`"),
            ),
            Self::MemoryTooSmall => wording(
                "`mem_limit` is too small: the engine takes 6 MB or more",
                "a number without a unit is in bytes; write `64m` or `1g`",
            ),
            Self::SwapWithoutMemory => {
                wording("`memswap_limit` requires `mem_limit`: it limits memory and swap together", "add `mem_limit`")
            }
            Self::SwapBelowMemory => wording(
                "`memswap_limit` is below `mem_limit`, but it limits memory and swap together",
                "raise it to at least `mem_limit`; the same value means no swap",
            ),
            Self::ReservationAboveLimit => {
                wording("`mem_reservation` is above `mem_limit`", "lower it, or raise `mem_limit`")
            }
            Self::GlobalReplicas => wording(
                "`mode = \"global\"` runs one container on each host, so `replicas` cannot be more than 1",
                "remove `replicas`, or write `mode = \"replicated\"`",
            ),
            Self::CountAndIds => wording("`count` and `device_ids` cannot be used together", "keep one of them"),
        }
    }
}
