//! What is wrong with a duration or a size.

use super::wording::{Wording, refused, why};

pub enum AmountFault {
    Empty,
    NoNumber,
    NoUnit,
    Unit(String),
    Space,
    TooBig,
}

impl AmountFault {
    /// Of this value, which should be a duration.
    pub fn of_duration(&self, value: &str) -> Wording {
        let (reason, help) = match self {
            Self::Empty => why("it is empty", "write a number and a unit, as in `30s`"),
            Self::Space => why("it contains a space", format!("write `{}`", value.replace(' ', ""))),
            Self::NoNumber => why("a number is missing", "write numbers with their units, as in `1m30s`"),
            Self::NoUnit => {
                why("the unit is missing", format!("write `{value}s` for seconds; the units are us, ms, s, m and h"))
            }
            Self::Unit(unit) if unit == "d" => {
                why("days are not a unit of the Compose Specification", "write hours: a day is `24h`")
            }
            Self::Unit(unit) => why(format!("`{unit}` is not a unit of time"), "use us, ms, s, m and h, as in `1h30m`"),
            Self::TooBig => why("it is too long", "write less than 100 years"),
        };
        refused(value, "is not a duration", &reason, help)
    }

    /// Of this value, which should be a size in bytes.
    pub fn of_bytes(&self, value: &str) -> Wording {
        let (reason, help) = match self {
            Self::Empty => why("it is empty", "write a number and a unit, as in `64m`"),
            Self::NoNumber | Self::NoUnit | Self::Space => {
                why("the number is missing", "write a number and a unit, as in `64m` or `1.5g`")
            }
            Self::Unit(unit) => {
                why(format!("`{unit}` is not a unit of size"), "use b, k, m or g (or kb, mb, gb), as in `512m`")
            }
            Self::TooBig => why("it is too large", "write less than 8 EiB"),
        };
        refused(value, "is not a size", &reason, help)
    }
}
