//! Directives that no unit file can hold.

use super::wording::{Problem, Wording, did_you_mean, quote, quoted_list, wording};

/// The newest systemd whose directives Wharf knows.
const NEWEST_SYSTEMD: &str = "262";

pub enum UnitFault {
    Section {
        section: String,
        allowed: &'static [&'static str],
        nearest: Option<String>,
    },
    TimerWithoutSchedule,
    Directive {
        name: String,
    },
    /// No section of systemd's has it.
    UnknownDirective {
        name: String,
        section: String,
        nearest: Option<String>,
    },
    /// Another section has it; `has_it`: the unit has that section.
    WrongSection {
        name: String,
        section: String,
        right: &'static str,
        has_it: bool,
    },
    /// A limit that the container's own processes would not have; `key`: the key that gives it to them, `slice`: their slice has it, too.
    LimitsSupervisor {
        name: String,
        key: Option<&'static str>,
        slice: bool,
    },
    DirectiveValue {
        name: String,
    },
    InstallName {
        name: String,
    },
}

impl Problem for UnitFault {
    fn wording(&self) -> Wording {
        match self {
            Self::Section { section, allowed, nearest } => wording(
                format!("this unit has no section `{section}`"),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(allowed, "or"))),
            ),
            Self::TimerWithoutSchedule => wording(
                "this service has no timer, because it has no `schedule`",
                "add `schedule = \"daily\"`, or another calendar expression, to the service",
            ),
            Self::Directive { name } => wording(
                format!("{} is not the name of a unit directive", quote(name)),
                "write it as in systemd.directives(7): letters and digits, as in `LimitNOFILE`",
            ),
            Self::UnknownDirective { name, section, nearest } => wording(
                format!("`{name}` is not a directive of `{section}` in systemd {NEWEST_SYSTEMD}"),
                did_you_mean(
                    nearest.as_ref(),
                    || "see systemd.directives(7); write a directive that is newer into a drop-in: `systemctl edit UNIT`",
                ),
            ),
            Self::WrongSection { name, section, right, has_it: true } => wording(
                format!("`{name}` is a directive of `{right}`, not of `{section}`"),
                format!("move it to the table `systemd.{right}`"),
            ),
            Self::WrongSection { name, section, right, has_it: false } => wording(
                format!(
                    "`{name}` is a directive of `{right}`, not of `{section}`, and this unit has no section `{right}`"
                ),
                match *right {
                    "Timer" => "add `schedule` to the service, which gives it a timer, and move it to `systemd.Timer`",
                    _ => "remove it",
                },
            ),
            Self::LimitsSupervisor { name, key, slice } => {
                let slice = slice.then(|| format!("`{name}` in `systemd.Slice`"));
                let places: Vec<String> = key.map(|key| format!("the key `{key}`")).into_iter().chain(slice).collect();
                wording(
                    format!("`{name}` in `Service` would limit only wharf-run, not the container"),
                    format!("use {} of the service", places.join(", or ")),
                )
            }
            Self::InstallName { name } => wording(
                format!("{} is not the name of a unit", quote(name)),
                "write names as `graphical.target`, with spaces between them (systemd.unit(5), [Install])",
            ),
            Self::DirectiveValue { name } => wording(
                format!("the value of `{name}` contains a line break or a NUL character"),
                "write a list of strings for several lines, each of them on one line",
            ),
        }
    }
}
