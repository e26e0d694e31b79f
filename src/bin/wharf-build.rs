//! `wharf-build SPEC`: what the unit executes that builds an image. For systemd, not for people.
//!
//! A program of its own, for what it takes to speak with BuildKit would be in the memory of every container's wharf-run.

use std::process::ExitCode;

use wharf::run;
use wharf::spec::{self, BuildSpec};

const USAGE: &str = "usage: wharf-build SPEC\nwharf-build is started by the units that `wharf generate` writes.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match read(&path) {
        Ok(spec) => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(run::build_image(spec)),
            Err(error) => failed(&format!("cannot start: {error}")),
        },
        Err(why) => failed(&format!("{path}: {why}")),
    }
}

fn read(path: &str) -> Result<BuildSpec, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    spec::from_json(&text).map_err(|error| format!("{error}; run `wharf generate` to write it anew"))
}

fn failed(why: &str) -> ExitCode {
    eprintln!("<3>{why}");
    ExitCode::from(spec::exit::CANNOT_START)
}
