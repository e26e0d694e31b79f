//! Files that a stack cannot be put together from.

use std::path::PathBuf;

use super::wording::{Problem, Wording, wording};

pub enum InclusionFault {
    /// A file that another names is not there; `key` is `include` or `extends`.
    FileMissing {
        key: &'static str,
        path: PathBuf,
    },
    /// wharfd's configuration where a stack file is read.
    OfWharfd {
        path: PathBuf,
    },
    /// A YAML file where a TOML file is read.
    Yaml {
        path: PathBuf,
    },
    /// A file of another host.
    Remote {
        key: &'static str,
        path: String,
    },
    /// More files than any stack needs.
    TooManyFiles {
        limit: usize,
    },
    /// Of the files that others name.
    TooMuchText {
        mebibytes: usize,
    },
    IncludesTooDeep {
        limit: usize,
    },
    /// The files in order; the last is the first again.
    IncludeCycle {
        files: Vec<PathBuf>,
    },
}

impl Problem for InclusionFault {
    fn wording(&self) -> Wording {
        match self {
            Self::FileMissing { key, path } => wording(
                format!("`{key}`: the file {} does not exist", path.display()),
                "check the path: a relative one starts at the directory of the file that names it",
            ),
            Self::OfWharfd { path } => wording(
                format!("{} is the configuration file of wharfd, not a stack file", path.display()),
                "name a stack file; a stack file cannot be called `wharfd.toml`",
            ),
            Self::Yaml { path } => wording(
                format!("{} is a YAML file, but a stack file is TOML", path.display()),
                format!("convert it: `wharf import {}`", path.display()),
            ),
            Self::Remote { key, path } => wording(
                format!("`{key}`: `{path}` is not a local file"),
                "download it first (git clone, curl) and name the local file",
            ),
            Self::TooManyFiles { limit } => wording(
                format!("the stack consists of more than {limit} files"),
                "include fewer files; a file that is included twice counts twice",
            ),
            Self::TooMuchText { mebibytes } => wording(
                format!("the files of the stack are larger than {mebibytes} MiB in total"),
                "include fewer or smaller files; a file that is included twice counts twice",
            ),
            Self::IncludesTooDeep { limit } => wording(
                format!("files are included more than {limit} levels deep"),
                "include the files of the lower levels in a higher one",
            ),
            Self::IncludeCycle { files } => {
                let round: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                wording(format!("circular include: {}", round.join(" → ")), "remove one of these includes")
            }
        }
    }
}
