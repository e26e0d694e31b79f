//! Names: of projects, of keys, of things at the engine, of hosts and users.

use crate::stack::problem::{Invalid, NameFault};

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// The keys of services, networks and volumes: `[a-zA-Z0-9][a-zA-Z0-9._-]*`.
pub fn is_key(text: &str) -> bool {
    text.starts_with(is_word) && text.chars().all(|c| is_word(c) || "._-".contains(c))
}

pub fn key(text: &str) -> Result<String, Invalid> {
    if is_key(text) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::Name(NameFault::ServiceName { value: text.to_owned() }))
    }
}

/// `[a-z0-9][a-z0-9_-]*`. Source: Compose Specification, name.
pub fn is_project(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_word) && text.chars().all(|c| is_word(c) || c == '-' || c == '_')
}

/// A file's stem as Compose makes a project's name of a directory: in lower case, without what does not fit.
pub fn normalise_project(stem: &str) -> String {
    let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-' || *c == '_';
    let name: String = stem.to_lowercase().chars().filter(fits).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

/// A name at the engine: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`. Source: Compose Specification, container_name.
pub fn engine(what: &'static str, text: &str) -> Result<String, Invalid> {
    if is_key(text) && text.len() > 1 {
        Ok(text.to_owned())
    } else {
        Err(Invalid::Name(NameFault::EngineName { what, value: text.to_owned() }))
    }
}

/// RFC 1123, section 2.1.
pub fn hostname(text: &str) -> Result<String, Invalid> {
    let is_label = |label: &str| {
        let ends = label.starts_with(is_word) && label.ends_with(is_word);
        ends && label.len() <= 63 && label.chars().all(|c| is_word(c) || c == '-')
    };
    let fits = text.len() <= 253 && text.split('.').all(is_label);
    if fits { Ok(text.to_owned()) } else { Err(Invalid::Name(NameFault::Hostname { value: text.to_owned() })) }
}

/// `USER[:GROUP]`, each a name or a number.
pub fn user(text: &str) -> Result<String, Invalid> {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let parts: Vec<&str> = text.split(':').collect();
    let fits = parts.len() <= 2 && parts.iter().all(|part| is_part(part));
    if fits { Ok(text.to_owned()) } else { Err(Invalid::Name(NameFault::User { value: text.to_owned() })) }
}

/// A group's name or number.
pub fn group(text: &str) -> Result<String, Invalid> {
    let fits = !text.is_empty() && text.chars().all(|c| c != ':' && !c.is_whitespace() && !c.is_control());
    if fits { Ok(text.to_owned()) } else { Err(Invalid::Name(NameFault::Group { value: text.to_owned() })) }
}

/// A name that an environment can hold.
pub fn variable(text: &str) -> Result<String, Invalid> {
    let fits = !text.is_empty() && text.chars().all(|c| c != '=' && !c.is_whitespace() && !c.is_control());
    if fits { Ok(text.to_owned()) } else { Err(Invalid::Name(NameFault::Variable { name: text.to_owned() })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_names_come_from_file_names() {
        assert_eq!(normalise_project("My Shop.v2"), "myshopv2");
        assert_eq!(normalise_project("_-Shop"), "shop");
        assert!(!is_project(&normalise_project("…")));
    }

    #[test]
    fn host_names() {
        assert!(hostname("web-1.example").is_ok());
        for bad in ["", "-a", "a-", "a..b", "a_b", &"a".repeat(64)] {
            assert!(hostname(bad).is_err(), "{bad}");
        }
    }
}
