//! Words of a build: networks, caches, entitlements, and whether a context is fetched.
//!
//! Source: Compose Build Specification; BuildKit's documentation of caches and entitlements.

use std::collections::BTreeMap;

use super::{choice, image};
use crate::stack::model::{BuildCache, BuildNetwork};
use crate::stack::problem::{BuildFault, Invalid};

/// What a context that the engine fetches begins with.
const REMOTE: [&str; 6] = ["http://", "https://", "git://", "git@", "ssh://", "github.com/"];

/// What lets a step do more than others (BuildKit, entitlements); `device` may name one.
const ENTITLEMENTS: [&str; 3] = ["network.host", "security.insecure", "device"];

/// A network of the stack is out of reach: BuildKit's steps are no containers of the engine.
pub fn network(text: &str) -> Result<BuildNetwork, Invalid> {
    match text {
        "default" => Ok(BuildNetwork::Default),
        "none" => Ok(BuildNetwork::None),
        "host" => Ok(BuildNetwork::Host),
        other => Err(Invalid::Build(BuildFault::Network { value: other.to_owned() })),
    }
}

/// An image, or `type=TYPE,NAME=VALUE…`
pub fn cache(text: &str) -> Result<BuildCache, Invalid> {
    let fault = |fault: fn(String) -> BuildFault| Invalid::Build(fault(text.to_owned()));
    if !text.contains('=') {
        let attributes = BTreeMap::from([("ref".to_owned(), image::reference(text)?.to_string())]);
        return Ok(BuildCache { kind: "registry".to_owned(), attributes });
    }
    let mut attributes = BTreeMap::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or_else(|| fault(|value| BuildFault::Cache { value }))?;
        attributes.insert(name.trim().to_owned(), value.to_owned());
    }
    let kind = attributes.remove("type").ok_or_else(|| fault(|value| BuildFault::Cache { value }))?;
    match kind.as_str() {
        // Its files would have to go over the connection of the client.
        "local" => Err(fault(|value| BuildFault::LocalCache { value })),
        "registry" if !attributes.contains_key("ref") => Err(fault(|value| BuildFault::Cache { value })),
        _ => Ok(BuildCache { kind, attributes }),
    }
}

/// Whether the engine itself fetches a context.
pub fn is_remote(context: &str) -> bool {
    REMOTE.iter().any(|start| context.starts_with(start))
}

/// `NAME`, or for some `NAME=WHICH`.
pub fn entitlement(text: &str) -> Result<String, Invalid> {
    let name = text.split('=').next().unwrap_or_default();
    choice::one_of("entitlements", name, &ENTITLEMENTS).map(|_| text.to_owned())
}
