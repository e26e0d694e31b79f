//! Problems of a stack that is put together of several files and services: override files, `include`, `extends`, `profiles`.

use std::path::PathBuf;

use super::wording::{Problem, Said, did_you_mean, quoted_list, said};
use crate::diagnostic::Severity;

pub enum Composition {
    /// A file that another names is not there; `key` is `include` or `extends`.
    FileMissing {
        key: &'static str,
        path: PathBuf,
    },
    /// wharfd's configuration where a stack file is read.
    OfWharfd {
        path: PathBuf,
    },
    /// A YAML file where a TOML file is read.
    Yaml {
        path: PathBuf,
    },
    /// A file of another host.
    Remote {
        key: &'static str,
        path: String,
    },
    /// More files than any stack needs.
    TooManyFiles {
        limit: usize,
    },
    /// Of the files that others name.
    TooMuchText {
        mebibytes: usize,
    },
    IncludesTooDeep {
        limit: usize,
    },
    /// The files in order; the last is the first again.
    IncludeCycle {
        files: Vec<PathBuf>,
    },
    /// `what` is `service`, `network`…; `first` is the other place.
    Conflict {
        what: &'static str,
        name: String,
        first: String,
    },
    /// A list and a table (or alike) for one key; `first` is the other place.
    Kinds {
        key: String,
        found: &'static str,
        base: &'static str,
        first: String,
    },
    /// A key of an included file that only counts in the stack file itself.
    OnlyOfTheStack {
        key: String,
    },
    ExtendsUnknown {
        service: String,
        base: String,
        file: Option<PathBuf>,
        nearest: Option<String>,
    },
    /// The services in order, with their files where they are not all in one; the last is the first again.
    ExtendsCycle {
        services: Vec<String>,
    },
    ExtendsTooLong {
        limit: usize,
    },
    /// What the services inherit is more than any stack needs.
    TooMuch {
        limit: usize,
    },
    ProfileName {
        name: String,
    },
    /// The stack's own `profiles` names one that no service has.
    NoSuchProfile {
        profile: String,
        nearest: Option<String>,
    },
    /// No service is left.
    NoneSelected {
        profiles: Vec<String>,
    },
}

impl Problem for Composition {
    fn severity(&self) -> Severity {
        match self {
            Self::NoSuchProfile { .. } | Self::OnlyOfTheStack { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn say(&self) -> Said {
        match self {
            Self::FileMissing { key, path } => said(
                format!("`{key}`: the file {} does not exist", path.display()),
                "check the path: a relative one starts at the directory of the file that names it",
            ),
            Self::OfWharfd { path } => said(
                format!("{} is the configuration of wharfd, not a stack file", path.display()),
                "name a stack file; a stack that is named so needs another file name",
            ),
            Self::Yaml { path } => said(
                format!("{} is YAML: a stack file is TOML", path.display()),
                format!("translate it: `wharf import {}`", path.display()),
            ),
            Self::Remote { key, path } => said(
                format!("`{key}`: `{path}` is not a file of this host"),
                "fetch it beforehand (git clone, curl) and name the local file",
            ),
            Self::TooManyFiles { limit } => said(
                format!("the stack is made of more than {limit} files"),
                "include fewer files: each `include` counts, also one of the same file",
            ),
            Self::TooMuchText { mebibytes } => said(
                format!("the files that the stack is made of come to more than {mebibytes} MiB"),
                "include fewer or smaller files: each `include` counts, also one of the same file",
            ),
            Self::IncludesTooDeep { limit } => said(
                format!("files include one another more than {limit} levels deep"),
                "include the files of the lower levels in a higher one",
            ),
            Self::IncludeCycle { files } => {
                let round: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                said(
                    format!("files include each other in a circle: {}", round.join(" → ")),
                    "remove one of these includes",
                )
            }
            Self::Conflict { what, name, first } => said(
                format!("the included {what} `{name}` is declared otherwise at {first}"),
                format!(
                    "rename one of the two; to change an included {what}, write it into an override file (`*.override.toml`, or one in the `path` list of the include)"
                ),
            ),
            Self::Kinds { key, found, base, first } => said(
                format!("`{key}` is {found} here and {base} at {first}: the two cannot be merged"),
                "write both in the same form",
            ),
            Self::OnlyOfTheStack { key } => said(
                format!("`{key}` of an included file has no effect"),
                format!("set `{key}` in the stack file that includes it"),
            ),
            Self::ExtendsUnknown { service, base, file, nearest } => {
                say_unknown_base(service, base, file.as_ref(), nearest)
            }
            Self::ExtendsCycle { services } => said(
                format!("services extend each other in a circle: {}", services.join(" → ")),
                "remove one of these `extends`",
            ),
            Self::ExtendsTooLong { limit } => said(
                format!("more than {limit} services extend one another in a row"),
                "let some of them extend an earlier one of the row",
            ),
            Self::TooMuch { limit } => said(
                format!("what the services of this stack inherit comes to more than {limit} values"),
                "let fewer services extend such a large one",
            ),
            Self::ProfileName { name } => said(
                format!("`{name}` is not a name for a profile"),
                "use letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
            ),
            Self::NoSuchProfile { profile, nearest } => said(
                format!("no service of this stack has the profile `{profile}`"),
                did_you_mean(nearest.as_ref(), || {
                    format!("remove it, or add it to a service's `profiles`: `{profile}`")
                }),
            ),
            Self::NoneSelected { profiles } => said(
                "every service of this stack belongs to a profile, and none of these is selected",
                format!(
                    "select one with `--profile` or with `profiles` in the stack file: {}",
                    quoted_list(profiles, "or")
                ),
            ),
        }
    }
}

fn say_unknown_base(service: &str, base: &str, file: Option<&PathBuf>, nearest: &Option<String>) -> Said {
    let owner = file.map_or_else(|| "this file".to_owned(), |file| file.display().to_string());
    let message = format!("service `{service}` extends `{base}`, which is not a service of {owner}");
    let other_file = "name a service of that file; one of another file as `{ file = \"…\", service = \"…\" }`";
    said(message, did_you_mean(nearest.as_ref(), || other_file.to_owned()))
}
