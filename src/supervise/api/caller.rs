//! Authorises callers: polkit(8), actions `io.wharf.manage-containers` and `io.wharf.inspect-containers`.
//!
//! Invariant: nothing is done for a caller that is not root before polkit has authorised it.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc::Sender, oneshot};
use zbus::Connection;
use zbus::fdo::{self, DBusProxy};
use zbus::message::{Flags, Header};
use zbus::names::BusName;
use zbus_polkit::policykit1::{AuthorityProxy, CheckAuthorizationFlags, Subject};

use super::{Operation, Payload, Request};
use crate::name::UnitName;
use crate::printable::printable;
use crate::supervise::action::Caller;
use crate::supervise::audit;
use crate::systemd::Manager;
use crate::systemd::bus::Calls;

/// What a caller wants to be authorised for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access<'a> {
    action: &'static str,
    /// The unit, if it concerns one, and what is done to it: rules of polkit find them by `action.lookup("unit")` and `("verb")`.
    unit: Option<&'a UnitName>,
    verb: &'static str,
}

impl<'a> Access<'a> {
    /// To do something to a unit, or examine its container.
    pub fn manage(unit: &'a UnitName, verb: &'static str) -> Self {
        Self { action: "io.wharf.manage-containers", unit: Some(unit), verb }
    }

    /// To read what the engine shows only to root; of all containers without a unit.
    pub fn inspect(unit: Option<&'a UnitName>, verb: &'static str) -> Self {
        Self { action: "io.wharf.inspect-containers", unit, verb }
    }
}

/// Calls of one user that may be under way at once; root's are not counted. The next ones are refused.
const AT_ONCE: usize = 8;

/// The way from the bus to the supervising thread.
pub(super) struct Gate {
    calls: Calls,
    bus: DBusProxy<'static>,
    polkit: AuthorityProxy<'static>,
    systemd: Manager,
    requests: Sender<Request>,
    /// The calls that are under way, by user.
    under_way: Arc<Mutex<HashMap<u32, usize>>>,
}

/// A call that was admitted.
pub(super) struct Pass {
    pub caller: Caller,
    under_way: Arc<Mutex<HashMap<u32, usize>>>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.caller.uid) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.caller.uid);
            }
        }
    }
}

impl Gate {
    /// `connection`: for its own questions. Not the one that has the `calls`, where an answer would wait behind them.
    pub async fn new(connection: &Connection, calls: Calls, requests: Sender<Request>) -> zbus::Result<Self> {
        Ok(Self {
            calls,
            bus: DBusProxy::new(connection).await?,
            polkit: AuthorityProxy::new(connection).await?,
            systemd: Manager::on(connection).await?,
            requests,
            under_way: Arc::default(),
        })
    }

    /// Admits a caller that is authorised.
    ///
    /// # Errors
    /// It is not, or has too many calls under way.
    pub async fn admit(&self, header: &Header<'_>, access: Access<'_>) -> fdo::Result<Pass> {
        let sender = header.sender().ok_or_else(|| fdo::Error::AccessDenied("the call has no sender".to_owned()))?;
        let credentials = self.bus.get_connection_credentials(BusName::from(sender.to_owned())).await?;
        let (Some(uid), Some(pid)) = (credentials.unix_user_id(), credentials.process_id()) else {
            return Err(fdo::Error::AccessDenied("the bus does not know the caller".to_owned()));
        };
        let mut pass = self.count(uid)?;
        self.calls.release(header);
        if uid != 0 {
            self.ask_polkit(header, access).await?;
        }
        let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let unit = self.systemd.unit_of_process(pid).await.unwrap_or_default();
        // A program may give itself any name.
        let comm = printable(comm.trim_end());
        pass.caller = Caller { uid, pid, comm, unit };
        Ok(pass)
    }

    fn count(&self, uid: u32) -> fdo::Result<Pass> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(uid).or_default();
        if uid != 0 && *count >= AT_ONCE {
            return Err(fdo::Error::LimitsExceeded(format!("{AT_ONCE} calls of yours are under way")));
        }
        *count += 1;
        let caller = Caller { uid, ..Caller::default() };
        Ok(Pass { caller, under_way: self.under_way.clone() })
    }

    async fn ask_polkit(&self, header: &Header<'_>, Access { action, unit, verb }: Access<'_>) -> fdo::Result<()> {
        let denied = |why: String| fdo::Error::AccessDenied(why);
        let subject = Subject::new_for_message_header(header).map_err(|error| denied(error.to_string()))?;
        let may_ask = header.primary().flags().contains(Flags::ALLOW_INTERACTIVE_AUTH);
        let flags =
            if may_ask { CheckAuthorizationFlags::ALLOW_USER_INTERACTION } else { CheckAuthorizationFlags::empty() };
        let details = HashMap::from([("unit", unit.map_or("", UnitName::as_str)), ("verb", verb)]);
        let result = self.polkit.check_authorization(&subject, action, &details, flags, "").await;
        match result {
            Ok(result) if result.is_authorized => Ok(()),
            Ok(result) if result.is_challenge => Err(fdo::Error::InteractiveAuthorizationRequired(format!(
                "interactive authentication required ({action})"
            ))),
            Ok(_) => Err(denied(format!("not authorised by polkit ({action})"))),
            Err(error) => Err(denied(format!("polkit cannot be asked: {error}"))),
        }
    }

    /// Queues the start of a unit, and does not wait for it.
    ///
    /// # Errors
    /// systemd refuses it.
    pub async fn begin(&self, pass: &Pass, unit: &UnitName) -> fdo::Result<()> {
        audit::begun(unit, &pass.caller);
        self.systemd.begin(unit).await.map_err(|error| fdo::Error::Failed(error.to_string()))
    }

    /// Hands the operation to the supervising thread and waits for its response.
    ///
    /// # Errors
    /// What it says.
    pub async fn ask(&self, _pass: &Pass, unit: UnitName, operation: Operation) -> fdo::Result<Payload> {
        let gone = || fdo::Error::Failed("wharfd is ending".to_owned());
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { unit, operation, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.map_err(fdo::Error::Failed)
    }
}
