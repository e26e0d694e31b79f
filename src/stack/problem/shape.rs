//! Problems of shape: a value of the wrong kind, a key that is unknown, missing or superfluous.

use super::wording::{Problem, Wording, did_you_mean, quoted_list, wording};
use crate::diagnostic::Severity;

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    String,
    Scalar,
    Boolean,
    Integer,
    Number,
    Strings,
    StringList,
    List,
    Table,
    ListOrTable,
    Duration,
    Bytes,
    Port,
    PortOrTable,
    StringOrTable,
    UnitValue,
    /// A string in a list.
    Element,
    EnvFiles,
    Includes,
    RestartPolicy,
    External,
    Hooks,
}

impl Expected {
    fn name(self) -> &'static str {
        match self {
            Self::String | Self::Element | Self::RestartPolicy => "a string",
            Self::EnvFiles => "a path or a list of paths",
            Self::Includes => "a list of paths",
            Self::Scalar => "a string, a number or a boolean",
            Self::Boolean | Self::External => "`true` or `false`",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Strings => "a string or a list of strings",
            Self::StringList => "a list of strings",
            Self::List | Self::Hooks => "a list",
            Self::Table => "a table",
            Self::ListOrTable => "a list or a table",
            Self::Duration => "a duration",
            Self::Bytes => "a size in bytes",
            Self::Port => "a port",
            Self::PortOrTable => "a port mapping",
            Self::StringOrTable => "a string or a table",
            Self::UnitValue => "a string, an integer, a boolean or a list of them",
        }
    }

    /// How it is written.
    fn example(self, key: &str) -> String {
        match self {
            Self::String | Self::Scalar => format!("write `{key} = \"…\"`"),
            Self::Element => format!("put it in quotes: each entry of `{key}` is a string"),
            Self::EnvFiles => {
                "write `env_file = [\"web.env\"]`, or `[{ path = \"web.env\", required = false }]`".to_owned()
            }
            Self::Includes => {
                "write `include = [\"other.toml\"]`, or a table `[[include]]` with its `path` for each".to_owned()
            }
            Self::RestartPolicy => {
                "write `restart = \"no\"`, or one of `always`, `unless-stopped`, `on-failure`".to_owned()
            }
            Self::External => {
                "write `external = true`, and the name at the engine as `name = \"…\"` beside it".to_owned()
            }
            Self::Hooks => format!("write `{key} = [{{ command = [\"program\", \"argument\"] }}]`"),
            Self::Boolean => format!("write `{key} = true` or `{key} = false`"),
            Self::Integer => format!("write a whole number, as in `{key} = 3`"),
            Self::Number => format!("write a number, as in `{key} = 1.5`"),
            Self::Strings => format!("write `{key} = \"…\"` or `{key} = [\"…\", \"…\"]`"),
            Self::StringList | Self::List => format!("write `{key} = [\"…\", \"…\"]`"),
            Self::Table => format!("write `{key} = {{ … }}`, or a `[table]` of its own with one key a line"),
            Self::ListOrTable => format!("write `{key} = [\"…\", \"…\"]` or `{key} = {{ … }}`"),
            Self::Duration => format!("write a string with a unit, as in `{key} = \"1m30s\"`"),
            Self::Bytes => format!("write a number of bytes or a string with a unit, as in `{key} = \"64m\"`"),
            Self::Port => format!("write a number, as in `{key} = 8080`, or a string, as in `{key} = \"8080-8089\"`"),
            Self::PortOrTable => "write `\"8080:80\"`, or `{ target = 80, published = 8080 }`".to_owned(),
            Self::StringOrTable => "write it as a string in quotes, or as a table `{ … }`".to_owned(),
            Self::UnitValue => format!("write `{key} = \"…\"`, or `{key} = [\"…\", \"…\"]` for one line each"),
        }
    }
}

pub enum Shape {
    WrongType {
        key: String,
        expected: Expected,
        found: &'static str,
    },
    UnknownKey {
        key: String,
        owner: String,
        nearest: Option<String>,
        known: Vec<&'static str>,
    },
    /// A key of the Compose Specification that makes no sense here.
    KeyRefused {
        key: String,
        owner: String,
        because: &'static str,
        instead: &'static str,
    },
    Missing {
        key: &'static str,
        owner: String,
        example: &'static str,
    },
    /// Two keys of which one makes the other meaningless.
    Excludes {
        key: String,
        owner: String,
        because: &'static str,
    },
    /// Allowed, without effect.
    Ignored {
        key: String,
        reason: &'static str,
    },
    /// `KEY = value` entries of a list that are not.
    NotAnAssignment {
        key: String,
        text: String,
    },
    EmptyList {
        key: String,
        instead: &'static str,
    },
    Twice {
        key: String,
        what: String,
    },
}

/// As many keys as can be taken in at a glance.
const MOST_KEYS: usize = 30;

impl Problem for Shape {
    fn severity(&self) -> Severity {
        match self {
            Self::Ignored { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn refuses_key(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::KeyRefused { .. } | Self::Excludes { .. })
    }

    fn wording(&self) -> Wording {
        match self {
            Self::WrongType { key, expected, found } => {
                wording(format!("`{key}`: expected {}, found {found}", expected.name()), expected.example(key))
            }
            Self::UnknownKey { key, owner, nearest, known } => wording(
                format!("unknown key `{key}` in {owner}"),
                did_you_mean(nearest.as_ref(), || match known.len() {
                    ..=MOST_KEYS => {
                        format!("use one of {}, or prefix it with `x-` to ignore it", quoted_list(known, "or"))
                    }
                    _ => "`wharf schema` lists all keys; prefix it with `x-` to ignore it".to_owned(),
                }),
            ),
            Self::KeyRefused { key, owner, because, instead } => {
                wording(format!("`{key}` in {owner} is not supported: {because}"), *instead)
            }
            Self::Missing { key, owner, example } => {
                wording(format!("`{key}` is missing in {owner}"), format!("add `{example}`"))
            }
            Self::Excludes { key, owner, because } => {
                wording(format!("`{key}` cannot be used in {owner}: {because}"), format!("remove `{key}`"))
            }
            Self::Ignored { key, reason } => wording(format!("`{key}` is ignored: {reason}"), "remove it"),
            Self::NotAnAssignment { key, text } => {
                wording(format!("`{key}`: `{text}` is not of the form `KEY=VALUE`"), "write `\"KEY=VALUE\"`")
            }
            Self::EmptyList { key, instead } => wording(format!("`{key}` is an empty list"), *instead),
            Self::Twice { key, what } => {
                wording(format!("`{key}` names {what} more than once"), "keep one of them".to_owned())
            }
        }
    }
}
