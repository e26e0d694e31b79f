//! Which namespaces a container shares, and with which container or the host.
//!
//! Source: Compose Specification, services, network_mode, pid, ipc, uts, userns_mode and cgroup.

use crate::stack::fields::Fields;
use crate::stack::grammar::choice::{self, one_of};
use crate::stack::grammar::names;
use crate::stack::model::{Namespace, Namespaces};
use crate::stack::problem::{Expected, Invalid};

/// Reads all six.
pub fn read(service: &mut Fields<'_>) -> Namespaces {
    let word = |service: &mut Fields<'_>, key, allowed| {
        service.parse(key, |text| one_of(key, text, allowed)).map(str::to_owned)
    };
    Namespaces {
        network_mode: namespace(service, "network_mode", choice::network_mode),
        pid: namespace(service, "pid", |text| one_of("pid", text, &["host"]).map(str::to_owned)),
        ipc: namespace(service, "ipc", |text| {
            one_of("ipc", text, &["host", "none", "private", "shareable"]).map(str::to_owned)
        }),
        uts: word(service, "uts", &["host"]),
        userns_mode: word(service, "userns_mode", &["host"]),
        cgroup: word(service, "cgroup", &["host", "private"]),
    }
}

/// `service:NAME`, `container:NAME`, or one of the key's own words.
fn namespace(
    service: &mut Fields<'_>,
    key: &'static str,
    mode: impl FnOnce(&str) -> Result<String, Invalid>,
) -> Option<Namespace> {
    let item = service.get(key)?;
    item.parse(Expected::String, |text| {
        if let Some(name) = text.strip_prefix("service:") {
            Ok(Namespace::Service(names::key(name)?, item.place().clone()))
        } else if let Some(name) = text.strip_prefix("container:") {
            Ok(Namespace::Container(names::engine("container", name)?))
        } else {
            mode(text).map(Namespace::Mode)
        }
    })
}
