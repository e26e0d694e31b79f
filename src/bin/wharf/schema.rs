//! `wharf schema`: what an editor needs to complete and check stack files.

use wharf::stack::keys;

use super::{Exit, output};

/// Prints the JSON schema of stack files.
pub fn run() -> Exit {
    output::json(&keys::schema());
    Exit::Done
}
