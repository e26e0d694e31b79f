//! What can go wrong on the way from YAML to TOML, as data; worded here and nowhere else.
//!
//! Two kinds: what keeps the files from being read as Compose reads them (then nothing is written), and [`Lost`], what the TOML
//! cannot say.

use std::path::PathBuf;

use crate::diagnostic::Severity;
pub use crate::stack::problem::{Problem, Report, Wording, wording};

/// A text that is not the YAML that Compose reads.
pub enum YamlProblem {
    Syntax { message: String },
    NoMapping { found: &'static str },
    TooMany { most: usize },
    Tag { tag: String, text: String },
    Twice { key: String },
    KeyNotText,
    NoMerge,
}

impl Problem for YamlProblem {
    fn wording(&self) -> Wording {
        match self {
            Self::Syntax { message } => wording(
                format!("not valid YAML: {message}"),
                "correct it; `docker compose config` must accept the file too",
            ),
            Self::NoMapping { found } => wording(
                format!("a compose file must be a mapping, but this is {found}"),
                "write `services:` with the services below it",
            ),
            Self::TooMany { most } => wording(
                format!("this file has more than {most} values, counting what aliases repeat"),
                "use fewer aliases of aliases",
            ),
            Self::Tag { tag, text } => wording(
                format!("the tag `{tag}` does not match the value `{text}`"),
                "remove the tag; Compose knows `!reset` and `!override`, YAML `!!str`, `!!int`, `!!float`, `!!bool` and `!!null`",
            ),
            Self::Twice { key } => wording(format!("duplicate key `{key}`"), "keep one of the two"),
            Self::KeyNotText => wording(
                "a key must be text, and Compose takes numbers, `true`, `false` and `null` for none",
                "write a name before the `:`, or put it in quotes",
            ),
            Self::NoMerge => {
                wording("`<<` takes a mapping, or a list of mappings", "write `<<: *name`, or `<<: [*one, *other]`")
            }
        }
    }
}

/// A file that is missing, or files that do not fit together.
pub enum Assembly {
    NoComposeFile { directory: PathBuf },
    NothingInside { path: PathBuf },
    NotAMapping { key: String, found: &'static str },
}

impl Problem for Assembly {
    fn wording(&self) -> Wording {
        match self {
            Self::NoComposeFile { directory } => wording(
                format!("there is no compose file in {} or above it", directory.display()),
                "name the file: `wharf import compose.yaml`",
            ),
            Self::NotAMapping { key, found } => wording(
                format!("`{key}` must be a mapping, but this is {found}"),
                format!("write the names below `{key}:`, each with a `:`"),
            ),
            Self::NothingInside { path } => {
                wording(format!("{} is empty", path.display()), "write `services:` with the services below it")
            }
        }
    }
}

/// What of a Quadlet file cannot be read or carried over.
pub enum QuadletFault {
    NotQuadlet {
        path: PathBuf,
    },
    Syntax,
    Kind {
        file: String,
    },
    NoEquivalent {
        key: String,
        section: String,
        because: String,
        instead: String,
    },
    Specifier {
        key: String,
        specifier: char,
    },
    /// Its value stays behind.
    Secret {
        name: String,
    },
    /// `web@.container`
    Template {
        file: String,
    },
}

impl Problem for QuadletFault {
    fn wording(&self) -> Wording {
        match self {
            Self::NotQuadlet { path } => wording(
                format!("{} is not a Quadlet file, but others are", path.display()),
                "import Quadlet files and compose files by two commands, and merge the stacks by `include`",
            ),
            Self::Syntax => wording(
                "this line is neither a `[Section]` nor `Key=Value`",
                "correct it; `/usr/libexec/podman/quadlet -dryrun` must accept the file too",
            ),
            Self::Kind { file } => wording(
                format!("{file} has no equivalent"),
                "write a service for each container of it; containers share a network by `network_mode = \"service:NAME\"`",
            ),
            Self::NoEquivalent { key, section, because, instead } => {
                wording(format!("`{key}` in [{section}] was not imported: {because}"), instead.as_str())
            }
            Self::Specifier { key, specifier } => wording(
                format!("`{key}` has the specifier `%{specifier}`, which only systemd can replace"),
                "write its value",
            ),
            Self::Secret { name } => wording(
                format!("the value of the secret `{name}` is in Podman's store"),
                format!(
                    "copy it into a credential of that name: `podman secret inspect --showsecret {name}`, then `wharf secret encrypt`"
                ),
            ),
            Self::Template { file } => wording(
                format!("{file} is a template"),
                "write a service for each instance, or one with `scale` for instances that are the same",
            ),
        }
    }
}

/// What the TOML cannot say, or what has another meaning there.
pub enum Lost {
    Version,
    OverrideBeside {
        path: PathBuf,
    },
    /// A relative path may hide in a variable, and the stack file lies in another directory.
    PathInVariable {
        path: String,
        directory: PathBuf,
    },
    /// The variables of the compose file's `.env` are not the stack file's.
    DotEnvElsewhere {
        path: PathBuf,
    },
    /// `COMPOSE_ENV_FILES` is set.
    EnvFiles {
        names: String,
    },
    /// Further problems, which are only counted.
    More {
        count: usize,
    },
    /// The text depends on the `.env` or `env_file` of an included file.
    VariableOfInclude {
        text: String,
        directory: PathBuf,
    },
}

impl Problem for Lost {
    fn severity(&self) -> Severity {
        match self {
            Self::Version | Self::OverrideBeside { .. } => Severity::Warning,
            Self::More { .. } => Severity::Error,
            Self::PathInVariable { .. }
            | Self::DotEnvElsewhere { .. }
            | Self::EnvFiles { .. }
            | Self::VariableOfInclude { .. } => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::Version => wording("`version` is left out: Compose ignores it too", "no action is needed"),
            Self::OverrideBeside { path } => wording(
                format!("{} was not read, because files were named explicitly", path.display()),
                "name it as well, after the others, or name no file at all",
            ),
            Self::PathInVariable { path, directory } => wording(
                format!(
                    "if `{path}` is a relative path, it starts at {} and not at the stack file",
                    directory.display()
                ),
                "make the variable's value absolute, or write the stack file to that directory",
            ),
            Self::More { count } => {
                wording(format!("there are {count} more problems"), "fix those above first, then import again")
            }
            Self::VariableOfInclude { text, directory } => wording(
                format!(
                    "`{text}` has a different value in the files of {}, which have their own variables",
                    directory.display()
                ),
                "add those variables to the `.env` beside the stack file",
            ),
            Self::DotEnvElsewhere { path } => wording(
                format!("{} will not be read, because it is not in the directory of the stack file", path.display()),
                "copy it there, or write the stack file to its directory",
            ),
            Self::EnvFiles { names } => wording(
                format!("the files of `COMPOSE_ENV_FILES` will not be read: {names}"),
                "copy their variables into `.env` beside the stack file",
            ),
        }
    }
}
