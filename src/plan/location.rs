//! Where the generated files will live, and who reads them.

use std::path::PathBuf;

/// Where the generated files will be found by systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The directory of the units as systemd will see it (without `--root`), e.g. /etc/systemd/system.
    pub unit_dir: PathBuf,
    /// The directory of the programs that units run, e.g. /usr/libexec/wharf.
    pub libexec: PathBuf,
    pub reader: Reader,
}

impl Location {
    /// The path of a program that units run.
    pub(super) fn program(&self, name: &str) -> String {
        self.libexec.join(name).display().to_string()
    }
}

/// Which manager reads the units, and what brings them up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The system's manager; `wharf generate` writes them.
    System,
    /// The system's manager, for which the generator makes them at each daemon-reload (systemd.generator(7)).
    SystemByGenerator,
    /// A user's manager; `wharf generate --user` writes them.
    User,
}
