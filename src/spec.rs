//! What `plan` hands to `wharf-run`: a container, network or volume as JSON beside its unit.
//!
//! The engine's part is the Engine API's own create body, sent as it is; the rest is what the engine cannot know.
//! Invariant: no secret value is in a spec.
