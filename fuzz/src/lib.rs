//! What the fuzz targets share: a stack file's text goes all the way that `wharf generate` takes it, up to writing the units.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;
use wharf::diagnostic::Diagnostics;
use wharf::plan::{Location, Plan, Reader, plan};
use wharf::stack::{Loaded, Request, Stack, load};

/// The variables that a text may use.
pub fn environment(name: &str) -> Option<String> {
    match name {
        "A" => Some("a".to_owned()),
        "EMPTY" => Some(String::new()),
        "HOME" => Some("/home/ada".to_owned()),
        "DOLLAR" => Some("$A ${A}".to_owned()),
        _ => None,
    }
}

/// Loads a stack file with this text and plans it; errors are rendered as for an administrator.
pub fn stack_of(text: &str) -> Result<Stack, Diagnostics> {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary directory")
    });
    let path = directory.path().join("shop.toml");
    fs::write(&path, text).expect("a file in memory");
    match load(&Request::of_stack(&path, &environment)) {
        Ok(Loaded { stack, warnings, .. }) => {
            assert!(!warnings.has_errors());
            check_plan(&stack);
            Ok(stack)
        }
        Err(errors) => {
            assert!(errors.has_errors(), "refused without a reason");
            errors.render(false);
            Err(errors)
        }
    }
}

/// The same stack gives the same files, none of them twice.
fn check_plan(stack: &Stack) {
    let location = Location {
        unit_dir: "/etc/systemd/system".into(),
        libexec: "/usr/libexec/wharf".into(),
        reader: Reader::System,
    };
    let names = |plan: &Plan| plan.files.iter().map(|file| file.name.clone()).collect::<Vec<String>>();
    match plan(stack, &location) {
        Ok(first) => {
            let mut unique = names(&first);
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), first.files.len(), "a file is planned twice");
            let second = plan(stack, &location).expect("planned before");
            assert!(first.files.iter().zip(&second.files).all(|(a, b)| a.contents == b.contents), "not the same bytes");
        }
        Err(errors) => {
            errors.render(false);
        }
    }
}

/// A string as TOML writes it.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
