//! Where the units of a run go, and which directories systemd will read beside them.

use std::path::{Path, PathBuf};

use crate::plan::{Location, Reader};
use crate::systemd::Scope;

/// Where stacks lie that are generated when none is named, and at boot.
pub const STACK_DIRECTORY: &str = "/etc/wharf";

/// The directory of the program that container units run.
pub const LIBEXEC: &str = match option_env!("WHARF_LIBEXEC") {
    Some(directory) => directory,
    None => "/usr/libexec/wharf",
};

/// Whether the running systemd is to know of what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is asked, reloaded and given jobs. `runtime`: enablement too lasts until the next boot only.
    Running { scope: Scope, runtime: bool },
    /// It is left alone: the files are for another time or another machine.
    Offline,
}

/// A directory for units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Where the files are written.
    pub on_disk: PathBuf,
    /// The same directory as systemd will see it: without `--root`.
    pub seen_as: PathBuf,
    /// The file system that is prepared (`--root`), if it is not this one.
    pub root: Option<PathBuf>,
    pub reach: Reach,
    /// Who reads the units.
    pub reader: Reader,
}

impl Destination {
    /// /etc/systemd/system of this host.
    pub fn system() -> Self {
        Self::running("/etc/systemd/system".into(), Scope::System, false)
    }

    /// /run/systemd/system of this host: gone after a reboot.
    pub fn runtime() -> Self {
        Self::running("/run/systemd/system".into(), Scope::System, true)
    }

    /// The calling user's own directory: `$XDG_CONFIG_HOME/systemd/user`. `None`: neither it nor `$HOME` is set.
    pub fn user(environment: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let directory = config_home(environment)?.join("systemd/user");
        Some(Self::running(directory, Scope::User, false))
    }

    /// /etc/systemd/system of the file system below `root`, e.g. an image that is being built.
    pub fn root(root: &Path) -> Self {
        let seen_as = PathBuf::from("/etc/systemd/system");
        Self {
            on_disk: below(root, &seen_as),
            seen_as,
            root: Some(root.to_owned()),
            reach: Reach::Offline,
            reader: Reader::System,
        }
    }

    /// Any directory; the units name it by its absolute path.
    pub fn output(directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self {
            on_disk: directory.clone(),
            seen_as: directory,
            root: None,
            reach: Reach::Offline,
            reader: Reader::System,
        }
    }

    /// The output directory of a generator (systemd.generator(7)): systemd reads it when the generator has ended.
    pub fn generator(directory: &Path) -> Self {
        Self { reader: Reader::SystemByGenerator, ..Self::output(directory) }
    }

    fn running(directory: PathBuf, scope: Scope, runtime: bool) -> Self {
        let reader = if scope == Scope::User { Reader::User } else { Reader::System };
        let reach = Reach::Running { scope, runtime };
        Self { on_disk: directory.clone(), seen_as: directory, root: None, reach, reader }
    }

    /// Where its stack files lie if none is named: /etc/wharf, below the root if there is one.
    pub fn stack_directory(&self) -> PathBuf {
        match &self.root {
            Some(root) => below(root, Path::new(STACK_DIRECTORY)),
            None => PathBuf::from(STACK_DIRECTORY),
        }
    }

    /// Whether systemd's boot generator starts a stack file at boot: it lies in the directory of its stacks.
    pub fn generates_at_boot(&self, stack: &Path) -> bool {
        let is_of_system = self.reader == Reader::System && (self.root.is_some() || self.reach != Reach::Offline);
        is_of_system && stack.parent() == Some(Path::new(STACK_DIRECTORY))
    }

    /// What [`crate::plan::plan`] must know of it.
    pub fn location(&self) -> Location {
        Location { unit_dir: self.seen_as.clone(), libexec: PathBuf::from(LIBEXEC), reader: self.reader }
    }

    /// The unit load path as systemd.unit(5) documents it, highest priority first, as paths on disk.
    ///
    /// A plain output directory stands alone: nobody knows yet which systemd will read it.
    pub fn documented_load_path(&self) -> Vec<PathBuf> {
        match (self.reach, &self.root) {
            (Reach::Running { scope: Scope::System, .. }, _) => SYSTEM_LOAD_PATH.map(PathBuf::from).to_vec(),
            (Reach::Running { scope: Scope::User, .. }, _) => user_load_path(&self.on_disk),
            (Reach::Offline, Some(root)) => SYSTEM_LOAD_PATH.map(|path| below(root, Path::new(path))).to_vec(),
            (Reach::Offline, None) => vec![self.on_disk.clone()],
        }
    }
}

/// systemd.unit(5), "Unit File Load Path", system units.
pub(super) const SYSTEM_LOAD_PATH: [&str; 14] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/local/share/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// systemd.unit(5), user units: the part that does not need the running manager.
fn user_load_path(own: &Path) -> Vec<PathBuf> {
    let shared = ["/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"];
    std::iter::once(own.to_owned()).chain(shared.map(PathBuf::from)).collect()
}

fn config_home(environment: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

/// An absolute path as it is found below another root.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
