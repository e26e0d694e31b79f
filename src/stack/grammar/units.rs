//! Directives of units, which a `systemd` table adds.

use crate::name::UnitName;
use crate::stack::problem::UnitFault;

/// Directives of `[Install]` from which `systemctl enable`, and for a stack's target Wharf, makes links.
const LINKS: &[&str] = &["Alias", "Also", "RequiredBy", "UpheldBy", "WantedBy"];

/// The name of a directive.
pub fn directive_name(name: &str) -> Result<(), UnitFault> {
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    if is_name { Ok(()) } else { Err(UnitFault::Directive { name: name.to_owned() }) }
}

/// The value of a directive, which stands on one line.
pub fn directive_value(name: &str, text: &str) -> Result<(), UnitFault> {
    if text.contains(['\n', '\r', '\0']) {
        return Err(UnitFault::DirectiveValue { name: name.to_owned() });
    }
    Ok(())
}

/// The value of a directive of `[Install]`: names of units, which lead to no other directory. `specifiers`: systemd makes the links,
/// and replaces specifiers by what is allowed in a name.
pub fn install_value(name: &str, text: &str, specifiers: bool) -> Result<(), UnitFault> {
    let plain = |name: &str| if specifiers { name.replace('%', "") } else { name.to_owned() };
    let invalid = text.split_whitespace().find(|unit| UnitName::parse(&plain(unit)).is_err());
    match invalid.filter(|_| LINKS.contains(&name)) {
        Some(unit) => Err(UnitFault::InstallName { name: unit.to_owned() }),
        None => Ok(()),
    }
}
