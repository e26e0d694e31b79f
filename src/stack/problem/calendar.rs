//! What is wrong with a calendar expression.

use super::wording::{Wording, refused, why, wording};

pub enum CalendarFault {
    Empty,
    /// What nothing can be made of, to its end.
    Syntax {
        rest: String,
    },
    Weekday {
        word: String,
    },
    WeekdayOrder {
        range: String,
    },
    Zone {
        zone: String,
    },
    /// A step of zero.
    Step {
        text: String,
    },
    /// A range of less than a second, without a step.
    ShortRange {
        text: String,
    },
    TooBig {
        number: String,
    },
    TooMany,
    OutOfRange {
        part: &'static str,
        from: u64,
        to: u64,
    },
}

impl CalendarFault {
    /// Of this value.
    pub fn wording(&self, value: &str) -> Wording {
        let usual = "write `daily`, `Mon..Fri 02:30` or `*-*-01 04:00` (systemd.time(7), \"Calendar Events\")";
        let (reason, help) = match self {
            Self::Empty => return wording("the calendar expression is empty", usual),
            Self::Syntax { rest } if rest.is_empty() => why("it ends too early", usual),
            Self::Syntax { rest } => why(format!("`{rest}` is not expected there"), usual),
            Self::Weekday { word } => {
                why(format!("`{word}` is not a day of the week"), "write the English name or its first three letters")
            }
            Self::WeekdayOrder { range } => why(
                format!("`{range}` is in the wrong order: the week begins on Monday"),
                "write two ranges, as in `Sat..Sun,Mon`",
            ),
            Self::Zone { zone } => why(
                format!("`{zone}` is not a time zone of this host"),
                "use `UTC` or a name as in `Europe/Berlin` (timedatectl list-timezones)",
            ),
            Self::Step { text } => why(format!("the step in `{text}` is zero"), "write at least 1 after the `/`"),
            Self::ShortRange { text } => why(
                format!("the range in `{text}` is shorter than a second"),
                "write its start alone, or a step after a `/`",
            ),
            Self::TooBig { number } => why(format!("{number} is too large"), usual),
            Self::TooMany => why("it lists too many values", "use a range, as in `0..59/2`"),
            Self::OutOfRange { part, from, to } => why(
                format!("the {part} must be between {from} and {to}, including steps and ranges"),
                "correct it; `systemd-analyze calendar` checks an expression",
            ),
        };
        refused(value, "is not a calendar expression", &reason, help)
    }
}
