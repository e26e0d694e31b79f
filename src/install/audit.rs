//! What the commands changed on this host, as entries of the journal: sd_journal_send(3), systemd.journal-fields(7).
//!
//! Who it was, the journal adds itself: `_UID`, `_PID`, `_COMM`, `_SYSTEMD_UNIT`, and where the kernel knows who had logged in,
//! `_AUDIT_LOGINUID`. Elsewhere (in containers) it cannot tell behind sudo(8), so that `SUDO_USER` is noted, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::message_id;
use crate::plan::Plan;
use crate::report::InstalledProject;
use crate::report::orphans::Orphan;
use crate::systemd::log;

use super::changes::template_of;
use super::directory::{Action, Change, Changes};
use super::jobs::Ran;

/// What became of units, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Acts {
    pub started: Vec<String>,
    pub restarted: Vec<String>,
    pub stopped: Vec<String>,
    pub failed: Vec<String>,
}

impl Acts {
    /// What a set of jobs did; `before`: units that ran already.
    pub fn of_run(ran: &Ran, before: &BTreeSet<String>, stopped: &[String]) -> Self {
        let (restarted, started) = ran.done.iter().cloned().partition(|unit| before.contains(unit));
        let failed = ran.failed.iter().map(|job| job.unit().to_owned()).collect();
        Self { started, restarted, stopped: stopped.to_vec(), failed }
    }

    fn of(&self, is_its: impl Fn(&str) -> bool) -> Self {
        let only = |units: &[String]| units.iter().filter(|unit| is_its(unit)).cloned().collect();
        Self {
            started: only(&self.started),
            restarted: only(&self.restarted),
            stopped: only(&self.stopped),
            failed: only(&self.failed),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of files, by name.
#[derive(Debug, Default)]
struct Files {
    written: String,
    removed: String,
    enabled: String,
}

/// What an entry is about.
struct Subject<'a> {
    id: &'static str,
    message: &'static str,
    project: &'a str,
    source: Option<&'a Path>,
}

/// Writes the entries of one run.
pub(super) struct Audit {
    began: SystemTime,
    /// Why an entry is not in the journal.
    pub unrecorded: Option<String>,
}

impl Audit {
    pub fn begin() -> Self {
        Self { began: SystemTime::now(), unrecorded: None }
    }

    /// The files of a project were changed.
    pub fn generated(&mut self, plan: &Plan, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        let names = |wanted: fn(&Action) -> bool| {
            let items = changes.items.iter().filter(|change| wanted(&change.action));
            items.map(|change| change.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let written =
            |action: &Action| matches!(action, Action::Create { .. } | Action::Update { .. } | Action::Mode { .. });
        let files = Files {
            written: names(written),
            removed: names(|action| matches!(action, Action::Remove { .. })),
            enabled: linked_units(changes, |action| matches!(action, Action::Enable { .. })),
        };
        let project = plan.project.as_str();
        let message = "the units have been generated";
        let subject = Subject { id: message_id::GENERATED, message, project, source: Some(&plan.source) };
        self.write(&subject, &files, &Acts::default());
    }

    /// Units of a project were started, restarted or stopped; `left` had no unit file any more.
    pub fn applied(&mut self, plan: &Plan, changes: &Changes, left: &[Orphan], acts: &Acts) {
        let left = left.iter().filter(|orphan| *orphan.project == *plan.project).map(|orphan| orphan.unit.as_str());
        let removed: BTreeSet<&str> = changes.removed_units().chain(left).collect();
        let acts = acts.of(|unit| {
            let template = template_of(unit);
            let is = |name: &str| name == unit || template.as_deref() == Some(name);
            plan.files.iter().any(|file| is(&file.name)) || removed.iter().any(|name| is(name))
        });
        if acts.is_empty() {
            return;
        }
        let project = plan.project.as_str();
        let message = "what runs has been brought to what was generated";
        let subject = Subject { id: message_id::APPLIED, message, project, source: Some(&plan.source) };
        self.write(&subject, &Files::default(), &acts);
    }

    /// A project left the host.
    pub fn removed(&mut self, project: &InstalledProject, files: &[PathBuf], acts: &Acts) {
        let source = project.sources.first().map(PathBuf::as_path);
        let names = files.iter().filter_map(|file| file.file_name()?.to_str());
        let files = Files { removed: names.collect::<Vec<_>>().join(" "), ..Files::default() };
        let message = "the project has been removed";
        let subject = Subject { id: message_id::REMOVED, message, project: &project.name, source };
        self.write(&subject, &files, acts);
    }

    fn write(&mut self, Subject { id, message, project, source }: &Subject, files: &Files, acts: &Acts) {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros().to_string();
        let present = |text: String| (!text.is_empty()).then_some(text);
        let units = |units: &[String]| present(units.join(" "));
        tracing::info!(
            MESSAGE_ID = id,
            WHARF_PROJECT = project,
            WHARF_SOURCE = source.map(|source| source.display().to_string()),
            WHARF_BEGAN = began,
            WHARF_SUDO_USER = std::env::var("SUDO_USER").ok().and_then(present),
            WHARF_WRITTEN = present(files.written.clone()),
            WHARF_REMOVED = present(files.removed.clone()),
            WHARF_ENABLED = present(files.enabled.clone()),
            WHARF_STARTED = units(&acts.started),
            WHARF_RESTARTED = units(&acts.restarted),
            WHARF_STOPPED = units(&acts.stopped),
            WHARF_FAILED = units(&acts.failed),
            "{project}: {message}",
        );
        if let Err(error) = log::flush() {
            self.unrecorded = Some(error.to_string());
        }
    }
}

/// The units of enablement links.
fn linked_units(changes: &Changes, wanted: fn(&Action) -> bool) -> String {
    let links = changes.items.iter().filter(|change| wanted(&change.action));
    let units: BTreeSet<&str> = links.filter_map(|Change { name, .. }| name.rsplit('/').next()).collect();
    units.into_iter().collect::<Vec<_>>().join(" ")
}
