//! `io.wharf.Supervisor1.Container`: one container of a stack, whether it runs or not.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Variant, fdo, interface};

use super::caller::{Access, Gate, Pass};
use super::{Operation, Payload, microseconds};
use crate::engine::FileChange;
use crate::supervise::facts::Facts;
use crate::systemd::Verb;

/// The facts that an object shows.
#[derive(Debug, Clone)]
pub(super) struct Slot(Arc<RwLock<Arc<Facts>>>);

impl Slot {
    pub fn new(facts: Arc<Facts>) -> Self {
        Self(Arc::new(RwLock::new(facts)))
    }

    pub fn get(&self) -> Arc<Facts> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it showed before.
    pub fn replace(&self, facts: Arc<Facts>) -> Arc<Facts> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), facts)
    }
}

pub(super) struct ContainerObject {
    slot: Slot,
    gate: Arc<Gate>,
}

impl ContainerObject {
    pub fn new(slot: Slot, gate: Arc<Gate>) -> Self {
        Self { slot, gate }
    }

    fn facts(&self) -> Arc<Facts> {
        self.slot.get()
    }

    /// The properties that differ in `other`, with their values there.
    pub fn differences(&self, other: &Self) -> HashMap<&'static str, Variant<'static>> {
        let mut found = HashMap::new();
        macro_rules! compare {
            ($($name:literal $property:ident),* $(,)?) => {$(
                if self.$property() != other.$property() {
                    found.insert($name, other.$property().into());
                }
            )*};
        }
        compare!(
            "Name" name,
            "Image" image,
            "SpecHash" spec_hash,
            "OnUnhealthy" on_unhealthy,
            "State" state,
            "SubState" sub_state,
            "StatusText" status_text,
            "Result" result,
            "ExitStatus" exit_status,
            "Since" since,
            "ContainerId" container_id,
            "ImageId" image_id,
            "RunningSpecHash" running_spec_hash,
            "Health" health,
            "Ports" ports,
            "Drift" drift,
            "RestartCount" restart_count,
            "LastRestart" last_restart,
            "LastRestartReason" last_restart_reason,
            "CrashLoop" crash_loop,
        );
        found
    }

    async fn run(&self, verb: Verb, header: &Header<'_>) -> fdo::Result<()> {
        let pass = self.gate.admit(header, Access::manage(&self.facts().declared.unit, verb.as_str())).await?;
        self.ask(&pass, Operation::Run(verb, pass.caller.clone())).await?;
        Ok(())
    }

    async fn ask(&self, pass: &Pass, operation: Operation) -> fdo::Result<Payload> {
        self.gate.ask(pass, self.facts().declared.unit.clone(), operation).await
    }
}

#[interface(name = "io.wharf.Supervisor1.Container")]
impl ContainerObject {
    /// Restarts the unit, as `systemctl restart` does, and returns when it has been. Asks polkit.
    async fn restart(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<()> {
        self.run(Verb::Restart, &header).await
    }

    /// Starts the unit, as `systemctl start` does, and returns when it is active. Asks polkit.
    async fn start(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<()> {
        self.run(Verb::Start, &header).await
    }

    /// Stops the unit, as `systemctl stop` does, and returns when it has been. Asks polkit.
    async fn stop(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<()> {
        self.run(Verb::Stop, &header).await
    }

    /// Asks the registry what the image's name means there now; what it means is in Drift from then on. Asks polkit.
    #[zbus(out_args("digest"))]
    async fn check_image(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<String> {
        let pass = self.gate.admit(&header, Access::manage(&self.facts().declared.unit, "check-image")).await?;
        match self.ask(&pass, Operation::CheckImage).await? {
            Payload::Digest(digest) => Ok(digest),
            _ => Ok(String::new()),
        }
    }

    /// What changed in the container's file system since it was made: (`A`, `C` or `D` as `docker diff` says, path); the first
    /// 10,000 paths, or 1 MiB of them, and whether there are more. Asks polkit.
    #[zbus(out_args("changes", "truncated"))]
    async fn get_file_changes(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<(Vec<(String, String)>, bool)> {
        let pass = self.gate.admit(&header, Access::manage(&self.facts().declared.unit, "get-file-changes")).await?;
        let Payload::Changes(found) = self.ask(&pass, Operation::FileChanges).await? else {
            return Ok((Vec::new(), false));
        };
        let letter = |change| match change {
            FileChange::Modified => "C",
            FileChange::Added => "A",
            FileChange::Deleted => "D",
        };
        let changes = found.changes.into_iter().map(|(change, path)| (letter(change).to_owned(), path)).collect();
        Ok((changes, found.is_truncated))
    }

    /// What the healthcheck printed last. Asks polkit, for `io.wharf.inspect-containers`.
    #[zbus(out_args("output"))]
    async fn get_health_output(&self, #[zbus(header)] header: Header<'_>) -> fdo::Result<String> {
        let facts = self.facts();
        let _pass = self.gate.admit(&header, Access::inspect(Some(&facts.declared.unit), "get-health-output")).await?;
        Ok(facts.observed.health_output.clone())
    }

    /// The healthcheck has printed something else than before.
    #[zbus(signal)]
    async fn health_output_changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    /// The unit was restarted: by systemd because it failed (the reason is its Result then, e.g. `exit-code`), by wharfd because
    /// the container was `unhealthy` or because of a `dependency`, or because somebody `requested` it. More is in the detail.
    #[zbus(signal)]
    async fn restarted(emitter: &SignalEmitter<'_>, reason: &str, detail: &str) -> zbus::Result<()>;

    /// wharfd has stopped the unit.
    #[zbus(signal)]
    async fn stopped(emitter: &SignalEmitter<'_>, reason: &str, detail: &str) -> zbus::Result<()>;

    /// systemd could not do what wharfd asked of it: `start`, `stop` or `restart`.
    #[zbus(signal)]
    async fn job_failed(emitter: &SignalEmitter<'_>, act: &str, reason: &str, detail: &str) -> zbus::Result<()>;

    /// The unit that supervises it.
    #[zbus(property(emits_changed_signal = "const"))]
    fn unit(&self) -> String {
        self.facts().declared.unit.to_string()
    }

    /// The stack.
    #[zbus(property(emits_changed_signal = "const"))]
    fn project(&self) -> String {
        self.facts().declared.project.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn service(&self) -> String {
        self.facts().declared.service.to_string()
    }

    /// Which of several containers of the service; empty if there is but one.
    #[zbus(property(emits_changed_signal = "const"))]
    fn instance(&self) -> String {
        self.facts().declared.instance.clone()
    }

    /// The container's name, as declared.
    #[zbus(property)]
    fn name(&self) -> String {
        self.facts().declared.container.clone()
    }

    /// The image, as declared.
    #[zbus(property)]
    fn image(&self) -> String {
        self.facts().observed.image.clone()
    }

    /// SHA-256 of the definition on disk.
    #[zbus(property)]
    fn spec_hash(&self) -> String {
        self.facts().observed.spec_hash.clone()
    }

    /// What wharfd does if it is unhealthy: `restart`, `stop` or `none`.
    #[zbus(property)]
    fn on_unhealthy(&self) -> &'static str {
        self.facts().declared.on_unhealthy.as_str()
    }

    /// The unit's ActiveState.
    #[zbus(property)]
    fn state(&self) -> String {
        self.facts().unit.active.to_string()
    }

    /// The unit's SubState.
    #[zbus(property)]
    fn sub_state(&self) -> String {
        self.facts().unit.sub.to_string()
    }

    /// The unit's StatusText.
    #[zbus(property)]
    fn status_text(&self) -> String {
        self.facts().unit.status_text.clone()
    }

    /// The unit's Result: `success`, or how it failed.
    #[zbus(property)]
    fn result(&self) -> String {
        self.facts().unit.result.to_string()
    }

    /// The exit status of the container that ended last since wharfd was started, or the number of its signal; 0 also if none has.
    #[zbus(property)]
    fn exit_status(&self) -> i32 {
        self.facts().last_exit.unwrap_or_default()
    }

    /// When the unit became active last, in microseconds since 1970; 0: never.
    #[zbus(property)]
    fn since(&self) -> u64 {
        microseconds(self.facts().unit.active_since)
    }

    /// The id of the container; empty if there is none.
    #[zbus(property)]
    fn container_id(&self) -> String {
        self.facts().observed.container_id.clone()
    }

    /// The id of the image that it was made of.
    #[zbus(property)]
    fn image_id(&self) -> String {
        self.facts().observed.image_id.clone()
    }

    /// SHA-256 of the definition that it was made of.
    #[zbus(property)]
    fn running_spec_hash(&self) -> String {
        self.facts().observed.running_spec_hash.clone()
    }

    /// `none` (no healthcheck), `starting`, `healthy`, `unhealthy`; `unknown` if the container has ended with the engine, which does not
    /// answer; empty if there is no container.
    #[zbus(property)]
    fn health(&self) -> String {
        self.facts().health().to_owned()
    }

    /// The published ports, as `docker ps` shows them.
    #[zbus(property)]
    fn ports(&self) -> Vec<String> {
        self.facts().observed.ports.clone()
    }

    /// How it differs from its definition: (`definition`, `image`, `registry`, `name`, `labels`, `networks` or `resources`; in
    /// words).
    #[zbus(property)]
    fn drift(&self) -> Vec<(String, String)> {
        let facts = self.facts();
        let drift = facts.observed.drift.iter();
        drift.map(|one| (one.aspect.as_str().to_owned(), one.text.clone())).collect()
    }

    /// Restarts since wharfd was started: by systemd after a failure, by wharfd, and through it; not those by `systemctl`.
    #[zbus(property)]
    fn restart_count(&self) -> u32 {
        self.facts().restarts.count()
    }

    /// When the last of those was, in microseconds since 1970; 0: never.
    #[zbus(property)]
    fn last_restart(&self) -> u64 {
        microseconds(self.facts().restarts.last.as_ref().map(|restart| restart.at))
    }

    /// Whether systemd has restarted it five times or more, each within ten minutes of the next, the last time less than ten minutes ago.
    #[zbus(property)]
    fn crash_loop(&self) -> bool {
        self.facts().crash_loop
    }

    /// Why: see the signal Restarted.
    #[zbus(property)]
    fn last_restart_reason(&self) -> String {
        let facts = self.facts();
        let last = facts.restarts.last.as_ref();
        last.map(|restart| restart.reason.as_str().to_owned()).unwrap_or_default()
    }
}
