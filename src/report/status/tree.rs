//! The status as a tree with columns: stacks, their services, the services' replicas, then networks, volumes and others.
//!
//! Pure: from typed rows, and what the reader's screen can show, to text.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::model::{BrokenStack, MisplacedLimit, ProjectStatus, Status, UnitStatus};
use crate::name::{UnitKind, UnitName, short_id};
use crate::report::table::{Cell, Colour, Screen, Table, fit};
use crate::supervisor1::{Health, Undeclared};
use crate::systemd::{ActiveState, LoadState};

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
    stacks.iter().for_each(|stack| table.note("  ", Cell::new(&stack.message, Colour::Bad)));
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
            details: details(unit, now),
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
    let health = known.health.as_ref().filter(|health| **health != Health::None).unwrap_or(&Health::Unset);
    let health_colour = match health {
        Health::Healthy => Colour::Good,
        Health::Starting => Colour::Moving,
        Health::Unhealthy => Colour::Bad,
        _ => Colour::Plain,
    };
    let seconds =
        |seconds: Option<u64>| Cell::from(seconds.map(|it| duration(Duration::from_secs(it), 2)).unwrap_or_default());
    let restarts = unit.restarts.max(known.restart_count.unwrap_or(0));
    let mut image = known.image.clone().unwrap_or_default();
    if known.drift.as_ref().is_some_and(|drift| !drift.is_empty()) {
        image.push_str(if image.is_empty() { "*" } else { " *" });
    }
    [
        Cell::from(&unit.unit),
        state(unit),
        Cell::new(health.as_str(), health_colour),
        seconds(unit.uptime_seconds),
        Cell::from(if unit.service.is_some() { restarts.to_string() } else { String::new() }),
        seconds(unit.cpu_seconds),
        memory(unit.memory_bytes),
        Cell::from(image),
        Cell::from(known.ports.as_deref().unwrap_or_default().join(", ")),
    ]
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
fn details(unit: &UnitStatus, now: SystemTime) -> Vec<Cell> {
    let known = &unit.known;
    let mut notes: Vec<Cell> = activity(unit).into_iter().collect();
    if unit.load == LoadState::NotFound && unit.active.is_running() {
        let text = format!("no unit file: it is not part of the stack; `systemctl stop {}`", unit.unit);
        notes.push(Cell::new(&text, Colour::Moving));
    }
    if let Some(failed) = &unit.failed_dependency {
        notes.push(Cell::new(&format!("dependency {failed} failed"), Colour::Bad));
    }
    notes.extend(times(unit, now).map(Cell::from));
    if unit.edited {
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
    if let Some(last) = known.last_restart.filter(|_| unit.active != ActiveState::Inactive) {
        let ago = duration(now.duration_since(last).unwrap_or_default(), 1);
        let reason = match known.last_restart_reason.as_deref() {
            // systemd's word for a main process that exited with 0.
            Some("success") => ": it ended".to_owned(),
            Some(reason) => format!(": {reason}"),
            None => String::new(),
        };
        notes.push(Cell::from(format!("restarted {ago} ago{reason}")));
    }
    let drift = known.drift.iter().flatten();
    notes.extend(drift.map(|one| Cell::new(&format!("drift: {}", one.text), Colour::Moving)));
    notes
}

/// When a timer elapses next, and when it did last.
fn times(unit: &UnitStatus, now: SystemTime) -> impl Iterator<Item = String> {
    let next = unit.next_elapse.map(|next| {
        let left = duration(next.duration_since(now).unwrap_or_default(), 2);
        format!("next: {}, in {left}", local(next))
    });
    let last = unit.last_trigger.map(|last| {
        let passed = duration(now.duration_since(last).unwrap_or_default(), 2);
        format!("last: {}, {passed} ago", local(last))
    });
    next.into_iter().chain(last)
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
        let number = if unit.exit_status == 0 { String::new() } else { format!(" {}", unit.exit_status) };
        let more = if status.is_empty() { String::new() } else { format!(": {status}") };
        return Some(Cell::new(&format!("failed: {}{number}{more}", unit.result), Colour::Bad));
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
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::name::{ProjectName, ServiceName};
    use crate::supervisor1::{Drift, KnownContainer};
    use crate::systemd::{SubState, UnitResult};

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn unit(name: &str, active: &str, sub: &str) -> UnitStatus {
        let name = UnitName::parse(name).unwrap();
        UnitStatus { active: ActiveState::from(active), sub: SubState::from(sub), ..UnitStatus::new(name) }
    }

    fn container(name: &str, active: &str, sub: &str, known: KnownContainer) -> UnitStatus {
        UnitStatus { service: Some(ServiceName::parse("web").unwrap()), known, ..unit(name, active, sub) }
    }

    fn known(health: &str) -> KnownContainer {
        KnownContainer {
            health: Some(Health::from(health)),
            container_id: Some("0123456789abcdef".into()),
            image: Some("shop/web:1".into()),
            drift: Some(Vec::new()),
            ..KnownContainer::default()
        }
    }

    fn shown(units: Vec<UnitStatus>, screen: Screen) -> String {
        let project = ProjectStatus { project: ProjectName::parse("shop").unwrap(), units, shared: BTreeMap::new() };
        let status = Status { projects: vec![project], ..Status::default() };
        tree(&status, true, screen, SystemTime::UNIX_EPOCH + NOW)
    }

    #[test]
    fn replicas_are_below_their_service_and_notes_below_their_unit() {
        let instance = |number: &str, known| UnitStatus {
            instance: Some(number.into()),
            ..container(&format!("shop-web@{number}.service"), "active", "running", known)
        };
        let drift = vec![
            Drift { aspect: "name".into(), text: "it is named other, not shop-web-2".into() },
            Drift { aspect: "labels".into(), text: "it lacks the labels a".into() },
        ];
        let sick = KnownContainer {
            health_output: Some("no answer\nin 5 s".into()),
            drift: Some(drift),
            restart_count: Some(4),
            last_restart: Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(200)),
            last_restart_reason: Some("unhealthy".into()),
            ports: Some(vec!["127.0.0.1:80->80/tcp".into(), "81/tcp".into()]),
            ..known("unhealthy")
        };
        let web = UnitStatus { status: "Healthy, container 0123456789ab".into(), ..instance("1", known("healthy")) };
        let pulls = UnitStatus {
            status: "Pulling shop/db:1, 43 %".into(),
            ..container("shop-db.service", "activating", "start", KnownContainer::default())
        };
        let network =
            UnitStatus { uptime_seconds: Some(3725), ..unit("shop-default-network.service", "active", "exited") };
        let units = vec![unit("shop.target", "active", "active"), pulls, web, instance("2", sick), network];
        let expected = "\
UNIT                             STATE               HEALTH     UPTIME   RESTARTS  CPU  MEMORY  IMAGE         PORTS
shop.target                      active
├─ shop-web@.service             2 of 2 active
│  ├─ shop-web@2.service         active (running)    unhealthy           4                      shop/web:1 *  127.0.0.1:80->80/tcp, 81/tcp
│  │    unhealthy: no answer
│  │    restarted 3min ago: unhealthy
│  │    drift: it is named other, not shop-web-2
│  │    drift: it lacks the labels a
│  └─ shop-web@1.service         active (running)    healthy             0                      shop/web:1
├─ shop-db.service               activating (start)                      0
│    Pulling shop/db:1, 43 %
└─ shop-default-network.service  active (exited)                1h 2min
";
        let screen = Screen { utf8: true, ..Screen::default() };
        assert_eq!(shown(units.clone(), screen), expected);
        let ascii = expected.replace(['├', '│'], "|").replace('└', "`").replace('─', "-");
        assert_eq!(shown(units, Screen::default()), ascii);
    }

    #[test]
    fn a_unit_that_failed_says_why() {
        let web = UnitStatus {
            result: UnitResult::ExitCode,
            exit_status: 125,
            status: "no such image".into(),
            restarts: 3,
            ..container("shop-web.service", "failed", "failed", KnownContainer::default())
        };
        let expected = "\
UNIT                 STATE   HEALTH  UPTIME  RESTARTS  CPU  MEMORY  IMAGE  PORTS
shop.target          active
`- shop-web.service  failed                  3
     failed: exit-code 125: no such image
";
        let units = vec![unit("shop.target", "active", "active"), web];
        assert_eq!(shown(units, Screen::default()), expected);
    }

    #[test]
    fn sixty_columns_show_failures_first_and_why() {
        let db = UnitStatus {
            result: UnitResult::ExitCode,
            exit_status: 3,
            restarts: 5,
            ..container("shop-db.service", "failed", "failed", KnownContainer::default())
        };
        let web = UnitStatus {
            requires: vec![db.unit.clone()],
            ..container("shop-web.service", "inactive", "dead", KnownContainer::default())
        };
        let cache = UnitStatus {
            uptime_seconds: Some(3725),
            misplaced_limits: vec![MisplacedLimit {
                directive: "MemoryMax".into(),
                file: "/etc/systemd/system/shop-cache.service.d/a.conf".into(),
                slice: UnitName::parse("wharf-shop-cache.slice").ok(),
            }],
            ..container("shop-cache.service", "active", "running", known("healthy"))
        };
        let drift = vec![Drift { aspect: "paused".into(), text: "it is paused".into() }];
        let frozen = KnownContainer { drift: Some(drift), ..known("none") };
        let job = UnitStatus { edited: true, ..container("shop-job.service", "active", "running", frozen) };
        let timer = UnitStatus {
            next_elapse: Some(SystemTime::UNIX_EPOCH + NOW + Duration::from_secs(90)),
            last_trigger: Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(3600)),
            ..unit("shop-job.timer", "active", "waiting")
        };
        let units = vec![unit("shop.target", "active", "active"), cache, db, job, web, timer];
        let project = ProjectName::parse("shop").unwrap();
        let mut project = ProjectStatus { project, units, shared: BTreeMap::new() };
        project.explain();
        let well = vec![unit("blog.target", "active", "active")];
        let well = ProjectStatus { project: ProjectName::parse("blog").unwrap(), units: well, shared: BTreeMap::new() };
        let broken =
            BrokenStack { file: "/etc/wharf/x.toml".into(), message: "/etc/wharf/x.toml:2:1: unknown key".into() };
        let status = Status { projects: vec![well, project], broken: Some(vec![broken]), ..Status::default() };
        let screen = Screen { width: Some(60), utf8: true, ..Screen::default() };
        let text = tree(&status, true, screen, SystemTime::UNIX_EPOCH + NOW);
        let expected = "\
UNIT                   STATE             HEALTH   UPTIME
shop.target            active
├─ shop-db.service     failed
│    failed: exit-code 3
├─ shop-web.service    inactive (dead)
│    dependency shop-db.service failed
├─ shop-cache.service  active (running)  healthy  1h 2min
│    MemoryMax= limits wharf-run, not the container: system…
├─ shop-job.service    active (paused)
│    edited by hand: the next `wharf generate` overwrites i…
│    drift: it is paused
└─ shop-job.timer      active (waiting)
     next: NEXT, in 1min 30s
     last: LAST, 1h ago
blog.target            active

Invalid stack files:
  /etc/wharf/x.toml:2:1: unknown key
";
        let at = |seconds: u64| local(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let expected = expected.replace("NEXT", &at(1_000_090)).replace("LAST", &at(996_400));
        assert_eq!(text, expected);
    }

    #[test]
    fn without_wharfd_the_status_of_a_container_is_what_its_unit_says() {
        let status = "Healthy, container 0123456789ab";
        let web = |known| UnitStatus { status: status.into(), ..container("a.service", "active", "running", known) };
        assert!(shown(vec![web(KnownContainer::default())], Screen::default()).contains(status));
        assert!(!shown(vec![web(known("healthy"))], Screen::default()).contains(status));
    }

    #[test]
    fn a_terminal_gets_colours_and_lines_that_fit() {
        let sick = KnownContainer { health_output: Some("long \x1b[2J".repeat(9)), ..known("unhealthy") };
        let web = container("shop-web.service", "active", "running", sick);
        let screen = Screen { colour: true, width: Some(60), ..Screen::default() };
        let text = shown(vec![web.clone()], screen);
        assert!(text.starts_with("UNIT              STATE             HEALTH     RESTARTS\n"), "{text:?}");
        assert!(text.contains("\x1b[32mactive (running)\x1b[0m"), "{text:?}");
        assert!(text.contains("\x1b[31munhealthy\x1b[0m"), "{text:?}");
        assert!(text.contains("\n  \x1b[31munhealthy: long  [2Jlong"), "{text:?}");
        let narrow = shown(vec![web.clone()], Screen { width: Some(30), ..Screen::default() });
        assert_eq!(narrow.lines().nth(1), Some("shop-web.service  active (run>"));
        assert!(narrow.ends_with("\n  unhealthy: long  [2Jlong  [>\n"), "{narrow:?}");
        // Redrawn in place, no line may be longer than the screen, and no text higher.
        let screen = Screen { width: Some(30), height: Some(3), ..Screen::default() };
        let text = shown(vec![web.clone(), web], screen);
        assert!(text.lines().all(|line| line.chars().count() <= 30), "{text}");
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("\n3 more lines\n"), "{text}");
    }

    #[test]
    fn containers_that_no_stack_declares_follow_the_stacks() {
        let other = Undeclared { name: "other".into(), id: "0123456789abcdef".into(), image: "shop/web:1".into() };
        let status = Status { undeclared: Some(vec![other]), ..Status::default() };
        let text = |others| tree(&status, others, Screen::default(), SystemTime::UNIX_EPOCH);
        let expected = "\
Containers that no stack declares:
CONTAINER  ID            IMAGE
other      0123456789ab  shop/web:1
";
        assert_eq!(text(true), expected);
        assert_eq!(text(false), "");
    }

    #[test]
    fn names_of_wide_characters_keep_the_columns_aligned() {
        let image = |image: &str| KnownContainer { image: Some(image.into()), ..known("healthy") };
        let ports = |known| KnownContainer { ports: Some(vec!["80/tcp".into()]), ..known };
        let web = container("shop-web.service", "active", "running", ports(image("店/ウェブ:1")));
        let db = container("shop-db.service", "active", "running", ports(image("shop/🚀:1")));
        let text = shown(vec![web, db], Screen::default());
        let expected = "\
UNIT              STATE             HEALTH   UPTIME  RESTARTS  CPU  MEMORY  IMAGE        PORTS
shop-web.service  active (running)  healthy          0                      店/ウェブ:1  80/tcp
shop-db.service   active (running)  healthy          0                      shop/🚀:1    80/tcp
";
        assert_eq!(text, expected);
        let other = |name: &str| Undeclared { name: name.into(), id: "0123456789abcdef".into(), image: "a".into() };
        let status = Status { undeclared: Some(vec![other("데이터"), other("e\u{301}té")]), ..Status::default() };
        let expected = "\
Containers that no stack declares:
CONTAINER  ID            IMAGE
데이터     0123456789ab  a
e\u{301}té        0123456789ab  a
";
        assert_eq!(tree(&status, true, Screen::default(), SystemTime::UNIX_EPOCH), expected);
    }

    #[test]
    fn a_duration_shows_its_largest_units() {
        let shown = |seconds| duration(Duration::from_secs(seconds), 2);
        assert_eq!([0, 65, 3700, 90_000].map(shown), ["0s", "1min 5s", "1h 1min", "1day 1h"]);
        assert_eq!(duration(Duration::from_secs(90_000), 1), "1day");
    }
}
