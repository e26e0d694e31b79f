//! The inspection of one container: its definition on disk, and what the engine has for it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::declared::Declared;
use super::drift::{self, Aspect, Difference};
use super::facts::Observed;
use crate::engine::{Engine, EngineError};
use crate::name::{SpecHash, UnitName};
use crate::spec::{self, ComparedSpec, label};

/// Reads the definition and asks the engine. `ids`: those that the container may have. `registry`: the digests that the registries had last, by the image's name.
///
/// # Errors
/// The engine does not answer.
pub async fn inspect(
    engine: &Engine,
    declared: &Declared,
    ids: &[&str],
    registry: &BTreeMap<String, String>,
) -> Result<Observed, EngineError> {
    let spec = definition(declared);
    let mut observed = Observed::default();
    let mut image = None;
    if let Some(spec) = &spec {
        observed.image.clone_from(&spec.container.image);
        observed.spec_hash = shown(&spec.wharf.config_hash);
        image = match engine.image(&observed.image).await {
            // No container can be started from it.
            Err(EngineError::TooLarge(_)) => None,
            found => found?,
        };
    }
    let slice = UnitName::service_slice(&declared.project, &declared.service);
    let mut own = None;
    // Somebody may have renamed it, so by its id first.
    for name in ids.iter().copied().chain([declared.container.as_str()]).filter(|name| !name.is_empty()) {
        match engine.inspect(name).await? {
            Some(found) if found.container.is_of(&declared.unit, &slice) => {
                own = Some(found);
                break;
            }
            Some(found) => observed.foreign_id = found.container.id,
            None => {}
        }
    }
    let Some(found) = own else { return Ok(observed) };
    if let Some(spec) = &spec {
        let registry = registry.get(&spec.container.image).map(String::as_str);
        observed.drift = drift::differences(spec, &found, image.as_ref(), registry);
    } else {
        let text = format!("its definition {} cannot be read", declared.spec.display());
        observed.drift = vec![Difference { aspect: Aspect::Definition, text }];
    }
    observed.running_spec_hash = found.container.label(label::CONFIG_HASH).map(shown).unwrap_or_default();
    observed.container_id = found.container.id;
    observed.image_id = found.image_id;
    observed.ports = found.ports;
    // For one that has ended, the engine keeps saying "unhealthy".
    observed.health = found.container.running.then_some(found.container.health.status);
    observed.health_output = found.container.health.output;
    Ok(observed)
}

/// A hash as everybody may see it: who knows the stack could find a short value of `environment` by trying whether the hash of the
/// definition fits. This process alone knows the key.
fn shown(hash: &str) -> String {
    static KEY: LazyLock<String> =
        LazyLock::new(|| std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default());
    if KEY.is_empty() { String::new() } else { SpecHash::of(format!("{}{hash}", *KEY).as_bytes()).to_string() }
}

/// `None`: it is not there, or not whole; the unit itself will say so.
fn definition(declared: &Declared) -> Option<ComparedSpec> {
    let spec: ComparedSpec = spec::read(&declared.spec).ok()?;
    Some(if declared.instance.is_empty() { spec } else { spec.of_instance(&declared.instance) })
}
