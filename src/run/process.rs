//! The container's first process, watched through the kernel: its end is seen whatever the engine does.

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::net::unix::pipe::Receiver;

/// A pidfd becomes readable when the process ends; of a pipe's reader only this waiting is used.
pub struct Process(Option<Receiver>);

impl Process {
    /// The first process of a container. Where the engine counts processes otherwise than this host (it runs elsewhere, or in a
    /// namespace of its own), nothing is watched.
    pub fn open(pid: i32, container_id: &str) -> Self {
        Self(Self::try_open(pid, container_id))
    }

    fn try_open(pid: i32, container_id: &str) -> Option<Receiver> {
        let descriptor = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::NONBLOCK).ok()?;
        // Looked at after the descriptor is open: the number cannot come to mean another process in between.
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
                // An error here means that the runtime is going down.
                let _readable = descriptor.readable().await;
            }
            None => std::future::pending().await,
        }
    }
}
