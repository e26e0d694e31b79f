//! `compose_labels`: the labels that `docker compose` gives containers.

use std::collections::HashMap;

use crate::spec::compose_label as label;
use crate::stack::{Service, Stack};

/// As the version of Compose. Programs look at the first number; it stays the same, so that no new version of Wharf replaces a container.
const VERSION: &str = "2.0.0";

/// All but the hash of the definition, of which they are a part. None: the stack does not ask for them.
pub fn labels(stack: &Stack, service: &Service) -> HashMap<String, String> {
    if !stack.compose_labels {
        return HashMap::new();
    }
    let files = [&stack.source].into_iter().chain(&stack.further_sources);
    let files = files.map(|file| file.display().to_string()).collect::<Vec<_>>().join(",");
    let directory = stack.source.parent().map(|directory| directory.display().to_string()).unwrap_or_default();
    let labels = [
        (label::PROJECT, stack.name.to_string()),
        (label::SERVICE, service.name.to_string()),
        (label::NUMBER, "1".to_owned()),
        (label::ONE_OFF, "False".to_owned()),
        (label::CONFIG_FILES, files),
        (label::WORKING_DIR, directory),
        (label::VERSION, VERSION.to_owned()),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
