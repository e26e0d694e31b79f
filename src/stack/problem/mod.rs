//! What can be wrong with a stack, as data, and the one door through which it becomes a [`Diagnostic`].
//!
//! Each family says, next to each other, what is wrong and what to do about it. Invariant: no other file of this room words a
//! message, and every problem has a way out.

mod amount;
mod build;
mod calendar;
mod choice;
mod collision;
mod command;
mod extends;
mod file;
mod image;
mod inclusion;
mod limit;
mod lock;
mod machine;
mod merge;
mod mount;
mod name;
mod port;
mod profile;
mod reference;
mod report;
mod secret;
mod service;
mod shape;
mod sharing;
mod toml;
mod unit;
mod value;
mod wording;

pub use amount::AmountFault;
pub use build::BuildFault;
pub use calendar::CalendarFault;
pub use choice::ChoiceFault;
pub use collision::Collision;
pub use command::CommandFault;
pub use extends::ExtendsFault;
pub use file::{FileProblem, Finding, TextProblem};
pub use inclusion::InclusionFault;
pub use limit::LimitConflict;
pub use lock::LockFault;
pub use machine::{Family, MachineFault};
pub use merge::MergeConflict;
pub use mount::MountFault;
pub use name::NameFault;
pub use port::PortFault;
pub use profile::ProfileFault;
pub use reference::ReferenceFault;
pub use report::Report;
pub use secret::{FileKind, SecretFault};
pub use service::ServiceFault;
pub use shape::{Expected, Misplaced, Shape};
pub use sharing::SharingConflict;
pub use toml::{TomlFault, quoted};
pub use unit::UnitFault;
pub use value::Invalid;
pub use wording::{Problem, Wording, wording};
