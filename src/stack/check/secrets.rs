//! Secrets and configs: declared, set, and there.

use std::collections::BTreeSet;

use crate::stack::decode::document::Decoded;
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::{FileSource, Grant, ProvidedFile, Service, Stack};
use crate::stack::problem::{FileKind, Report, SecretFault};

/// Reports what services use and cannot have.
pub fn check(decoded: &Decoded, report: &Report) {
    of_kind(FileKind::Secret, &decoded.stack, report);
    of_kind(FileKind::Config, &decoded.stack, report);
}

fn of_kind(kind: FileKind, stack: &Stack, report: &Report) {
    let declared = match kind {
        FileKind::Secret => &stack.secrets,
        FileKind::Config => &stack.configs,
    };
    let mut used = BTreeSet::new();
    for service in stack.services.values() {
        for grant in grants(kind, service) {
            used.insert(&grant.source);
            if !declared.contains_key(&grant.source) {
                let nearest = nearest(&grant.source, declared.keys());
                let (service, key) = (service.name.to_string(), grant.source.clone());
                report.add(&grant.place, SecretFault::Undeclared { kind, service, key, nearest });
            }
        }
    }
    // What nobody uses need not be there.
    for file in declared.values().filter(|file| used.contains(&file.key)) {
        source(kind, file, report);
    }
}

/// Those of its container, and the secrets of its image's build.
fn grants(kind: FileKind, service: &Service) -> impl Iterator<Item = &Grant> {
    let (own, of_build) = match kind {
        FileKind::Secret => (&service.secrets, service.build.as_ref()),
        FileKind::Config => (&service.configs, None),
    };
    own.iter().chain(of_build.into_iter().flat_map(|build| &build.secrets))
}

fn source(kind: FileKind, file: &ProvidedFile, report: &Report) {
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
