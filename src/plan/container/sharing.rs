//! What a container shares with others: their namespaces, their mounts, their names.

use crate::plan::names;
use crate::stack::{MountsOwner, Namespace, Namespaces, Service, Stack};

use super::container_name;

/// As the engine takes a namespace: `host`, `container:shop-db`.
pub fn mode(stack: &Stack, namespace: Option<&Namespace>) -> Option<String> {
    Some(match namespace? {
        Namespace::Mode(mode) => mode.clone(),
        Namespace::Container(name) => format!("container:{name}"),
        Namespace::Service(name, _) => format!("container:{}", container_of(stack, name)),
    })
}

/// The containers of this stack whose namespaces the service lives in, each once.
pub fn owners(stack: &Stack, namespaces: &Namespaces) -> Vec<String> {
    let mut owners: Vec<String> = namespaces.owners().map(|(name, _)| container_of(stack, name)).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

/// As the engine takes `volumes_from`: `shop-db:ro`.
pub fn volumes_from(stack: &Stack, service: &Service) -> Vec<String> {
    let from = service.volumes_from.iter().map(|from| {
        let name = match &from.source {
            MountsOwner::Service(name) => container_of(stack, name),
            MountsOwner::Container(name) => name.clone(),
        };
        if from.read_only { format!("{name}:ro") } else { name }
    });
    from.collect()
}

/// As the engine takes links: `CONTAINER:ALIAS`. Besides its alias a linked container has the names that Compose gives it.
pub fn links(stack: &Stack, service: &Service) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for link in &service.links {
        let Some(target) = stack.services.get(&link.service) else { continue };
        for (number, container) in (1..).zip(names::containers(stack, target)) {
            let name = &link.service;
            let aliases = [link.alias.clone(), format!("{name}-{number}"), format!("{}-{name}-{number}", stack.name)];
            let named = aliases.into_iter().map(|alias| format!("{container}:{alias}"));
            let new: Vec<String> = named.filter(|link| !links.contains(link)).collect();
            links.extend(new);
        }
    }
    links.extend(service.external_links.iter().cloned());
    links
}

/// The one container of a service.
fn container_of(stack: &Stack, name: &str) -> String {
    match stack.services.get(name) {
        Some(service) if service.replicas.is_some() => names::replica(&container_name(stack, service), 1),
        Some(service) => container_name(stack, service),
        None => names::container(&stack.name, name),
    }
}
