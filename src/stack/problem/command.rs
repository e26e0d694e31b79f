//! Commands and probes that cannot be run as written.

use super::wording::{Problem, Said, did_you_mean, said};

pub enum CommandFault {
    UnbalancedQuote { quote: char },
    TrailingBackslash,
    NulByte,
    HealthTest { first: Option<String>, nearest: Option<String> },
    HealthTestArguments { kind: &'static str },
}

impl Problem for CommandFault {
    fn say(&self) -> Said {
        match self {
            Self::UnbalancedQuote { quote } => said(
                format!("a {quote} in this command is not closed"),
                "close it, or write the command as a list of words, which needs no quoting",
            ),
            Self::TrailingBackslash => said(
                "this command ends in a backslash",
                "remove it, or write the command as a list of words, which needs no quoting",
            ),
            Self::NulByte => {
                said("this string has a NUL character, which no program can be given", "remove the `\\u0000`")
            }
            Self::HealthTest { first: Some(first), nearest } => said(
                format!("a list for `test` cannot start with `{first}`"),
                did_you_mean(nearest.as_ref(), || {
                    "put `\"CMD\"` first to run a program, `\"CMD-SHELL\"` for a line of shell; `[\"NONE\"]` disables the check"
                        .to_owned()
                }),
            ),
            Self::HealthTest { first: None, .. } => said(
                "`test` is an empty list",
                "write `[\"CMD\", \"program\", \"argument\"]`, or remove it to keep the image's own test",
            ),
            Self::HealthTestArguments { kind: "CMD" } => {
                said("`CMD` is followed by no program", "write `[\"CMD\", \"program\", \"argument\"]`")
            }
            Self::HealthTestArguments { kind: "CMD-SHELL" } => said(
                "`CMD-SHELL` takes exactly one line of shell",
                "write `[\"CMD-SHELL\", \"curl -f localhost || exit 1\"]`, or `\"CMD\"` to run a program with arguments",
            ),
            Self::HealthTestArguments { kind } => {
                said(format!("`{kind}` takes no arguments"), format!("write `[\"{kind}\"]`"))
            }
        }
    }
}
