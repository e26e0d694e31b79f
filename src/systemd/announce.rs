//! What systemd announces by itself: changes of its services, and that it has read unit files anew.

use futures_util::{Stream, StreamExt};
use zbus::message::Type as MessageType;
use zbus::{MatchRule, Message, MessageStream};

use super::manager::{Manager, ManagerError, refused};
use super::path::{UNITS, unit_of};
use super::state::{Changed, Properties};

/// Something that systemd announces.
#[derive(Debug)]
pub enum Announcement {
    /// Properties of a service have changed.
    Service { unit: String, changed: Box<Changed> },
    /// Unit files were read anew.
    Reloaded,
}

impl Manager {
    /// What systemd announces of its services from now on; ends with the connection.
    ///
    /// Whoever calls systemd must not be the one who takes these: a queue of them that is full keeps the answers back.
    ///
    /// # Errors
    /// The bus or systemd refuses.
    pub async fn announcements(&self) -> Result<impl Stream<Item = Announcement> + Send + use<>, ManagerError> {
        let failed = refused("announce changes");
        self.subscribe().await.map_err(&failed)?;
        let changes = MatchRule::builder()
            .msg_type(MessageType::Signal)
            .sender("org.freedesktop.systemd1")
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace(UNITS)
            .build()
            .map_err(&failed)?;
        let changes = MessageStream::for_match_rule(changes, &self.connection, None).await.map_err(&failed)?;
        let changes = changes.filter_map(|message| std::future::ready(message.ok().and_then(|it| service_change(&it))));
        let reloads = self.proxy.receive_reloading().await.map_err(&failed)?;
        let reloads = reloads.filter_map(|signal| {
            let begins = signal.args().map_or(true, |args| args.active);
            std::future::ready((!begins).then_some(Announcement::Reloaded))
        });
        Ok(futures_util::stream::select(changes, reloads))
    }
}

/// A PropertiesChanged signal of a service, which systemd sends with all that ever changes (org.freedesktop.systemd1(5)).
fn service_change(message: &Message) -> Option<Announcement> {
    let header = message.header();
    let unit = unit_of(header.path()?.as_str()).filter(|unit| unit.ends_with(".service"))?;
    let body = message.body();
    let (_, changed, _): (&str, Properties, Vec<&str>) = body.deserialize().ok()?;
    Some(Announcement::Service { unit, changed: Box::new(changed.into()) })
}
