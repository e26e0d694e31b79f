//! Problems of files and of their text: reading, syntax, variables.

use std::path::PathBuf;

use super::wording::{Problem, Wording, quote, wording};
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
    /// A seccomp profile that is not JSON.
    NotJson {
        path: PathBuf,
        reason: String,
    },
}

impl Problem for FileProblem {
    fn wording(&self) -> Wording {
        match self {
            Self::StackUnreadable { path, reason } => wording(
                format!("cannot read the stack file {}: {reason}", path.display()),
                "check the path and its permissions; a stack file is UTF-8 text",
            ),
            Self::Unreadable { path, reason } => {
                wording(format!("cannot read {}: {reason}", path.display()), "make it a readable file of UTF-8 text")
            }
            Self::EnvFileMissing { path } => wording(
                format!("the env file {} does not exist", path.display()),
                "create it, or write `{ path = \"…\", required = false }` if it may be missing",
            ),
            Self::LabelFileMissing { path } => wording(
                format!("the label file {} does not exist", path.display()),
                "create it, or remove it from `label_file`: a relative path starts at the directory of the stack file",
            ),
            Self::DuplicateKey { key } => wording(
                format!("duplicate key `{key}`"),
                "keep one of the two; all keys of a table belong under one `[table]` header",
            ),
            Self::Syntax { message } => wording(
                format!("not valid TOML: {message}"),
                "strings stand in quotes, lists in `[…]`, tables under `[services.NAME]`: see https://toml.io",
            ),
            Self::NotJson { path, reason } => wording(
                format!("the seccomp profile {} is not valid JSON: {reason}", path.display()),
                "use a profile in the format of the engine's documentation, or `seccomp=unconfined`",
            ),
            Self::IntegerTooBig => {
                wording("this integer does not fit in 64 bits", "write a smaller number, or a string in quotes")
            }
        }
    }
}

/// What can be wrong with a variable in a text.
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
    /// More than may be put in the place of variables, in one text or in the whole stack.
    TooLong,
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

    fn wording(&self) -> Wording {
        match self {
            Self::Variable(finding) => finding.wording(),
            Self::EnvName { character } => wording(
                format!("{character:?} is not allowed in a variable name"),
                "write `NAME=value`; a name has letters, digits and `_`, and a comment starts with `#`",
            ),
            Self::EnvNameMissing => wording("the name of the variable is missing", "write `NAME=value`"),
            Self::EnvNameWithSpace { name } => wording(
                format!("the name of a variable cannot contain a space: `{name}`"),
                "write `NAME=value`, and nothing but `export` before the name",
            ),
            Self::EnvUnclosedQuote { quote } => wording(
                format!("the closing {quote} of this value is missing"),
                format!("close it with {quote}; write \\{quote} for one inside the value"),
            ),
            Self::EnvAfterQuote { text } => wording(
                format!("unexpected text after the closing quote: `{text}`"),
                "put the whole value in the quotes; a comment after it starts with ` #`",
            ),
        }
    }
}

impl Finding {
    fn wording(&self) -> Wording {
        match self {
            Self::Unset { variable } => wording(
                format!("the variable `{variable}` is not set, defaulting to an empty string"),
                format!(
                    "set it in the environment or in `.env`, give a default as in `${{{variable}:-default}}`, or write `$${variable}` for a literal dollar"
                ),
            ),
            Self::Required { variable, message } if message.is_empty() => wording(
                format!("the variable `{variable}` is required but has no value"),
                format!("set `{variable}` in the environment or in `.env` beside the stack file"),
            ),
            Self::Required { variable, message } => wording(
                format!("the variable `{variable}` is required but has no value: {message}"),
                format!("set `{variable}` in the environment or in `.env` beside the stack file"),
            ),
            Self::Unclosed => {
                wording("this `${` has no closing `}`", "close it, or write `$${` for a literal dollar and brace")
            }
            Self::BadName { name } => wording(
                format!("{} is not a valid variable name", quote(name)),
                "use a name of letters, digits and `_` as in `${NAME}`, or write `$${` for a literal dollar and brace",
            ),
            Self::BadOperator { variable, operator } => wording(
                format!("`{operator}` is not an operator for the variable `{variable}`"),
                "use one of `:-` `-` (default), `:?` `?` (required), `:+` `+` (replacement), or write `$${` for a literal dollar and brace",
            ),
            Self::TooDeep => {
                wording("the defaults of this variable are nested too deep", "use fewer levels of `${…:-${…}}`")
            }
            Self::TooLong => wording(
                "the values of variables are too long: at most 1 MiB in one string or line, and 16 MiB in total",
                "use shorter values, or look for variables that contain one another",
            ),
        }
    }
}
