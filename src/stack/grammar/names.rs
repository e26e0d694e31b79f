//! Names of keys, of things at the engine, of hosts and users.

use crate::name::ServiceName;
pub use crate::name::is_key;
use crate::stack::problem::{Invalid, NameFault};

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

pub fn service(text: &str) -> Result<ServiceName, Invalid> {
    ServiceName::parse(text).map_err(|_| Invalid::Name(NameFault::ServiceName { value: text.to_owned() }))
}

pub fn key(text: &str) -> Result<String, Invalid> {
    if is_key(text) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::Name(NameFault::ServiceName { value: text.to_owned() }))
    }
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
    fn host_names() {
        assert!(hostname("web-1.example").is_ok());
        for bad in ["", "-a", "a-", "a..b", "a_b", &"a".repeat(64)] {
            assert!(hostname(bad).is_err(), "{bad}");
        }
    }
}
