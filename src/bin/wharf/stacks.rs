//! The stacks that a command line names.

use std::path::Path;

use wharf::install::{requests, stacks_in};
use wharf::stack::Request;

use crate::{Failure, cli, output};

/// What to load; every stack of the default directory if none is named.
pub fn named(stacks: &cli::Stacks, default: &Path) -> Result<Vec<Request<'static>>, Failure> {
    let mut named = if !stacks.files.is_empty() {
        vec![Request { files: stacks.files.clone(), profiles: Vec::new(), environment: &output::environment }]
    } else if stacks.stacks.is_empty() {
        let found = stacks_in(default).map_err(|error| Failure::failed(&error))?;
        requests(&found, &output::environment)
    } else {
        requests(&stacks.stacks, &output::environment)
    };
    for request in &mut named {
        request.profiles.clone_from(&stacks.profiles);
    }
    Ok(named)
}
