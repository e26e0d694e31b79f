//! What an update or a rollback did, as data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::failure::Failure;
use super::revision::RefusedImage;
use crate::name::UnitName;

/// An image whose tag refers to another digest now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    pub image: String,
    pub before: String,
    pub digest: String,
    /// The units whose containers use it.
    pub units: Vec<UnitName>,
}

/// What an update or a rollback did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub project: String,
    pub images: Vec<NewImage>,
    /// Digests that are not tried again, by image.
    pub refused: BTreeMap<String, RefusedImage>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to do.
    Current,
    /// Something would be done.
    Available,
    /// It was tried before and rolled back to this revision, so it is not tried again.
    Refused { revision: u32 },
    /// The containers are those of the revision. `failures`: units that may fail.
    Done { revision: u32, failures: Vec<Failure> },
    /// `failures`: why, if it was not interrupted; `left`: what is not as it was before.
    RolledBack { revision: u32, is_interrupted: bool, failures: Vec<Failure>, left: Vec<Failure> },
}

impl Changed {
    /// Whether somebody ended it before its end.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.outcome, Outcome::RolledBack { is_interrupted: true, .. })
    }

    /// For programs: `{"project": …, "outcome": …, …}`.
    pub fn to_json(&self) -> Value {
        let image = |image: &NewImage| json!({"image": image.image, "before": image.before, "digest": image.digest, "units": image.units});
        let failure =
            |failure: &Failure| json!({"unit": failure.unit, "reason": failure.reason, "last_output": failure.output});
        let list = |failures: &[Failure]| failures.iter().map(failure).collect::<Vec<_>>();
        let mut all = json!({
            "project": self.project,
            "images": self.images.iter().map(image).collect::<Vec<_>>(),
            "refused": self.refused,
        });
        let outcome = match &self.outcome {
            Outcome::Current => json!({"outcome": "current"}),
            Outcome::Available => json!({"outcome": "available"}),
            Outcome::Refused { revision } => json!({"outcome": "refused", "revision": revision}),
            Outcome::Done { revision, failures } => {
                json!({"outcome": "done", "revision": revision, "failures": list(failures)})
            }
            Outcome::RolledBack { revision, is_interrupted, failures, left } => json!({
                "outcome": if *is_interrupted { "interrupted" } else { "rolled-back" },
                "revision": revision,
                "failures": list(failures),
                "not_restored": list(left),
            }),
        };
        if let (Value::Object(all), Value::Object(outcome)) = (&mut all, outcome) {
            all.extend(outcome);
        }
        all
    }
}
