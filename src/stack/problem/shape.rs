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
    /// A number from 0 to 1.
    Ratio,
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
            Self::Ratio => "a number from 0 to 1",
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
            Self::Ratio => format!("write a number from 0 to 1, as in `{key} = 0.5`"),
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

/// A key below a `[table]` header for which it was not meant.
pub struct Misplaced {
    pub header: String,
    /// The path of the table whose key it is; empty for the stack file itself.
    pub belongs: String,
}

impl Misplaced {
    fn owner(&self) -> &str {
        if self.belongs.is_empty() { "the stack file" } else { &self.belongs }
    }

    fn help(&self, key: &str) -> String {
        let Self { header, belongs } = self;
        match belongs.as_str() {
            "" => format!(
                "`{key}` is a key of the stack file itself: move it above the first `[table]`, as a key belongs to the last `[table]` above it"
            ),
            belongs => format!(
                "`{key}` is a key of `{belongs}`: move it above `[{header}]`, as a key belongs to the last `[table]` above it"
            ),
        }
    }
}

pub enum Shape {
    WrongType {
        key: String,
        expected: Expected,
        found: &'static str,
        misplaced: Option<Misplaced>,
    },
    /// An unknown key that a table around this one has.
    MisplacedKey {
        key: String,
        owner: String,
        misplaced: Misplaced,
    },
    /// An entry of a table with any keys that has the name of a key of a table around it.
    TakenAsEntry {
        key: String,
        misplaced: Misplaced,
    },
    /// `[web]` instead of `[services.web]`.
    TableWithoutParent {
        key: String,
        parent: &'static str,
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
            Self::Ignored { .. } | Self::TakenAsEntry { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn refuses_key(&self) -> bool {
        matches!(
            self,
            Self::UnknownKey { .. }
                | Self::MisplacedKey { .. }
                | Self::TableWithoutParent { .. }
                | Self::KeyRefused { .. }
                | Self::Excludes { .. }
        )
    }

    fn wording(&self) -> Wording {
        match self {
            Self::WrongType { key, expected, found, misplaced } => wording(
                format!("`{key}`: expected {}, found {found}", expected.name()),
                misplaced.as_ref().map_or_else(|| expected.example(key), |misplaced| misplaced.help(key)),
            ),
            Self::MisplacedKey { key, owner, misplaced } => {
                wording(format!("unknown key `{key}` in {owner}"), misplaced.help(key))
            }
            Self::TakenAsEntry { key, misplaced } => wording(
                format!("`{key}` is an entry of `{}` here, not a key of `{}`", misplaced.header, misplaced.owner()),
                format!("move it above `[{}]`, or write `\"{key}\"` in quotes if it is an entry", misplaced.header),
            ),
            Self::TableWithoutParent { key, parent } => wording(
                format!("unknown key `{key}` in the stack file"),
                format!("write `[{parent}.{key}]`: this table has the keys of {}", one_of(parent)),
            ),
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

/// `a service` for `services`.
fn one_of(table: &str) -> String {
    format!("a {}", table.strip_suffix('s').unwrap_or(table))
}
