//! The status again whenever something changes, as signals of systemd and of wharfd, and the kernel of stack files, report.
//!
//! Invariant: nothing is asked while nothing changes.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::changed_files::ChangedFiles;
use super::model::{Status, StatusError};
use super::sources::Sources;
use crate::name::UnitName;
use crate::supervisor1::Activation;

/// Changes within this time count as one.
const BATCH: Duration = Duration::from_millis(100);

/// Something has changed.
enum Change {
    Unit(String),
    /// systemd has reloaded its units, wharfd knows something new, or a stack file was written.
    Any,
    /// The connection to the bus ended.
    ConnectionLost,
}

/// A series of statuses, each of which differs from the one before.
pub struct Watch<'a> {
    sources: &'a Sources,
    wanted: &'a [String],
    changes: UnboundedReceiver<Change>,
    files: ChangedFiles,
    last: Option<Status>,
    /// Something has changed since `last`. Kept here, as a caller may cancel [`Watch::next`] and call it again.
    is_stale: bool,
}

impl Sources {
    /// Begins to watch all projects, or those that are named.
    ///
    /// # Errors
    /// This system does not run systemd, or the bus refuses.
    pub async fn watch<'a>(&'a self, wanted: &'a [String]) -> Result<Watch<'a>, StatusError> {
        let manager = self.manager.as_ref().ok_or(StatusError::NoSystemd)?;
        let (sender, changes) = unbounded_channel();
        let units = manager.changed_units().await?;
        forward(units.map(|unit| unit.map_or(Change::Any, Change::Unit)), sender.clone());
        if let Ok(supervisor) = &self.supervisor {
            forward(supervisor.changes().await?.map(|()| Change::Any), sender.clone());
        }
        let files = ChangedFiles::watch(move || sender.send(Change::Any).is_ok());
        Ok(Watch { sources: self, wanted, changes, files, last: None, is_stale: true })
    }
}

/// Takes signals off the bus as they come: if their queue were full, answers would not get through.
fn forward(changes: impl Stream<Item = Change> + Send + 'static, sender: UnboundedSender<Change>) {
    tokio::spawn(async move {
        let mut changes = std::pin::pin!(changes);
        while let Some(change) = changes.next().await {
            if sender.send(change).is_err() {
                return;
            }
        }
        let _nobody_watches = sender.send(Change::ConnectionLost);
    });
}

impl Watch<'_> {
    /// The first status at once, the next one when something of it has changed. Only the first one starts wharfd: if somebody
    /// stops wharfd meanwhile, it stays stopped.
    ///
    /// # Errors
    /// The bus or systemd is gone, or so is the project that is named.
    pub async fn next(&mut self) -> Result<&Status, StatusError> {
        loop {
            self.wait().await?;
            let activation = if self.last.is_none() { Activation::Start } else { Activation::Never };
            let status = self.sources.status(self.wanted, activation).await?;
            self.is_stale = false;
            self.files.follow(&status.inputs, self.sources.stack_directory());
            if self.last.as_ref().is_some_and(|last| last.is_like(&status)) {
                continue;
            }
            return Ok(self.last.insert(status));
        }
    }

    /// The status that [`Watch::next`] returned last.
    pub fn last(&self) -> Option<&Status> {
        self.last.as_ref()
    }

    async fn wait(&mut self) -> Result<(), StatusError> {
        while !self.is_stale {
            match self.changes.recv().await {
                None | Some(Change::ConnectionLost) => return Err(StatusError::ConnectionLost),
                Some(change) => self.is_stale = self.is_relevant(&change),
            }
        }
        if self.last.is_some() {
            tokio::time::sleep(BATCH).await;
        }
        while let Ok(change) = self.changes.try_recv() {
            if matches!(change, Change::ConnectionLost) {
                return Err(StatusError::ConnectionLost);
            }
        }
        Ok(())
    }

    /// Whether it may change the status.
    fn is_relevant(&self, change: &Change) -> bool {
        let Change::Unit(unit) = change else { return true };
        let Ok(unit) = UnitName::parse(unit) else { return false };
        self.last.as_ref().is_some_and(|status| status.shows(&unit))
    }
}
