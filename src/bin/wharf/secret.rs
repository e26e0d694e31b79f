//! `wharf secret`

use wharf::install::Destination;
use wharf::mark::installed_units;
use wharf::report::credential::running_readers;
use wharf::systemd::credentials::{self, Encrypted};
use wharf::systemd::manager::is_booted;
use wharf::systemd::{Manager, ManagerError, Scope};

use crate::exit::{Exit, Failure};
use crate::{cli, output};

pub async fn run(arguments: &cli::Secret) -> Result<Exit, Failure> {
    match &arguments.command {
        cli::SecretCommand::Encrypt { credential, force } => encrypt(credential, *force).await,
    }
}

async fn encrypt(credential: &str, force: bool) -> Result<Exit, Failure> {
    let Some(encrypted) = credentials::encrypt(credential, force)? else { return Ok(Exit::Failed) };
    output::message(&format!("wrote {}", encrypted.path.display()));
    if encrypted.is_line {
        output::notice(&format!(
            "the value of {} ends in a line break, which the container will read too; to store it without one: \
             `printf %s VALUE | wharf secret encrypt --force {credential}`",
            encrypted.name
        ));
    }
    if is_booted() {
        match readers(&encrypted).await.map(|units| units.join(" ")) {
            Ok(units) if units.is_empty() => {}
            Ok(units) => output::notice(&format!("the value before is used until: `systemctl restart {units}`")),
            Err(error) => output::notice(&error.to_string()),
        }
    }
    Ok(Exit::Done)
}

async fn readers(encrypted: &Encrypted) -> Result<Vec<String>, ManagerError> {
    let manager = Manager::connect(Scope::System).await?;
    let units = installed_units(&Destination::system().documented_load_path()).unwrap_or_default();
    running_readers(&manager, &units, encrypted).await
}
