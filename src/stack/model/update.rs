//! How `wharf update` and `wharf rollback` replace the containers of a service. Source: Compose Deploy Specification, update_config
//! and rollback_config.

use std::time::Duration;

/// `deploy.update_config` or `deploy.rollback_config`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdateConfig {
    /// The number of replicas that are replaced concurrently; 0: all.
    pub parallelism: u32,
    /// The pause between two groups of replicas.
    pub delay: Duration,
    pub failure_action: FailureAction,
    /// How long a replaced container is monitored for failures.
    pub monitor: Duration,
    /// The share of the service's replicas that may fail, 0 to 1.
    pub max_failure_ratio: f64,
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self {
            parallelism: 1,
            delay: Duration::ZERO,
            failure_action: FailureAction::Rollback,
            monitor: Duration::from_secs(10),
            max_failure_ratio: 0.0,
        }
    }
}

/// What happens when a replaced container fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureAction {
    /// The update goes on.
    Continue,
    Rollback,
}
