//! The one door to systemd: its Manager over D-Bus, service notification, and the journal.
//!
//! Invariant: only this room (and the D-Bus face of wharfd) speaks D-Bus.
