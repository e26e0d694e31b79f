//! Which stacks and services a command line names: `shop`, `/etc/wharf/shop.toml`, `shop web`, `web`, `web-2`, `shop-web.service`.
//!
//! In: words, and the installed projects. Out: projects, each whole or with the units that were named.
//! Invariant: a word that fits several stacks is refused, not guessed.

use std::collections::BTreeSet;
use std::path::Path;

use thiserror::Error;

use super::installed::{InstalledProject, LookupError, find_project};
use crate::mark::InstalledUnit;
use crate::name::{ProjectName, UnitKind, UnitName};

/// A stack, or some of its units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<'a> {
    pub project: &'a InstalledProject,
    /// Units, templates and instances that were named. None: all of the stack.
    pub units: Vec<UnitName>,
}

impl Selection<'_> {
    /// Whether the unit is selected: of a template also its instances, with a job also its timer.
    pub fn has(&self, unit: &UnitName) -> bool {
        let is_of = |selected: &UnitName| selected.stem() == unit.stem() || selected.instance_in(unit).is_some();
        self.units.is_empty() || self.units.iter().any(is_of)
    }
}

/// Why a word selects nothing.
#[derive(Debug, Error)]
pub enum SelectionError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("several stacks have a service `{word}`: {}; name the stack first: {} {word}", .stacks.join(", "), .stacks[0])]
    Ambiguous { word: String, stacks: Vec<ProjectName> },
}

/// What the words name: a stack by its name or file; after one, services of it; before any, services of whichever stack has them.
///
/// # Errors
/// A word names nothing that is installed, or a service of several stacks.
pub fn select<'a>(words: &[String], installed: &'a [InstalledProject]) -> Result<Vec<Selection<'a>>, SelectionError> {
    let mut selected: Vec<Selection<'a>> = Vec::new();
    for word in words {
        if let Some(last) = selected.last_mut().filter(|_| !is_path(word)) {
            let units = units_named(last.project, word);
            if !units.is_empty() {
                last.units.extend(units);
                continue;
            }
        }
        let selection = selection(word, installed)?;
        match selected.iter_mut().find(|known| known.project == selection.project) {
            Some(known) if known.units.is_empty() || selection.units.is_empty() => known.units.clear(),
            Some(known) => known.units.extend(selection.units),
            None => selected.push(selection),
        }
    }
    Ok(selected)
}

fn selection<'a>(word: &str, installed: &'a [InstalledProject]) -> Result<Selection<'a>, SelectionError> {
    let unknown = match find_project(word, installed.to_vec()) {
        Ok(found) => {
            let project = installed.iter().find(|project| project.name == found.name);
            return project
                .map(|project| Selection { project, units: Vec::new() })
                .ok_or_else(|| LookupError::Unknown { wanted: word.to_owned(), known: Vec::new() }.into());
        }
        Err(error) => error,
    };
    let with_it = installed.iter().map(|project| Selection { project, units: units_named(project, word) });
    let mut found: Vec<Selection<'_>> = with_it.filter(|selection| !selection.units.is_empty()).collect();
    match (found.pop(), found.is_empty()) {
        (Some(selection), true) => Ok(selection),
        (Some(selection), false) => {
            let stacks = found.iter().chain([&selection]).map(|selection| selection.project.name.clone()).collect();
            Err(SelectionError::Ambiguous { word: word.to_owned(), stacks })
        }
        (None, _) => Err(unknown.into()),
    }
}

/// Whether a word is the path of a stack file.
pub fn is_path(word: &str) -> bool {
    word.contains('/') || Path::new(word).extension().is_some_and(|extension| extension == "toml")
}

/// The units of a project that a word names: by the service, the unit, the container, or one of several containers (`web-2`).
pub fn units_named(project: &InstalledProject, word: &str) -> Vec<UnitName> {
    let units = project.units.iter().filter(|unit| !unit.name.is(UnitKind::Slice) && !unit.name.is(UnitKind::Target));
    let mut named: Vec<UnitName> = Vec::new();
    for unit in units {
        let name = &unit.name;
        let is_service = unit.mark.service.as_ref().is_some_and(|service| service.as_str() == word);
        let is_container = unit.mark.container.as_ref().is_some_and(|container| container.as_str() == word);
        if is_service || is_container || name.as_str() == word || name.stem() == word || name.prefix() == word {
            named.push(name.clone());
        } else {
            named.extend(instances(project, unit).into_iter().find(|instance| is_instance(unit, instance, word)));
        }
    }
    // `web` is the service before it is anything else.
    let services = project.units.iter().filter(|unit| unit.mark.service.as_ref().is_some_and(|it| it.as_str() == word));
    let services: Vec<UnitName> = services.map(|unit| unit.name.clone()).collect();
    if services.is_empty() { named } else { services }
}

/// Those of a template that its stack wants.
pub fn instances(project: &InstalledProject, template: &InstalledUnit) -> Vec<UnitName> {
    let wanted = project.units.iter().flat_map(|unit| &unit.mark.wants);
    wanted.filter(|unit| template.name.instance_in(unit).is_some()).cloned().collect()
}

/// Words by which [`units_named`] finds units of a project: services, each of several containers, and units.
pub fn words_naming(project: &InstalledProject) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for unit in project.units.iter().filter(|unit| !unit.name.is(UnitKind::Slice) && !unit.name.is(UnitKind::Target)) {
        words.extend(unit.mark.service.as_ref().map(ToString::to_string));
        if unit.name.is_template() {
            words.extend(instances(project, unit).iter().map(|instance| label(unit, instance)));
        } else {
            words.insert(unit.name.to_string());
        }
    }
    words
}

fn is_instance(template: &InstalledUnit, instance: &UnitName, word: &str) -> bool {
    let container = template.mark.container.as_ref().zip(instance.instance());
    let container = container.and_then(|(container, number)| container.of_instance(number).ok());
    instance.as_str() == word
        || instance.stem() == word
        || label(template, instance) == word
        || container.is_some_and(|container| container.as_str() == word)
}

/// What output of a unit is labelled with: its service, with the number of one of several containers (`web-2`); of other units the
/// name without its type.
pub fn label(unit: &InstalledUnit, name: &UnitName) -> String {
    match (&unit.mark.service, name.instance()) {
        (Some(service), Some(number)) => format!("{service}-{number}"),
        (Some(service), None) => service.to_string(),
        (None, _) => name.stem().to_owned(),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::mark::{Made, Mark};
    use crate::name::{ContainerName, ServiceName};

    fn unit(project: &str, name: &str, service: Option<&str>) -> InstalledUnit {
        let mark = Mark::new(ProjectName::parse(project).unwrap(), Some(format!("/etc/wharf/{project}.toml").into()));
        let container = service.and_then(|service| ContainerName::parse(&format!("{project}-{service}")).ok());
        let service = service.map(|service| ServiceName::parse(service).unwrap());
        let mark = Mark { service, container, ..mark };
        InstalledUnit {
            name: UnitName::parse(name).unwrap(),
            directory: "/etc/systemd/system".into(),
            mark,
            is_edited: false,
        }
    }

    /// shop: db, and two of web; blog: web.
    pub fn installed() -> Vec<InstalledProject> {
        let mut shop = InstalledProject::new(ProjectName::parse("shop").unwrap());
        let mut target = unit("shop", "shop.target", None);
        let wants = ["shop-db.service", "shop-web@1.service", "shop-web@2.service"];
        target.mark.wants = wants.iter().map(|name| UnitName::parse(name).unwrap()).collect();
        shop.add(target);
        shop.add(unit("shop", "shop-db.service", Some("db")));
        shop.add(unit("shop", "shop-web@.service", Some("web")));
        shop.add(unit("shop", "shop-default-network.service", None));
        let mut blog = InstalledProject::new(ProjectName::parse("blog").unwrap());
        blog.add(unit("blog", "blog.target", None));
        blog.add(unit("blog", "blog-web.service", Some("web")));
        vec![blog, shop]
    }

    /// app: web, whose image is built, and the job backup.
    pub fn built() -> InstalledProject {
        let mut app = InstalledProject::new(ProjectName::parse("app").unwrap());
        app.add(unit("app", "app.target", None));
        app.add(unit("app", "app-web.service", Some("web")));
        app.add(unit("app", "app-backup.service", Some("backup")));
        app.add(unit("app", "app-backup.timer", None));
        let mut job = unit("app", "app-migrate.service", Some("migrate"));
        job.mark.is_job = true;
        app.add(job);
        let mut builder = unit("app", "app-web-build.service", None);
        builder.mark.made = Some(Made::Image("registry.example/app:1".to_owned()));
        app.add(builder);
        app
    }

    fn selected(words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let installed = installed();
        let selected = select(&words, &installed).map_err(|error| error.to_string())?;
        let shown = |it: &Selection<'_>| format!("{}: {}", it.project.name, it.units.join(" ")).trim_end().to_owned();
        Ok(selected.iter().map(shown).collect())
    }

    #[test]
    fn words_select_stacks_and_services() {
        for (words, expected) in [
            (vec!["shop"], vec!["shop:"]),
            (vec!["/etc/wharf/shop.toml"], vec!["shop:"]),
            (vec!["shop", "web"], vec!["shop: shop-web@.service"]),
            (vec!["shop", "db", "web-2"], vec!["shop: shop-db.service shop-web@2.service"]),
            (vec!["db"], vec!["shop: shop-db.service"]),
            (vec!["shop-web@1"], vec!["shop: shop-web@1.service"]),
            (vec!["shop-web-2"], vec!["shop: shop-web@2.service"]),
            (vec!["shop-db.service"], vec!["shop: shop-db.service"]),
            (vec!["blog", "shop", "web"], vec!["blog:", "shop: shop-web@.service"]),
            (vec!["db", "shop"], vec!["shop:"]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(selected(&words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn a_selection_has_instances_and_the_timer_of_a_job() {
        let has = |words: &[&str], unit: &str| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let installed = [&installed()[..], &[built()]].concat();
            select(&words, &installed).unwrap()[0].has(&UnitName::parse(unit).unwrap())
        };
        assert!(has(&["shop"], "shop.target") && !has(&["db"], "shop.target"));
        assert!(has(&["shop", "web"], "shop-web@2.service") && has(&["shop", "web-2"], "shop-web@2.service"));
        assert!(!has(&["shop", "web-2"], "shop-web@1.service") && !has(&["shop", "web"], "shop-db.service"));
        assert!(has(&["backup"], "app-backup.timer") && !has(&["backup"], "app-web.service"));
    }

    #[test]
    fn all_that_names_a_unit_can_be_listed() {
        let [_, shop] = &installed()[..] else { panic!() };
        let words = words_naming(shop);
        let expected = ["db", "shop-db.service", "shop-default-network.service", "web", "web-1", "web-2"];
        assert_eq!(words.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        assert!(words.iter().all(|word| !units_named(shop, word).is_empty()));
    }

    #[test]
    fn what_names_nothing_or_too_much_is_refused() {
        let several = "several stacks have a service `web`: blog, shop; name the stack first: blog web";
        assert_eq!(selected(&["web"]), Err(several.to_owned()));
        let none = "no unit on this host was generated by wharf for `cart`; installed projects: blog, shop";
        assert_eq!(selected(&["cart"]), Err(none.to_owned()));
    }
}
