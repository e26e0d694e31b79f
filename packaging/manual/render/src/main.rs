//! Renders the manual: `wharf-manual DIRECTORY` writes man pages, the web manual and shell completions there.
//!
//! In: the Markdown pages in packaging/manual, and the command line as `wharf` itself declares it. Out: `man/`, `html/` and
//! `completions/`. Invariant: the same sources give the same bytes, and nothing of a page is left out: what cannot be rendered,
//! and a dead link, is an error.

mod command;
mod completions;
mod html;
mod man;
mod pages;
mod source;

#[path = "../../../../src/bin/wharf/cli.rs"]
#[allow(dead_code, reason = "the command line is described here, not parsed")]
mod cli;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use command::Commands;
use source::Manual;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: wharf-manual DIRECTORY")?);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let commands = Commands::new();
    let manual = Manual::read(&sources, &commands)?;
    for part in ["man", "html", "completions"] {
        let part = directory.join(part);
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        fs::create_dir_all(&part)?;
    }
    man::write(&manual, &commands, &directory.join("man"))?;
    html::write(&manual, &commands, &directory.join("html"))?;
    completions::write(&directory.join("completions"))
}
