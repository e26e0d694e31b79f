//! Services that cannot be extended.

use std::path::PathBuf;

use super::wording::{Problem, Wording, did_you_mean, wording};

pub enum ExtendsFault {
    ExtendsUnknown {
        service: String,
        base: String,
        file: Option<PathBuf>,
        nearest: Option<String>,
    },
    /// The services in order, with their files where they are not all in one; the last is the first again.
    ExtendsCycle {
        services: Vec<String>,
    },
    ExtendsTooLong {
        limit: usize,
    },
    /// What the services inherit is more than any stack needs.
    TooMuch {
        limit: usize,
    },
}

impl Problem for ExtendsFault {
    fn wording(&self) -> Wording {
        match self {
            Self::ExtendsUnknown { service, base, file, nearest } => {
                unknown_base(service, base, file.as_ref(), nearest)
            }
            Self::ExtendsCycle { services } => {
                wording(format!("circular `extends`: {}", services.join(" → ")), "remove one of these `extends`")
            }
            Self::ExtendsTooLong { limit } => wording(
                format!("the chain of `extends` is longer than {limit} services"),
                "extend a service nearer to the end of the chain",
            ),
            Self::TooMuch { limit } => wording(
                format!("the services of this stack inherit more than {limit} values in total"),
                "extend such a large service fewer times",
            ),
        }
    }
}

fn unknown_base(service: &str, base: &str, file: Option<&PathBuf>, nearest: &Option<String>) -> Wording {
    let owner = file.map_or_else(|| "this file".to_owned(), |file| file.display().to_string());
    let message = format!("service `{service}` extends `{base}`, which is not a service of {owner}");
    let other_file = "name a service of that file; for one of another file, write `{ file = \"…\", service = \"…\" }`";
    wording(message, did_you_mean(nearest.as_ref(), || other_file.to_owned()))
}
