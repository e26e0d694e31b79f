//! Names: of units, projects, their revisions, services, containers and images, and the hash of a definition.
//!
//! In: text from a file, a unit, the engine or the bus. Out: a type that is only made of text that follows the grammar of its
//! kind, with the parts of the name. Nothing here does I/O.
//! Architecture invariant: no other room splits a unit name at `@` or `.`, or an image reference at `/`, `:` or `@`.

mod container;
mod hash;
mod image;
mod project;
mod revision;
mod service;
mod unit;

pub use container::{ContainerName, InvalidContainerName, short_id};
pub use hash::{InvalidSpecHash, SpecHash, without_hashes};
pub use image::{ImageFault, ImageRef, Registry};
pub use project::{InvalidProjectName, ProjectName};
pub use revision::RevisionName;
pub use service::{InvalidServiceName, ServiceName, is_key};
pub use unit::{InvalidUnitName, UnitKind, UnitName, escape};

/// What all names can do: they are shown, compared, hashed and looked up as their text, and read from and written to JSON as it.
macro_rules! text_traits {
    ($name:ident, $error:ty) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl From<$name> for std::borrow::Cow<'_, str> {
            fn from(name: $name) -> Self {
                Self::Owned(name.into())
            }
        }

        impl<'a> From<&'a $name> for std::borrow::Cow<'a, str> {
            fn from(name: &'a $name) -> Self {
                Self::Borrowed(name)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_traits;
