//! The command line. Every option is documented here once, for `--help` and the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Run the containers of this host as systemd units
///
/// One compose-like TOML file becomes systemd units; systemd supervises the containers.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, after_help = exit_codes())]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What the command exits with, and when.
pub const EXIT_STATUS: [(u8, &str); 8] = [
    (0, "done"),
    (1, "failed"),
    (2, "wrong usage"),
    (3, "a stack file is invalid"),
    (4, "--check or diff found a difference"),
    (5, "import could not carry everything over"),
    (6, "status shows a unit that needs attention"),
    (7, "an update failed, and was rolled back"),
];

/// The environment variable by which a shell asks for completions. Its value is the shell's name.
pub const COMPLETE: &str = "WHARF_COMPLETE";

fn exit_codes() -> String {
    let codes = EXIT_STATUS.map(|(code, meaning)| format!("{code} {meaning}"));
    format!("Exit codes: {}.", codes.join("; "))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the units of stacks, remove stale ones, and reload systemd if something changed
    Generate(Generate),
    /// Check stack files, and write nothing
    Check(Check),
    /// Print a stack as it is resolved: files merged, variables replaced, profiles applied
    Config(Config),
    /// Pull all images of stacks concurrently
    Pull(Pull),
    /// Ask the registries for the digests of all images, and write them to STACK.lock: containers are made of these from then on
    Lock(Lock),
    /// Replace containers by those of the current images, one after the other, and go back if one fails
    Update(Update),
    /// Go back to an earlier revision of a stack
    Rollback(Rollback),
    /// Convert compose files, or Quadlet files, to a stack file
    Import(Import),
    /// Show the status of installed stacks, their units and containers
    Status(Status),
    /// Show drift: how containers differ from their definitions, and what changed in their file systems
    Diff(Diff),
    /// Show the output of a stack's containers and what systemd says of its units, from the journal
    Logs(Logs),
    /// Show what happened to stacks, why, and who did it, from the journal
    History(History),
    /// Stop stacks and delete their units, containers and networks
    Remove(Remove),
    /// Print the JSON schema of stack files, for completion and checks in an editor
    Schema,
    /// Encrypt a secret for this host
    Secret(Secret),
    /// Check whether this host is fit to run stacks, and show what to do where it is not
    Doctor(Doctor),
}

/// Which stacks, and how much of them.
#[derive(Debug, Args)]
pub struct Stacks {
    /// Stack files, one project each; STACK.override.toml beside one is merged over it. Or names of installed projects, for the files
    /// from which their units were generated [default: every /etc/wharf/*.toml except wharfd.toml; with --root, those below it]
    #[arg(value_name = "STACK")]
    pub stacks: Vec<PathBuf>,
    /// One of several files of one project: the first names the project, each following one is merged over those before
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "stacks")]
    pub files: Vec<PathBuf>,
    /// Enable a profile; `*` enables all [default: COMPOSE_PROFILES, else the stack's own `profiles`]
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub stacks: Stacks,
    #[command(flatten)]
    pub place: Place,
    /// Print the units and write nothing; for a private file (mode 0600), print only its name
    #[arg(long)]
    pub dry_run: bool,
    /// Print what would change as a unified diff and write nothing; of a private file, values of variables and secrets are not shown
    #[arg(long)]
    pub diff: bool,
    /// Write nothing; exit with 4 if something would change
    #[arg(long)]
    pub check: bool,
    /// Start the stacks at boot (systemctl enable)
    #[arg(long)]
    pub enable: bool,
    /// Start the stacks, restart units that run with an older definition, and stop those that are no longer part of a stack
    #[arg(long, conflicts_with_all = ["output", "root", "no_reload"])]
    pub now: bool,
    /// Replace a project that is installed from another stack file
    #[arg(long)]
    pub adopt: bool,
    /// Do not make systemd reload its units
    #[arg(long)]
    pub no_reload: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Place {
    /// Write to this directory, and do not reload the running systemd
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write to etc/systemd/system below this root, and do not reload the running systemd
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Write to /run/systemd/system, until the next reboot
    #[arg(long)]
    pub runtime: bool,
    /// Not supported yet
    #[arg(long, hide = true)]
    pub user: bool,
}

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub stacks: Stacks,
    /// Check STACK as if it were the file at this path: for a tool that validates a temporary file before it replaces the stack file
    #[arg(long = "as", value_name = "PATH", requires = "stacks")]
    pub replaced: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Config {
    /// The stack file; STACK.override.toml beside it is merged over it. Or the name of an installed project, for the file from which its
    /// units were generated
    #[arg(value_name = "STACK", required_unless_present = "files")]
    pub stack: Option<PathBuf>,
    /// One of several files of one project: the first names the project, each following one is merged over those before
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "stack")]
    pub files: Vec<PathBuf>,
    /// Enable a profile; `*` enables all [default: COMPOSE_PROFILES, else the stack's own `profiles`]
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// After the name of an installed project, services of it: `shop web`. A service that only one project has needs no project.
#[derive(Debug, Args)]
pub struct Pull {
    #[command(flatten)]
    pub stacks: Stacks,
}

#[derive(Debug, Args)]
pub struct Lock {
    /// Stack files, one project each; or names of installed projects, for the files from which their units were generated [default:
    /// every /etc/wharf/*.toml except wharfd.toml]
    #[arg(value_name = "STACK")]
    pub stacks: Vec<PathBuf>,
    /// One of several files of one project: the first names the project, each following one is merged over those before
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "stacks")]
    pub files: Vec<PathBuf>,
    /// Write nothing; exit with 4 if a tag means another image than the lock says, or the lock has more or fewer images than the stack
    #[arg(long)]
    pub check: bool,
}

/// The stack needs a lock, see wharf-lock(1). After the name of an installed project, services of it: `shop web`.
#[derive(Debug, Args)]
pub struct Update {
    /// Stack files, or names of installed projects, for the files from which their units were generated [default: every
    /// /etc/wharf/*.toml except wharfd.toml]
    #[arg(value_name = "STACK")]
    pub stacks: Vec<PathBuf>,
    /// Change nothing; exit with 4 if there are new images
    #[arg(long)]
    pub check: bool,
    /// Print what would be replaced, and change nothing
    #[arg(long, conflicts_with = "check")]
    pub dry_run: bool,
    /// Bring about what the stack file and its lock say now, instead of asking the registries for new images
    #[arg(long)]
    pub locked: bool,
    /// Also try images from which an earlier update was rolled back
    #[arg(long)]
    pub retry: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Rollback {
    /// A stack file, or the name of an installed project; also with the revision: `shop@7`
    #[arg(value_name = "STACK")]
    pub stack: PathBuf,
    /// The number of the revision, see `wharf history --revisions` [default: the newest stable one before the current one]
    #[arg(value_name = "REVISION")]
    pub revision: Option<u32>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// Compose files; later ones are merged over earlier ones. Or Quadlet files: `web.container db.volume` [default: the file that
    /// Compose would find, and its override]
    #[arg(value_name = "COMPOSE_FILE")]
    pub files: Vec<PathBuf>,
    /// A compose file, as for `docker compose`
    #[arg(short, long, value_name = "COMPOSE_FILE")]
    pub file: Vec<PathBuf>,
    /// Write to this file [default: standard output]; relative paths are adapted to its directory
    #[arg(short, long, value_name = "STACK")]
    pub output: Option<PathBuf>,
    /// Overwrite the output file if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
    /// The project's name [default: as Compose determines it]
    #[arg(short, long, value_name = "NAME")]
    pub project_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Stacks (a project's name, or the path of its stack file) or services: `shop`, `shop web`, `web`, `web-2` [default: all stacks]
    #[arg(value_name = "STACK|SERVICE")]
    pub words: Vec<String>,
    /// Print the result as JSON; with --watch, one line for each change
    #[arg(long)]
    pub json: bool,
    /// Show the status again whenever something changes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// wharfd finds the differences. Changes in file systems, and what registries have, are shown only to root and to users
/// authorised by polkit (io.wharf.manage-containers).
#[derive(Debug, Args)]
pub struct Diff {
    /// Stacks or services, as for `wharf status`, or two revisions of a stack: `shop@7 shop@9`; one alone is compared with the
    /// newest [default: all stacks]
    #[arg(value_name = "STACK|SERVICE|STACK@REVISION")]
    pub words: Vec<String>,
    /// First ask the registries for the current digests of the images
    #[arg(long)]
    pub registry: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// A stack (a project's name, or the path of its stack file), or a service: `shop`, `shop web`, `web`, `web-2`
    #[arg(value_name = "STACK|SERVICE", required = true)]
    pub words: Vec<String>,
    /// Show new lines as they come, until Ctrl-C; begin with the last 10
    #[arg(short, long)]
    pub follow: bool,
    /// Show only the newest lines, of all services together; `all` shows all, also with --follow
    #[arg(short = 'n', long, alias = "tail", value_name = "N|all")]
    pub lines: Option<String>,
    /// Show when the engine took each line, or the journal a line that is not a container's, in UTC
    #[arg(short, long)]
    pub timestamps: bool,
    /// Show the output of containers alone, without the service before each line
    #[arg(long)]
    pub no_log_prefix: bool,
    /// Show no colours, also on a terminal
    #[arg(long)]
    pub no_color: bool,
    /// Show lines of this time or later: `2026-01-31 12:00`, `yesterday`, `2h` or `-2h`, see systemd.time(7)
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Show lines of this time or earlier
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
}

#[derive(Debug, Args)]
pub struct History {
    /// Stacks or services, as for `wharf status`; also those that were removed [default: all stacks]
    #[arg(value_name = "STACK|SERVICE")]
    pub words: Vec<String>,
    /// Show events at this time or later: `2026-01-31 12:00`, `yesterday`, `2h` or `-2h`, see systemd.time(7)
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Show events at this time or earlier
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Show only the newest events
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<usize>,
    /// Show the revisions of stacks, and not events; only root can
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub revisions: bool,
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
    /// Encrypt standard input, or what you type, so that only this host can read it (systemd-creds)
    Encrypt {
        /// The name in the stack file's `credential`, for /etc/credstore.encrypted/NAME; or the path of a file
        credential: String,
        /// Replace a credential that exists; running containers have its value until their units are restarted
        #[arg(long)]
        force: bool,
    },
}

/// Exits with 0 if stacks can run on this host, also with warnings.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Remove {
    /// A project's name, or the path of its stack file, which may have been removed
    #[arg(value_name = "STACK", required = true)]
    pub stacks: Vec<String>,
    /// Remove their volumes too, with all their data
    #[arg(long)]
    pub volumes: bool,
    /// Print what would be stopped and removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
