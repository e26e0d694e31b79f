//! The unit that builds a service's image.

use std::path::PathBuf;

use super::{Head, add_credentials, add_engine, once_each, path_words, sandbox};
use crate::mark::{Made, Mark};
use crate::plan::{files, names};
use crate::spec::exit;
use crate::stack::{Build, Overrides, Service};
use crate::unit::{UnitFile, Unwritable, command_line};

/// Beside what a build takes, this is nothing. Of the host it reads the contexts, whoever owns the files and wherever they lie.
const SANDBOX: [(&str, &str); 13] = [
    ("IPAddressDeny", "any"),
    ("PrivateDevices", "yes"),
    ("PrivateNetwork", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectHome", "read-only"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectProc", "invisible"),
    ("ProtectSystem", "strict"),
    ("SystemCallFilter", "~@privileged @resources"),
];

/// In a mount namespace, systemd hides `/run/credentials` from ExecReload=, which builds as ExecStart= does. So both find the
/// unit's own in another place, where there is nothing else.
const CREDENTIALS: [(&str, &str); 3] = [
    ("TemporaryFileSystem", "/run/wharf:ro"),
    ("BindReadOnlyPaths", "%d:/run/wharf/credentials"),
    ("Environment", "CREDENTIALS_DIRECTORY=/run/wharf/credentials"),
];

/// Far longer than a build takes: one that hangs at a file or a step ends some day, and what waits for the image with it.
const TIMEOUT: &str = "4h";

/// Active once the image is there; `systemctl reload` builds it again without touching what runs.
pub fn build<'h>(head: &'h Head, service: &Service, build: &Build) -> Result<UnitFile<'h>, Unwritable> {
    let mut unit = head.unit(&format!("Image {} of {}-{}", service.image, head.project(), service.name));
    let file = head.spec_path(&names::build_spec(head.project(), &service.name));
    let command = command_line([head.location.program("wharf-build").as_str(), &file])?;
    let section = unit.section("Unit");
    add_engine(section);
    let used = build.services().filter_map(|name| head.builder(head.stack.services.get(name)?));
    let builders = once_each(used.map(|builder| names::build_unit(head.project(), builder)).collect());
    section.add_list("Requires", &builders).add_list("After", &builders).add("PartOf", head.target());
    let loaded = files::loaded(head.stack, build.into()).map(|(path, _)| path);
    let paths = build.directories().map(PathBuf::as_path).chain(loaded);
    section.add_list("RequiresMountsFor", once_each(path_words(paths)?));
    let section = unit.section("Service");
    section.add("Type", "oneshot").add("RemainAfterExit", "yes").add("NotifyAccess", "exec");
    section.add("ExecStart", command.clone()).add("ExecReload", command).add("TimeoutStartSec", TIMEOUT);
    section.add("Slice", names::project_slice(head.project()));
    // An engine that is away is waited for, and what needs the image with it.
    section.add("RestartMode", "direct").add("RestartSec", "1s");
    section.add("RestartForceExitStatus", exit::UNAVAILABLE.to_string());
    let values = names::build_values_spec(head.project(), &service.name);
    let has_credentials = add_credentials(section, head, build.into(), &values)?;
    sandbox(section, "CAP_DAC_READ_SEARCH", &Overrides::new());
    for (directive, value) in SANDBOX.iter().chain(if has_credentials { &CREDENTIALS[..] } else { &[] }) {
        section.add(*directive, *value);
    }
    let made = Some(Made::Image(service.image.to_string()));
    Mark { made, ..head.mark() }.write(&mut unit);
    Ok(unit)
}
