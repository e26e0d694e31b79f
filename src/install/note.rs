//! What an administrator should know after `wharf generate`, and the next step: what runs and is not as it was written.

use std::fmt;
use std::path::PathBuf;

use crate::mark::{Made, Mark};
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::plan::Plan;

use super::audit::source;
use super::changes::{Action, Changes};
use super::snapshot::{Entry, Snapshot};

/// Something an administrator should know, though all went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The running system has no systemd to tell.
    NotBooted,
    /// The unit file went, in this run or an earlier one; its processes did not.
    StillRunning { unit: UnitName },
    /// The unit of a network went, the network did not.
    NetworkLeft { network: String },
    /// Another installed project was made from the plan's stack file.
    SameSource { project: String, other: ProjectName },
    /// An instance runs that is not, or no more, among the service's replicas.
    Surplus { unit: String },
    /// Units run as they were before the change.
    NotRestarted { units: Vec<String> },
    /// The journal has no entry of this run.
    Unrecorded { why: String },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBooted => f.write_str("units were written but not loaded: this system does not run systemd"),
            Self::StillRunning { unit } => {
                write!(
                    f,
                    "{unit} is no longer part of the stack and still runs; `systemctl stop {unit}`, or `wharf generate --now`"
                )
            }
            Self::NetworkLeft { network } => {
                write!(
                    f,
                    "the network {network} is no longer part of the stack; `docker network rm {network}` removes it"
                )
            }
            Self::SameSource { project, other } => write!(
                f,
                "the project `{other}` comes from the same stack file and is still installed; if it was renamed to \
                 `{project}`, `wharf remove {other}`"
            ),
            Self::Surplus { unit } => {
                write!(f, "{unit} runs beyond the service's replicas; `systemctl stop {unit}`, or use --now next time")
            }
            Self::NotRestarted { units } => {
                write!(f, "changed, but running as before: {}; restart them, or use --now", units.join(", "))
            }
            Self::Unrecorded { why } => write!(f, "this change is not in the journal, nor in `wharf history`: {why}"),
        }
    }
}

/// A note for each network whose unit the changes removed while it was up.
pub(super) fn networks_left(changes: &[&Changes], removed: &[UnitName]) -> Vec<Note> {
    let changes = changes.iter().flat_map(|changes| &changes.items);
    let ran = changes.filter(|change| removed.iter().any(|unit| *unit == *change.name));
    let networks = ran.filter_map(|change| match &change.action {
        Action::Remove { old, .. } => match Mark::of_unit(old)?.made? {
            Made::Network(network) => Some(Note::NetworkLeft { network }),
            Made::Volume(_) | Made::Image(_) => None,
        },
        _ => None,
    });
    networks.collect()
}

/// A note for each installed project that was made from a plan's stack file and is in no plan. Its target stands for it.
pub(super) fn of_same_source(plans: &[Plan], snapshot: &Snapshot) -> Vec<Note> {
    let sources: Vec<(&Plan, Option<PathBuf>)> = plans.iter().map(|plan| (plan, source(plan))).collect();
    let targets =
        snapshot.entries.iter().filter(|(name, _)| UnitName::parse(name).is_ok_and(|unit| unit.is(UnitKind::Target)));
    let marks = targets.filter_map(|(_, entry)| match entry {
        Entry::File { contents, .. } => Mark::of_unit(&String::from_utf8_lossy(contents)),
        _ => None,
    });
    let others = marks.filter(|mark| mark.source.is_some() && plans.iter().all(|plan| *mark.project != *plan.project));
    let note = |mark: Mark| {
        let (plan, _) = sources.iter().find(|(_, source)| *source == mark.source)?;
        Some(Note::SameSource { project: plan.project.clone(), other: mark.project })
    };
    others.filter_map(note).collect()
}
