//! Directives that no unit file can hold.

use super::wording::{Problem, Wording, did_you_mean, quote, quoted_list, wording};

pub enum UnitFault {
    Section { section: String, allowed: &'static [&'static str], nearest: Option<String> },
    TimerWithoutSchedule,
    Directive { name: String },
    DirectiveValue { name: String },
    InstallName { name: String },
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
