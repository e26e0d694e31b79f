//! `reload_signal` and `reload_command`: how a container reloads its configuration.
//!
//! Wharf's own keys: the Compose Specification has none. The signal is written as `stop_signal` is, the command as that of a hook.

use crate::stack::fields::Fields;
use crate::stack::fields::commands::{command, scalar};
use crate::stack::grammar::signals;
use crate::stack::model::Reload;
use crate::stack::problem::Invalid;

/// Reads both keys, of which a service has at most one.
pub fn read(service: &mut Fields<'_>) -> Option<Reload> {
    let signal = scalar(service, "reload_signal", signals::signal);
    let item = service.get("reload_command");
    let words = command("reload_command", service);
    match (signal, item, words) {
        (Some(_), Some(item), _) => {
            service.excludes("reload_command", item.place(), "`reload_signal` is set as well");
            None
        }
        (_, Some(item), Some(words)) if words.is_empty() => {
            item.add(Invalid::Empty { what: "`reload_command`" });
            None
        }
        (_, _, Some(words)) => Some(Reload::Command(words)),
        (signal, ..) => signal.map(Reload::Signal),
    }
}
