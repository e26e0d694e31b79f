//! What the engine calls a container: its name, its id.

use thiserror::Error;

use super::{ProjectName, ServiceName, is_key};

/// `[a-zA-Z0-9][a-zA-Z0-9_.-]+`. Source: Compose Specification, container_name; Engine API, `POST /containers/create`, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName(Box<str>);

super::text_traits!(ContainerName, InvalidContainerName);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a container name: it must have two or more letters, digits, `.`, `_` and `-`, and begin with a letter or digit"
)]
pub struct InvalidContainerName(pub String);

impl ContainerName {
    /// # Errors
    /// The text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidContainerName> {
        let fits = is_key(text) && text.len() > 1;
        if fits { Ok(Self(text.into())) } else { Err(InvalidContainerName(text.to_owned())) }
    }

    /// `shop-web`
    pub fn of_service(project: &ProjectName, service: &ServiceName) -> Self {
        Self(format!("{project}-{service}").into())
    }

    /// The container of one replica, which is one instance of a template unit: `shop-web-2`.
    ///
    /// # Errors
    /// The instance has characters that no container name has.
    pub fn of_instance(&self, instance: &str) -> Result<Self, InvalidContainerName> {
        Self::parse(&format!("{self}-{instance}"))
    }
}

/// A container's id as `docker ps` shows it: its first twelve digits.
pub fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        for good in ["ab", "Shop.web_1-x"] {
            assert_eq!(ContainerName::parse(good).unwrap(), good);
        }
        for bad in ["", "a", "/ab", "-ab", "a b", "a@b"] {
            assert!(ContainerName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_services_and_replicas() {
        let shop_web =
            ContainerName::of_service(&ProjectName::parse("shop").unwrap(), &ServiceName::parse("web").unwrap());
        assert_eq!(shop_web, "shop-web");
        assert_eq!(shop_web.of_instance("2").unwrap(), "shop-web-2");
        assert!(shop_web.of_instance("a/b").is_err());
    }
}
