//! The grammar of image references: `[REGISTRY/]NAME[:TAG][@DIGEST]`.
//!
//! Source: Compose Specification, services, image; the distribution project's reference grammar, which every registry follows.

use crate::stack::problem::{ImageFault, Invalid};

/// Checks a reference and hands it back as written.
pub fn reference(text: &str) -> Result<String, Invalid> {
    match check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(fault) => Err(Invalid::Image { value: text.to_owned(), fault }),
    }
}

fn check(text: &str) -> Result<(), ImageFault> {
    if text.is_empty() {
        return Err(ImageFault::Empty);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@+[]".contains(c);
    if let Some(character) = text.chars().find(|c| !allowed(*c)) {
        return Err(ImageFault::Character(character));
    }
    if text.contains("://") {
        return Err(ImageFault::Character(':'));
    }
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    if let Some(digest) = digest {
        check_digest(digest)?;
    }
    let (name, tag) = split_tag(named);
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    check_name(name)
}

/// A colon after the last slash begins the tag; one before it belongs to the registry's port.
fn split_tag(named: &str) -> (&str, Option<&str>) {
    let path_start = named.rfind('/').map_or(0, |slash| slash + 1);
    match named[path_start..].find(':') {
        Some(colon) => (&named[..path_start + colon], Some(&named[path_start + colon + 1..])),
        None => (named, None),
    }
}

fn check_tag(tag: &str) -> Result<(), ImageFault> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = tag.len() <= 128 && tag.starts_with(is_word) && tag.chars().all(|c| is_word(c) || c == '.' || c == '-');
    if fits { Ok(()) } else { Err(ImageFault::Tag(tag.to_owned())) }
}

fn check_digest(digest: &str) -> Result<(), ImageFault> {
    let well_formed = digest.split_once(':').is_some_and(|(algorithm, hex)| {
        let length = match algorithm {
            "sha256" => hex.len() == 64,
            "sha512" => hex.len() == 128,
            _ => hex.len() >= 32 && algorithm.starts_with(|c: char| c.is_ascii_alphabetic()),
        };
        length && hex.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
    });
    if well_formed { Ok(()) } else { Err(ImageFault::Digest(digest.to_owned())) }
}

fn check_name(name: &str) -> Result<(), ImageFault> {
    let path = match name.split_once('/') {
        Some((registry, path)) if is_registry(registry) => {
            check_registry(registry)?;
            path
        }
        _ => name,
    };
    if name.len() > 255 {
        return Err(ImageFault::TooLong);
    }
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(ImageFault::UpperCase);
    }
    path.split('/').try_for_each(
        |part| {
            if is_component(part) { Ok(()) } else { Err(ImageFault::Component(part.to_owned())) }
        },
    )
}

/// The first part is a registry if it cannot be a plain name: with a dot, a port, upper case, or `localhost`.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':', '[']) || first.chars().any(|c| c.is_ascii_uppercase())
}

fn check_registry(registry: &str) -> Result<(), ImageFault> {
    let fault = || ImageFault::Component(registry.to_owned());
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or_else(fault)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| fault())?;
            (None, port.strip_prefix(':'))
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    let host_fits = host.is_none_or(|host| host.split('.').all(is_domain_part));
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host_fits && port_fits { Ok(()) } else { Err(fault()) }
}

fn is_domain_part(part: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    part.starts_with(ends) && part.ends_with(ends) && part.chars().all(|c| ends(c) || c == '-')
}

/// Lower-case letters and digits; between them `.`, `_`, `__` or any number of `-`.
fn is_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !part.starts_with(is_word) || !part.ends_with(is_word) {
        return false;
    }
    part.split(is_word).all(|between| matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn references_that_registries_take() {
        let digest = "a".repeat(64);
        for good in [
            "nginx",
            "nginx:1.29-alpine",
            "library/nginx",
            "docker.io/library/nginx:latest",
            "localhost/app",
            "registry.example:5000/team/my-app_x__y:V1.2",
            "[2001:db8::1]:5000/app",
            "Registry.Example/app",
            "a--b/c",
            &format!("nginx@sha256:{digest}"),
            &format!("nginx:1.29@sha256:{digest}"),
            &format!("sha256:{digest}"),
        ] {
            assert!(reference(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn references_that_no_registry_takes() {
        for bad in [
            "",
            "Nginx",
            "docker.io/Library/nginx",
            "https://docker.io/nginx",
            "nginx:",
            "nginx:-x",
            "nginx latest",
            "nginx@sha256:abc",
            "/nginx",
            "a//b",
            "a...b",
            "a_-b",
            "-a",
            "host.example:port/app",
            "host.example:70000/app",
            "nginx@",
            "é",
        ] {
            assert!(reference(bad).is_err(), "{bad}");
        }
        assert!(reference(&"a".repeat(256)).is_err());
    }
}
