//! Other containers by more names, and whose mounts a container has.
//!
//! Source: Compose Specification, services, links, external_links and volumes_from.

use super::names;
use crate::stack::model::MountsOwner;
use crate::stack::problem::{Invalid, MachineFault};

/// `SERVICE[:ALIAS]`: both names.
pub fn link(text: &str) -> Result<(String, String), Invalid> {
    let (name, alias) = text.split_once(':').unwrap_or((text, text));
    Ok((names::key(name)?, link_alias(alias, text)?))
}

/// `CONTAINER[:ALIAS]` → `CONTAINER:ALIAS`
pub fn external_link(text: &str) -> Result<String, Invalid> {
    let (name, alias) = text.split_once(':').unwrap_or((text, text));
    Ok(format!("{}:{}", names::engine("container", name)?, link_alias(alias, text)?))
}

fn link_alias(alias: &str, link: &str) -> Result<String, Invalid> {
    let fits = names::is_key(alias);
    fits.then(|| alias.to_owned()).ok_or_else(|| Invalid::Machine(MachineFault::Link { value: link.to_owned() }))
}

pub fn mounts_owner(text: &str) -> Result<(MountsOwner, bool), Invalid> {
    let invalid = || Invalid::Machine(MachineFault::VolumesFrom { value: text.to_owned() });
    let (text, is_service) = text.strip_prefix("container:").map_or((text, true), |name| (name, false));
    let (name, read_only) = match text.split_once(':') {
        None | Some((_, "rw")) => (text.strip_suffix(":rw").unwrap_or(text), false),
        Some((name, "ro")) => (name, true),
        Some(_) => return Err(invalid()),
    };
    if !names::is_key(name) {
        return Err(invalid());
    }
    let name = name.to_owned();
    Ok((if is_service { MountsOwner::Service(name) } else { MountsOwner::Container(name) }, read_only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_volumes() {
        let service = |name: &str| MountsOwner::Service(name.to_owned());
        let container = |name: &str| MountsOwner::Container(name.to_owned());
        assert_eq!(mounts_owner("db").ok(), Some((service("db"), false)));
        assert_eq!(mounts_owner("db:ro").ok(), Some((service("db"), true)));
        assert_eq!(mounts_owner("db:rw").ok(), Some((service("db"), false)));
        assert_eq!(mounts_owner("container:old:ro").ok(), Some((container("old"), true)));
        for bad in ["", "db:", "db:x", "container:", ":ro", "a:b:ro"] {
            assert!(mounts_owner(bad).is_err(), "{bad}");
        }
    }
}
