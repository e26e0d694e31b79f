//! Which missing credential kept a unit from being started.
//!
//! In: what systemd knows of the unit, and its file. Out: the reason with the next step. Invariant: nothing of a credential is read.

use std::path::Path;

use crate::printable::printable;
use crate::regular_file::read_text;
use crate::spec::{LARGEST_FILE, exit};
use crate::systemd::{UnitResult, UnitState};

/// Why systemd could not execute the main process of a unit: a credential is missing (status 243 of systemd.exec(5), Process Exit
/// Codes), and the next step. `None`: that is not why.
pub fn missing_credential(state: &UnitState) -> Option<String> {
    let is_why = state.result == UnitResult::ExitCode && state.exec_main_status == i32::from(exit::CREDENTIALS);
    if !is_why {
        return None;
    }
    let text = read_text(Path::new(&state.fragment), LARGEST_FILE).unwrap_or_default();
    // What this user may not look at counts as there.
    let absent = absent(&text, &|path| path.try_exists().unwrap_or(true));
    Some(if absent.is_empty() {
        "a secret or config cannot be loaded: its file is missing, encrypted for another host or under another name, a directory, or \
         larger than a megabyte"
            .to_owned()
    } else {
        format!("{}: create it, then `systemctl start {}`", absent.join(", "), state.name)
    })
}

/// The files of a unit's secrets and configs that do not exist: `secret db: /srv/db does not exist`.
fn absent(unit: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let directives = unit.lines().filter_map(|line| line.split_once('='));
    let loaded = directives.filter(|(name, _)| matches!(*name, "LoadCredential" | "LoadCredentialEncrypted"));
    let loaded = loaded.filter_map(|(_, value)| value.split_once(':'));
    // No specifier but this one is in what `wharf generate` writes.
    let loaded = loaded.map(|(id, path)| (id.replace("%%", "%"), path.replace("%%", "%")));
    let absent = loaded.filter(|(_, path)| path.starts_with('/') && !exists(Path::new(path)));
    absent.map(|(id, path)| printable(&format!("{}: {path} does not exist", shown(&id)))).collect()
}

/// `secret db` of `secret.db`, as units name them; of an encrypted one, whose ID is its file's name, `credential db`.
fn shown(id: &str) -> String {
    match id.split_once('.') {
        Some((kind @ ("secret" | "config"), key)) => format!("{kind} {key}"),
        _ => format!("credential {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_files_of_a_unit_are_named_as_the_stack_file_names_them() {
        let unit = "[Service]\nImportCredential=token\nLoadCredential=secret.db:/srv/100%%\nLoadCredential=config.nginx:/srv/there\n\
                    LoadCredentialEncrypted=key.cred:/srv/key.cred\nExecStart=/bin/true\n";
        let absent = absent(unit, &|path| path.ends_with("there"));
        assert_eq!(
            absent,
            ["secret db: /srv/100% does not exist", "credential key.cred: /srv/key.cred does not exist"]
        );
    }
}
