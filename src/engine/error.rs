//! What went wrong at the engine, sorted by what a caller can do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use bollard::errors::Error;
use thiserror::Error as DeriveError;

use crate::printable::Line;
use crate::refusal::explain;

/// What the engine, a registry or an image says, in one line from the moment it is here: it ends in notifications, in the journal
/// and on terminals.
pub type Words = Line<2048>;

#[derive(Debug, Clone, PartialEq, Eq, DeriveError)]
pub enum EngineError {
    /// No answer, or half an answer: try again later.
    #[error("the engine does not answer: {0}")]
    Unreachable(Words),
    /// The answer takes too long.
    #[error("the engine does not answer: it takes requests and leaves them open")]
    Hangs,
    /// 404
    #[error("{}", refusal(.0))]
    NotFound(Words),
    /// 409: it exists, or is in use.
    #[error("{0}")]
    Conflict(Words),
    /// The socket belongs to root and a group.
    #[error("{0}")]
    NoPermission(Words),
    /// The engine understood the request and refuses it.
    #[error("{}", refusal(.0))]
    Refused(Words),
    /// The answer is longer than any that is of use.
    #[error("{0}")]
    TooLarge(Words),
    /// The engine cannot reach the image's registry: try again later.
    #[error("{0}")]
    RegistryAway(Words),
    /// The registry wants another login, or any.
    #[error("{0}")]
    Login(LoginFault),
    /// The engine cannot build with BuildKit: its answer to `path`.
    #[error(
        "this engine has no BuildKit, which a build needs: use Docker Engine 23 or later, or an image that is built \
         elsewhere [POST {path}: {status} {why}]"
    )]
    NoBuildKit { path: String, status: u16, why: Words },
    /// DOCKER_HOST is not a unix socket.
    #[error("DOCKER_HOST={0}: only unix:// addresses are supported")]
    Address(String),
}

/// A registry that refuses access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFault {
    /// As `docker login` takes it; `None`: Docker Hub.
    pub registry: Option<String>,
    /// The file that has the login, or that should have it.
    pub file: PathBuf,
    pub has_login: bool,
    /// The engine's own words, or why there is no login.
    pub why: Words,
}

impl fmt::Display for LoginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, file, has_login, why } = self;
        let shown = registry.as_deref().unwrap_or("Docker Hub");
        let command = format!("docker login {}", registry.as_deref().unwrap_or_default());
        let (file, command) = (file.display(), command.trim_end());
        if *has_login {
            write!(f, "{shown} refuses the login of {file}: log in again as root (`{command}`) [{why}]")
        } else {
            write!(f, "{shown} wants a login and {file} has none: log in as root (`{command}`) [{why}]")
        }
    }
}

impl EngineError {
    /// What an answer of the engine with this status, other than success, means.
    pub(super) fn of_status(status: u16, why: String) -> Self {
        match status {
            404 => Self::NotFound(why.into()),
            409 => Self::Conflict(why.into()),
            _ => Self::Refused(why.into()),
        }
    }

    /// There is no whole answer.
    pub(super) fn no_answer(error: impl std::error::Error + 'static) -> Self {
        Self::no_answer_for(&error)
    }

    pub(super) fn no_answer_for(error: &(dyn std::error::Error + 'static)) -> Self {
        let cause = innermost(error);
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::FileTooLarge) => Self::TooLarge(cause.to_string().into()),
            Some(io::ErrorKind::PermissionDenied) => Self::NoPermission(cause.to_string().into()),
            _ => Self::Unreachable(cause.to_string().into()),
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Hangs)
    }
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => Self::of_status(status_code, message),
            Error::DockerStreamError { error } => Self::Refused(error.into()),
            Error::RequestTimeoutError => Self::Hangs,
            // It is its own cause, and hides the kind.
            Error::IOError { err } => Self::no_answer(err),
            other => Self::no_answer(other),
        }
    }
}

/// What the key that is wrong says, before what the engine says.
fn refusal(words: &Words) -> String {
    let text = words.as_str();
    explain(text).map_or_else(|| text.to_owned(), |explanation| format!("{explanation} [{text}]"))
}

/// The last cause says most: "Connection refused", not "client error (Connect)".
fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause
}
