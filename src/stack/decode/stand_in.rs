//! What stands where a name is missing or wrong.
//!
//! Invariant: that is reported, so no stack with one of these is handed out.

use crate::name::{ImageRef, ProjectName, ServiceName};

pub fn project() -> ProjectName {
    ProjectName::parse("unnamed").expect("`unnamed` is a project name")
}

pub fn service() -> ServiceName {
    ServiceName::parse("unnamed").expect("`unnamed` is a service name")
}

pub fn image() -> ImageRef {
    ImageRef::parse("unnamed").expect("`unnamed` is an image reference")
}
