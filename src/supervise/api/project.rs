//! `io.wharf.Supervisor1.Project`: a stack as a whole, and its updates.

use std::sync::Arc;

use zbus::message::Header;
use zbus::{fdo, interface};

use super::caller::{Access, Gate};
use super::microseconds;
use crate::name::{ProjectName, UnitName};
use crate::updates::{LastUpdate, Updates, directory_of, time_of};

pub(super) struct ProjectObject {
    project: ProjectName,
    gate: Arc<Gate>,
}

impl ProjectObject {
    pub fn new(project: ProjectName, gate: Arc<Gate>) -> Self {
        Self { project, gate }
    }

    /// The file is read for each question: updates write it, and nobody tells.
    fn updates(&self) -> Updates {
        Updates::read(&directory_of(&self.project)).unwrap_or_default()
    }

    fn last(&self) -> Option<LastUpdate> {
        self.updates().last
    }

    /// Starts a unit that does it, and returns its name.
    async fn begin(
        &self,
        template: &str,
        instance: &str,
        verb: &'static str,
        header: &Header<'_>,
    ) -> fdo::Result<String> {
        let name = format!("{template}@{instance}.service");
        let unit = UnitName::parse(&name).map_err(|error| fdo::Error::Failed(error.to_string()))?;
        let pass = self.gate.admit(header, Access::manage(&unit, verb)).await?;
        self.gate.begin(&pass, &unit).await?;
        Ok(name)
    }
}

#[interface(name = "io.wharf.Supervisor1.Project")]
impl ProjectObject {
    /// Starts `wharf-update@PROJECT.service`, as `systemctl start --no-block` does, and returns its name. Asks polkit.
    #[zbus(out_args("unit"))]
    async fn update(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<String> {
        self.begin("wharf-update", &self.project, "update", &header).await
    }

    /// Starts `wharf-rollback@PROJECT.service` or, for a revision other than 0, `wharf-rollback@PROJECT@REVISION.service`, and returns
    /// its name. Asks polkit.
    #[zbus(out_args("unit"))]
    async fn rollback(&self, revision: u32, #[zbus(header)] header: Header<'_>) -> fdo::Result<String> {
        let instance = if revision == 0 { self.project.to_string() } else { format!("{}@{revision}", self.project) };
        self.begin("wharf-rollback", &instance, "rollback", &header).await
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.project.to_string()
    }

    /// The number of the newest revision; 0: there is none.
    #[zbus(property(emits_changed_signal = "false"))]
    fn revision(&self) -> u32 {
        self.updates().revision
    }

    /// The new images that were found when somebody looked last: (reference in the stack file, digest).
    #[zbus(property(emits_changed_signal = "false"))]
    fn update_available(&self) -> Vec<(String, String)> {
        self.updates().available.into_iter().collect()
    }

    /// When that was, in microseconds since 1970; 0: never.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_check(&self) -> u64 {
        microseconds(self.updates().checked.as_deref().and_then(time_of))
    }

    /// When the last update or rollback that changed what runs, or tried to, ended, in microseconds since 1970; 0: there was none.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_update(&self) -> u64 {
        microseconds(self.last().and_then(|last| time_of(&last.time)))
    }

    /// Whether it was not rolled back.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_update_succeeded(&self) -> bool {
        self.last().is_some_and(|last| last.succeeded)
    }

    /// The units that failed in it.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_update_failed(&self) -> Vec<String> {
        self.last().map(|last| last.failed.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }
}
