//! What wharf-run itself says: lines on standard error, which the journal reads with their level (sd-daemon(3)).

pub fn error(message: &str) {
    eprintln!("<3>{message}");
}

pub fn warning(message: &str) {
    eprintln!("<4>{message}");
}

pub fn info(message: &str) {
    eprintln!("<6>{message}");
}

/// The form of a container's id that people use.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
