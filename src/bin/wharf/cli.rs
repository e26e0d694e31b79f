//! The command line: every option documented once, and from here in `--help`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};

/// Runs the containers of this host as systemd units.
///
/// One compose-like TOML file becomes systemd units; systemd supervises the containers.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 a stack file is invalid; 4 --check or diff found a difference; \
     5 import could not carry everything over.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the units of stacks, remove stale ones, and reload systemd if something changed
    Generate(Generate),
    /// Say everything that is wrong with stack files, and write nothing
    Check(Check),
    /// Fetch all images of stacks side by side
    Pull(Pull),
    /// Write the stack file that says what a compose file says
    Import(Import),
    /// Show the units of installed stacks and how they fare
    Status(Status),
    /// Show how containers differ from their definitions, and what changed in their file systems
    Diff(Diff),
    /// Show what happened to stacks, why and by whom, from the journal
    History(History),
    /// Stop a stack and delete its units, containers and networks
    Remove(Remove),
    /// Print the JSON schema of stack files, by which an editor completes and checks them
    Schema,
    /// Encrypt a secret for this host
    Secret(Secret),
}

/// Which stacks, and how much of them.
#[derive(Debug, Args)]
pub struct Stacks {
    /// Stack files, one project each, with STACK.override.toml beside each [default: every /etc/wharf/*.toml but wharfd.toml; with
    /// --root, those below it]
    #[arg(value_name = "STACK")]
    pub stacks: Vec<PathBuf>,
    /// A file of one project that has several: the first names it, each next one is merged over those before
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "stacks")]
    pub files: Vec<PathBuf>,
    /// Select the services of this profile; `*` selects all [default: COMPOSE_PROFILES, else the stack's own `profiles`]
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub stacks: Stacks,
    #[command(flatten)]
    pub place: Place,
    /// Print the units and write nothing; of a private file (mode 0600) only the name
    #[arg(long)]
    pub dry_run: bool,
    /// Print what would change as a unified diff and write nothing; of a private file only which keys differ
    #[arg(long)]
    pub diff: bool,
    /// Write nothing; exit with 4 if there is something to do
    #[arg(long)]
    pub check: bool,
    /// Start the stacks at boot (systemctl enable)
    #[arg(long)]
    pub enable: bool,
    /// Start the stacks, and restart what runs with an older definition
    #[arg(long, conflicts_with_all = ["output", "root", "no_reload"])]
    pub now: bool,
    /// Do not have systemd reload its units
    #[arg(long)]
    pub no_reload: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Place {
    /// Write to this directory; the running systemd is left alone
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write to etc/systemd/system below this root; the running systemd is left alone
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Write to /run/systemd/system: gone after a reboot
    #[arg(long)]
    pub runtime: bool,
    /// Write to the calling user's own unit directory
    #[arg(long)]
    pub user: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["stacks", "files"]).required(true).multiple(true)))]
pub struct Check {
    #[command(flatten)]
    pub stacks: Stacks,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Pull {
    #[command(flatten)]
    pub stacks: Stacks,
}

#[derive(Debug, Args)]
pub struct Import {
    /// Compose files, the later ones over the earlier ones [default: the one that Compose would find, and its override]
    #[arg(value_name = "COMPOSE_FILE")]
    pub files: Vec<PathBuf>,
    /// The same, as `docker compose` has it
    #[arg(short, long, value_name = "COMPOSE_FILE")]
    pub file: Vec<PathBuf>,
    /// Write to this file [default: standard output]; relative paths are made right for its directory
    #[arg(short, long, value_name = "STACK")]
    pub output: Option<PathBuf>,
    /// Overwrite the output file if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The project's name [default: as Compose finds it]
    #[arg(short, long, value_name = "NAME")]
    pub project_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Status {
    /// A project's name, or the path of its stack file [default: all]
    #[arg(value_name = "STACK")]
    pub stack: Option<String>,
    /// Print the result as JSON; with --watch one line each time
    #[arg(long)]
    pub json: bool,
    /// Show it anew whenever something changes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// wharfd knows the differences. What changed in the file systems, and what the registries have, it tells root, and whom polkit
/// lets manage containers (io.wharf.manage-containers).
#[derive(Debug, Args)]
pub struct Diff {
    /// A project's name, or the path of its stack file [default: all]
    #[arg(value_name = "STACK")]
    pub stack: Option<String>,
    /// First ask the registries what the images' names mean there now
    #[arg(long)]
    pub registry: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct History {
    /// A project's name, or the path of its stack file, which need not exist any more [default: all]
    #[arg(value_name = "STACK")]
    pub stack: Option<String>,
    /// Show what happened at this time or later: `2026-01-31 12:00`, `yesterday`, `-2h`, see systemd.time(7)
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Show what happened at this time or earlier
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Show only the newest events
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<usize>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Secret {
    #[command(subcommand)]
    pub command: SecretCommand,
}

#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Encrypt standard input, or what is typed, so that only this host can read it (systemd-creds)
    Encrypt {
        /// As a stack's `credential` has it: a name, for /etc/credstore.encrypted/NAME, or the path of a file
        credential: String,
    },
}

#[derive(Debug, Args)]
pub struct Remove {
    /// A project's name, or the path of its stack file, which need not exist any more
    #[arg(value_name = "STACK")]
    pub stack: String,
    /// Remove its volumes too, with all data in them
    #[arg(long)]
    pub volumes: bool,
}
