//! What is wrong between a stack and its lock.

use std::path::PathBuf;

use super::wording::{Problem, Wording, wording};

/// A lock that cannot be used.
pub enum LockFault {
    /// The file is not a lock.
    Invalid { reason: String },
    /// The stack has an image that the lock has not.
    Missing { image: String, lock: PathBuf },
}

impl Problem for LockFault {
    fn wording(&self) -> Wording {
        match self {
            Self::Invalid { reason } => wording(
                format!("this lock cannot be read: {reason}"),
                "`wharf lock` writes it again; without the file, images are what their tags mean",
            ),
            Self::Missing { image, lock } => wording(
                format!("the image `{image}` is not in {}", lock.display()),
                "`wharf lock` asks its registry for the digest; without the file, images are what their tags mean",
            ),
        }
    }
}
