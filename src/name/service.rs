//! The key of a service, network, volume, secret or config in a stack file.

use thiserror::Error;

/// `[a-zA-Z0-9][a-zA-Z0-9._-]*`. Source: Compose Specification, the schema's patterns of keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(Box<str>);

super::text_traits!(ServiceName, InvalidServiceName);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a name: it must have letters, digits, `.`, `_` and `-` only, and begin with a letter or digit")]
pub struct InvalidServiceName(pub String);

impl ServiceName {
    /// # Errors
    /// The text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidServiceName> {
        if is_key(text) { Ok(Self(text.into())) } else { Err(InvalidServiceName(text.to_owned())) }
    }
}

/// Whether a text follows the grammar of keys and of names at the engine.
pub fn is_key(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(is_word) && text.chars().all(|c| is_word(c) || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        for good in ["web", "Web.2_x-", "0"] {
            assert_eq!(ServiceName::parse(good).unwrap(), good);
        }
        for bad in ["", ".a", "-a", "_a", "a/b", "a@b", "a b", "é"] {
            assert!(ServiceName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
