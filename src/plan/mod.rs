//! Stack → Plan: names, order, container specs and units.
//!
//! In: a valid [`Stack`] and where its units will live. Out: every file of the project, byte for byte.
//! Invariant: no I/O and no clock; the same stack gives the same bytes. This is the one room that knows both the stack's
//! vocabulary and systemd's.

use std::path::PathBuf;

use crate::diagnostic::Diagnostics;
use crate::stack::Stack;

/// Where the generated files will be found by systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The directory of the units as systemd will see it (without `--root`), e.g. /etc/systemd/system.
    pub unit_dir: PathBuf,
    /// The program that container units run, e.g. /usr/libexec/wharf/wharf-run.
    pub wharf_run: PathBuf,
}

/// Every file of one project, in an order in which each prefix of the list still starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The unit that starts and stops the whole stack, e.g. `shop.target`.
    pub target: String,
    /// Started at boot when found by `wharf-generator`.
    pub autostart: bool,
    /// Units that `systemctl enable` would link, and what wants them: (`shop.target`, `multi-user.target`).
    pub wanted_by: Vec<(String, String)>,
    pub files: Vec<PlannedFile>,
    /// Images to fetch, without repetition.
    pub images: Vec<PlannedImage>,
    pub containers: Vec<PlannedContainer>,
    /// Names at the engine, without external ones.
    pub networks: Vec<String>,
    /// Names at the engine, without external ones.
    pub volumes: Vec<String>,
}

/// A file directly in the unit directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// e.g. `shop-web.service`, `shop-web.container.json`.
    pub name: String,
    pub contents: String,
    /// 0o644, or 0o600 where environment values may stand in it.
    pub mode: u32,
}

impl PlannedFile {
    /// Whether systemd reads it as a unit (a container spec is not one).
    pub fn is_unit(&self) -> bool {
        !self.name.ends_with(".json")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedImage {
    pub reference: String,
    pub pull_policy: crate::stack::PullPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedContainer {
    pub service: String,
    /// e.g. `shop-web.service`
    pub unit: String,
    /// The container's name at the engine.
    pub name: String,
}

/// Translates a stack.
///
/// # Errors
/// Two things of the stack that would get the same unit or container name, or a directive that cannot be written.
pub fn plan(stack: &Stack, location: &Location) -> Result<Plan, Diagnostics> {
    let _ = (stack, location);
    todo!()
}
