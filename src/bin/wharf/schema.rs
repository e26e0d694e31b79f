//! `wharf schema`: the JSON schema of stack files, by which an editor completes and checks them.

use wharf::stack::keys;

use crate::exit::{Exit, Failure};
use crate::output;

pub fn run() -> Result<Exit, Failure> {
    output::json(&keys::schema())?;
    Ok(Exit::Done)
}
