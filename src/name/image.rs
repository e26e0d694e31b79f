//! Image references: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`, or the ID of an image on this host.
//!
//! Source: the reference grammar of the distribution project, which registries and the engine follow, with its normal form
//! (`nginx` means `docker.io/library/nginx:latest`); Compose Specification, services, image. A crate that parses references brings a
//! regular expression engine with it (`oci-spec` 0.10: regex), which each wharf-run would carry: so the grammar is here, and the
//! reference library's published test vectors are in its tests.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

/// A reference as it was written, and its parts.
#[derive(Debug, Clone)]
pub struct ImageRef {
    text: Box<str>,
    /// Of the registry; empty where Docker Hub is not named.
    registry: Range<usize>,
    repository: Range<usize>,
    tag: Option<Range<usize>>,
    digest: Option<Range<usize>>,
    is_id: bool,
}

/// Where an image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Registry<'a> {
    /// The registry that is meant where none is named.
    DockerHub,
    /// A host, with its port if it has one.
    Host(&'a str),
}

/// Why a text is not an image reference. The messages for people stand with the other messages about a stack file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImageFault {
    #[error("it is empty")]
    Empty,
    #[error("{0:?} is not allowed in it")]
    Character(char),
    #[error("a repository has no upper-case letters")]
    UpperCase,
    #[error("{0:?} is not a tag")]
    Tag(String),
    #[error("{0:?} is not a digest")]
    Digest(String),
    #[error("{0:?} is not a part of a repository's name")]
    Component(String),
    #[error("the repository's name has more than 255 characters")]
    TooLong,
}

/// The longest name of a repository, without its registry.
const LONGEST_REPOSITORY: usize = 255;

impl<'a> Registry<'a> {
    /// The registry of this host. Docker Hub has several names.
    pub fn of_host(host: &'a str) -> Self {
        match host {
            "" | "docker.io" | "index.docker.io" | "registry-1.docker.io" => Self::DockerHub,
            host => Self::Host(host),
        }
    }

    /// The host's name as images carry it: `docker.io` for Docker Hub.
    pub fn as_str(self) -> &'a str {
        match self {
            Self::DockerHub => "docker.io",
            Self::Host(host) => host,
        }
    }
}

impl ImageRef {
    /// # Errors
    /// The text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, ImageFault> {
        check_characters(text)?;
        if is_id(text) {
            return Ok(Self::of_id(text));
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => {
                check_digest(digest)?;
                (named, Some(named.len() + 1..text.len()))
            }
            None => (text, None),
        };
        // A colon after the last slash begins the tag; one before it belongs to the registry's port.
        let last = named.rfind('/').map_or(0, |slash| slash + 1);
        let name_end = named[last..].find(':').map_or(named.len(), |colon| last + colon);
        let tag = (name_end < named.len()).then_some(name_end + 1..named.len());
        if let Some(tag) = &tag {
            check_tag(&named[tag.clone()])?;
        }
        let registry = match named[..name_end].split_once('/') {
            Some((first, _)) if is_registry(first) => 0..first.len(),
            _ => 0..0,
        };
        let repository = if registry.is_empty() { 0..name_end } else { registry.end + 1..name_end };
        check_registry(&text[registry.clone()])?;
        check_repository(&text[repository.clone()])?;
        Ok(Self { text: text.into(), registry, repository, tag, digest, is_id: false })
    }

    fn of_id(id: &str) -> Self {
        Self { text: id.into(), registry: 0..0, repository: 0..0, tag: None, digest: None, is_id: true }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the ID of an image on this host, which no registry knows: 64 hexadecimal digits, or `sha256:` and these.
    pub fn is_id(&self) -> bool {
        self.is_id
    }

    pub fn registry(&self) -> Registry<'_> {
        Registry::of_host(&self.text[self.registry.clone()])
    }

    /// The repository in its registry: `library/nginx` of `nginx`. Empty for an ID.
    pub fn repository(&self) -> Cow<'_, str> {
        let path = &self.text[self.repository.clone()];
        let is_official = self.registry() == Registry::DockerHub && !path.contains('/') && !self.is_id;
        if is_official { Cow::Owned(format!("library/{path}")) } else { Cow::Borrowed(path) }
    }

    /// Registry and repository as they were written, without tag and digest.
    pub fn name(&self) -> &str {
        if self.is_id { &self.text } else { &self.text[..self.repository.end] }
    }

    /// The tag, if one was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.clone().map(|tag| &self.text[tag])
    }

    /// `sha256:` and 64 hexadecimal digits, if a digest was written. With it, the tag has no effect.
    pub fn digest(&self) -> Option<&str> {
        self.digest.clone().map(|digest| &self.text[digest])
    }

    /// The tag that counts: none beside a digest and for an ID, `latest` if nothing was written.
    pub fn effective_tag(&self) -> Option<&str> {
        let has_tag = self.digest.is_none() && !self.is_id;
        has_tag.then(|| self.tag().unwrap_or("latest"))
    }

    /// In the normal form, in which two references to one image are equal: `docker.io/library/nginx:latest`.
    pub fn canonical(&self) -> String {
        if self.is_id {
            return self.text.trim_start_matches("sha256:").to_owned();
        }
        let name = format!("{}/{}", self.registry().as_str(), self.repository());
        match (self.digest(), self.effective_tag()) {
            (Some(digest), _) => format!("{name}@{digest}"),
            (None, tag) => format!("{name}:{}", tag.unwrap_or("latest")),
        }
    }

    /// Whether it may mean another image tomorrow: it has no digest, and is no ID.
    pub fn is_open(&self) -> bool {
        self.digest.is_none() && !self.is_id
    }

    /// The same with a digest, beside which the tag is for readers. Without a tag, it has the one that was meant.
    ///
    /// # Errors
    /// It is no digest, or the reference has one already.
    pub fn pinned(&self, digest: &str) -> Result<Self, ImageFault> {
        let tag = if self.tag.is_none() && !self.is_id { ":latest" } else { "" };
        Self::parse(&format!("{}{tag}@{digest}", self.text))
    }

    /// As people write it, and as BuildKit knows a context that takes an image's place: without `docker.io/library/` and `:latest`.
    pub fn familiar(&self) -> String {
        let repository = self.repository();
        let name = match self.registry() {
            Registry::DockerHub => repository.strip_prefix("library/").unwrap_or(&repository).to_owned(),
            Registry::Host(host) => format!("{host}/{repository}"),
        };
        match (self.digest(), self.effective_tag()) {
            (Some(digest), _) => format!("{name}@{digest}"),
            (None, Some("latest") | None) => name,
            (None, Some(tag)) => format!("{name}:{tag}"),
        }
    }

    /// For people: without the digest, if there is a tag.
    pub fn readable(&self) -> &str {
        self.tag.as_ref().map_or(&self.text, |tag| &self.text[..tag.end])
    }

    /// Whether both mean one image, however they are written.
    pub fn is_same_image(&self, other: &Self) -> bool {
        self.text == other.text || self.canonical() == other.canonical()
    }
}

fn check_characters(text: &str) -> Result<(), ImageFault> {
    if text.is_empty() {
        return Err(ImageFault::Empty);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@+[]".contains(c);
    match text.chars().find(|c| !allowed(*c)) {
        Some(character) => Err(ImageFault::Character(character)),
        None if text.contains("://") => Err(ImageFault::Character(':')),
        None => Ok(()),
    }
}

fn is_id(text: &str) -> bool {
    is_hex(text.strip_prefix("sha256:").unwrap_or(text), 64)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn check_tag(tag: &str) -> Result<(), ImageFault> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = tag.len() <= 128 && tag.starts_with(is_word) && tag.chars().all(|c| is_word(c) || c == '.' || c == '-');
    if fits { Ok(()) } else { Err(ImageFault::Tag(tag.to_owned())) }
}

/// The algorithms that the Open Container Initiative has registered (image-spec, descriptor).
fn check_digest(digest: &str) -> Result<(), ImageFault> {
    let is_digest = digest.split_once(':').is_some_and(|(algorithm, hex)| match algorithm {
        "sha256" => is_hex(hex, 64),
        "sha384" => is_hex(hex, 96),
        "sha512" => is_hex(hex, 128),
        _ => false,
    });
    if is_digest { Ok(()) } else { Err(ImageFault::Digest(digest.to_owned())) }
}

/// The first part is a registry if it cannot be a part of a repository: it has a dot, a port or upper case, or is `localhost`.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':', '[']) || first.chars().any(|c| c.is_ascii_uppercase())
}

fn check_registry(registry: &str) -> Result<(), ImageFault> {
    if registry.is_empty() {
        return Ok(());
    }
    let fault = || ImageFault::Component(registry.to_owned());
    let (host_fits, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or_else(fault)?;
            // Neither a zone nor an embedded IPv4 address.
            let fits = !address.contains('.') && address.parse::<std::net::Ipv6Addr>().is_ok();
            (fits && (port.is_empty() || port.starts_with(':')), port.strip_prefix(':'))
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (host.split('.').all(is_domain_part), Some(port)),
            None => (registry.split('.').all(is_domain_part), None),
        },
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if host_fits && port.is_none_or(is_port) { Ok(()) } else { Err(fault()) }
}

fn is_domain_part(part: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    part.starts_with(ends) && part.ends_with(ends) && part.chars().all(|c| ends(c) || c == '-')
}

fn check_repository(repository: &str) -> Result<(), ImageFault> {
    if repository.len() > LONGEST_REPOSITORY {
        return Err(ImageFault::TooLong);
    }
    if repository.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(ImageFault::UpperCase);
    }
    match repository.split('/').find(|part| !is_component(part)) {
        Some(part) => Err(ImageFault::Component(part.to_owned())),
        None => Ok(()),
    }
}

/// Lower-case letters and digits; between them `.`, `_`, `__` or any number of `-`.
fn is_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !part.starts_with(is_word) || !part.ends_with(is_word) {
        return false;
    }
    part.split(is_word).all(|between| matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-'))
}

impl PartialEq for ImageRef {
    /// As they are written; see [`ImageRef::is_same_image`].
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ImageRef {}

impl PartialOrd for ImageRef {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ImageRef {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for ImageRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl std::fmt::Display for ImageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.text)
    }
}

impl std::str::FromStr for ImageRef {
    type Err = ImageFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for ImageRef {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl std::borrow::Borrow<str> for ImageRef {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl serde::Serialize for ImageRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for ImageRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
