//! What is wrong with an image reference.

use super::wording::{Said, quote, refused};

pub enum ImageFault {
    Empty,
    Character(char),
    UpperCase,
    Tag(String),
    Digest(String),
    Component(String),
    TooLong,
}

pub fn say_image(value: &str, fault: &ImageFault) -> Said {
    let (why, help) = match fault {
        ImageFault::Empty => ("it is empty".to_owned(), "write it as in `docker.io/library/nginx:1.29`".to_owned()),
        ImageFault::Character(character) => (
            format!("{character:?} cannot stand in it"),
            "write it as in `registry.example:5000/team/app:1.2`, without a scheme as `https://`".to_owned(),
        ),
        ImageFault::UpperCase => {
            ("a repository has no upper-case letters".to_owned(), format!("write `{}`", lower_repository(value)))
        }
        ImageFault::Tag(tag) => (
            format!("{} is not a tag", quote(tag)),
            "a tag has at most 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two".to_owned(),
        ),
        ImageFault::Digest(digest) => (
            format!("`{digest}` is not a digest"),
            "write it as in `nginx@sha256:` followed by 64 hex digits".to_owned(),
        ),
        ImageFault::Component(part) if part.is_empty() => (
            "a part between its slashes is empty".to_owned(),
            "write it as in `registry.example/team/app:1.2`".to_owned(),
        ),
        ImageFault::Component(part) => (
            format!("`{part}` is not a part of a repository's name"),
            "a part has lower-case letters and digits, with single `.`, `_`, `__` or `-` between them".to_owned(),
        ),
        ImageFault::TooLong => {
            ("its name has more than 255 characters".to_owned(), "use a shorter repository name".to_owned())
        }
    };
    refused(value, "is not an image reference", &why, help)
}

/// The reference with its repository in lower case; a tag may have upper-case letters.
fn lower_repository(value: &str) -> String {
    let end = match value.rfind('/') {
        Some(slash) => value[slash..].find([':', '@']).map(|at| slash + at),
        None => value.find([':', '@']),
    };
    let (repository, rest) = value.split_at(end.unwrap_or(value.len()));
    format!("{}{rest}", repository.to_lowercase())
}
