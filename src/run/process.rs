//! Watches the container's first process through the kernel, so that its end is seen whatever the engine does.

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::net::unix::pipe::Receiver;

/// A pidfd, which becomes readable when the process ends. A pipe's reader serves only to wait for that.
pub struct Process(Option<Receiver>);

impl Process {
    /// The first process of a container. If the engine's process ids are not this host's (it runs on another host, or in a PID
    /// namespace of its own), nothing is watched.
    pub fn open(pid: i32, container_id: &str) -> Self {
        Self(Self::try_open(pid, container_id))
    }

    fn try_open(pid: i32, container_id: &str) -> Option<Receiver> {
        let descriptor = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::NONBLOCK).ok()?;
        // Read after the descriptor is open: the kernel cannot reuse the process id in between.
        let cgroup = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        if !cgroup.contains(container_id) {
            return None;
        }
        Receiver::from_owned_fd_unchecked(descriptor).ok()
    }

    /// Returns when the process has ended; never, if it is not watched.
    pub async fn ended(&self) {
        match &self.0 {
            Some(descriptor) => {
                // An error here means that the runtime is shutting down.
                let _readable = descriptor.readable().await;
            }
            None => std::future::pending().await,
        }
    }
}
