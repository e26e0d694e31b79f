//! What is wrong with a duration or a size.

use super::wording::{Said, refused};

pub enum AmountFault {
    Empty,
    NoNumber,
    NoUnit,
    Unit(String),
    Space,
    TooBig,
}

pub fn say_duration(value: &str, fault: &AmountFault) -> Said {
    let (why, help) = match fault {
        AmountFault::Empty => ("it is empty".to_owned(), "write a number and a unit, as in `30s`".to_owned()),
        AmountFault::Space => ("it has a space".to_owned(), format!("write `{}`", value.replace(' ', ""))),
        AmountFault::NoNumber => {
            ("a number is missing".to_owned(), "write numbers with their units, as in `1m30s`".to_owned())
        }
        AmountFault::NoUnit => (
            "the unit is missing".to_owned(),
            format!("write `{value}s` for seconds; the units are us, ms, s, m and h"),
        ),
        AmountFault::Unit(unit) if unit == "d" => {
            ("days are no unit of the Compose Specification".to_owned(), "write hours: a day is `24h`".to_owned())
        }
        AmountFault::Unit(unit) => {
            (format!("`{unit}` is not a unit of time"), "use us, ms, s, m and h, as in `1h30m`".to_owned())
        }
        AmountFault::TooBig => ("it is too long".to_owned(), "write less than 100 years".to_owned()),
    };
    refused(value, "is not a duration", &why, help)
}

pub fn say_bytes(value: &str, fault: &AmountFault) -> Said {
    let (why, help) = match fault {
        AmountFault::Empty => ("it is empty".to_owned(), "write a number and a unit, as in `64m`".to_owned()),
        AmountFault::NoNumber | AmountFault::NoUnit | AmountFault::Space => {
            ("the number is missing".to_owned(), "write a number and a unit, as in `64m` or `1.5g`".to_owned())
        }
        AmountFault::Unit(unit) => {
            (format!("`{unit}` is not a unit of size"), "use b, k, m or g (or kb, mb, gb), as in `512m`".to_owned())
        }
        AmountFault::TooBig => ("it is too big".to_owned(), "write less than 8 EiB".to_owned()),
    };
    refused(value, "is not a size", &why, help)
}
