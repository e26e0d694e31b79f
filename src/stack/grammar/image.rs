//! Image references, with what is wrong with them.

use crate::name::ImageRef;
use crate::stack::problem::Invalid;

/// The reference that a text is.
pub fn reference(text: &str) -> Result<ImageRef, Invalid> {
    ImageRef::parse(text).map_err(|fault| Invalid::Image { value: text.to_owned(), fault })
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
