//! Which units of containers there are, and their states.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt};

use super::Supervisor;
use crate::mark::installed_units;
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::supervise::api::Update;
use crate::supervise::audit;
use crate::supervise::declared::{Declared, declared, is_template};
use crate::supervise::facts::Facts;
use crate::supervise::policy::UnitActivity;
use crate::systemd::{ManagerError, UnitState};

/// Units whose states are asked for side by side.
const AT_ONCE: usize = 16;

impl Supervisor {
    /// Of units that have not been restarted for long enough.
    pub(super) fn end_crash_loops(&mut self) {
        for unit in self.crashes.take_ended(Instant::now()) {
            if let Some(facts) = self.containers.get_mut(&unit) {
                Arc::make_mut(facts).crash_loop = false;
                self.publish(&unit);
            }
        }
    }

    /// Reads from the unit files which units of containers there are, and asks for the states of those that are new.
    pub(super) async fn refresh_units(&mut self) -> Result<(), ManagerError> {
        let directories = self.manager.unit_path().await?;
        let installed = match installed_units(&directories) {
            Ok(installed) => installed,
            Err(error) => {
                tracing::error!("{error}");
                return Ok(());
            }
        };
        let patterns: Vec<String> =
            installed.iter().filter(|unit| is_template(unit)).map(|unit| unit.name.pattern()).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let instances = self.manager.active_units(&patterns).await?;
        let declared = declared(&installed, &instances);
        let (targets, others): (Vec<_>, Vec<_>) =
            installed.into_iter().partition(|unit| unit.name.is(UnitKind::Target));
        self.templates = others.into_iter().filter(is_template).collect();
        let names: BTreeSet<UnitName> = declared.iter().map(|one| one.unit.clone()).collect();
        let gone: Vec<UnitName> = self.containers.keys().filter(|unit| !names.contains(*unit)).cloned().collect();
        // Before their states are asked for, so that no change falls in between.
        *self.services.write().unwrap_or_else(PoisonError::into_inner) = names;
        for unit in gone {
            self.remove_unit(unit);
        }
        let (known, new): (Vec<_>, Vec<_>) =
            declared.into_iter().partition(|declared| self.containers.contains_key(&declared.unit));
        let states = new.iter().map(|declared| self.manager.unit(&declared.unit));
        let states = futures_util::stream::iter(states).buffered(AT_ONCE).try_collect();
        let projects: BTreeSet<&ProjectName> = new.iter().map(|declared| &declared.project).collect();
        let targets =
            targets.iter().filter(|target| projects.contains(&target.mark.project)).map(|target| &target.name);
        let targets: Vec<&UnitName> = targets.collect();
        let states: Vec<UnitState> = self.manager.while_loaded(&targets, async |_are_kept| states.await).await?;
        for (declared, state) in new.into_iter().zip(states) {
            self.add_unit(declared, state);
        }
        for declared in known {
            self.update_unit(declared);
        }
        self.agenda.list_changed();
        Ok(())
    }

    fn add_unit(&mut self, declared: Declared, mut state: UnitState) {
        let unit = declared.unit.clone();
        // Not needed, and long.
        state.requires = Vec::new();
        self.policy.set_activity(&unit, activity(&state));
        let facts = Facts::new(declared.clone(), state);
        self.containers.insert(unit, Arc::new(facts));
        self.update_unit(declared);
    }

    fn update_unit(&mut self, declared: Declared) {
        let unit = declared.unit.clone();
        self.policy.set_on_unhealthy(&unit, declared.on_unhealthy);
        if let Some(facts) = self.containers.get_mut(&unit) {
            Arc::make_mut(facts).declared = declared;
        }
        self.agenda.declared(&unit);
        self.publish(&unit);
    }

    fn remove_unit(&mut self, unit: UnitName) {
        self.containers.remove(&unit);
        self.policy.forget(&unit);
        self.crashes.forget(&unit);
        let answers = self.agenda.removed(&unit);
        self.api.publish(Update::Gone(unit));
        self.deliver(answers);
    }

    pub(super) async fn refresh_unit(&mut self, unit: &UnitName) {
        if self.containers.contains_key(unit) {
            // A unit that systemd does not know is left alone. That the bus is lost shows at the announcements.
            match self.manager.unit(unit).await {
                Ok(state) => self.set_unit_state(unit, state),
                Err(_) => self.policy.set_activity(unit, UnitActivity::Other),
            }
        }
    }

    pub(super) fn set_unit_state(&mut self, unit: &UnitName, mut state: UnitState) {
        // Not needed, and long.
        state.requires = Vec::new();
        let Some(facts) = self.containers.get_mut(unit).filter(|facts| facts.unit != state) else { return };
        let facts = Arc::make_mut(facts);
        let restart = facts.restarts.compare(&facts.unit, &state);
        let is_requested = state.was_started_by_job(&facts.unit);
        if state.has_ended() {
            facts.last_exit = Some(state.exec_main_status);
        }
        self.policy.set_activity(unit, activity(&state));
        facts.unit = state;
        if is_requested {
            self.crashes.forget(unit);
            facts.crash_loop = false;
        } else if restart.is_some() && facts.is_crash() && self.crashes.restarted(unit, Instant::now()) {
            facts.crash_loop = true;
            audit::crash_loop(unit, facts.last_exit);
        }
        self.publish(unit);
        if let Some(restart) = restart {
            self.api.publish(Update::Restarted { unit: unit.clone(), restart });
        }
    }
}

fn activity(state: &UnitState) -> UnitActivity {
    if state.is_steady() { UnitActivity::Running } else { UnitActivity::Other }
}
