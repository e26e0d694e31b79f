//! Signals that one peer of the bus sends: the owner of a well-known name, whoever that is at the time.
//!
//! Everybody on the bus may send any signal to a connection. A match rule does not prevent that, as it only asks the bus for more;
//! and zbus compares senders with unique names only. Invariant: a signal is taken only from the unique name that owned the
//! well-known name when it was sent, and only the bus itself says who owns a name (D-Bus Specification, "Message Bus Messages").

use futures_util::{Stream, StreamExt};
use ordered_stream::{OrderedStreamExt as Ordered, join};
use zbus::message::Type as MessageType;
use zbus::{Connection, MatchRule, Message, MessageStream, fdo, match_rule};

/// The sender of what the bus itself sends. The bus sets the sender of all messages, so nobody else has it.
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// What comes of a peer.
#[derive(Debug)]
pub(crate) enum FromPeer {
    Signal(Message),
    /// The name has another owner, or none.
    NewOwner,
}

/// The signals of the owner of `name` that `signals` describes, from now on; ends with the connection.
pub(crate) async fn signals_of(
    connection: &Connection,
    name: &'static str,
    signals: match_rule::Builder<'_>,
) -> zbus::Result<impl Stream<Item = FromPeer> + Send + use<>> {
    let owners = MatchRule::builder()
        .msg_type(MessageType::Signal)
        .sender(BUS)
        .path(BUS_PATH)
        .interface(BUS)
        .member("NameOwnerChanged")
        .arg(0, name);
    let mut owners = MessageStream::for_match_rule(owners.build()?, connection, None).await?;
    let mut owner = Owner::ask(connection, name, &mut owners).await?;
    let signals = signals.msg_type(MessageType::Signal).sender(name);
    let signals = MessageStream::for_match_rule(signals.build()?, connection, None).await?;
    // In the order in which they came, so that each signal is held against the owner of its time.
    let all = Ordered::into_stream(join(owners, signals));
    Ok(all.filter_map(move |message| std::future::ready(message.ok().and_then(|message| owner.accept(message)))))
}

/// Who owns a name.
struct Owner {
    name: &'static str,
    unique: Option<String>,
}

impl Owner {
    /// Asks the bus. `changes` are taken meanwhile, as a full queue of them would keep the answer back.
    async fn ask(connection: &Connection, name: &'static str, changes: &mut MessageStream) -> zbus::Result<Self> {
        let mut asking = std::pin::pin!(connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &name));
        let mut early = Vec::new();
        let answer = loop {
            tokio::select! {
                answer = &mut asking => break answer,
                Some(Ok(change)) = StreamExt::next(changes) => if is_from_bus(&change) { early.push(change) },
            }
        };
        let unique = match answer {
            Ok(answer) => Some(answer.body().deserialize::<String>()?),
            Err(zbus::Error::FDO(error)) if matches!(*error, fdo::Error::NameHasNoOwner(_)) => None,
            Err(error) => return Err(error),
        };
        let mut owner = Self { name, unique };
        // Those that are older than the answer lead to it.
        for change in early {
            owner.accept(change);
        }
        Ok(owner)
    }

    /// What follows from a message, if it comes from the owner or is the bus's own about it.
    fn accept(&mut self, message: Message) -> Option<FromPeer> {
        let header = message.header();
        if !is_from_bus(&message) {
            let is_owner = header.sender().is_some_and(|sender| Some(sender.as_str()) == self.unique.as_deref());
            return is_owner.then(|| FromPeer::Signal(message.clone()));
        }
        if header.member()?.as_str() != "NameOwnerChanged" {
            return None;
        }
        let body = message.body();
        let (name, _, new): (&str, &str, &str) = body.deserialize().ok()?;
        if name != self.name {
            return None;
        }
        self.unique = Some(new.to_owned()).filter(|new| !new.is_empty());
        Some(FromPeer::NewOwner)
    }
}

fn is_from_bus(message: &Message) -> bool {
    message.header().sender().is_some_and(|sender| sender.as_str() == BUS)
}

/// The signals alone.
pub(crate) fn signal(from: FromPeer) -> std::future::Ready<Option<Message>> {
    std::future::ready(match from {
        FromPeer::Signal(message) => Some(message),
        FromPeer::NewOwner => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEMD: &str = "org.freedesktop.systemd1";

    fn message(sender: &str, interface: &str, member: &str, body: (&str, &str, &str)) -> Message {
        Message::signal(BUS_PATH, interface, member).sender(sender).build(&body).unwrap()
    }

    #[test]
    fn a_signal_is_taken_from_the_owner_of_the_name_and_the_owner_from_the_bus() {
        let mut owner = Owner { name: SYSTEMD, unique: Some(":1.0".to_owned()) };
        let signal = |sender: &str| message(sender, "org.freedesktop.systemd1.Manager", "Reloading", ("", "", ""));
        let moved = |sender: &str, name: &str, to: &str| message(sender, BUS, "NameOwnerChanged", (name, ":1.0", to));
        let mut is_believed = |message| matches!(owner.accept(message), Some(FromPeer::Signal(_)));
        assert!(is_believed(signal(":1.0")));
        assert!(!is_believed(signal(":1.7")));
        // A lie about the owner, and the truth about another name.
        assert!(!is_believed(moved(":1.7", SYSTEMD, ":1.7")) && !is_believed(moved(BUS, "org.example", ":1.7")));
        assert!(is_believed(signal(":1.0")) && !is_believed(signal(":1.7")));
        // The bus says so.
        assert!(!is_believed(moved(BUS, SYSTEMD, ":1.9")));
        assert!(!is_believed(signal(":1.0")) && is_believed(signal(":1.9")));
        assert!(!is_believed(moved(BUS, SYSTEMD, "")));
        assert!(!is_believed(signal(":1.9")) && !is_believed(signal("org.freedesktop.DBus")));
    }
}
