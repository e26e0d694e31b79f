//! What the commands changed on this host, as entries of the journal: sd_journal_send(3), systemd.journal-fields(7).
//!
//! Who it was, the journal adds itself: `_UID`, `_PID`, `_COMM`, `_SYSTEMD_UNIT`, and where the kernel knows who had logged in,
//! `_AUDIT_LOGINUID`. Elsewhere (in containers) it cannot tell behind sudo(8), so that `SUDO_USER` is noted, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::mark::Mark;
use crate::message_id;
use crate::plan::Plan;
use crate::systemd::journal::{Journal, Priority};

use super::changes::{Action, Change, Changes, template_of};
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
    /// What a set of jobs did; `outdated` ran before.
    pub fn of_run(ran: &Ran, outdated: &[String], stopped: &[String]) -> Self {
        let (restarted, started) = ran.done.iter().cloned().partition(|unit| outdated.contains(unit));
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

    fn fields(&self) -> [(&'static str, String); 4] {
        [
            ("WHARF_STARTED", self.started.join(" ")),
            ("WHARF_RESTARTED", self.restarted.join(" ")),
            ("WHARF_STOPPED", self.stopped.join(" ")),
            ("WHARF_FAILED", self.failed.join(" ")),
        ]
    }
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
    pub async fn generated(&mut self, plan: &Plan, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        let names = |wanted: fn(&Action) -> bool| {
            let items = changes.items.iter().filter(|change| wanted(&change.action));
            items.map(|change| change.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let written =
            |action: &Action| matches!(action, Action::Create { .. } | Action::Update { .. } | Action::Mode { .. });
        let fields = [
            ("WHARF_WRITTEN", names(written)),
            ("WHARF_REMOVED", names(|action| matches!(action, Action::Remove { .. }))),
            ("WHARF_ENABLED", linked_units(changes, |action| matches!(action, Action::Enable { .. }))),
        ];
        let project = &plan.project;
        let message = format!("{project}: the units have been generated");
        self.write(message_id::GENERATED, project, source(plan).as_deref(), &message, &fields).await;
    }

    /// Units of a project were started, restarted or stopped.
    pub async fn applied(&mut self, plan: &Plan, changes: &Changes, acts: &Acts) {
        let removed: BTreeSet<&str> = changes.removed_units().collect();
        let acts = acts.of(|unit| {
            let template = template_of(unit);
            let is = |name: &str| name == unit || template.as_deref() == Some(name);
            plan.files.iter().any(|file| is(&file.name)) || removed.iter().any(|name| is(name))
        });
        if acts.is_empty() {
            return;
        }
        let project = &plan.project;
        let message = format!("{project}: what runs has been brought to what was generated");
        self.write(message_id::APPLIED, project, source(plan).as_deref(), &message, &acts.fields()).await;
    }

    /// A project left the host.
    pub async fn removed(&mut self, project: &str, source: Option<&Path>, files: &[PathBuf], acts: &Acts) {
        let names = files.iter().filter_map(|file| file.file_name()?.to_str());
        let mut fields = vec![("WHARF_REMOVED", names.collect::<Vec<_>>().join(" "))];
        fields.extend(acts.fields());
        let message = format!("{project}: the project has been removed");
        self.write(message_id::REMOVED, project, source, &message, &fields).await;
    }

    async fn write(
        &mut self,
        id: &str,
        project: &str,
        source: Option<&Path>,
        message: &str,
        more: &[(&'static str, String)],
    ) {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros().to_string();
        let source = source.map(|source| source.display().to_string()).unwrap_or_default();
        let sudo_user = std::env::var("SUDO_USER").unwrap_or_default();
        let common = [
            ("MESSAGE_ID", id),
            ("SYSLOG_IDENTIFIER", "wharf"),
            ("WHARF_PROJECT", project),
            ("WHARF_SOURCE", &source),
            ("WHARF_BEGAN", &began),
            ("WHARF_SUDO_USER", &sudo_user),
        ];
        let all = common.into_iter().chain(more.iter().map(|(name, value)| (*name, value.as_str())));
        let fields: Vec<(&str, &str)> = all.filter(|(_, value)| !value.is_empty()).collect();
        let sent = match Journal::new(&fields) {
            Ok(mut journal) => journal.offer(Priority::Notice, message.as_bytes(), &[]).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
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

/// The stack file, as the plan's units name it.
fn source(plan: &Plan) -> Option<PathBuf> {
    plan.files.iter().filter(|file| file.is_unit()).find_map(|file| Mark::of_unit(&file.contents)?.source)
}
