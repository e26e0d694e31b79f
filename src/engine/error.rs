//! What went wrong at the engine, sorted by what a caller can do about it.

use std::fmt;
use std::path::PathBuf;

use bollard::errors::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// Nobody answers, the answer broke off, or it took too long: try again later.
    Unreachable(String),
    /// 404
    NotFound(String),
    /// 409: it exists, or is in use.
    Conflict(String),
    /// The engine understood and refuses.
    Refused(String),
    /// The engine cannot reach the image's registry: try again later.
    RegistryAway(String),
    /// The registry wants another login, or one at all.
    Login(LoginFault),
    /// The engine cannot build by BuildKit: its answer to `path`.
    NoBuildKit { path: String, status: u16, why: String },
    /// DOCKER_HOST is not a unix socket.
    Address(String),
}

/// A registry that does not let us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFault {
    /// As `docker login` takes it; empty for Docker Hub.
    pub registry: String,
    /// The file that has the login, or that should have it.
    pub file: PathBuf,
    pub has_login: bool,
    /// The engine's own words, or why there is no login.
    pub why: String,
}

impl fmt::Display for LoginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, file, has_login, why } = self;
        let shown = if registry.is_empty() { "Docker Hub" } else { registry };
        let command = format!("docker login {registry}");
        let (file, command) = (file.display(), command.trim_end());
        if *has_login {
            write!(f, "{shown} refuses the login of {file}: log in anew as root (`{command}`) [{why}]")
        } else {
            write!(f, "{shown} wants a login and {file} has none: log in as root (`{command}`) [{why}]")
        }
    }
}

impl EngineError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the engine does not answer: {why}"),
            Self::NotFound(why) | Self::Conflict(why) | Self::Refused(why) | Self::RegistryAway(why) => {
                f.write_str(why)
            }
            Self::Login(fault) => fault.fmt(f),
            Self::NoBuildKit { path, status, why } => write!(
                f,
                "this engine has no BuildKit, which a build needs: use Docker Engine 23 or later, or an image that is built \
                 elsewhere [POST {path}: {status} {why}]"
            ),
            Self::Address(host) => write!(f, "DOCKER_HOST={host}: only unix:// addresses are supported"),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => match status_code {
                404 => Self::NotFound(message),
                409 => Self::Conflict(message),
                _ => Self::Refused(message),
            },
            Error::DockerStreamError { error } => Self::Refused(error),
            Error::RequestTimeoutError => Self::Unreachable("no answer in time".to_owned()),
            other => Self::Unreachable(innermost(&other)),
        }
    }
}

/// The last cause says most: "Connection refused", not "client error (Connect)".
fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
