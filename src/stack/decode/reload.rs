//! `reload_signal` and `reload_command`: how a container is told to read its configuration anew.
//!
//! Wharf's own keys: the Compose Specification has none. The signal is written as `stop_signal` is, the command as that of a hook.

use super::commands::{command, scalar};
use crate::stack::fields::Fields;
use crate::stack::grammar::signals;
use crate::stack::model::Reload;
use crate::stack::problem::{Invalid, Report, Shape};

/// Reads both keys, of which a service has at most one.
pub fn read(service: &mut Fields<'_>, report: &mut Report) -> Option<Reload> {
    let signal = scalar(service, "reload_signal", report, signals::signal);
    let item = service.get("reload_command");
    let words = command("reload_command", service, report);
    match (signal, item, words) {
        (Some(_), Some(item), _) => {
            let (key, owner) = ("reload_command".to_owned(), service.owner.clone());
            let because = "it has a `reload_signal`";
            report.add(item.place(), Shape::Excludes { key, owner, because });
            None
        }
        (_, Some(item), Some(words)) if words.is_empty() => {
            report.add(item.place(), Invalid::Empty { what: "`reload_command`" });
            None
        }
        (_, _, Some(words)) => Some(Reload::Command(words)),
        (signal, ..) => signal.map(Reload::Signal),
    }
}
