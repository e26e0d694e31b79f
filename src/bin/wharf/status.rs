//! `wharf status`

use serde_json::json;
use wharf::install::Destination;
use wharf::report::status::{status, table};
use wharf::systemd::manager::is_booted;
use wharf::systemd::{Manager, Scope};

use crate::{Exit, Failure, cli, output};

pub async fn run(arguments: &cli::Status) -> Result<Exit, Failure> {
    let manager = match is_booted() {
        true => Some(Manager::connect(Scope::System).await.map_err(|error| Failure::failed(&error))?),
        false => None,
    };
    let directories = Destination::system().documented_load_path();
    let projects = status(arguments.stack.as_deref(), manager.as_ref(), directories);
    let projects = projects.await.map_err(|error| Failure::failed(&error))?;
    if arguments.json {
        output::json(&json!({"projects": projects}));
    } else if projects.is_empty() {
        output::message("wharf: no stack is installed");
    } else {
        output::data(&table(&projects));
    }
    if manager.is_none() {
        output::message("wharf: this system does not run systemd: only what is on disk is shown");
    }
    Ok(Exit::Done)
}
