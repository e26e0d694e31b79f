//! What to import.

use std::path::PathBuf;

use crate::stack::Lookup;

/// What to import, and for where.
pub struct Request<'a> {
    /// The compose files, the later ones over the earlier ones; none: those that Compose would find.
    pub files: Vec<PathBuf>,
    /// The project's name, whatever the files say.
    pub project_name: Option<String>,
    /// The file that the TOML is for; `None`: it will lie beside the first compose file.
    pub output: Option<PathBuf>,
    /// Looks up a variable of the process.
    pub environment: Lookup<'a>,
}
