//! `extends`: a service that starts from another one, of the same file or of another.
//!
//! Source: Compose Specification, services, extends. Invariant: only the named service of another file is read; no recursion.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::composer::{Composer, Library, MOST_INHERITED, Named, identity};
use super::merge;
use crate::diagnostic::Place;
use crate::stack::fields::Item;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::problem::{Expected, ExtendsFault};
use crate::stack::text::node::{Entry, Node, Table, Value};
use crate::stack::text::surroundings::Scope;

/// How many services may extend one another in a row.
const LONGEST_CHAIN: usize = 64;

/// The services of the file whose services are extended.
struct Own<'n, 'a> {
    services: &'n Table,
    /// Where each stands.
    index: &'n HashMap<String, usize>,
    scope: &'n Arc<Scope<'a>>,
}

/// What `extends` says.
struct Reference {
    /// The other file, and where it is named.
    file: Option<(PathBuf, Place)>,
    service: String,
    /// Where the service is named.
    place: Place,
}

/// Services from the one that is asked for to the one that extends nothing.
struct Chain<'a> {
    links: Vec<Node>,
    /// What each link is: the library's path if it is not the file itself, and the service.
    names: Vec<(Option<PathBuf>, String)>,
    library: Option<Arc<Library<'a>>>,
}

impl<'a> Composer<'a, '_> {
    /// Replaces every service that has `extends` by what it comes to.
    pub(super) fn extend_services(&mut self, root: &mut Node, scope: &Arc<Scope<'a>>) {
        let Value::Table(root) = &mut root.value else { return };
        let Some(services) = root.entries.iter_mut().find(|entry| entry.key == "services") else { return };
        let Value::Table(services) = &mut services.node.value else { return };
        let index: HashMap<String, usize> =
            services.entries.iter().enumerate().map(|(number, entry)| (entry.key.clone(), number)).collect();
        for number in 0..services.entries.len() {
            if extends(&services.entries[number].node).is_none() {
                continue;
            }
            let own = Own { services, index: &index, scope };
            let Some(extended) = self.extended(number, &own) else {
                // The error has been reported; without its base the service must not be judged.
                self.incomplete = true;
                if let Value::Table(service) = &mut services.entries[number].node.value {
                    service.take("extends");
                }
                continue;
            };
            services.entries[number].node = extended;
        }
    }

    fn extended(&mut self, number: usize, own: &Own<'_, 'a>) -> Option<Node> {
        let Entry { key, node, .. } = &own.services.entries[number];
        let place = node.place.clone();
        let mut chain = Chain { links: vec![node.clone()], names: vec![(None, key.clone())], library: None };
        while let Some(reference) = self.next(&mut chain, own.scope)? {
            self.follow(reference, &mut chain, own)?;
        }
        let mut base = chain.links.pop()?;
        while let Some(over) = chain.links.pop() {
            base = merge::services(base, over, self.report);
        }
        Some(Node { place, ..base })
    }

    /// What the last link extends; the outer `None` is an error.
    fn next(&mut self, chain: &mut Chain<'a>, scope: &Arc<Scope<'a>>) -> Option<Option<Reference>> {
        let scope = chain.library.as_ref().map_or(scope, |library| &library.scope);
        let Some(Value::Table(service)) = chain.links.last_mut().map(|link| &mut link.value) else { return Some(None) };
        let Some(entry) = service.take("extends") else { return Some(None) };
        let item = Item::of(&entry, self.report);
        match &entry.node.value {
            Value::Null => Some(None),
            Value::String(service) => {
                Some(Some(Reference { file: None, service: service.clone(), place: entry.node.place.clone() }))
            }
            Value::Table(_) => self.decode_extends(item, scope).map(Some),
            _ => {
                item.wrong_type(Expected::StringOrTable);
                None
            }
        }
    }

    /// `{ service, file }`
    fn decode_extends(&mut self, item: Item<'_>, scope: &Arc<Scope<'a>>) -> Option<Reference> {
        let mut fields = item.fields(&keys::EXTENDS, "`extends`".to_owned())?;
        let service_item = fields.required("service", "service = \"base\"");
        let service = service_item.and_then(|item| item.string());
        let file_item = fields.get("file");
        let file = file_item.map(|item| item.string());
        fields.finish();
        let service_item = service_item?;
        let place = service_item.place().clone();
        let Some(file) = file else {
            return Some(Reference { file: None, service: service?, place });
        };
        let (file, file_place) = (file?, file_item?.place());
        if !self.is_local(&file, Named { place: file_place, key: "extends" }) {
            return None;
        }
        Some(Reference { file: Some((scope.shown(&file), file_place.clone())), service: service?, place })
    }

    /// Adds the service that a reference names to the chain.
    fn follow(&mut self, reference: Reference, chain: &mut Chain<'a>, own: &Own<'_, 'a>) -> Option<()> {
        if let Some((file, place)) = &reference.file {
            let from = chain.library.as_ref().map_or(own.scope, |library| &library.scope).clone();
            chain.library = Some(self.library(file, place, &from)?);
        }
        let link = (chain.library.as_ref().map(|library| library.shown.clone()), reference.service.clone());
        if self.closes_a_circle_of_services(&link, chain, &reference.place) {
            return None;
        }
        if chain.links.len() > LONGEST_CHAIN {
            if !std::mem::replace(&mut self.too_long, true) {
                self.report.add(&reference.place, ExtendsFault::ExtendsTooLong { limit: LONGEST_CHAIN });
            }
            return None;
        }
        let found = match &chain.library {
            Some(library) => library.services.get(&reference.service),
            None => own.index.get(&reference.service).and_then(|number| own.services.entries.get(*number)),
        };
        let Some(found) = found else {
            let known = chain.library.as_ref().map_or(own.services, |library| &library.services);
            self.unknown_base(reference, chain, known);
            return None;
        };
        self.count_inherited(&found.node, &reference.place)?;
        let mut node = found.node.clone();
        if let Some(library) = &chain.library {
            self.language.fill_in_service(&mut node, &library.scope, self.report);
        }
        chain.links.push(node);
        chain.names.push(link);
        Some(())
    }

    fn unknown_base(&mut self, reference: Reference, chain: &Chain<'a>, known: &Table) {
        let (_, service) = chain.names.last().cloned().unwrap_or_default();
        let names = known.entries.iter().map(|entry| &entry.key).filter(|key| **key != service);
        let nearest = nearest(&reference.service, names);
        let file = chain.library.as_ref().map(|library| library.shown.clone());
        let problem = ExtendsFault::ExtendsUnknown { service, base: reference.service, file, nearest };
        self.report.add(&reference.place, problem);
    }

    fn count_inherited(&mut self, node: &Node, place: &Place) -> Option<()> {
        self.repeats = true;
        // Said once: it is the same mistake for every further service.
        if self.inherited > MOST_INHERITED {
            return None;
        }
        self.inherited += node.size();
        if self.inherited > MOST_INHERITED {
            self.report.add(place, ExtendsFault::TooMuch { limit: MOST_INHERITED });
            return None;
        }
        Some(())
    }

    fn closes_a_circle_of_services(
        &mut self,
        link: &(Option<PathBuf>, String),
        chain: &Chain<'a>,
        place: &Place,
    ) -> bool {
        let same = |known: &&(Option<PathBuf>, String)| {
            known.1 == link.1 && known.0.as_deref().map(identity) == link.0.as_deref().map(identity)
        };
        let Some(start) = chain.names.iter().position(|known| same(&known)) else { return false };
        let round = &chain.names[start..];
        let one_file = round.iter().all(|(file, _)| *file == round[0].0);
        let shown = |(file, service): &(Option<PathBuf>, String)| match file {
            Some(file) if !one_file => format!("{service} ({})", file.display()),
            _ => service.clone(),
        };
        let mut members: Vec<String> = round.iter().map(shown).collect();
        let services: Vec<String> = members.iter().cloned().chain([shown(&round[0])]).collect();
        members.sort_unstable();
        if self.circles.insert(members) {
            self.report.add(place, ExtendsFault::ExtendsCycle { services });
        }
        true
    }

    /// The services of another file; read once for each scope that names it.
    fn library(&mut self, shown: &Path, place: &Place, from: &Arc<Scope<'a>>) -> Option<Arc<Library<'a>>> {
        let key = (identity(shown), Arc::as_ptr(from).addr());
        if let Some(known) = self.libraries.get(&key) {
            return known.clone();
        }
        let scope = Arc::new(from.moved(shown.parent().unwrap_or(Path::new(""))));
        let library = self.read(shown, Named { place, key: "extends" }, &scope).and_then(|parsed| {
            let Value::Table(mut root) = parsed.root.value else { return None };
            let services = match root.take("services").map(|entry| entry.node.value) {
                Some(Value::Table(services)) => services,
                _ => Table::default(),
            };
            Some(Arc::new(Library { shown: parsed.shown, services, scope }))
        });
        self.libraries.insert(key, library.clone());
        library
    }
}

fn extends(service: &Node) -> Option<&Entry> {
    match &service.value {
        Value::Table(table) => table.get("extends"),
        _ => None,
    }
}
