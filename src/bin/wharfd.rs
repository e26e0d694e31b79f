//! `wharfd`: restarts, through systemd, the units of containers that are unhealthy, and publishes the state of all. Started by
//! wharfd.service.

use std::process::ExitCode;

use wharf::supervise::supervise;
use wharf::systemd::log::{self, Fallback};
use wharf::systemd::{Manager, Scope};

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        eprintln!("usage: wharfd\nwharfd takes no arguments; it is started by wharfd.service.");
        return ExitCode::from(2);
    }
    if let Err(error) = log::start("wharfd", Fallback::Stderr) {
        eprintln!("wharfd: {error}");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(async {
        match Manager::connect(Scope::System).await {
            Ok(manager) => match supervise(manager).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            },
            Err(error) => failed(&error),
        }
    })
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    // A process that ends at once is not known to journald by its unit.
    tracing::error!(OBJECT_SYSTEMD_UNIT = "wharfd.service", "{error}");
    let _nothing_left_to_do = log::flush();
    ExitCode::FAILURE
}
