//! What updates and rollbacks did, as entries of the journal: sd_journal_send(3), systemd.journal-fields(7).

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::failure::Failure;
use super::outcome::NewImage;
use crate::message_id;
use crate::name::UnitName;
use crate::plan::Plan;
use crate::systemd::log;

/// A change of what runs, as its entry tells it.
pub(super) struct Audit<'a> {
    began: SystemTime,
    plan: &'a Plan,
    /// As `update`.
    command: &'a str,
}

impl<'a> Audit<'a> {
    pub fn begin(plan: &'a Plan, command: &'a str) -> Self {
        Self { began: SystemTime::now(), plan, command }
    }

    /// What runs is this revision. `touched`: units that were replaced; `failures`: of units that may fail.
    pub fn updated(&self, revision: u32, touched: &BTreeSet<UnitName>, failures: &[Failure]) {
        let message = format!("{}: now revision {revision}", self.command);
        self.write(message_id::UPDATED, revision, touched, failures, &message);
    }

    /// What runs is what ran before.
    pub fn rolled_back(&self, revision: u32, touched: &BTreeSet<UnitName>, failures: &[Failure], why: &str) {
        let message = format!("{}: rolled back to revision {revision}: {why}", self.command);
        self.write(message_id::ROLLED_BACK, revision, touched, failures, &message);
    }

    fn write(
        &self,
        id: &'static str,
        revision: u32,
        touched: &BTreeSet<UnitName>,
        failures: &[Failure],
        message: &str,
    ) {
        let (project, source) = (self.plan.project.as_str(), self.plan.source.display().to_string());
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros().to_string();
        let words = |units: &mut dyn Iterator<Item = &UnitName>| {
            let text = units.map(UnitName::as_str).collect::<Vec<_>>().join(" ");
            (!text.is_empty()).then_some(text)
        };
        let restarted = words(&mut touched.iter());
        let failed = words(&mut failures.iter().map(|failure| &failure.unit));
        let user = std::env::var("SUDO_USER").ok().filter(|user| !user.is_empty());
        macro_rules! entry {
            ($level:ident) => {
                tracing::$level!(
                    MESSAGE_ID = id,
                    WHARF_PROJECT = project,
                    WHARF_SOURCE = source,
                    WHARF_BEGAN = began,
                    WHARF_SUDO_USER = user,
                    WHARF_REVISION = revision,
                    WHARF_RESTARTED = restarted,
                    WHARF_FAILED = failed,
                    "{project}: {message}",
                )
            };
        }
        if id == message_id::UPDATED {
            entry!(info)
        } else {
            entry!(error)
        }
        flush();
    }
}

/// There are images that were not known before.
pub(super) fn available(project: &str, images: &[NewImage]) {
    let named: Vec<String> = images.iter().map(|image| format!("{}: {}", image.image, image.digest)).collect();
    tracing::info!(
        MESSAGE_ID = message_id::UPDATE_AVAILABLE,
        WHARF_PROJECT = project,
        "{project}: there are new images: {}",
        named.join(", "),
    );
    flush();
}

/// What is done is done, and said on the terminal, where there is no journal.
fn flush() {
    let _said_elsewhere = log::flush();
}
