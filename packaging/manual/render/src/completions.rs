//! What makes a shell ask `wharf` itself for completions.

use std::error::Error;
use std::fs;
use std::path::Path;

use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::cli::COMPLETE;

/// The files as each shell looks for them.
const SHELLS: [(&dyn EnvCompleter, &str); 3] = [(&Bash, "wharf"), (&Zsh, "_wharf"), (&Fish, "wharf.fish")];

/// zsh loads the file as the body of a function, and calls that for the first completion: it has to complete, not only to register.
const ZSH_AUTOLOADED: &[u8] = b"[[ $funcstack[1] = _wharf ]] && _clap_dynamic_completer_wharf \"$@\"\n";

pub fn write(directory: &Path) -> Result<(), Box<dyn Error>> {
    for (shell, file) in SHELLS {
        let mut script = Vec::new();
        shell.write_registration(COMPLETE, "wharf", "wharf", "wharf", &mut script)?;
        if shell.name() == "zsh" {
            script.extend_from_slice(ZSH_AUTOLOADED);
        }
        fs::write(directory.join(file), script)?;
    }
    Ok(())
}
