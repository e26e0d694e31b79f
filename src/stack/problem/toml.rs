//! Text that is not TOML, and what its author probably meant.

use super::wording::{Problem, Wording, wording};

pub enum TomlFault {
    /// The whole file is YAML.
    YamlFile,
    /// It has no `]`.
    ListNotClosed,
    /// `key: value` or `- element`.
    YamlLine { line: String },
    /// A value that must be in quotes; `quoted` is how it is written.
    NotQuoted { value: String, quoted: String },
    /// `True`, `yes` and other words for a boolean.
    BooleanWord { word: String, boolean: bool },
    /// The quotes of a word processor.
    TypographicQuotes,
    /// A key with a character that only a key in quotes can have.
    KeyNotQuoted { key: String },
}

impl Problem for TomlFault {
    fn wording(&self) -> Wording {
        match self {
            Self::YamlFile => wording(
                "this file is YAML, but a stack file is TOML",
                "convert a compose file: `wharf import -o STACK.toml COMPOSE.yaml`",
            ),
            Self::ListNotClosed => wording("the list that begins here is not closed", "write `]` after its last value"),
            Self::YamlLine { line } => wording(format!("`{line}` is YAML, not TOML"), in_toml(line)),
            Self::NotQuoted { value, quoted } => {
                wording(format!("the string `{value}` is not in quotes"), format!("write `{quoted}`"))
            }
            Self::BooleanWord { word, boolean } => wording(
                format!("`{word}` is not a TOML value"),
                format!("write `{boolean}` for a boolean, or `\"{word}\"` for a string"),
            ),
            Self::TypographicQuotes => {
                wording("this is a typographic quotation mark", "use the straight quotation marks `\"` or `'`")
            }
            Self::KeyNotQuoted { key } => wording(
                format!("the key `{key}` is not in quotes"),
                format!(
                    "write `\"{key}\"`: a key without quotes, like the name of a service, has only the letters a to z, digits, `-` and `_`"
                ),
            ),
        }
    }
}

/// How a line of YAML is written in TOML.
fn in_toml(line: &str) -> String {
    if line.starts_with('-') {
        return "write a list in brackets, as in `key = [\"one\", \"two\"]`".to_owned();
    }
    match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
        Some((key, "")) => format!("write `{key} = …` for a value, `{key} = […]` for a list, or a `[table]` header"),
        Some((key, value)) => format!("write `{key} = {}`", quoted(value)),
        None => "write `key = value`".to_owned(),
    }
}

/// A value as TOML writes it: what is TOML already stays.
pub fn quoted(value: &str) -> String {
    let is_toml = value.starts_with(['"', '\'', '[', '{']) || ["true", "false"].contains(&value);
    if is_toml || value.parse::<i64>().is_ok() {
        value.to_owned()
    } else if value.contains(['"', '\\']) && !value.contains('\'') {
        format!("'{value}'")
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
