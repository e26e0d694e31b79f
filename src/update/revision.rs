//! What is known of the revisions of a project, as data.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::name::UnitName;
use crate::plan::Plan;

/// What ran, and may run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub record: Record,
    /// Its units and definitions.
    pub plan: Plan,
    /// The text of the lock beside the stack file; `None`: there was none.
    pub lock: Option<String>,
}

/// What is known of a revision besides its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub number: u32,
    /// When it was made (RFC 3339).
    pub time: String,
    /// The command that made it, as `update`.
    pub command: String,
    /// Who ran it with sudo(8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Since when it is known to work (RFC 3339); `None`: it has not been seen to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<String>,
    /// The images that its containers were made from, by unit.
    #[serde(default)]
    pub images: BTreeMap<UnitName, RevisionImage>,
    /// Without the contents of its files.
    pub(super) plan: Plan,
}

/// The image of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionImage {
    /// As the definition has it.
    pub reference: String,
    /// Of the image at the engine.
    pub id: String,
}

/// A change of what runs that has begun and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The revision that it goes back to.
    pub from: u32,
    /// Units that ran when it began.
    pub active: Vec<UnitName>,
    /// Units that only the new revision has.
    pub new: Vec<UnitName>,
}

/// Digests that an update has tried and gone back from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// By the reference in the stack file.
    pub images: BTreeMap<String, RefusedImage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedImage {
    pub digest: String,
    /// When (RFC 3339), and why.
    pub time: String,
    pub reason: String,
}

impl Refused {
    /// The digest of an image that is not tried again, if it is this one.
    pub fn get(&self, image: &str, digest: &str) -> Option<&RefusedImage> {
        self.images.get(image).filter(|refused| refused.digest == digest)
    }
}

/// The time now (RFC 3339), in seconds.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
