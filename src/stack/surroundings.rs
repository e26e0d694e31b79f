//! What decoding needs to know besides the tree.

use std::path::PathBuf;

use super::interpolate::Lookup;

/// Where the stack file lies, whose it is, and the variables.
pub struct Surroundings<'a> {
    /// The project's name.
    pub project: String,
    /// The stack file's directory, absolute: relative paths start here.
    pub directory: PathBuf,
    /// The same directory as the user wrote it, for messages.
    pub shown_directory: PathBuf,
    /// The environment, then `.env`.
    pub lookup: Lookup<'a>,
}

#[cfg(test)]
impl<'a> Surroundings<'a> {
    pub fn for_test(directory: &str, lookup: Lookup<'a>) -> Self {
        Self { project: "shop".into(), directory: directory.into(), shown_directory: directory.into(), lookup }
    }
}
