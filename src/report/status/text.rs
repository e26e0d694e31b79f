//! The picture as a tree with columns: stacks, their services, the services' replicas, then networks, volumes and what else.
//!
//! Pure: from typed rows, and what the reader's screen can show, to text.

use std::time::{Duration, SystemTime};

use super::{ProjectStatus, Status, UnitStatus};
use crate::report::printable;
use crate::supervisor1::{Health, Undeclared};
use crate::systemd::ActiveState;

/// What the reader's screen can show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Screen {
    pub utf8: bool,
    pub colour: bool,
    /// Columns; what is below a unit is cut to them.
    pub width: Option<usize>,
    /// Lines; a picture that is drawn in place is cut to them, and all its lines to the width.
    pub height: Option<usize>,
}

/// What colours mean (ECMA-48, SGR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Plain,
    Good,
    Moving,
    Bad,
}

/// A text in one colour.
struct Piece(String, Colour);

const HEADINGS: [&str; 9] = ["UNIT", "STATE", "HEALTH", "UPTIME", "RESTARTS", "CPU", "MEMORY", "IMAGE", "PORTS"];
const OTHERS: [&str; 3] = ["CONTAINER", "ID", "IMAGE"];

/// A unit, or several, and what hangs from it.
struct Node<'a> {
    cells: [Piece; 9],
    details: Vec<Piece>,
    below: Vec<Node<'a>>,
    /// `Some`: the instances of this template are below.
    template: Option<&'a str>,
}

/// A line of cells, or one that has no columns.
enum Line {
    Cells(Vec<Piece>),
    Detail { indent: String, text: Piece },
}

/// The tree of all stacks. With `others`, the containers follow that no stack declares.
pub fn tree(status: &Status, others: bool, screen: Screen, now: SystemTime) -> String {
    let mut lines = Vec::new();
    if !status.projects.is_empty() {
        lines.push(headings(&HEADINGS));
        for project in &status.projects {
            for root in roots(project, now) {
                draw(root, "", "", screen, &mut lines);
            }
        }
    }
    let mut text = laid_out(lines, screen);
    let undeclared = status.undeclared.as_deref().filter(|_| others).unwrap_or_default();
    if !undeclared.is_empty() {
        if !text.is_empty() {
            text.push(String::new());
        }
        text.push("Containers that no stack declares:".to_owned());
        text.append(&mut laid_out(others_of(undeclared), screen));
    }
    if let Some(height) = screen.height
        && text.len() > height
    {
        let left = text.len() + 1 - height.max(1);
        text.truncate(height.saturating_sub(1));
        text.push(cut(&format!("{left} more lines"), screen.width, screen));
    }
    text.into_iter().map(|line| line + "\n").collect()
}

fn headings(words: &[&str]) -> Line {
    Line::Cells(words.iter().map(|&word| plain(word)).collect())
}

fn others_of(undeclared: &[Undeclared]) -> Vec<Line> {
    let cells = |one: &Undeclared| Line::Cells(vec![plain(&one.name), plain(short(&one.id)), plain(&one.image)]);
    std::iter::once(headings(&OTHERS)).chain(undeclared.iter().map(cells)).collect()
}

fn plain(text: &str) -> Piece {
    Piece(text.to_owned(), Colour::Plain)
}

/// The form of a container's id that people use.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// The target with all others below it, and replicas below their service. Without its target all stand at the margin.
fn roots(project: &ProjectStatus, now: SystemTime) -> Vec<Node<'_>> {
    let mut roots: Vec<Node> = Vec::new();
    let mut units: Vec<Node> = Vec::new();
    for unit in &project.units {
        let node = node(unit, now);
        let template = unit.instance.as_deref().and_then(|_| unit.unit.split_once('@'));
        match (template, units.last_mut()) {
            _ if unit.unit.ends_with(".target") => roots.push(node),
            (Some((prefix, _)), Some(service)) if service.template == Some(prefix) => service.below.push(node),
            (Some((prefix, _)), _) => {
                units.push(Node { below: vec![node], template: Some(prefix), ..service_of(prefix, project) });
            }
            (None, _) => units.push(node),
        }
    }
    match roots.first_mut() {
        Some(target) => target.below = units,
        None => roots = units,
    }
    roots
}

/// The row above the instances of a template.
fn service_of<'a>(prefix: &str, project: &ProjectStatus) -> Node<'a> {
    let is_one = |unit: &&UnitStatus| {
        unit.instance.is_some() && unit.unit.split_once('@').is_some_and(|(start, _)| start == prefix)
    };
    let all: Vec<&UnitStatus> = project.units.iter().filter(is_one).collect();
    let active = all.iter().filter(|unit| unit.active == ActiveState::Active).count();
    let colour = match active {
        _ if all.iter().any(|unit| unit.active == ActiveState::Failed) => Colour::Bad,
        active if active == all.len() => Colour::Good,
        0 => Colour::Plain,
        _ => Colour::Moving,
    };
    let name = format!("{prefix}@.service");
    let usage = project.shared.get(&name).copied().unwrap_or_default();
    let state = Piece(format!("{active} of {} active", all.len()), colour);
    let [health, uptime, restarts, image, ports] = std::array::from_fn(|_| plain(""));
    let cpu = usage.cpu.map(|cpu| duration(cpu, 2)).unwrap_or_default();
    let cells = [plain(&name), state, health, uptime, restarts, plain(&cpu), memory(usage.memory), image, ports];
    Node { cells, details: Vec::new(), below: Vec::new(), template: None }
}

fn node(unit: &UnitStatus, now: SystemTime) -> Node<'_> {
    Node { cells: cells(unit), details: details(unit, now), below: Vec::new(), template: None }
}

fn cells(unit: &UnitStatus) -> [Piece; 9] {
    let known = &unit.known;
    let health = known.health.as_ref().filter(|health| **health != Health::None).unwrap_or(&Health::Unset);
    let health_colour = match health {
        Health::Healthy => Colour::Good,
        Health::Starting => Colour::Moving,
        Health::Unhealthy => Colour::Bad,
        _ => Colour::Plain,
    };
    let seconds =
        |seconds: Option<u64>| plain(&seconds.map(|it| duration(Duration::from_secs(it), 2)).unwrap_or_default());
    let restarts = unit.restarts.max(known.restart_count.unwrap_or(0));
    let mut image = known.image.clone().unwrap_or_default();
    if known.drift.as_ref().is_some_and(|drift| !drift.is_empty()) {
        image.push_str(if image.is_empty() { "*" } else { " *" });
    }
    [
        plain(&unit.unit),
        state(unit),
        Piece(health.to_string(), health_colour),
        seconds(unit.uptime_seconds),
        plain(&if unit.service.is_some() { restarts.to_string() } else { String::new() }),
        seconds(unit.cpu_seconds),
        memory(unit.memory_bytes),
        plain(&image),
        plain(&known.ports.as_deref().unwrap_or_default().join(", ")),
    ]
}

fn memory(bytes: Option<u64>) -> Piece {
    plain(&bytes.map(|bytes| indicatif::HumanBytes(bytes).to_string()).unwrap_or_default())
}

fn state(unit: &UnitStatus) -> Piece {
    let text = match unit.sub.as_str() {
        "" => unit.active.to_string(),
        sub if sub == unit.active.as_str() => sub.to_owned(),
        sub => format!("{} ({sub})", unit.active),
    };
    let colour = match &unit.active {
        ActiveState::Active => Colour::Good,
        ActiveState::Failed => Colour::Bad,
        ActiveState::Inactive | ActiveState::Unset => Colour::Plain,
        // Where systemd cannot be asked.
        ActiveState::Other(_) => Colour::Plain,
        _ => Colour::Moving,
    };
    Piece(text, colour)
}

/// What there is to say below a unit.
fn details(unit: &UnitStatus, now: SystemTime) -> Vec<Piece> {
    let known = &unit.known;
    let mut said: Vec<Piece> = why(unit).into_iter().collect();
    if known.health == Some(Health::Unhealthy) {
        let output = first_line(known.health_output.as_deref().unwrap_or_default());
        let text = if output.is_empty() { "unhealthy".to_owned() } else { format!("unhealthy: {output}") };
        said.push(Piece(text, Colour::Bad));
    }
    if let Some(last) = known.last_restart.filter(|_| unit.active != ActiveState::Inactive) {
        let ago = duration(now.duration_since(last).unwrap_or_default(), 1);
        let reason = match known.last_restart_reason.as_deref() {
            // systemd's word for a main process that ended well.
            Some("success") => ": it ended".to_owned(),
            Some(reason) => format!(": {reason}"),
            None => String::new(),
        };
        said.push(Piece(format!("restarted {ago} ago{reason}"), Colour::Plain));
    }
    let drift = known.drift.iter().flatten();
    said.extend(drift.map(|one| Piece(format!("drift: {}", one.text), Colour::Moving)));
    said
}

/// Why it failed, or what it does.
fn why(unit: &UnitStatus) -> Option<Piece> {
    let status = first_line(&unit.status);
    let has_failed = unit.active == ActiveState::Failed || unit.sub.is_auto_restart();
    if has_failed && unit.result.is_failure() {
        let number = if unit.exit_status == 0 { String::new() } else { format!(" {}", unit.exit_status) };
        let more = if status.is_empty() { String::new() } else { format!(": {status}") };
        return Some(Piece(format!("failed: {}{number}{more}", unit.result), Colour::Bad));
    }
    // "Healthy, container 0123456789ab": the row says all of it.
    let id = unit.known.container_id.as_deref().map(short);
    let says_no_more = unit.active == ActiveState::Active && id.is_some_and(|id| status.contains(id));
    (!status.is_empty() && !says_no_more).then(|| plain(status))
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

/// Adds the lines of a node, the first of which has `branch` before it, and the others `trunk`.
fn draw(node: Node, branch: &str, trunk: &str, screen: Screen, lines: &mut Vec<Line>) {
    let [tee, corner, bar] = if screen.utf8 { ["├─ ", "└─ ", "│  "] } else { ["|- ", "`- ", "|  "] };
    let [unit, others @ ..] = node.cells;
    let mut cells = vec![plain(&format!("{branch}{}", unit.0))];
    cells.extend(others);
    lines.push(Line::Cells(cells));
    let below = if node.below.is_empty() { "" } else { bar };
    for text in node.details {
        lines.push(Line::Detail { indent: format!("{trunk}{below}  "), text });
    }
    let last = node.below.len().saturating_sub(1);
    for (number, child) in node.below.into_iter().enumerate() {
        let (first, next) = if number == last { (corner, "   ") } else { (tee, bar) };
        draw(child, &format!("{trunk}{first}"), &format!("{trunk}{next}"), screen, lines);
    }
}

/// The lines as text, each column as wide as its widest cell.
fn laid_out(lines: Vec<Line>, screen: Screen) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for line in &lines {
        let Line::Cells(cells) = line else { continue };
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, Piece(text, _)) in widths.iter_mut().zip(cells) {
            *width = text.chars().count().max(*width);
        }
    }
    let rows_are_cut = screen.height.is_some();
    lines
        .into_iter()
        .map(|line| match line {
            Line::Cells(cells) => row(cells, &widths, screen, screen.width.filter(|_| rows_are_cut)),
            Line::Detail { indent, text: Piece(text, colour) } => {
                let room = screen.width.map(|width| width.saturating_sub(indent.chars().count()));
                indent + &painted(&cut(&printable(&text), room, screen), colour, screen)
            }
        })
        .collect()
}

fn row(cells: Vec<Piece>, widths: &[usize], screen: Screen, room: Option<usize>) -> String {
    let last = cells.iter().rposition(|Piece(text, _)| !text.is_empty()).unwrap_or(0);
    let mut line = String::new();
    let mut at = 0;
    for (number, (Piece(text, colour), width)) in cells.into_iter().zip(widths).enumerate().take(last + 1) {
        let room = room.map(|room| room.saturating_sub(at));
        let text = cut(&printable(&text), room, screen);
        let blanks = if number == last { 0 } else { width + 2 - text.chars().count() };
        line.push_str(&painted(&text, colour, screen));
        line.extend(std::iter::repeat_n(' ', room.map_or(blanks, |room| blanks.min(room - text.chars().count()))));
        at += width + 2;
    }
    line.truncate(line.trim_end().len());
    line
}

/// At most so many characters; what is cut off is marked.
fn cut(text: &str, room: Option<usize>, screen: Screen) -> String {
    let mark = if screen.utf8 { "…" } else { ">" };
    match room {
        Some(0) => String::new(),
        Some(room) if text.chars().count() > room => text.chars().take(room - 1).collect::<String>() + mark,
        _ => text.to_owned(),
    }
}

fn painted(text: &str, colour: Colour, screen: Screen) -> String {
    let code = match colour {
        _ if !screen.colour || text.is_empty() => return text.to_owned(),
        Colour::Plain => return text.to_owned(),
        Colour::Good => 32,
        Colour::Moving => 33,
        Colour::Bad => 31,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor1::{Drift, KnownContainer};
    use crate::systemd::{SubState, UnitResult};

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn unit(name: &str, active: &str, sub: &str) -> UnitStatus {
        UnitStatus {
            unit: name.into(),
            active: ActiveState::from(active),
            sub: SubState::from(sub),
            ..UnitStatus::default()
        }
    }

    fn container(name: &str, active: &str, sub: &str, known: KnownContainer) -> UnitStatus {
        UnitStatus { service: Some("web".into()), known, ..unit(name, active, sub) }
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
        let project = ProjectStatus { project: "shop".into(), units, ..ProjectStatus::default() };
        let status = Status { projects: vec![project], ..Status::default() };
        tree(&status, true, screen, SystemTime::UNIX_EPOCH + NOW)
    }

    #[test]
    fn replicas_are_below_their_service_and_what_there_is_to_say_below_its_unit() {
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
├─ shop-db.service               activating (start)                      0
│    Pulling shop/db:1, 43 %
├─ shop-web@.service             2 of 2 active
│  ├─ shop-web@1.service         active (running)    healthy             0                      shop/web:1
│  └─ shop-web@2.service         active (running)    unhealthy           4                      shop/web:1 *  127.0.0.1:80->80/tcp, 81/tcp
│       unhealthy: no answer
│       restarted 3min ago: unhealthy
│       drift: it is named other, not shop-web-2
│       drift: it lacks the labels a
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
        let screen = Screen { colour: true, width: Some(30), ..Screen::default() };
        let text = shown(vec![web.clone()], screen);
        assert!(text.contains("\x1b[32mactive (running)\x1b[0m"), "{text:?}");
        assert!(text.contains("\x1b[31munhealthy\x1b[0m"), "{text:?}");
        assert!(text.ends_with("\n  \x1b[31munhealthy: long  [2Jlong  [>\x1b[0m\n"), "{text:?}");
        // In place no line may be longer than the screen, and no picture higher.
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
    fn a_duration_shows_its_largest_units() {
        let shown = |seconds| duration(Duration::from_secs(seconds), 2);
        assert_eq!([0, 65, 3700, 90_000].map(shown), ["0s", "1min 5s", "1h 1min", "1day 1h"]);
        assert_eq!(duration(Duration::from_secs(90_000), 1), "1day");
    }
}
