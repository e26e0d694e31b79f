//! Signals of systemd: changes of its units, and the end of a daemon-reload.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::{Stream, StreamExt};
use zbus::{MatchRule, Message};

use super::manager::{Manager, ManagerError, NAME, refused};
use super::path::{UNITS, unit_of};
use super::peer::{signal, signals_of};
use super::state::{Changed, Properties};
use crate::name::{UnitKind, UnitName};

/// A signal of systemd.
#[derive(Debug)]
pub enum Announcement {
    /// Properties of a service have changed.
    Service { unit: UnitName, changed: Box<Changed> },
    /// Unit files were read again.
    Reloaded,
}

impl Manager {
    /// What systemd announces of these services from now on, and that an instance of any template (`@`) has changed; ends with the
    /// connection. Of others nothing is even read: there may be many.
    ///
    /// They must be taken by another task than the one that calls systemd: a full queue of signals holds back the answers.
    ///
    /// # Errors
    /// The bus or systemd refuses.
    pub async fn announcements(
        &self,
        services: Services,
    ) -> Result<impl Stream<Item = Announcement> + Send + use<>, ManagerError> {
        let changes = self.changes_of_units().await?;
        let changes = changes.filter_map(move |message| std::future::ready(service_change(&message, &services)));
        Ok(futures_util::stream::select(changes, self.reloads().await?.map(|()| Announcement::Reloaded)))
    }

    /// The names of units, of all types, of which something changes from now on; `None`: unit files were read again. Ends with
    /// the connection, and is taken as [`Manager::announcements`] are.
    ///
    /// # Errors
    /// The bus or systemd refuses.
    pub async fn changed_units(&self) -> Result<impl Stream<Item = Option<String>> + Send + use<>, ManagerError> {
        let changes = self.changes_of_units().await?;
        let changes = changes.map(|message| message.header().path().and_then(|path| unit_of(path.as_str())));
        Ok(futures_util::stream::select(changes, self.reloads().await?.map(|()| None)))
    }

    /// PropertiesChanged of the units.
    async fn changes_of_units(&self) -> Result<impl Stream<Item = Message> + Send + use<>, ManagerError> {
        let failed = refused("announce changes");
        self.subscribe().await.map_err(&failed)?;
        let changes = MatchRule::builder()
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace(UNITS);
        Ok(signals_of(&self.connection, NAME, changes).await.map_err(&failed)?.filter_map(signal))
    }

    /// The ends of `systemctl daemon-reload`.
    async fn reloads(&self) -> Result<impl Stream<Item = ()> + Send + use<>, ManagerError> {
        let reloads = self.own_signals("Reloading").await.map_err(refused("announce changes"))?;
        Ok(reloads.filter_map(|signal| {
            let begins = signal.body().deserialize().unwrap_or(true);
            std::future::ready((!begins).then_some(()))
        }))
    }
}

/// The names of the services that are of interest; they may become others.
pub type Services = Arc<RwLock<BTreeSet<UnitName>>>;

/// A PropertiesChanged signal of a service, which systemd sends with all that ever changes (org.freedesktop.systemd1(5)).
fn service_change(message: &Message, services: &Services) -> Option<Announcement> {
    let header = message.header();
    let unit = UnitName::parse(&unit_of(header.path()?.as_str())?).ok().filter(|unit| unit.is(UnitKind::Service))?;
    if !services.read().unwrap_or_else(PoisonError::into_inner).contains(&unit) {
        let is_instance = unit.instance().is_some();
        return is_instance.then(|| Announcement::Service { unit, changed: Box::default() });
    }
    let body = message.body();
    let (_, changed, _): (&str, Properties, Vec<&str>) = body.deserialize().ok()?;
    Some(Announcement::Service { unit, changed: Box::new(changed.into()) })
}
