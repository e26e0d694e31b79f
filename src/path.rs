//! Paths as they are written: nobody looks at the disk.

use std::path::{Component, Path, PathBuf};

/// Without `.`, `..` and slashes without meaning.
pub fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}

/// The same of a path that is text.
pub fn clean_text(path: &str) -> String {
    clean(Path::new(path)).to_string_lossy().into_owned()
}

/// Absolute and clean, however it was written; a relative one begins in the working directory.
pub fn absolute(path: &Path) -> PathBuf {
    clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::clean_text;

    #[test]
    fn clean_paths() {
        for (written, cleaned) in [
            ("/a//b/./c/", "/a/b/c"),
            ("/a/../../b", "/b"),
            ("/..", "/"),
            ("./a/../b//c", "b/c"),
            ("../a", "a"),
            (".", ""),
            ("", ""),
        ] {
            assert_eq!(clean_text(written), cleaned, "{written}");
        }
    }
}
