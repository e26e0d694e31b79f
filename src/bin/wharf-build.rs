//! `wharf-build SPEC`: executed by the units that build an image.
//!
//! A program of its own: what it takes to speak with BuildKit would be in the memory of every container's wharf-run.

use std::path::Path;
use std::process::ExitCode;

use wharf::{build, run, spec};

const USAGE: &str = "usage: wharf-build SPEC\nwharf-build is started by the units that `wharf generate` writes.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match spec::read(Path::new(&path)) {
        Ok(spec) => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(build::build_image(spec)),
            Err(error) => run::cannot_start(&format!("cannot start: {error}")),
        },
        Err(error) => run::cannot_start(&error),
    }
}
