//! The picture anew whenever something changes, told by signals of systemd and of wharfd.
//!
//! Invariant: nothing is asked while nothing changes.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Sources, Status, StatusError};
use crate::supervisor1::Activation;

/// Changes within this time are one.
const TOGETHER: Duration = Duration::from_millis(100);

/// Something has changed.
enum Change {
    Unit(String),
    /// Of what systemd has read, or wharfd knows.
    Any,
    /// The connection to the bus ended.
    Lost,
}

/// Pictures, each of which differs from the one before.
pub struct Pictures<'a> {
    sources: &'a Sources,
    wanted: Option<&'a str>,
    changes: UnboundedReceiver<Change>,
    last: Option<Status>,
    /// Something has changed since it was told. Kept here, as whoever waits for the next one may stop to, and wait again.
    is_stale: bool,
}

impl Sources {
    /// Begins to watch all projects, or the one that is named.
    ///
    /// # Errors
    /// This system does not run systemd, or the bus refuses.
    pub async fn watch<'a>(&'a self, wanted: Option<&'a str>) -> Result<Pictures<'a>, StatusError> {
        let manager = self.manager.as_ref().ok_or(StatusError::NoSystemd)?;
        let (to, changes) = unbounded_channel();
        let units = manager.changed_units().await?;
        take(units.map(|unit| unit.map_or(Change::Any, Change::Unit)), to.clone());
        if let Ok(supervisor) = &self.supervisor {
            take(supervisor.changes().await?.map(|()| Change::Any), to);
        }
        Ok(Pictures { sources: self, wanted, changes, last: None, is_stale: true })
    }
}

/// Takes signals off the bus as they come: a queue of them that is full keeps the answers back.
fn take(changes: impl Stream<Item = Change> + Send + 'static, to: UnboundedSender<Change>) {
    tokio::spawn(async move {
        let mut changes = std::pin::pin!(changes);
        while let Some(change) = changes.next().await {
            if to.send(change).is_err() {
                return;
            }
        }
        let _nobody_watches = to.send(Change::Lost);
    });
}

impl Pictures<'_> {
    /// The first picture at once, the next one when something of it has changed. Only the first one starts wharfd: who stops it
    /// while others watch has stopped it.
    ///
    /// # Errors
    /// The bus or systemd is gone, or so is the project that is named.
    pub async fn next(&mut self) -> Result<&Status, StatusError> {
        loop {
            self.wait().await?;
            let activation = if self.last.is_none() { Activation::Start } else { Activation::Never };
            let status = self.sources.status(self.wanted, activation).await?;
            self.is_stale = false;
            if self.last.as_ref().is_some_and(|last| last.is_like(&status)) {
                continue;
            }
            return Ok(self.last.insert(status));
        }
    }

    /// The picture that was told last.
    pub fn last(&self) -> Option<&Status> {
        self.last.as_ref()
    }

    async fn wait(&mut self) -> Result<(), StatusError> {
        while !self.is_stale {
            match self.changes.recv().await {
                None | Some(Change::Lost) => return Err(StatusError::Lost),
                Some(change) => self.is_stale = self.concerns(&change),
            }
        }
        if self.last.is_some() {
            tokio::time::sleep(TOGETHER).await;
        }
        while let Ok(change) = self.changes.try_recv() {
            if matches!(change, Change::Lost) {
                return Err(StatusError::Lost);
            }
        }
        Ok(())
    }

    /// Whether it may be seen in the picture.
    fn concerns(&self, change: &Change) -> bool {
        let Change::Unit(unit) = change else { return true };
        let installed = self.last.iter().flat_map(|status| &status.installed);
        let mut shown = installed.filter(|installed| !installed.name.ends_with(".slice"));
        shown.any(|installed| installed.name == **unit || installed.instance_of(unit).is_some())
    }
}
