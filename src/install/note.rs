//! What an administrator should know after `wharf generate`, and the next step: what runs and is not as it was written.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use crate::mark::{Made, Mark, is_checksum, is_edited, is_spec};
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::plan::Plan;
use crate::spec::{VolumeSpec, from_json};
use crate::systemd::Scope;

use super::directory::{Action, Changes, Entry, Snapshot};

/// Something an administrator should know, though all went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The running system has no systemd to tell.
    NotBooted,
    /// A stack is new, and nothing of it runs yet.
    NotStarted { target: UnitName, scope: Scope },
    /// wharfd would act on the healthchecks of these projects, and is not enabled.
    NoWharfd { projects: Vec<String> },
    /// The unit file went, in this run or an earlier one; its processes did not.
    StillRunning { unit: UnitName },
    /// The unit of a network went, the network did not.
    NetworkLeft { network: String },
    /// The options of a volume were changed, which the engine does to none that exists.
    VolumeKept { volume: String },
    /// The units of volumes went, the volumes did not.
    VolumesLeft { volumes: Vec<String> },
    /// Containers of active units have ended with the engine, which does not answer.
    WithoutEngine { units: Vec<String> },
    /// Another installed project was made from the plan's stack file.
    SameSource { project: String, other: ProjectName },
    /// The project came from another stack file before.
    OtherSource { project: String, before: PathBuf, now: PathBuf },
    /// Somebody has changed a unit file; what is written, or removed, takes these lines away.
    Edited { unit: String, lines: Vec<String> },
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
            Self::NotStarted { target, scope } => {
                let user = if *scope == Scope::User { " --user" } else { "" };
                write!(f, "to start it: `systemctl{user} start {target}`")
            }
            Self::NoWharfd { projects } => write!(
                f,
                "wharfd is not enabled, so nothing acts on the healthchecks of {}: `systemctl enable --now wharfd`",
                projects.join(", ")
            ),
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
            Self::VolumeKept { volume } => write!(
                f,
                "if the volume {volume} exists already, it stays as it was made: the new options are for a new one (stop what uses \
                 it, save its data, `docker volume rm {volume}`)"
            ),
            Self::VolumesLeft { volumes } => f.write_str(&volumes_stay(volumes)),
            Self::WithoutEngine { units } => write!(
                f,
                "the engine does not answer, and the containers of these units do not run: {}; `systemctl start docker` starts the \
                 engine, then the units start their containers",
                units.join(", ")
            ),
            Self::SameSource { project, other } => write!(
                f,
                "the project `{other}` comes from the same stack file and is still installed; if it was renamed to \
                 `{project}`, `wharf remove {other}`"
            ),
            Self::OtherSource { project, before, now } => {
                write!(
                    f,
                    "the project `{project}` was installed from {} and is now from {}",
                    before.display(),
                    now.display()
                )
            }
            Self::Edited { unit, lines } => {
                write!(
                    f,
                    "{unit} was edited by hand; generating it undoes that, `systemctl edit {unit}` makes changes that stay"
                )?;
                lines.iter().try_for_each(|line| write!(f, "\n    - {line}"))
            }
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

/// A note for each unit that the changes replace or remove though somebody has edited it.
pub(super) fn edited(changes: &[&Changes]) -> Vec<Note> {
    let replaced = changes.iter().flat_map(|changes| &changes.items).filter_map(|change| match &change.action {
        Action::Update { old, new, .. } => Some((&change.name, old, &**new)),
        Action::Remove { old, .. } => Some((&change.name, old, "")),
        _ => None,
    });
    let edited = replaced.filter(|(name, old, _)| !is_spec(name) && is_edited(old));
    let note = |(name, old, new): (&String, &String, &str)| {
        let kept: HashSet<&str> = new.lines().collect();
        let is_lost = |line: &&str| !line.is_empty() && !is_checksum(line) && !kept.contains(line);
        let lines = old.lines().filter(is_lost).take(MOST_LINES).map(str::to_owned).collect();
        Note::Edited { unit: name.clone(), lines }
    };
    edited.map(note).collect()
}

/// Of an edited unit, so many lines are shown.
const MOST_LINES: usize = 20;

/// A note for each stack whose target is new.
pub(super) fn not_started(plans: &[Plan], changes: &[&Changes], scope: Scope) -> Vec<Note> {
    let is_new = |(plan, changes): &(&Plan, &&Changes)| {
        let create = |action: &Action| matches!(action, Action::Create { .. });
        changes.items.iter().any(|change| plan.target == *change.name && create(&change.action))
    };
    let new = plans.iter().zip(changes).filter(is_new);
    new.map(|(plan, _)| Note::NotStarted { target: plan.target.clone(), scope }).collect()
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

/// Which volumes stay, and the command that deletes them.
pub fn volumes_stay(volumes: &[String]) -> String {
    let (plural, pronoun) = if volumes.len() == 1 { ("", "it") } else { ("s", "them") };
    let (list, arguments) = (volumes.join(", "), volumes.join(" "));
    format!("kept with all data: volume{plural} {list}; to remove {pronoun}: `docker volume rm {arguments}`")
}

/// A note on the volumes whose units the changes remove and that nothing in the plans names any more, as `external` may.
pub(super) fn volumes_left(plans: &[Plan], changes: &[&Changes]) -> Option<Note> {
    let removed = changes.iter().flat_map(|changes| &changes.items).filter_map(|change| match &change.action {
        Action::Remove { old, .. } => Mark::of_unit(old)?.made,
        _ => None,
    });
    let volumes = removed.filter_map(|made| if let Made::Volume(volume) = made { Some(volume) } else { None });
    let is_named = |volume: &String| {
        let mut files = plans.iter().flat_map(|plan| &plan.files);
        files.any(|file| file.contents.contains(volume.as_str()))
    };
    let volumes: Vec<String> = volumes.filter(|volume| !is_named(volume)).collect();
    (!volumes.is_empty()).then_some(Note::VolumesLeft { volumes })
}

/// A note for each volume whose options change.
pub(super) fn volumes_kept(changes: &[&Changes]) -> Vec<Note> {
    let changes = changes.iter().flat_map(|changes| &changes.items);
    let specs = changes.filter(|change| is_spec(&change.name)).filter_map(|change| match &change.action {
        Action::Update { old, new, .. } => {
            Some((from_json::<VolumeSpec>(old).ok()?, from_json::<VolumeSpec>(new).ok()?))
        }
        _ => None,
    });
    let kept = specs.filter(|(old, new)| old.name() == new.name() && old.wharf.config_hash != new.wharf.config_hash);
    kept.map(|(old, _)| Note::VolumeKept { volume: old.name().to_owned() }).collect()
}

/// A note for each installed project that was made from a plan's stack file and is in no plan. Its target stands for it.
pub(super) fn of_same_source(plans: &[Plan], snapshot: &Snapshot) -> Vec<Note> {
    let targets =
        snapshot.entries.iter().filter(|(name, _)| UnitName::parse(name).is_ok_and(|unit| unit.is(UnitKind::Target)));
    let marks = targets.filter_map(|(_, entry)| match entry {
        Entry::File { contents, .. } => Mark::of_unit(&String::from_utf8_lossy(contents)),
        _ => None,
    });
    let others = marks.filter(|mark| mark.source.is_some() && plans.iter().all(|plan| *mark.project != *plan.project));
    let note = |mark: Mark| {
        let plan = plans.iter().find(|plan| mark.source.as_ref() == Some(&plan.source))?;
        Some(Note::SameSource { project: plan.project.clone(), other: mark.project })
    };
    others.filter_map(note).collect()
}
