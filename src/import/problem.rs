//! What can go wrong on the way from YAML to TOML, as data; worded here and nowhere else.
//!
//! Two kinds: what keeps the files from being read as Compose reads them (then nothing is written), and [`Lost`], what the TOML
//! cannot say.

use std::path::PathBuf;

use crate::diagnostic::Severity;
pub use crate::stack::problem::{Problem, Report, Said, said};

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
    fn say(&self) -> Said {
        match self {
            Self::Syntax { message } => said(
                format!("not valid YAML: {message}"),
                "correct it; `docker compose config` must accept the file too",
            ),
            Self::NoMapping { found } => said(
                format!("a compose file is a mapping of keys, this is {found}"),
                "write `services:` with the services below it",
            ),
            Self::TooMany { most } => said(
                format!("this file has more than {most} values, counting what aliases repeat"),
                "use fewer aliases of aliases",
            ),
            Self::Tag { tag, text } => said(
                format!("`{text}` has the tag `{tag}`, which does not fit it"),
                "remove the tag; Compose knows `!reset` and `!override`, YAML `!!str`, `!!int`, `!!float`, `!!bool` and `!!null`",
            ),
            Self::Twice { key } => said(format!("`{key}` is there twice in one mapping"), "keep one of the two"),
            Self::KeyNotText => said("a key must be text", "write a name before the `:`"),
            Self::NoMerge => {
                said("`<<` takes a mapping, or a list of mappings", "write `<<: *name`, or `<<: [*one, *other]`")
            }
        }
    }
}

/// A file that is missing, or files that do not fit together.
pub enum Assembly {
    NoComposeFile { directory: PathBuf },
    NothingInside { path: PathBuf },
}

impl Problem for Assembly {
    fn say(&self) -> Said {
        match self {
            Self::NoComposeFile { directory } => said(
                format!("there is no compose file in {} or above it", directory.display()),
                "name the file: `wharf import compose.yaml`",
            ),
            Self::NothingInside { path } => {
                said(format!("{} says nothing", path.display()), "write `services:` with the services below it")
            }
        }
    }
}

/// What the TOML cannot say, or says otherwise.
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
    /// Things of which nothing more is said.
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
            Self::PathInVariable { .. } | Self::DotEnvElsewhere { .. } | Self::VariableOfInclude { .. } => {
                Severity::Error
            }
        }
    }

    fn say(&self) -> Said {
        match self {
            Self::Version => said("`version` is left out: Compose ignores it too", "nothing need be done"),
            Self::OverrideBeside { path } => said(
                format!("{} was not read, as files were named", path.display()),
                "name it after the others, or name no file at all",
            ),
            Self::PathInVariable { path, directory } => said(
                format!(
                    "if `{path}` is a relative path, it starts at {} and not at the stack file",
                    directory.display()
                ),
                "make the variable's value absolute, or write the stack file into that directory",
            ),
            Self::More { count } => said(
                format!("{count} more things could not be carried over, or are not right"),
                "correct those above first, and import again",
            ),
            Self::VariableOfInclude { text, directory } => said(
                format!(
                    "`{text}` has another value here than in the files of {}, which have variables of their own",
                    directory.display()
                ),
                "add those variables to the `.env` beside the stack file",
            ),
            Self::DotEnvElsewhere { path } => said(
                format!("{} does not lie beside the stack file, which therefore does not read it", path.display()),
                "copy it beside the stack file, or write the stack file into its directory",
            ),
        }
    }
}
