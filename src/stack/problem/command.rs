//! Commands and probes that cannot be run as written.

use super::wording::{Problem, Wording, did_you_mean, wording};

pub enum CommandFault {
    UnbalancedQuote { quote: char },
    TrailingBackslash,
    NulByte,
    HealthTest { first: Option<String>, nearest: Option<String> },
    HealthTestArguments { kind: &'static str },
}

impl Problem for CommandFault {
    fn wording(&self) -> Wording {
        match self {
            Self::UnbalancedQuote { quote } => wording(
                format!("unclosed {quote} in this command"),
                "close it, or write the command as a list of words, which needs no quoting",
            ),
            Self::TrailingBackslash => wording(
                "this command ends in a backslash",
                "remove it, or write the command as a list of words, which needs no quoting",
            ),
            Self::NulByte => wording(
                "this string contains a NUL character, which cannot be passed to a program",
                "remove the `\\u0000`",
            ),
            Self::HealthTest { first: Some(first), nearest } => wording(
                format!("a list for `test` cannot start with `{first}`"),
                did_you_mean(nearest.as_ref(), || {
                    "put `\"CMD\"` first to run a program, `\"CMD-SHELL\"` for a line of shell; `[\"NONE\"]` disables the check"
                        .to_owned()
                }),
            ),
            Self::HealthTest { first: None, .. } => wording(
                "`test` is an empty list",
                "write `[\"CMD\", \"program\", \"argument\"]`, or remove it to keep the image's own test",
            ),
            Self::HealthTestArguments { kind: "CMD" } => {
                wording("`CMD` must be followed by a program", "write `[\"CMD\", \"program\", \"argument\"]`")
            }
            Self::HealthTestArguments { kind: "CMD-SHELL" } => wording(
                "`CMD-SHELL` takes exactly one line of shell",
                "write `[\"CMD-SHELL\", \"curl -f localhost || exit 1\"]`, or `\"CMD\"` to run a program with arguments",
            ),
            Self::HealthTestArguments { kind } => {
                wording(format!("`{kind}` takes no arguments"), format!("write `[\"{kind}\"]`"))
            }
        }
    }
}
