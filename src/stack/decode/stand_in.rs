//! What stands where a name is missing or wrong.
//!
//! Invariant: that is reported, so no stack with one of these is handed out.

use crate::name::{ImageRef, ProjectName, ServiceName};

#[expect(clippy::expect_used, reason = "the literal is a valid name")]
pub fn project() -> ProjectName {
    ProjectName::parse("unnamed").expect("`unnamed` is a project name")
}

#[expect(clippy::expect_used, reason = "the literal is a valid name")]
pub fn service() -> ServiceName {
    ServiceName::parse("unnamed").expect("`unnamed` is a service name")
}

#[expect(clippy::expect_used, reason = "the literal is a valid name")]
pub fn image() -> ImageRef {
    ImageRef::parse("unnamed").expect("`unnamed` is an image reference")
}
