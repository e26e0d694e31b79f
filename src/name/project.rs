//! The name of a project: of one stack on this host.

use thiserror::Error;

/// `[a-z0-9][a-z0-9_-]*`. Source: Compose Specification, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectName(Box<str>);

super::text_traits!(ProjectName, InvalidProjectName);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a project name: it must have lower-case letters, digits, `-` and `_` only, and begin with a letter or digit"
)]
pub struct InvalidProjectName(pub String);

impl ProjectName {
    /// # Errors
    /// The text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidProjectName> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = text.starts_with(is_word) && text.chars().all(|c| is_word(c) || c == '-' || c == '_');
        if fits { Ok(Self(text.into())) } else { Err(InvalidProjectName(text.to_owned())) }
    }

    /// The name that Compose makes of a directory's name: lower case, without the characters that no project name has. May be
    /// empty, and is then no name.
    pub fn normalise(stem: &str) -> String {
        let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-' || *c == '_';
        let name: String = stem.to_lowercase().chars().filter(fits).collect();
        name.trim_start_matches(['-', '_']).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_file_names() {
        assert_eq!(ProjectName::normalise("My Shop.v2"), "myshopv2");
        assert_eq!(ProjectName::normalise("_-Shop"), "shop");
        assert!(ProjectName::parse(&ProjectName::normalise("…")).is_err());
    }

    #[test]
    fn grammar() {
        for good in ["shop", "0", "my-shop_2"] {
            assert_eq!(ProjectName::parse(good).unwrap(), good);
        }
        for bad in ["", "-a", "_a", "A", "a.b", "a/b", "a b", "é", "a\n"] {
            assert!(ProjectName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
