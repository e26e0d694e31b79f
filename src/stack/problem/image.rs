//! What is wrong with an image reference.

use super::wording::{Wording, quote, refused, why};
use crate::name::{ImageFault, ImageRef};

/// What is wrong with this value.
pub fn image(value: &str, fault: &ImageFault) -> Wording {
    let (reason, help) = match fault {
        ImageFault::Empty => why("it is empty", "write it as in `docker.io/library/nginx:1.29`"),
        ImageFault::Character(character) => why(
            format!("{character:?} is not allowed"),
            "write it as in `registry.example:5000/team/app:1.2`, without a scheme such as `https://`",
        ),
        ImageFault::UpperCase => {
            why("a repository has no upper-case letters", format!("write `{}`", lower_repository(value)))
        }
        ImageFault::Tag(tag) => why(
            format!("{} is not a tag", quote(tag)),
            "a tag has at most 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`",
        ),
        ImageFault::Digest(digest) => {
            why(format!("`{digest}` is not a digest"), "write it as in `nginx@sha256:` followed by 64 hex digits")
        }
        ImageFault::Component(part) if part.is_empty() => {
            why("a part between its slashes is empty", "write it as in `registry.example/team/app:1.2`")
        }
        ImageFault::Component(part) => why(
            format!("`{part}` is not a part of a repository's name"),
            "a part has lower-case letters and digits, with single `.`, `_`, `__` or `-` between them",
        ),
        ImageFault::TooLong => why("its name has more than 255 characters", "use a shorter repository name"),
    };
    refused(value, "is not an image reference", &reason, help)
}

/// The reference with its repository in lower case; a tag may have upper-case letters.
fn lower_repository(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let end = ImageRef::parse(&lower).map_or(lower.len(), |reference| reference.name().len());
    format!("{}{}", &lower[..end], &value[end..])
}
