//! `wharf logs`: the journals of a stack's units, merged, each line with its service before it.
//!
//! In: the selected units, and entries of the journal. Out: what to ask the journal, and lines to show.
//! Invariant: an entry belongs to a unit only if the journal's trusted fields say so (systemd.journal-fields(7)); no text of a
//! container steers the terminal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::selection::{Selection, instances, label};
use super::table::Screen;
use crate::mark::InstalledUnit;
use crate::name::{UnitKind, UnitName};
use crate::printable::printable;
use crate::systemd::journalctl::{Entry, Match};

/// All fields that are read.
pub const FIELDS: [&str; 7] =
    ["MESSAGE", "WHARF_STREAM", "CONTAINER_ID", "SYSLOG_TIMESTAMP", "_SYSTEMD_UNIT", "UNIT", "OBJECT_SYSTEMD_UNIT"];

/// The colours of services (ECMA-48, SGR): cyan, yellow, green, magenta, blue, and the bright ones. Red is for errors.
const COLOURS: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
const RED: u8 = 31;

/// Where a line comes from, by what stands between the service and the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Stdout,
    Stderr,
    /// systemd or Wharf, about the unit.
    Supervisor,
}

impl Origin {
    fn of(entry: &Entry) -> Self {
        match (entry.get("CONTAINER_ID"), entry.get("WHARF_STREAM").as_deref()) {
            (None, _) => Self::Supervisor,
            (Some(_), Some("stderr")) => Self::Stderr,
            (Some(_), _) => Self::Stdout,
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Stdout => '|',
            Self::Stderr => '!',
            Self::Supervisor => '*',
        }
    }
}

/// The units whose journals are shown.
#[derive(Debug, Default)]
pub struct Logs {
    units: BTreeMap<UnitName, Shown>,
    /// Of services with several containers: those that were scaled away are found by it, too.
    slices: Vec<UnitName>,
    /// Of the longest label of a container.
    width: usize,
    /// Whether each line has its time.
    times: bool,
    /// Whether only the output of containers is shown, as it is.
    bare: bool,
}

/// How a unit is shown.
#[derive(Debug, Clone)]
struct Shown {
    unit: InstalledUnit,
    /// Before the label: several stacks may have a service of one name.
    stack: String,
    colour: u8,
}

impl Shown {
    fn label(&self, name: &UnitName) -> String {
        format!("{}{}", self.stack, label(&self.unit, name))
    }
}

impl Logs {
    /// All units of the stacks, or those that were named.
    pub fn of(selections: &[Selection<'_>]) -> Self {
        let mut logs = Self::default();
        for Selection { project, units } in selections {
            let stack = if selections.len() > 1 { format!("{}/", project.name) } else { String::new() };
            for (index, unit) in project.units.iter().filter(|unit| !unit.name.is(UnitKind::Slice)).enumerate() {
                let is_selected = units.is_empty() || units.contains(&unit.name);
                let colour = COLOURS[index % COLOURS.len()];
                let shown = Shown { unit: unit.clone(), stack: stack.clone(), colour };
                if unit.name.is_template() {
                    let wanted = instances(project, unit);
                    let wanted = wanted.into_iter().filter(|name| is_selected || units.contains(name));
                    logs.units.extend(wanted.map(|name| (name, shown.clone())));
                }
                if is_selected {
                    logs.slices.extend(slice(unit));
                    logs.units.insert(unit.name.clone(), shown);
                }
            }
        }
        let is_container =
            |(name, shown): &(&UnitName, &Shown)| !name.is_template() && shown.unit.mark.service.is_some();
        let labels = logs.units.iter().filter(is_container).map(|(name, shown)| shown.label(name));
        logs.width = labels.map(|label| label.chars().count()).max().unwrap_or(0);
        logs
    }

    /// With the time before each line, or without.
    #[must_use]
    pub fn with_times(self, times: bool) -> Self {
        Self { times, ..self }
    }

    /// With the service before each line, or the output of containers alone.
    #[must_use]
    pub fn with_prefix(self, prefix: bool) -> Self {
        Self { bare: !prefix, ..self }
    }

    /// What the journal has of them and is shown: what wharf-run relays and says, what systemd, wharfd and the cleanup of a failed unit
    /// say of the units. The newest so many are those of the lines that are shown.
    pub fn matches(&self) -> Vec<Match> {
        let names = || self.units.keys().filter(|name| !name.is_template());
        let own = Match::default().and("_SYSTEMD_UNIT", names().map(UnitName::as_str));
        let of_slices = Match::default().and("_SYSTEMD_SLICE", self.slices.iter().map(UnitName::as_str));
        if self.bare {
            // What wharf-run relays has it, and nothing else that a unit of a stack writes.
            let projects: BTreeSet<&str> = self.units.values().map(|shown| shown.unit.mark.project.as_str()).collect();
            return [own, of_slices].map(|all| all.and("WHARF_PROJECT", projects.clone())).to_vec();
        }
        // What systemd says of the cleanup itself (Starting, Finished) is not about the unit.
        let others = names().map(|name| name.cleanup().to_string()).chain(["wharfd.service".to_owned()]);
        vec![
            own,
            of_slices,
            Match::default().and("_PID", ["1"]).and("UNIT", names().map(UnitName::as_str)),
            Match::default()
                .and("_SYSTEMD_UNIT", others)
                .and("_UID", ["0"])
                .and("OBJECT_SYSTEMD_UNIT", names().map(UnitName::as_str)),
        ]
    }

    /// The lines of an entry; `None`: it is not shown.
    pub fn lines(&self, entry: &Entry, screen: Screen) -> Option<String> {
        let fields = ["_SYSTEMD_UNIT", "UNIT", "OBJECT_SYSTEMD_UNIT"].into_iter();
        let (name, shown) = fields.filter_map(|field| UnitName::parse(&entry.get(field)?).ok()).find_map(|name| {
            let shown = self.units.get(&name).or_else(|| self.units.get(&name.template()?))?;
            Some((name, shown))
        })?;
        let origin = Origin::of(entry);
        if self.bare && origin == Origin::Supervisor {
            return None;
        }
        let mut before = if self.bare {
            String::new()
        } else {
            before(&shown.label(&name), origin, (shown.colour, self.width), screen.colour)
        };
        if self.times {
            before.push_str(&time(entry));
            before.push(' ');
        }
        let message = entry.get("MESSAGE").unwrap_or_default();
        Some(message.trim_end_matches('\n').split('\n').map(|line| format!("{before}{}\n", plain(line))).collect())
    }
}

/// When the engine took a line of a container, or the journal another entry: RFC 3339 in UTC.
fn time(entry: &Entry) -> String {
    let of_engine = entry.get("SYSLOG_TIMESTAMP").filter(|_| entry.get("CONTAINER_ID").is_some());
    let of_engine = of_engine.and_then(|stamp| stamp.parse::<Timestamp>().ok());
    let of_journal = || Timestamp::from_microsecond(i64::try_from(entry.time()).ok()?).ok();
    let time = of_engine.or_else(of_journal).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// The slice of a service with several containers.
fn slice(unit: &InstalledUnit) -> Option<UnitName> {
    let service = unit.mark.service.as_ref().filter(|_| unit.name.is_template())?;
    Some(UnitName::service_slice(&unit.mark.project, service))
}

/// `web-2 | `, padded to a width.
fn before(label: &str, origin: Origin, (colour, width): (u8, usize), coloured: bool) -> String {
    let mark = origin.mark();
    if !coloured {
        return format!("{label:width$} {mark} ");
    }
    let of_mark = if origin == Origin::Stderr { RED } else { colour };
    format!("\x1b[{colour}m{label:width$}\x1b[0m \x1b[{of_mark}m{mark}\x1b[0m ")
}

/// A line of a container, printable. Colours that it has are left out, as half of each would remain.
fn plain(line: &str) -> String {
    let mut parts = line.trim_end_matches('\r').split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let parameters = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';' || c == ':');
        match parameters.strip_prefix('m') {
            Some(after) => plain.push_str(after),
            None => plain.extend(["\x1b[", part]),
        }
    }
    plain.split('\t').map(printable).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::super::selection::{select, tests::installed};
    use super::*;

    fn shown(words: &[&str], entries: &[&str], colour: bool) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let installed = installed();
        let logs = Logs::of(&select(&words, &installed).unwrap());
        let screen = Screen { colour, ..Screen::default() };
        entries.iter().filter_map(|entry| logs.lines(&Entry::of_json(entry).unwrap(), screen)).collect()
    }

    const ENTRIES: [&str; 6] = [
        r#"{"MESSAGE":"hello","CONTAINER_ID":"0","_SYSTEMD_UNIT":"shop-db.service"}"#,
        r#"{"MESSAGE":"oh\tno\n  at x","WHARF_STREAM":"stderr","CONTAINER_ID":"1","_SYSTEMD_UNIT":"shop-web@2.service"}"#,
        r#"{"MESSAGE":"Started shop web.","UNIT":"shop-web@1.service","_SYSTEMD_UNIT":"init.scope"}"#,
        r#"{"MESSAGE":"scaled away","CONTAINER_ID":"2","_SYSTEMD_UNIT":"shop-web@3.service"}"#,
        r#"{"MESSAGE":"of a container that writes to the journal itself","_SYSTEMD_UNIT":"docker-1.scope"}"#,
        r#"{"MESSAGE":"\u001b[31mred\u001b[0m \u001b[2J\u0007","CONTAINER_ID":"3","_SYSTEMD_UNIT":"blog-web.service"}"#,
    ];

    #[test]
    fn each_line_has_its_service_before_it() {
        let expected = "\
db    | hello
web-2 ! oh\tno
web-2 !   at x
web-1 * Started shop web.
web-3 | scaled away
";
        assert_eq!(shown(&["shop"], &ENTRIES, false), expected);
        assert_eq!(shown(&["shop", "web-2"], &ENTRIES, false), "web-2 ! oh\tno\nweb-2 !   at x\n");
        assert_eq!(shown(&["blog"], &ENTRIES, false), "web | red  [2J \n");
        assert_eq!(shown(&["blog", "db"], &ENTRIES, false), "shop/db  | hello\nblog/web | red  [2J \n");
    }

    #[test]
    fn a_line_has_the_time_of_the_engine_another_one_that_of_the_journal() {
        let entries = [
            r#"{"MESSAGE":"a\nb","CONTAINER_ID":"0","_SYSTEMD_UNIT":"shop-db.service","SYSLOG_TIMESTAMP":"2026-01-31T12:00:00.123456789Z","__REALTIME_TIMESTAMP":"1"}"#,
            r#"{"MESSAGE":"c","CONTAINER_ID":"0","_SYSTEMD_UNIT":"shop-db.service","SYSLOG_TIMESTAMP":"Jan 31 12:00","__REALTIME_TIMESTAMP":"1769860801000002"}"#,
            r#"{"MESSAGE":"Started","UNIT":"shop-db.service","__REALTIME_TIMESTAMP":"1769860802000000"}"#,
        ];
        let installed = installed();
        let logs = Logs::of(&select(&["shop".to_owned(), "db".to_owned()], &installed).unwrap()).with_times(true);
        let lines = |entry: &&str| logs.lines(&Entry::of_json(entry).unwrap(), Screen::default());
        let expected = "\
db | 2026-01-31T12:00:00.123456Z a
db | 2026-01-31T12:00:00.123456Z b
db | 2026-01-31T12:00:01.000002Z c
db * 2026-01-31T12:00:02.000000Z Started
";
        assert_eq!(entries.iter().filter_map(lines).collect::<String>(), expected);
    }

    #[test]
    fn a_terminal_gets_a_colour_for_each_service() {
        let text = shown(&["shop", "db", "web"], &ENTRIES[..2], true);
        assert!(text.starts_with("\x1b[33mdb   \x1b[0m \x1b[33m|\x1b[0m hello\n"), "{text:?}");
        assert!(text.contains("\x1b[31m!\x1b[0m oh"), "{text:?}");
    }
}
