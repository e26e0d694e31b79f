//! `wharf-run VERB SPEC`: what the units of a stack execute. For systemd, not for people.

use std::path::Path;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use wharf::{run, spec};

const USAGE: &str = "usage: wharf-run container|container-remove|network|network-remove|volume SPEC\n\
                     wharf-run is started by the units that `wharf generate` writes.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, path] = arguments.as_slice() else { return usage() };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    let path = Path::new(path);
    runtime.block_on(async {
        match verb.as_str() {
            "container" => with(path, async |spec| run::run_container(&spec).await).await,
            "container-remove" => with(path, async |spec| run::remove_container(&spec).await).await,
            "network" => with(path, async |spec| run::create_network(&spec).await).await,
            "network-remove" => with(path, async |spec| run::remove_network(&spec).await).await,
            "volume" => with(path, async |spec| run::create_volume(&spec).await).await,
            _ => usage(),
        }
    })
}

async fn with<T: DeserializeOwned>(path: &Path, work: impl AsyncFnOnce(T) -> ExitCode) -> ExitCode {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return failed(&format!("{}: {error}", path.display())),
    };
    match spec::from_json(&text) {
        Ok(spec) => work(spec).await,
        Err(error) => failed(&format!("{}: {error}; run `wharf generate` to write it anew", path.display())),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("<3>{why}");
    ExitCode::from(spec::exit::CANNOT_START)
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
