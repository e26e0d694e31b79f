//! What can be wrong with a stack, as data, and the one door through which it becomes a [`Diagnostic`].
//!
//! Each family says, next to each other, what is wrong and what to do about it. Invariant: no other file of this room words a
//! message, and every problem has a way out.

mod across;
mod amount;
mod build;
mod calendar;
mod choice;
mod collision;
mod command;
mod composition;
mod file;
mod image;
mod machine;
mod mount;
mod name;
mod port;
mod reference;
mod report;
mod secret;
mod shape;
mod unit;
mod value;
mod wording;

pub use across::Across;
pub use amount::AmountFault;
pub use build::BuildFault;
pub use calendar::CalendarFault;
pub use choice::ChoiceFault;
pub use collision::Collision;
pub use command::CommandFault;
pub use composition::Composition;
pub use file::{FileProblem, Finding, TextProblem};
pub use image::ImageFault;
pub use machine::{Family, MachineFault};
pub use mount::MountFault;
pub use name::NameFault;
pub use port::PortFault;
pub use reference::ReferenceFault;
pub use report::Report;
pub use secret::{FileKind, SecretFault};
pub use shape::{Expected, Shape};
pub use unit::UnitFault;
pub use value::Invalid;
pub use wording::{Problem, Said, said};
