//! Tree → model, one file a family of keys.
//!
//! In: one composed tree and what its files mean. Out: [`document::Decoded`], which is incomplete where something is wrong; what is
//! wrong is in the report. Invariant: decoding never stops at an error, and every key is read or reported.

pub mod attachments;
mod build;
mod depends_on;
mod deploy;
mod device_requests;
mod devices;
pub mod document;
mod environment;
mod external;
mod healthcheck;
mod hooks;
mod hosts;
mod labels;
mod limits;
mod links;
mod mounts;
mod namespaces;
mod networks;
mod ports;
pub mod profiles;
mod pull_policy;
mod reload;
mod resources;
mod schedule;
mod secrets;
mod security;
pub mod service;
mod stand_in;
mod systemd;
mod update_hook;
mod volumes;
