//! `io.wharf.Supervisor1.Manager`: what concerns no container of a stack.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{ObjectPath, OwnedObjectPath, Variant, fdo, interface};

use super::caller::{Access, Gate};
use super::{Shared, Snapshot};
use crate::printable::Line;
use crate::supervisor1::path_of;

/// (name, id, image)
type Undeclared = (String, String, String);

pub(super) struct ManagerObject {
    snapshot: Shared,
    gate: Arc<Gate>,
}

impl ManagerObject {
    pub fn new(snapshot: Shared, gate: Arc<Gate>) -> Self {
        Self { snapshot, gate }
    }

    fn read<T>(&self, read: impl FnOnce(&Snapshot) -> T) -> T {
        read(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The properties that may change.
    pub fn values(&self) -> HashMap<&'static str, Variant<'static>> {
        HashMap::from([("EngineConnected", self.engine_connected().into())])
    }
}

#[interface(name = "io.wharf.Supervisor1.Manager")]
impl ManagerObject {
    /// The object of a container, by its name, its id, or its unit.
    #[zbus(out_args("container"))]
    fn get_container(&self, name: &str) -> fdo::Result<OwnedObjectPath> {
        let unit = self.read(|snapshot| {
            let mut all = snapshot.containers.values();
            let facts = all.find(|facts| {
                [facts.declared.unit.as_str(), &facts.declared.container, &facts.observed.container_id]
                    .into_iter()
                    .any(|it| it == name)
            });
            facts.map(|facts| facts.declared.unit.to_string())
        });
        let unknown = || format!("no stack of this host has a container `{}`", Line::<255>::from(name));
        let unit = unit.ok_or_else(|| fdo::Error::UnknownObject(unknown()))?;
        Ok(ObjectPath::try_from(path_of(&unit))?.into())
    }

    /// The version of Wharf.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Whether the container engine answers. While it does not, what was known of the containers last is shown.
    #[zbus(property)]
    fn engine_connected(&self) -> bool {
        self.read(|snapshot| snapshot.engine_is_connected)
    }

    /// The engine's containers that no stack of this host declares: name, id, image. Asks polkit, for
    /// `io.wharf.inspect-containers`.
    #[zbus(out_args("containers"))]
    async fn list_undeclared_containers(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<Vec<Undeclared>> {
        let _pass = self.gate.admit(&header, Access::inspect(None, "list-undeclared-containers")).await?;
        let of = |snapshot: &Snapshot| {
            let others = snapshot.undeclared.iter();
            others.map(|other| (other.name.clone(), other.id.clone(), other.image.clone())).collect()
        };
        Ok(self.read(of))
    }

    /// What the healthchecks of all containers printed last, if anything, by unit. Asks polkit, for
    /// `io.wharf.inspect-containers`.
    #[zbus(out_args("outputs"))]
    async fn list_health_outputs(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<HashMap<String, String>> {
        let _pass = self.gate.admit(&header, Access::inspect(None, "list-health-outputs")).await?;
        let of = |snapshot: &Snapshot| {
            let all = snapshot.containers.values().filter(|facts| !facts.observed.health_output.is_empty());
            all.map(|facts| (facts.declared.unit.to_string(), facts.observed.health_output.clone())).collect()
        };
        Ok(self.read(of))
    }

    /// There are other containers than before that no stack declares.
    #[zbus(signal)]
    async fn undeclared_containers_changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}
