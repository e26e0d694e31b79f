//! The status as a tree with columns: stacks, their services, the services' replicas, then networks, volumes and others.
//!
//! Pure: from typed rows, and what the reader's screen can show, to text.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::model::{BrokenStack, LastRun, MisplacedLimit, ProjectStatus, Status, UnitStatus};
use crate::name::{ImageRef, UnitKind, UnitName, short_id};
use crate::report::table::{Cell, Colour, Screen, Table, fit};
use crate::supervisor1::{Health, Undeclared};
use crate::systemd::{ActiveState, LoadState, UnitResult};

const HEADINGS: [&str; 9] = ["UNIT", "STATE", "HEALTH", "UPTIME", "RESTARTS", "CPU", "MEMORY", "IMAGE", "PORTS"];
const UNDECLARED_HEADINGS: [&str; 3] = ["CONTAINER", "ID", "IMAGE"];

/// What a narrow screen does without, in this order; the numbers are those of the headings.
const NARROWED: [usize; 7] = [6, 5, 7, 4, 8, 3, 2];

/// A unit, or the service of several, and what is drawn below it.
struct Node {
    /// Drawn before the others.
    needs_attention: bool,
    cells: [Cell; 9],
    details: Vec<Cell>,
    children: Vec<Node>,
    /// `Some`: the children are the instances of this template.
    template: Option<UnitName>,
}

/// The tree of all projects. With `undeclared`, the stack files follow that are invalid, and the containers that no stack declares.
pub fn tree(status: &Status, undeclared: bool, screen: Screen, now: SystemTime) -> String {
    let mut lines = Vec::new();
    if !status.projects.is_empty() {
        let mut drawing = Drawing { table: Table::with_headings(&HEADINGS), utf8: screen.utf8 };
        for project in failures_first(&status.projects) {
            roots(project, now).into_iter().for_each(|root| drawing.add(root, "", ""));
        }
        drawing.table.narrow(&NARROWED, screen);
        lines = drawing.table.lines(screen);
    }
    let broken = status.broken.as_deref().filter(|_| undeclared).unwrap_or_default();
    if !broken.is_empty() {
        lines.extend((!lines.is_empty()).then(String::new));
        lines.push("Invalid stack files:".to_owned());
        lines.extend(broken_table(broken).lines(screen));
    }
    let others = status.undeclared.as_deref().filter(|_| undeclared).unwrap_or_default();
    if !others.is_empty() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push("Containers that no stack declares:".to_owned());
        lines.extend(undeclared_table(others).lines(screen));
    }
    fit(lines, screen)
}

fn broken_table(stacks: &[BrokenStack]) -> Table {
    let mut table = Table::default();
    stacks.iter().for_each(|stack| table.note("  ", Cell::new(&stack.to_string(), Colour::Bad)));
    table
}

fn failures_first(projects: &[ProjectStatus]) -> impl Iterator<Item = &ProjectStatus> {
    let has_failures = |project: &&ProjectStatus| project.units.iter().any(UnitStatus::needs_attention);
    projects
        .iter()
        .filter(move |project| has_failures(project))
        .chain(projects.iter().filter(move |project| !has_failures(project)))
}

fn undeclared_table(containers: &[Undeclared]) -> Table {
    let mut table = Table::with_headings(&UNDECLARED_HEADINGS);
    for container in containers {
        table.row([Cell::from(&container.name), Cell::from(short_id(&container.id)), Cell::from(&container.image)]);
    }
    table
}

/// The target with all other units below it, and replicas below their service. Without a target, all units are roots.
fn roots(project: &ProjectStatus, now: SystemTime) -> Vec<Node> {
    let mut roots: Vec<Node> = Vec::new();
    let mut units: Vec<Node> = Vec::new();
    for unit in &project.units {
        let needs_attention = unit.needs_attention();
        let node = Node {
            needs_attention,
            cells: cells(unit),
            details: details(unit, &project.project, now),
            children: Vec::new(),
            template: None,
        };
        match (unit.unit.template(), units.last_mut()) {
            _ if unit.unit.is(UnitKind::Target) => roots.push(node),
            (Some(template), Some(service)) if service.template.as_ref() == Some(&template) => {
                service.children.push(node);
            }
            (Some(template), _) => units.push(Node { children: vec![node], ..service(template, project) }),
            (None, _) => units.push(node),
        }
    }
    for service in &mut units {
        service.needs_attention |= service.children.iter().any(|child| child.needs_attention);
        service.children.sort_by_key(|child| !child.needs_attention);
    }
    units.sort_by_key(|unit| !unit.needs_attention);
    match roots.first_mut() {
        Some(target) => target.children = units,
        None => roots = units,
    }
    let missing = project.missing_source.as_ref().map(|file| {
        format!("its stack file {} is gone: put it back, or `wharf remove {}`", file.display(), project.project)
    });
    let changed = project.changed_source.as_ref().map(ToString::to_string);
    if let Some(root) = roots.first_mut() {
        let notes = missing.into_iter().chain(changed).map(|text| Cell::new(&text, Colour::Moving));
        root.details.splice(0..0, notes);
    }
    roots
}

/// The row above the instances of a template.
fn service(template: UnitName, project: &ProjectStatus) -> Node {
    let instances = project.units.iter().filter(|unit| template.instance_in(&unit.unit).is_some());
    let states: Vec<&ActiveState> = instances.map(|unit| &unit.active).collect();
    let active = states.iter().filter(|state| ***state == ActiveState::Active).count();
    let colour = match active {
        _ if states.contains(&&ActiveState::Failed) => Colour::Bad,
        active if active == states.len() => Colour::Good,
        0 => Colour::Plain,
        _ => Colour::Moving,
    };
    let usage = project.shared.get(&template).copied().unwrap_or_default();
    let mut cells: [Cell; 9] = Default::default();
    cells[0] = Cell::from(&template);
    cells[1] = Cell::new(&format!("{active} of {} active", states.len()), colour);
    cells[5] = Cell::from(usage.cpu.map(|cpu| duration(cpu, 2)).unwrap_or_default());
    cells[6] = memory(usage.memory);
    Node { needs_attention: false, cells, details: Vec::new(), children: Vec::new(), template: Some(template) }
}

fn cells(unit: &UnitStatus) -> [Cell; 9] {
    let known = &unit.known;
    let seconds =
        |seconds: Option<u64>| Cell::from(seconds.map(|it| duration(Duration::from_secs(it), 2)).unwrap_or_default());
    let restarts = unit.restarts.max(known.restart_count.unwrap_or(0));
    let image = known.image.as_deref().unwrap_or_default();
    let mut image = ImageRef::parse(image).map_or_else(|_| image.to_owned(), |image| image.readable().to_owned());
    if known.drift.as_ref().is_some_and(|drift| !drift.is_empty()) {
        image.push_str(if image.is_empty() { "*" } else { " *" });
    }
    [
        Cell::from(&unit.unit),
        state(unit),
        health(unit),
        seconds(unit.uptime_seconds),
        Cell::from(if unit.service.is_some() { restarts.to_string() } else { String::new() }),
        seconds(unit.cpu_seconds),
        memory(unit.memory_bytes),
        Cell::from(image),
        Cell::from(known.ports.as_deref().unwrap_or_default().join(", ")),
    ]
}

fn health(unit: &UnitStatus) -> Cell {
    let health = match &unit.known.health {
        Some(Health::None) => return Cell::default(),
        None if unit.has_lost_container() => return Cell::from("unknown"),
        None => return Cell::default(),
        Some(health) => health,
    };
    let colour = match health {
        Health::Healthy => Colour::Good,
        Health::Starting => Colour::Moving,
        Health::Unhealthy => Colour::Bad,
        _ => Colour::Plain,
    };
    match unit.has_processes {
        Some(true) => Cell::from(format!("{health} (last known)")),
        _ => Cell::new(health.as_str(), colour),
    }
}

fn memory(bytes: Option<u64>) -> Cell {
    Cell::from(bytes.map(|bytes| indicatif::HumanBytes(bytes).to_string()).unwrap_or_default())
}

fn state(unit: &UnitStatus) -> Cell {
    let text = match unit.sub.as_str() {
        "running" if unit.is_paused() => format!("{} (paused)", unit.active),
        "" => unit.active.to_string(),
        sub if sub == unit.active.as_str() => sub.to_owned(),
        sub => format!("{} ({sub})", unit.active),
    };
    let colour = match &unit.active {
        ActiveState::Active if unit.is_paused() => Colour::Moving,
        ActiveState::Active => Colour::Good,
        ActiveState::Failed => Colour::Bad,
        // The last one where systemd cannot be asked.
        ActiveState::Inactive | ActiveState::Unset | ActiveState::Other(_) => Colour::Plain,
        _ => Colour::Moving,
    };
    Cell::new(&text, colour)
}

/// The notes below a unit.
fn details(unit: &UnitStatus, project: &str, now: SystemTime) -> Vec<Cell> {
    let known = &unit.known;
    let mut notes: Vec<Cell> = activity(unit).into_iter().collect();
    notes.extend(unit.last_output.as_ref().map(|line| Cell::from(format!("last output: {line}"))));
    if unit.load == LoadState::NotFound && unit.active.is_running() {
        let text = if unit.edited {
            format!("its unit file was deleted: `wharf generate {project}` writes it again")
        } else {
            format!("no unit file: it is not part of the stack; `systemctl stop {}`", unit.unit)
        };
        notes.push(Cell::new(&text, Colour::Moving));
    }
    if let Some(failed) = &unit.failed_dependency {
        notes.push(Cell::new(&format!("dependency {failed} failed"), Colour::Bad));
    }
    if unit.has_lost_container() {
        notes.push(Cell::new("the engine does not answer, and the container has no process", Colour::Bad));
    }
    notes.extend(times(unit, now).map(Cell::from));
    if unit.edited && unit.load != LoadState::NotFound {
        let text = "edited by hand: the next `wharf generate` overwrites it; use `systemctl edit`";
        notes.push(Cell::new(text, Colour::Moving));
    }
    notes.extend(unit.misplaced_limits.iter().map(misplaced_limit));
    if known.health == Some(Health::Unhealthy) {
        let output = first_line(known.health_output.as_deref().unwrap_or_default());
        let text = if output.is_empty() { "unhealthy".to_owned() } else { format!("unhealthy: {output}") };
        notes.push(Cell::new(&text, Colour::Bad));
    }
    if known.crash_loop {
        notes.push(Cell::new("crash loop: restarted five times within ten minutes", Colour::Bad));
    }
    let passed = known.last_restart.map(|last| now.duration_since(last).unwrap_or_default());
    if let Some(passed) = passed.filter(|passed| is_of_interest(unit, *passed)) {
        let ago = duration(passed, 1);
        let reason = match known.last_restart_reason.as_deref() {
            // systemd's word for a main process that exited with 0.
            Some("success") => ": it ended".to_owned(),
            Some("unavailable") => ": the engine was away, or a container ended whose namespace it shares".to_owned(),
            Some(reason) => format!(": {reason}"),
            None => String::new(),
        };
        notes.push(Cell::from(format!("restarted {ago} ago{reason}")));
    }
    let drift = known.drift.iter().flatten();
    notes.extend(drift.map(|one| Cell::new(&format!("drift: {}", one.text), Colour::Moving)));
    notes
}

/// A unit that has been active and well for so long has got over its last restart.
const RECOVERED: Duration = Duration::from_secs(60 * 60);

/// Whether the last restart, so long ago, says something about the unit as it is now.
fn is_of_interest(unit: &UnitStatus, passed: Duration) -> bool {
    let is_well = unit.active == ActiveState::Active && !unit.needs_attention();
    unit.active != ActiveState::Inactive && !(is_well && passed >= RECOVERED)
}

/// When a timer elapses next, and how its job ran last.
fn times(unit: &UnitStatus, now: SystemTime) -> impl Iterator<Item = String> {
    let next = unit.next_elapse.map(|next| {
        let left = duration(next.duration_since(now).unwrap_or_default(), 2);
        format!("next: {}, in {left}", local(next))
    });
    let last = unit.last_run.as_ref().and_then(|run| {
        let started = run.started?;
        let passed = duration(now.duration_since(started).unwrap_or_default(), 2);
        Some(format!("last: {}, {passed} ago: {}", local(started), outcome(run)))
    });
    next.into_iter().chain(last)
}

fn outcome(run: &LastRun) -> String {
    match &run.result {
        None => "running".to_owned(),
        Some(result) if result.is_failure() => failure(result, run.exit_status),
        Some(_) => "success".to_owned(),
    }
}

/// `failed: exit-code 3`
fn failure(result: &UnitResult, exit_status: i32) -> String {
    let number = if exit_status == 0 { String::new() } else { format!(" {exit_status}") };
    format!("failed: {result}{number}")
}

/// As systemctl(1) shows times, in the local time zone.
fn local(time: SystemTime) -> String {
    match Timestamp::try_from(time) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => String::new(),
    }
}

fn misplaced_limit(limit: &MisplacedLimit) -> Cell {
    let remedy = limit.slice.as_ref().map(|slice| format!(": systemctl edit {slice}")).unwrap_or_default();
    let text = format!("{}= limits wharf-run, not the container{remedy}; {}", limit.directive, limit.file.display());
    Cell::new(&text, Colour::Moving)
}

/// Why the unit failed, or what it is doing.
fn activity(unit: &UnitStatus) -> Option<Cell> {
    let status = first_line(&unit.status);
    let has_failed = unit.active == ActiveState::Failed || unit.sub.is_auto_restart();
    if has_failed && unit.result.is_failure() {
        let status = unit.failure_reason.as_deref().unwrap_or(status);
        let more = if status.is_empty() { String::new() } else { format!(": {status}") };
        return Some(Cell::new(&format!("{}{more}", failure(&unit.result, unit.exit_status)), Colour::Bad));
    }
    // "Healthy, container 0123456789ab": the row says all of it.
    let id = unit.known.container_id.as_deref().map(short_id);
    let is_redundant = unit.active == ActiveState::Active && id.is_some_and(|id| status.contains(id));
    (!status.is_empty() && !is_redundant).then(|| Cell::from(status))
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

/// The largest units of a duration, as systemd writes them: `3days 4h`, `12min 5s`.
fn duration(duration: Duration, units: usize) -> String {
    let all = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    let minutes = |word: &str| word.strip_suffix('m').map_or(word.to_owned(), |number| format!("{number}min"));
    all.split(' ').take(units).map(minutes).collect::<Vec<_>>().join(" ")
}

/// The rows of nodes, with the branches of the tree before them.
struct Drawing {
    table: Table,
    utf8: bool,
}

impl Drawing {
    /// Adds a node: `branch` stands before its first line, `trunk` before the others.
    fn add(&mut self, node: Node, branch: &str, trunk: &str) {
        let [tee, corner, bar] = if self.utf8 { ["├─ ", "└─ ", "│  "] } else { ["|- ", "`- ", "|  "] };
        let [unit, others @ ..] = node.cells;
        self.table.row(std::iter::once(unit.after(branch)).chain(others));
        let below = if node.children.is_empty() { "" } else { bar };
        for detail in node.details {
            self.table.note(format!("{trunk}{below}  "), detail);
        }
        let last = node.children.len().saturating_sub(1);
        for (number, child) in node.children.into_iter().enumerate() {
            let (first, next) = if number == last { (corner, "   ") } else { (tee, bar) };
            self.add(child, &format!("{trunk}{first}"), &format!("{trunk}{next}"));
        }
    }
}

#[cfg(test)]
mod tests;
