//! `wharf-run VERB SPEC`: executed by the units of a stack.

use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use wharf::run;
use wharf::spec::{self, ContainerSpec, FollowedSpec};

const USAGE: &str = "usage: wharf-run container|container-reload|network|network-remove|volume SPEC [INSTANCE]\n\
                     \x20      wharf-run cleanup UNIT\n\
                     wharf-run is started by the units that `wharf generate` writes.";

/// A few sockets need no room for a thousand events.
const EVENTS_PER_TICK: usize = 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, argument, instance) = match arguments.as_slice() {
        [verb, argument] => (verb, argument, None),
        [verb, argument, instance] => (verb, argument, Some(instance.as_str())),
        _ => return usage(),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_io_events_per_tick(EVENTS_PER_TICK)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return run::cannot_start(&format!("cannot start: {error}")),
    };
    let path = Path::new(argument);
    // Each in a box of its own: the future that lives as long as a container must not be as large as the largest of them.
    let work: Pin<Box<dyn Future<Output = ExitCode>>> = match verb.as_str() {
        "container" => Box::pin(with(path, async |spec: ContainerSpec| {
            let spec = instance.into_iter().fold(spec, ContainerSpec::of_instance);
            run::start_container(path, instance, spec).await
        })),
        "follow" => Box::pin(with(path, async |spec: FollowedSpec| {
            run::follow_container(instance.into_iter().fold(spec, FollowedSpec::of_instance)).await
        })),
        "cleanup" => Box::pin(run::clean_up(argument)),
        "container-reload" => Box::pin(with(path, async |spec: ContainerSpec| {
            run::reload_container(&instance.into_iter().fold(spec, ContainerSpec::of_instance)).await
        })),
        "network" => Box::pin(with(path, async |spec| run::create_network(&spec).await)),
        "network-remove" => Box::pin(with(path, async |spec| run::remove_network(&spec).await)),
        "volume" => Box::pin(with(path, async |spec| run::create_volume(&spec).await)),
        _ => return usage(),
    };
    runtime.block_on(work)
}

async fn with<T: DeserializeOwned>(path: &Path, work: impl AsyncFnOnce(T) -> ExitCode) -> ExitCode {
    match spec::read(path) {
        Ok(spec) => work(spec).await,
        Err(error) => run::cannot_start(&error),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
