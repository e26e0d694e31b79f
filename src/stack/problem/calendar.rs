//! What is wrong with a calendar expression.

use super::wording::{Said, refused, said};

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

pub fn say_calendar(value: &str, fault: &CalendarFault) -> Said {
    let usual = "write `daily`, `Mon..Fri 02:30` or `*-*-01 04:00` (systemd.time(7), \"Calendar Events\")";
    let (why, help) = match fault {
        CalendarFault::Empty => return said("the calendar expression is empty", usual),
        CalendarFault::Syntax { rest } if rest.is_empty() => ("it ends too early".to_owned(), usual.to_owned()),
        CalendarFault::Syntax { rest } => (format!("`{rest}` cannot stand there"), usual.to_owned()),
        CalendarFault::Weekday { word } => {
            (format!("`{word}` is no day of the week"), "write the English name or its first three letters".to_owned())
        }
        CalendarFault::WeekdayOrder { range } => (
            format!("`{range}` runs backwards, and the week begins on Monday"),
            "write two ranges, as in `Sat..Sun,Mon`".to_owned(),
        ),
        CalendarFault::Zone { zone } => (
            format!("`{zone}` is not a time zone of this host"),
            "use `UTC` or a name as in `Europe/Berlin` (timedatectl list-timezones)".to_owned(),
        ),
        CalendarFault::Step { text } => {
            (format!("the step in `{text}` is zero"), "write at least 1 behind the `/`".to_owned())
        }
        CalendarFault::ShortRange { text } => (
            format!("the range in `{text}` is shorter than a second"),
            "write its start alone, or a step behind a `/`".to_owned(),
        ),
        CalendarFault::TooBig { number } => (format!("{number} is too big"), usual.to_owned()),
        CalendarFault::TooMany => ("it lists too many values".to_owned(), "use a range, as in `0..59/2`".to_owned()),
        CalendarFault::OutOfRange { part, from, to } => (
            format!("the {part} lies between {from} and {to}, with all steps and ranges"),
            "correct it; try it with `systemd-analyze calendar`".to_owned(),
        ),
    };
    refused(value, "is not a calendar expression", &why, help)
}
