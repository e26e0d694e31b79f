//! Words that are not among those that a key takes.

use super::wording::{Problem, Wording, did_you_mean, quote, quoted_list, wording};

pub enum ChoiceFault {
    OneOf { key: &'static str, value: String, nearest: Option<String>, allowed: &'static [&'static str] },
    NetworkMode { value: String, nearest: Option<String> },
    Restart { value: String, nearest: Option<String> },
    Signal { value: String, nearest: Option<String> },
    Capability { value: String, nearest: Option<String> },
    Ulimit { name: String, nearest: Option<String>, allowed: &'static [&'static str] },
    RefreshAge { value: String },
}

impl Problem for ChoiceFault {
    fn wording(&self) -> Wording {
        match self {
            Self::OneOf { key, value, nearest, allowed } => wording(
                format!("{} is not a value of `{key}`", quote(value)),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(allowed, "or"))),
            ),
            Self::NetworkMode { value, nearest } => wording(
                format!("{} is not a network mode", quote(value)),
                did_you_mean(nearest.as_ref(), || {
                    "use `host`, `none`, `bridge`, `service:NAME` or `container:NAME`; a network of the engine is joined by \
                     `networks`, where it is declared with `external = true`"
                        .to_owned()
                }),
            ),
            Self::Restart { value, nearest } => wording(
                format!("{} is not a restart policy", quote(value)),
                did_you_mean(nearest.as_ref(), || {
                    "use `no`, `always`, `unless-stopped`, `on-failure`, or `on-failure:3` for at most three times"
                        .to_owned()
                }),
            ),
            Self::Signal { value, nearest } => wording(
                format!("{} is not a signal", quote(value)),
                did_you_mean(nearest.as_ref(), || {
                    "use a name as in `SIGTERM`, or a number from 1 to 64 (signal(7))".to_owned()
                }),
            ),
            Self::Capability { value, nearest } => wording(
                format!("{} is not a capability of the kernel", quote(value)),
                did_you_mean(nearest.as_ref(), || {
                    "use a name of capabilities(7), as in `NET_ADMIN`, or `ALL`".to_owned()
                }),
            ),
            Self::Ulimit { name, nearest, allowed } => wording(
                format!("{} is not a limit that the engine knows", quote(name)),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(allowed, "or"))),
            ),
            Self::RefreshAge { value } => wording(
                format!("{} is not the age of an image", quote(value)),
                "write numbers with the units w, d, h, m and s, as in `12h` or `1w2d`",
            ),
        }
    }
}
