//! What is replaced on the way from one plan to another, and in which order. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::mark::Mark;
use crate::name::{UnitKind, UnitName};
use crate::plan::Plan;
use crate::spec::{ContainerSpec, UpdateHook};
use crate::stack::{FailureAction, UpdateConfig};
use crate::systemd::Job;

/// Units that are replaced concurrently.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub units: Vec<UnitName>,
    /// How they are replaced.
    pub job: Job,
    /// Units that are restarted after them: they share a namespace of theirs, or `depends_on` says so (`restart = true`).
    pub followers: Vec<UnitName>,
    pub config: UpdateConfig,
    /// The unit of the service, which all its steps have in common.
    pub service: UnitName,
    /// The number of containers of the service that are replaced.
    pub replicas: usize,
}

impl Step {
    /// Whether so many failures among all steps of the service are too many.
    pub fn is_failed(&self, failures: usize) -> bool {
        let share = failures as f64 / self.replicas.max(1) as f64;
        failures > 0 && share > self.config.max_failure_ratio && self.config.failure_action == FailureAction::Rollback
    }
}

/// The containers of a plan, by the units that the target starts.
pub fn containers(plan: &Plan) -> BTreeMap<UnitName, ContainerSpec> {
    plan.wants.iter().filter_map(|unit| Some((unit.clone(), plan.container(unit)?))).collect()
}

/// The steps, in the order of their dependencies. What does not run is not replaced; what is new is started if the stack runs.
pub fn steps(
    from: &Plan,
    to: &Plan,
    active: &BTreeSet<UnitName>,
    config: &dyn Fn(&UnitName) -> UpdateConfig,
) -> Vec<Step> {
    let containers = containers(to);
    let changed = changed(from, to);
    let is_started = active.contains(&to.target);
    let mut steps = Vec::new();
    for service in to.units().filter(|unit| unit.is(UnitKind::Service) && !is_triggered(to, unit)) {
        let instances = to.instances_of(&service);
        let (running, idle): (Vec<UnitName>, Vec<UnitName>) =
            instances.into_iter().partition(|unit| active.contains(unit));
        let is_new = |unit: &UnitName| is_started && !from.has(unit) && to.wants.contains(unit);
        let new: Vec<UnitName> = idle.into_iter().filter(is_new).collect();
        let old = if changed.contains(&service) { running } else { Vec::new() };
        let replicas = old.len() + new.len();
        let config = config(&service);
        let at_once = if config.parallelism == 0 { replicas } else { config.parallelism as usize };
        let old = old.chunks(at_once.max(1)).map(|units| (units, job_of(&service, &containers)));
        // What it requires may be new, too.
        let new = new.chunks(at_once.max(1)).map(|units| (units, Job::Restart));
        for (units, job) in old.chain(new) {
            let followers =
                followers(to, units, &containers).into_iter().filter(|unit| active.contains(unit)).collect();
            steps.push(Step { units: units.to_vec(), job, followers, config, service: service.clone(), replicas });
        }
    }
    steps
}

/// Units that are restarted because a file of theirs is another one; a template for all its instances.
fn changed(from: &Plan, to: &Plan) -> BTreeSet<UnitName> {
    let before: BTreeMap<&str, &str> = from.files.iter().map(|file| (file.name.as_str(), &*file.contents)).collect();
    let changed = to.files.iter().filter(|file| before.get(file.name.as_str()) != Some(&&*file.contents));
    changed.filter_map(|file| file.restarts.clone()).collect()
}

/// Whether a timer or a step of an update starts the unit: what runs of it now is not interrupted, and its next run is of the new
/// image.
pub fn is_triggered(plan: &Plan, unit: &UnitName) -> bool {
    let has_timer = plan.unit_file(&UnitName::new(unit.stem(), UnitKind::Timer)).is_some();
    has_timer || mark_of(plan, unit).is_some_and(|mark| !mark.update_hooks.is_empty())
}

/// The jobs that a step of an update or a rollback runs, in the order of their names.
pub fn hooks(plan: &Plan, hook: UpdateHook) -> Vec<UnitName> {
    plan.units().filter(|unit| mark_of(plan, unit).is_some_and(|mark| mark.update_hooks.contains(&hook))).collect()
}

fn mark_of(plan: &Plan, unit: &UnitName) -> Option<Mark> {
    Mark::of_unit(&plan.unit_file(unit)?.contents)
}

/// How a unit is replaced. What requires a container or a build goes on without; what requires a network goes down with it.
pub fn job_of(unit: &UnitName, containers: &BTreeMap<UnitName, ContainerSpec>) -> Job {
    let is_container = containers.contains_key(unit) || unit.is_template();
    let builds = || containers.values().any(|spec| is_built_by(spec, unit));
    if is_container || builds() { Job::RestartAlone } else { Job::Restart }
}

fn is_built_by(spec: &ContainerSpec, unit: &UnitName) -> bool {
    spec.wharf.built_by.as_deref() == Some(unit.as_str())
}

/// The units that have to be restarted when these are replaced.
fn followers(plan: &Plan, units: &[UnitName], containers: &BTreeMap<UnitName, ContainerSpec>) -> BTreeSet<UnitName> {
    let mut followers = BTreeSet::new();
    for unit in units {
        followers.extend(mark_of(plan, unit).map(|mark| mark.restarts_with).unwrap_or_default());
        let name = containers.get(unit).map(|spec| &spec.wharf.name);
        let follows =
            |spec: &ContainerSpec| is_built_by(spec, unit) || name.is_some_and(|name| spec.wharf.shares.contains(name));
        followers.extend(containers.iter().filter(|(_, spec)| follows(spec)).map(|(unit, _)| unit.clone()));
    }
    followers.retain(|follower| !units.contains(follower));
    followers
}

/// Units in the order of their dependencies.
pub fn in_order<'a>(plan: &Plan, units: impl Iterator<Item = &'a UnitName>) -> Vec<&'a UnitName> {
    let places: BTreeMap<UnitName, usize> = plan.units().zip(0..).collect();
    let mut units: Vec<&UnitName> = units.collect();
    units.sort_by_key(|unit| places.get(&unit.template().unwrap_or_else(|| (*unit).clone())));
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::Destination;
    use crate::stack::{Request, load};

    /// The plan of a stack in which `web`, `db` and `job` have this image.
    fn planned(image: &str) -> Plan {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.toml");
        let text = format!(
            "[services.web]\nimage = \"{image}\"\ndepends_on = [\"db\"]\n[services.web.deploy]\nreplicas = 3\n\
             update_config = {{ parallelism = 2, max_failure_ratio = 0.5 }}\n\
             [services.db]\nimage = \"{image}\"\n[services.side]\nimage = \"b\"\nnetwork_mode = \"service:db\"\n\
             [services.front]\nimage = \"b\"\ndepends_on = {{ db = {{ restart = true }} }}\n\
             [services.job]\nimage = \"{image}\"\nschedule = \"daily\"\n\
             [services.dump]\nimage = \"{image}\"\nupdate_hook = [\"pre_update\", \"pre_rollback\"]\n\
             [services.prune]\nimage = \"{image}\"\nupdate_hook = \"pre_update\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let stack = load(&Request::of_stack(&path, &|_| None)).unwrap().stack;
        crate::plan::plan(&stack, &Destination::system().location()).unwrap()
    }

    fn named(steps: &[Step]) -> Vec<(String, String)> {
        let list =
            |units: &mut dyn Iterator<Item = &UnitName>| units.map(|unit| unit.stem()).collect::<Vec<_>>().join(" ");
        let names = |step: &Step| (list(&mut step.units.iter()), list(&mut step.followers.iter()));
        steps.iter().map(names).collect()
    }

    #[test]
    fn what_runs_is_replaced_in_the_order_of_dependencies_a_few_replicas_at_a_time() {
        let (from, to) = (planned("a:1"), planned("a:2"));
        let config = |_: &UnitName| UpdateConfig { parallelism: 2, max_failure_ratio: 0.5, ..UpdateConfig::default() };
        let mut active: BTreeSet<UnitName> = to.wants.iter().cloned().chain([to.target.clone()]).collect();
        let all = steps(&from, &to, &active, &config);
        let expected = [("shop-db", "shop-front shop-side"), ("shop-web@1 shop-web@2", ""), ("shop-web@3", "")];
        assert_eq!(named(&all), expected.map(|(units, followers)| (units.to_owned(), followers.to_owned())));
        assert!(all.iter().all(|step| step.job == Job::RestartAlone));
        let web = &all[1];
        assert!(web.replicas == 3 && !web.is_failed(0) && !web.is_failed(1) && web.is_failed(2));

        assert_eq!(steps(&to, &to, &active, &config), []);
        active.retain(|unit| unit.stem() != "shop-side" && unit.stem() != "shop-web@2");
        let less = [("shop-db", "shop-front"), ("shop-web@1 shop-web@3", "")];
        let less = less.map(|(units, followers)| (units.to_owned(), followers.to_owned()));
        assert_eq!(named(&steps(&from, &to, &active, &config)), less);
        assert_eq!(steps(&from, &to, &BTreeSet::new(), &config), []);
    }

    #[test]
    fn jobs_of_a_step_are_run_by_it_alone() {
        let plan = planned("a:1");
        let named = |hook| hooks(&plan, hook).iter().map(|unit| unit.stem().to_owned()).collect::<Vec<_>>();
        assert_eq!(named(UpdateHook::PreUpdate), ["shop-dump", "shop-prune"]);
        assert_eq!(named(UpdateHook::PreRollback), ["shop-dump"]);
        assert!(named(UpdateHook::PostUpdate).is_empty());
        assert!(plan.wants.iter().all(|unit| !["shop-dump", "shop-prune"].contains(&unit.stem())));
    }

    #[test]
    fn what_is_new_is_started_with_what_it_requires_if_the_stack_runs() {
        let to = planned("a:1");
        let mut from = to.clone();
        from.files.retain(|file| !file.name.starts_with("shop-db"));
        let config = |_: &UnitName| UpdateConfig::default();
        let active = BTreeSet::from([to.target.clone()]);
        let new = steps(&from, &to, &active, &config);
        assert_eq!(named(&new), [("shop-db".to_owned(), String::new())]);
        assert_eq!(new[0].job, Job::Restart);
        assert_eq!(steps(&from, &to, &BTreeSet::new(), &config), []);
    }
}
