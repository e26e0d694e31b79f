//! Directives that no unit file can hold.

use super::wording::{Problem, Said, did_you_mean, quote, quoted_list, said};

pub enum UnitFault {
    Section { section: String, allowed: &'static [&'static str], nearest: Option<String> },
    TimerWithoutSchedule,
    Directive { name: String },
    DirectiveValue { name: String },
}

impl Problem for UnitFault {
    fn say(&self) -> Said {
        match self {
            Self::Section { section, allowed, nearest } => said(
                format!("the unit made of this has no section `{section}`"),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(allowed, "or"))),
            ),
            Self::TimerWithoutSchedule => said(
                "a service without `schedule` has no timer",
                "add `schedule = \"daily\"`, or another calendar expression, to the service",
            ),
            Self::Directive { name } => said(
                format!("{} is not the name of a unit directive", quote(name)),
                "write it as in systemd.directives(7): letters and digits, as in `LimitNOFILE`",
            ),
            Self::DirectiveValue { name } => said(
                format!("the value of `{name}` has a line break or a NUL character"),
                "write a list of strings for several lines, each of them on one line",
            ),
        }
    }
}
