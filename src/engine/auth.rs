//! Logins to registries: the engine's usual `config.json`, with its credential helpers, or one that is a systemd credential.
//!
//! Source: docker login, "Credential stores" and "Credential helpers"; Engine API, Authentication (X-Registry-Auth).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::auth::DockerCredentials;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

use super::error::LoginFault;
use crate::name::Registry;
use crate::printable::printable;

/// The name of the systemd credential that is a `config.json`.
const CREDENTIAL: &str = "docker-config.json";

/// The key under which `docker login` keeps a login to Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What is known of a login to one registry.
#[derive(Default)]
pub struct Login {
    /// As `docker login` takes it; `None`: Docker Hub.
    registry: Option<String>,
    pub credentials: Option<DockerCredentials>,
    /// The file that has the login, or that should have it.
    file: PathBuf,
    /// Why it could not be had from a file that there is.
    problem: Option<String>,
}

/// The login to a registry. A missing login is not an error: the image may be public.
///
/// A credential helper is a program, and may take its time.
pub async fn login(registry: Registry<'_>) -> Login {
    let registry = match registry {
        Registry::DockerHub => None,
        Registry::Host(host) => Some(host.to_owned()),
    };
    let files = files();
    let found = tokio::task::spawn_blocking(move || find(registry, &files)).await;
    found.unwrap_or_default()
}

impl Login {
    /// What the registry's refusal means, `why` in the engine's words.
    pub fn refused(&self, why: &str) -> LoginFault {
        LoginFault {
            registry: self.registry.clone(),
            file: self.file.clone(),
            has_login: self.credentials.is_some(),
            why: self.problem.clone().unwrap_or_else(|| why.to_owned()).into(),
        }
    }
}

/// The files in which a login may stand, the first wins. systemd sets no HOME for a system's service.
fn files() -> Vec<PathBuf> {
    let directory = |variable: &str| std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let credential = directory("CREDENTIALS_DIRECTORY").map(|path| path.join(CREDENTIAL));
    let home = || directory("HOME").unwrap_or_else(|| "/root".into()).join(".docker");
    let usual = directory("DOCKER_CONFIG").unwrap_or_else(home).join("config.json");
    credential.into_iter().filter(|path| path.exists()).chain([usual]).collect()
}

fn find(registry: Option<String>, files: &[PathBuf]) -> Login {
    let mut login = Login { registry, ..Login::default() };
    for file in files {
        login.file.clone_from(file);
        match read(login.registry.as_deref(), file) {
            Ok(Some(credentials)) => {
                return Login { credentials: Some(credentials), problem: None, ..login };
            }
            Ok(None) => (),
            Err(problem) => login.problem = Some(problem),
        }
    }
    login
}

/// `None`: the file, or the helper that it names, has no login to this registry.
fn read(registry: Option<&str>, file: &Path) -> Result<Option<DockerCredentials>, String> {
    let text = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| format!("{}: {error}", file.display()))?,
    };
    let server = registry.unwrap_or(DOCKER_HUB);
    match get_credential_from_reader(text.as_slice(), server) {
        Ok(found) => Ok(Some(credentials(server, found))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
            Ok(None)
        }
        Err(error) => Err(format!("{}: {}", file.display(), problem(&error))),
    }
}

fn credentials(server: &str, found: DockerCredential) -> DockerCredentials {
    let serveraddress = Some(server.to_owned());
    match found {
        DockerCredential::IdentityToken(token) => {
            DockerCredentials { identitytoken: Some(token), serveraddress, ..Default::default() }
        }
        DockerCredential::UsernamePassword(name, password) => {
            DockerCredentials { username: Some(name), password: Some(password), serveraddress, ..Default::default() }
        }
    }
}

/// In one line, and without what a helper printed on standard output: that may be a password.
fn problem(error: &CredentialRetrievalError) -> String {
    match error {
        CredentialRetrievalError::HelperFailure { helper, stderr, .. } => {
            let said = printable(stderr.trim());
            let said = if said.is_empty() { "it failed".to_owned() } else { said };
            format!("the credential helper {helper}: {said}")
        }
        CredentialRetrievalError::HelperCommunicationError => "its credential helper cannot be executed".to_owned(),
        CredentialRetrievalError::MalformedHelperResponse => "its credential helper gave no sensible answer".to_owned(),
        CredentialRetrievalError::ConfigReadError => "it is not JSON, or not as docker login writes it".to_owned(),
        CredentialRetrievalError::CredentialDecodingError => "the login is not base64 of NAME:PASSWORD".to_owned(),
        other => other.to_string(),
    }
}

/// Whether a registry did not let us in. The engine says "500" to everything; only its words tell.
pub fn is_refusal(why: &str) -> bool {
    const NO_ENTRY: [&str; 4] = ["denied", "unauthorized", "authentication", "no basic auth credentials"];
    NO_ENTRY.iter().any(|word| why.to_ascii_lowercase().contains(word))
}

/// The engine decodes the header from base64 with the alphabet for URLs (Engine API, Authentication); the client library encodes
/// it with the other one, in which `>`, `?` and `~` in a password may become a letter that the engine does not know.
pub fn with_url_alphabet(docker: Docker) -> Docker {
    docker.with_request_modifier(|mut request| {
        if let Some(header) = request.headers_mut().get_mut("X-Registry-Auth") {
            let translated =
                header.to_str().ok().and_then(|text| text.replace('+', "-").replace('/', "_").parse().ok());
            if let Some(translated) = translated {
                *header = translated;
            }
        }
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_with_a_login_wins_and_a_broken_one_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let broken = file("broken", "{");
        let none = file("none", r#"{"auths": {}}"#);
        let ada = file("ada", r#"{"auths": {"reg.example:5000": {"auth": "YWRhOnBhc3M6d29yZA=="}}}"#);
        let token = file("token", r#"{"auths": {"https://index.docker.io/v1/": {"auth": "", "identitytoken": "t"}}}"#);
        let absent = directory.path().join("absent");

        let login = find(Some("reg.example:5000".to_owned()), &[none.clone(), absent.clone(), ada.clone()]);
        let credentials = login.credentials.unwrap();
        assert_eq!(credentials.username.as_deref(), Some("ada"));
        assert_eq!(credentials.password.as_deref(), Some("pass:word"));
        assert_eq!(login.file, ada);
        assert_eq!(find(None, &[token]).credentials.unwrap().identitytoken.as_deref(), Some("t"));
        assert!(find(Some("other.example".to_owned()), &[none, absent]).problem.is_none());
        assert!(find(Some("other.example".to_owned()), &[broken]).problem.unwrap().contains("is not JSON"));
    }
}
