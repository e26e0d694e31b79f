//! What a table of keys, a key and the kinds of values that keys take are.
//!
//! Invariant: a kind is no stricter than the decoder that reads it; what only a decoder can tell stays with it.

/// A table whose keys are fixed.
#[derive(Debug)]
pub struct Table {
    /// Its name in the JSON schema's definitions.
    pub id: &'static str,
    /// What it is, as a heading.
    pub title: &'static str,
    /// All its keys, in the order of the alphabet.
    pub keys: &'static [Key],
    /// Those without which it is incomplete.
    pub required: &'static [&'static str],
}

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// What it means, in a line.
    pub says: &'static str,
    pub takes: Takes,
    pub state: State,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Carried out; as what: a directive, a field of the Engine API, or a sentence.
    Honoured(&'static str),
    /// The same for a key that the Compose Specification does not have.
    Own(&'static str),
    /// Taken with a warning, because it has no effect.
    Ignored(&'static str),
    /// An error.
    Refused {
        /// Completes "is not supported: ".
        because: &'static str,
        /// What to do, in the imperative.
        instead: &'static str,
    },
}

pub(super) const fn honoured(name: &'static str, takes: Takes, says: &'static str, as_what: &'static str) -> Key {
    Key { name, says, takes, state: State::Honoured(as_what) }
}

pub(super) const fn own(name: &'static str, takes: Takes, says: &'static str, as_what: &'static str) -> Key {
    Key { name, says, takes, state: State::Own(as_what) }
}

pub(super) const fn ignored(name: &'static str, takes: Takes, says: &'static str, because: &'static str) -> Key {
    Key { name, says, takes, state: State::Ignored(because) }
}

pub(super) const fn refused(
    name: &'static str,
    says: &'static str,
    because: &'static str,
    instead: &'static str,
) -> Key {
    Key { name, says, takes: Takes::Anything, state: State::Refused { because, instead } }
}

impl Table {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    /// Whether it may be written.
    pub fn is_taken(&self) -> bool {
        !matches!(self.state, State::Refused { .. })
    }

    /// Whether it does something: a decoder reads it.
    pub fn is_honoured(&self) -> bool {
        matches!(self.state, State::Honoured(_) | State::Own(_))
    }
}

/// What a key takes. A string may hold variables, whatever its form.
#[derive(Debug)]
pub enum Takes {
    /// A string.
    String,
    /// A string of a form.
    Form(&'static Form),
    /// A string, a number or a boolean.
    Scalar,
    /// `true` or `false`, or a string that says so.
    Boolean,
    /// A whole number from this one up, or a string of digits.
    Integer(i64),
    /// A number, or a string of one.
    Number,
    /// A number of bytes, or a string with a unit.
    Bytes,
    /// One of these words.
    Words(&'static [&'static str]),
    List(&'static Takes),
    /// A table whose keys are names of services, networks, …
    Named(&'static Takes),
    /// A table with any keys.
    Map(&'static Takes),
    Table(&'static Table),
    /// One of several kinds.
    Either(&'static [Takes]),
    /// Not looked into: nothing below it is honoured.
    Anything,
}

/// How a string is to look.
#[derive(Debug)]
pub struct Form {
    /// What it is, with its article.
    pub name: &'static str,
    /// A regular expression for the whole string, without `^` and `$`; only what all dialects have.
    pub pattern: &'static str,
}

/// Compose Specification, Extension, "Specifying durations".
pub const DURATION: Takes =
    Takes::Form(&Form { name: "a duration as `1m30s`", pattern: r"\s*(0|([0-9]*\.?[0-9]+(us|µs|ms|s|m|h))+)\s*" });

/// proto(5), `owner/name` and the like are for the decoder.
pub const ABSOLUTE_PATH: Takes = Takes::Form(&Form { name: "an absolute path", pattern: "/.*" });

/// The form of numbers in strings.
pub const INTEGER: Form = Form { name: "an integer", pattern: r"\s*[+-]?[0-9]+\s*" };
pub const NUMBER: Form = Form { name: "a number", pattern: r"\s*[+-]?[0-9]*\.?[0-9]+\s*" };
pub const BYTES: Form = Form { name: "a size as `64m`", pattern: r"\s*-?[0-9]*\.?[0-9]+\s*([bB]|[kKmMgG][bB]?)?\s*" };
pub const BOOLEAN_WORDS: &[&str] = &["true", "yes", "y", "on", "false", "no", "n", "off"];

/// A string, or a list of strings.
pub const STRINGS: Takes = Takes::Either(&[Takes::String, LIST]);
/// A list of strings.
pub const LIST: Takes = Takes::List(&Takes::String);
/// `["KEY=VALUE"]` or `{ KEY = "VALUE" }`.
pub const PAIRS: Takes = Takes::Either(&[LIST, Takes::Map(&Takes::Scalar)]);
/// A line that is split into words, or the words.
pub const COMMAND: Takes = STRINGS;
/// A table of a driver's or plugin's options.
pub const OPTIONS: Takes = Takes::Map(&Takes::Scalar);
/// A string or a whole number.
pub const NAME_OR_NUMBER: Takes = Takes::Either(&[Takes::String, Takes::Integer(i64::MIN)]);

impl Takes {
    /// What it is in words, with its article.
    pub fn name(&self) -> String {
        match self {
            Self::String => "a string".to_owned(),
            Self::Form(form) => form.name.to_owned(),
            Self::Scalar => "a string, number or boolean".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Integer(_) => "an integer".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Bytes => "bytes, or a size such as `64m`".to_owned(),
            Self::Words(words) => alternatives(words.iter().map(|word| format!("`{word}`"))),
            Self::List(element) => format!("a list of {}", element.plural()),
            Self::Named(value) => format!("a table: name → {}", value.name()),
            Self::Map(value) => format!("a table: key → {}", value.name()),
            Self::Table(table) => format!("a table: {}", table.title),
            Self::Either(several) => alternatives(several.iter().map(Self::name)),
            Self::Anything => String::new(),
        }
    }

    fn plural(&self) -> String {
        match self {
            Self::String => "strings".to_owned(),
            Self::Integer(_) => "integers".to_owned(),
            Self::Table(table) => format!("tables: {}", table.title),
            Self::Either(several) => alternatives(several.iter().map(Self::plural)),
            other => other.name(),
        }
    }

    /// The tables that a value may be or hold.
    pub fn tables(&self) -> Vec<&'static Table> {
        match self {
            Self::Table(table) => vec![table],
            Self::List(inner) | Self::Named(inner) | Self::Map(inner) => inner.tables(),
            Self::Either(several) => several.iter().flat_map(Self::tables).collect(),
            _ => Vec::new(),
        }
    }
}

fn alternatives(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        _ => names.concat(),
    }
}
