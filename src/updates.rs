//! What is known of the updates of a project, as a file: /var/lib/wharf/PROJECT/updates.json.
//!
//! In: what an update found and did. Out: the same for wharfd, which shows it to everybody. Invariant: it says nothing that a container
//! printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::name::UnitName;
use crate::regular_file::read_text;

/// Where the revisions of projects are. Only root can read it.
pub const STATE_DIRECTORY: &str = "/var/lib/wharf";

/// The file's name in the directory of a project.
pub const FILE: &str = "updates.json";

/// Bytes of a file that is read.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updates {
    /// The number of the newest revision; 0: there is none.
    #[serde(default)]
    pub revision: u32,
    /// When somebody looked for new images (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,
    /// The new images: digests by the reference in the stack file.
    #[serde(default)]
    pub available: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastUpdate>,
}

/// The last `wharf update` or `wharf rollback` that changed what runs, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUpdate {
    /// When it ended (RFC 3339).
    pub time: String,
    /// As `update`.
    pub command: String,
    /// It was not rolled back.
    pub succeeded: bool,
    /// The units that failed.
    #[serde(default)]
    pub failed: Vec<UnitName>,
}

impl Updates {
    /// Of a project, by its directory; `None`: nothing is known, or this user may not know it.
    pub fn read(directory: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(&directory.join(FILE), LARGEST).ok()?).ok()
    }
}

/// The directory of a project.
pub fn directory_of(project: &str) -> PathBuf {
    Path::new(STATE_DIRECTORY).join(project)
}

/// The note that a change has begun and has not ended, in the directory of a project.
pub const CHANGE: &str = "change.json";

/// Whether an update or a rollback of a project was interrupted, or is under way. Only root can know.
pub fn is_unfinished(project: &str) -> bool {
    directory_of(project).join(CHANGE).exists()
}

/// A time of RFC 3339, as it stands in the file.
pub fn time_of(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}
