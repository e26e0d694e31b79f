//! The unit that builds a service's image.

use super::{Head, add_engine};
use crate::plan::{build, hash, names};
use crate::spec::{BuildSpec, exit};
use crate::stack::{Build, Service};
use crate::unit::{UnitFile, Unwritable, path_word};

/// Of the host it reads the context, whoever owns the files.
const SANDBOX: [(&str, &str); 3] = [
    ("CapabilityBoundingSet", "CAP_DAC_READ_SEARCH"),
    ("NoNewPrivileges", "yes"),
    ("RestrictAddressFamilies", "AF_UNIX"),
];

/// Active once the image is there; `systemctl reload` builds it again without touching what runs.
pub fn build(head: &Head, service: &Service, build: &Build, spec: &BuildSpec) -> Result<UnitFile, Unwritable> {
    let mut unit = head.unit(&format!("Image {} of {}-{}", service.image, head.project(), service.name));
    let command = head.run("build", &names::build_spec(head.project(), &service.name))?;
    let section = unit.section("Unit");
    add_engine(section);
    let network = build::network_unit(head.stack, build);
    section.add_list("Requires", &network).add_list("After", &network).add("PartOf", head.target());
    if let Some(context) = &spec.wharf.context {
        section.add("RequiresMountsFor", path_word(&context.to_string_lossy())?);
    }
    let section = unit.section("Service");
    section.add("Type", "oneshot").add("RemainAfterExit", "yes").add("NotifyAccess", "exec");
    section.add("ExecStart", command.clone()).add("ExecReload", command);
    section.add("Slice", names::project_slice(head.project()));
    // An engine that is away is waited for, and what needs the image with it.
    section.add("RestartMode", "direct").add("RestartSec", "1s");
    section.add("RestartForceExitStatus", exit::UNAVAILABLE.to_string());
    for (directive, value) in SANDBOX {
        section.add(directive, value);
    }
    head.facts(&mut unit, &[("Image", &service.image), ("SpecHash", &hash::config_hash(spec))]);
    Ok(unit)
}
