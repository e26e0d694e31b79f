//! The one door to the container engine (Docker Engine API), through bollard.
//!
//! Invariant: no other room names the client library's calls; errors come out as [`EngineError`], sorted by what a caller can
//! do about them.
