//! Problems of files and of their text: reading, syntax, variables.

use std::path::PathBuf;

use super::wording::{Problem, Said, quote, said};
use crate::diagnostic::Severity;

/// A file that cannot be read or parsed.
pub enum FileProblem {
    /// The stack file itself.
    StackUnreadable {
        path: PathBuf,
        reason: String,
    },
    /// A file that the stack names or brings along.
    Unreadable {
        path: PathBuf,
        reason: String,
    },
    EnvFileMissing {
        path: PathBuf,
    },
    LabelFileMissing {
        path: PathBuf,
    },
    Syntax {
        message: String,
    },
    DuplicateKey {
        key: String,
    },
    IntegerTooBig,
    /// A seccomp profile that is none.
    NotJson {
        path: PathBuf,
        reason: String,
    },
}

impl Problem for FileProblem {
    fn say(&self) -> Said {
        match self {
            Self::StackUnreadable { path, reason } => said(
                format!("cannot read the stack file {}: {reason}", path.display()),
                "check the path and its permissions; a stack file is UTF-8 text",
            ),
            Self::Unreadable { path, reason } => {
                said(format!("cannot read {}: {reason}", path.display()), "make it a readable file of UTF-8 text")
            }
            Self::EnvFileMissing { path } => said(
                format!("the env file {} does not exist", path.display()),
                "create it, or write `{ path = \"…\", required = false }` if it may be missing",
            ),
            Self::LabelFileMissing { path } => said(
                format!("the label file {} does not exist", path.display()),
                "create it, or remove it from `label_file`: a relative path starts at the directory of the stack file",
            ),
            Self::DuplicateKey { key } => said(
                format!("`{key}` is there twice in one table"),
                "keep one of the two; all keys of a table stand under one `[table]` header",
            ),
            Self::Syntax { message } => said(
                format!("not valid TOML: {message}"),
                "strings stand in quotes, lists in `[…]`, tables under `[services.NAME]`: see https://toml.io",
            ),
            Self::NotJson { path, reason } => said(
                format!("{} is not JSON, as a seccomp profile is: {reason}", path.display()),
                "name a profile as the engine's documentation has them, or `seccomp=unconfined`",
            ),
            Self::IntegerTooBig => {
                said("this integer does not fit into 64 bits", "write a smaller number, or a string in quotes")
            }
        }
    }
}

/// What can be said of a variable in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Neither set nor given a default: the empty string stands in.
    Unset { variable: String },
    /// `${VAR:?message}` and the variable is missing.
    Required { variable: String, message: String },
    /// `${` without its `}`.
    Unclosed,
    /// `${}` or `${1X}`.
    BadName { name: String },
    /// `${VAR/x/y}` and other operators of a shell that Compose does not have.
    BadOperator { variable: String, operator: String },
    /// Defaults nested too deep.
    TooDeep,
}

/// A variable or a line that is wrong, in a string of the stack or in an env file.
pub enum TextProblem {
    Variable(Finding),
    /// A character that no variable's name has.
    EnvName {
        character: char,
    },
    EnvNameMissing,
    EnvNameWithSpace {
        name: String,
    },
    EnvUnclosedQuote {
        quote: char,
    },
    EnvAfterQuote {
        text: String,
    },
}

impl Problem for TextProblem {
    fn severity(&self) -> Severity {
        match self {
            Self::Variable(Finding::Unset { .. }) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn say(&self) -> Said {
        match self {
            Self::Variable(finding) => say_finding(finding),
            Self::EnvName { character } => said(
                format!("{character:?} cannot stand in the name of a variable"),
                "write `NAME=value`; a name has letters, digits and `_`, and a comment starts with `#`",
            ),
            Self::EnvNameMissing => said("the name of the variable is missing", "write `NAME=value`"),
            Self::EnvNameWithSpace { name } => said(
                format!("the name of a variable cannot contain a space: `{name}`"),
                "write `NAME=value`, and nothing but `export` before the name",
            ),
            Self::EnvUnclosedQuote { quote } => said(
                format!("the closing {quote} of this value is missing"),
                format!("close it with {quote}; write \\{quote} for one inside the value"),
            ),
            Self::EnvAfterQuote { text } => said(
                format!("`{text}` stands after the closing quote"),
                "put the whole value in the quotes; a comment after it starts with ` #`",
            ),
        }
    }
}

fn say_finding(finding: &Finding) -> Said {
    match finding {
        Finding::Unset { variable } => said(
            format!("the variable `{variable}` is not set: it counts as empty"),
            format!(
                "set it in the environment or in `.env`, give a default as in `${{{variable}:-default}}`, or write `$${variable}` for a literal dollar"
            ),
        ),
        Finding::Required { variable, message } if message.is_empty() => said(
            format!("the variable `{variable}` is required but has no value"),
            format!("set `{variable}` in the environment or in `.env` beside the stack file"),
        ),
        Finding::Required { variable, message } => said(
            format!("the variable `{variable}` is required but has no value: {message}"),
            format!("set `{variable}` in the environment or in `.env` beside the stack file"),
        ),
        Finding::Unclosed => {
            said("this `${` has no closing `}`", "close it, or write `$${` for a literal dollar and brace")
        }
        Finding::BadName { name } => said(
            format!("{} is not the name of a variable", quote(name)),
            "use a name of letters, digits and `_` as in `${NAME}`, or write `$${` for a literal dollar and brace",
        ),
        Finding::BadOperator { variable, operator } => said(
            format!("`{operator}` is not an operator for the variable `{variable}`"),
            "use one of `:-` `-` (default), `:?` `?` (required), `:+` `+` (replacement), or write `$${` for a literal dollar and brace",
        ),
        Finding::TooDeep => said("the defaults of this variable nest too deep", "use fewer levels of `${…:-${…}}`"),
    }
}
