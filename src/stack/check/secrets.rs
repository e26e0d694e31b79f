//! Secrets and configs: declared, set, and there.

use std::collections::BTreeMap;

use crate::stack::decode::document::Decoded;
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::{FileSource, Grant, ProvidedFile, Service};
use crate::stack::problem::{FileKind, Report, SecretFault};

/// Reports what services use and cannot have.
pub fn check(decoded: &Decoded, report: &mut Report) {
    let stack = &decoded.stack;
    of_kind(FileKind::Secret, &stack.secrets, &stack.services, secrets, report);
    of_kind(FileKind::Config, &stack.configs, &stack.services, |service| service.configs.iter().collect(), report);
}

/// Those of its container, and those of its image's build.
fn secrets(service: &Service) -> Vec<&Grant> {
    let of_build = service.build.iter().flat_map(|build| &build.secrets);
    service.secrets.iter().chain(of_build).collect()
}

fn of_kind(
    kind: FileKind,
    declared: &BTreeMap<String, ProvidedFile>,
    services: &BTreeMap<String, Service>,
    grants: impl Fn(&Service) -> Vec<&Grant>,
    report: &mut Report,
) {
    for service in services.values() {
        for grant in grants(service).into_iter().filter(|grant| !declared.contains_key(&grant.source)) {
            let nearest = nearest(&grant.source, declared.keys());
            let (service, key) = (service.name.clone(), grant.source.clone());
            report.add(&grant.place, SecretFault::Undeclared { kind, service, key, nearest });
        }
    }
    let uses = |key: &str| services.values().any(|service| grants(service).iter().any(|grant| grant.source == key));
    // What nobody uses need not be there.
    for file in declared.values().filter(|file| uses(&file.key)) {
        source(kind, file, report);
    }
}

fn source(kind: FileKind, file: &ProvidedFile, report: &mut Report) {
    let key = file.key.clone();
    match &file.source {
        FileSource::Environment { variable, value: None } => {
            report.add(&file.place, SecretFault::Unset { kind, key, variable: variable.clone() });
        }
        other => {
            let Some(path) = other.path().cloned() else { return };
            if path.is_dir() {
                report.add(&file.place, SecretFault::Directory { kind, key, path });
            } else if matches!(path.try_exists(), Ok(false)) {
                report.add(&file.place, SecretFault::FileMissing { kind, key, path });
            }
        }
    }
}
