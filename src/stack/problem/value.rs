//! Values that are right in type and wrong in what they say.

use super::amount::{AmountFault, say_bytes, say_duration};
use super::build::BuildFault;
use super::calendar::{CalendarFault, say_calendar};
use super::choice::ChoiceFault;
use super::command::CommandFault;
use super::image::{ImageFault, say_image};
use super::machine::MachineFault;
use super::mount::{MountFault, say_mount};
use super::name::NameFault;
use super::port::{PortFault, say_port};
use super::unit::UnitFault;
use super::wording::{Problem, Said, quote, said};

/// A value that a key's syntax does not allow.
pub enum Invalid {
    Boolean { value: String },
    Integer { value: String },
    TooSmall { key: String, number: i64, least: i64 },
    TooBig { key: String, number: i64, most: i64 },
    Cpuset { value: String },
    Empty { what: &'static str },
    Duration { value: String, fault: AmountFault },
    Bytes { value: String, fault: AmountFault },
    Cpus { value: String },
    Calendar { value: String, fault: CalendarFault },
    Port { value: String, fault: PortFault },
    Image { value: String, fault: ImageFault },
    Mount { value: String, fault: MountFault },
    UlimitOrder { soft: i64, hard: i64 },
    AbsolutePath { key: &'static str, value: String },
    Name(NameFault),
    Build(BuildFault),
    Unit(UnitFault),
    Machine(MachineFault),
    Choice(ChoiceFault),
    Command(CommandFault),
}

impl Invalid {
    pub fn mount(value: &str, fault: MountFault) -> Self {
        Self::Mount { value: value.to_owned(), fault }
    }
}

impl Problem for Invalid {
    fn say(&self) -> Said {
        match self {
            Self::Boolean { value } => said(format!("{} is not a boolean", quote(value)), "write `true` or `false`"),
            Self::Integer { value } => said(format!("{} is not an integer", quote(value)), "write a whole number"),
            Self::TooSmall { key, number, least } => {
                said(format!("`{key}` cannot be {number}"), format!("write a number of at least {least}"))
            }
            Self::TooBig { key, number, most } => {
                said(format!("`{key}` cannot be {number}"), format!("write a number of at most {most}"))
            }
            Self::Cpuset { value } => said(
                format!("{} is not a set of CPUs", quote(value)),
                "write numbers and ranges, as in `cpuset = \"0-3,6\"`",
            ),
            Self::Empty { what } => said(format!("{what} is empty"), "give it a value, or remove it"),
            Self::Duration { value, fault } => say_duration(value, fault),
            Self::Bytes { value, fault } => say_bytes(value, fault),
            Self::Cpus { value } => said(
                format!("{} is not a number of CPUs", quote(value)),
                "write a number from 0.01 up, as in `cpus = 1.5`",
            ),
            Self::Calendar { value, fault } => say_calendar(value, fault),
            Self::Port { value, fault } => say_port(value, fault),
            Self::Image { value, fault } => say_image(value, fault),
            Self::Mount { value, fault } => say_mount(value, fault),
            Self::UlimitOrder { soft, hard } => said(
                format!("the soft limit {soft} is above the hard limit {hard}"),
                "lower `soft` or raise `hard`; -1 is unlimited",
            ),
            Self::AbsolutePath { key, value } => {
                said(format!("`{key}`: {} is not an absolute path", quote(value)), "write a path that starts with `/`")
            }
            Self::Name(fault) => fault.say(),
            Self::Build(fault) => fault.say(),
            Self::Unit(fault) => fault.say(),
            Self::Machine(fault) => fault.say(),
            Self::Choice(fault) => fault.say(),
            Self::Command(fault) => fault.say(),
        }
    }
}
