//! Which namespaces a container has of its own, and which it shares.

use crate::diagnostic::Place;

/// Source: Compose Specification, services, network_mode, pid, ipc, uts, userns_mode and cgroup.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Namespaces {
    pub network_mode: Option<Namespace>,
    pub pid: Option<Namespace>,
    pub ipc: Option<Namespace>,
    /// `host`
    pub uts: Option<String>,
    /// `host`
    pub userns_mode: Option<String>,
    /// `host` or `private`
    pub cgroup: Option<String>,
}

/// Whose namespace a container lives in.
#[derive(Debug, Clone, PartialEq)]
pub enum Namespace {
    /// As the engine takes it: `host`, `none`, `private`, `shareable`, or a network's name.
    Mode(String),
    /// That of another service's container; the word, and where it stands.
    Service(String, Place),
    /// That of a container that is not of this stack.
    Container(String),
}

impl Namespaces {
    /// The services whose containers this one lives in.
    pub fn owners(&self) -> impl Iterator<Item = (&str, &Place)> {
        [&self.network_mode, &self.pid, &self.ipc].into_iter().flatten().filter_map(|namespace| match namespace {
            Namespace::Service(name, place) => Some((name.as_str(), place)),
            _ => None,
        })
    }
}
