//! `wharf pull`

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::Path;

use futures_util::{StreamExt, stream};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use wharf::engine::{Engine, EngineError, PullProgress};
use wharf::install::{Destination, InstallError, STACK_DIRECTORY, prepare};
use wharf::plan::Plan;
use wharf::stack::PullPolicy;

use crate::{Exit, Failure, cli, output, stacks};

/// More at once would only share the same line.
const AT_ONCE: usize = 4;

pub async fn run(arguments: &cli::Pull) -> Result<Exit, Failure> {
    let stacks = stacks::named(&arguments.stacks, Path::new(STACK_DIRECTORY))?;
    let prepared = prepare(&stacks, &Destination::system()).map_err(InstallError::Invalid)?;
    eprint!("{}", output::diagnostics(&prepared.warnings));
    let images = images(&prepared.plans);
    if images.is_empty() {
        output::message("wharf: there is no image to fetch");
        return Ok(Exit::Done);
    }
    let engine = Engine::connect().await.map_err(|error| Failure::failed(&error))?;
    let screen = Screen::new(images.iter().map(|(image, _)| image.len()).max().unwrap_or(0));
    let pulls = images.iter().map(|image| pull(&engine, image, &screen));
    let results: Vec<Result<(), EngineError>> = stream::iter(pulls).buffer_unordered(AT_ONCE).collect().await;
    Ok(if results.iter().all(Result::is_ok) { Exit::Done } else { Exit::Failed })
}

/// All but those that are never to be fetched, each with its platform.
fn images(plans: &[Plan]) -> Vec<(String, Option<String>)> {
    let images = plans.iter().flat_map(|plan| &plan.images);
    let wanted = images.filter(|image| image.pull_policy != PullPolicy::Never);
    let unique: BTreeSet<_> = wanted.map(|image| (image.reference.clone(), image.platform.clone())).collect();
    unique.into_iter().collect()
}

async fn pull(
    engine: &Engine,
    (image, platform): &(String, Option<String>),
    screen: &Screen,
) -> Result<(), EngineError> {
    let bar = screen.begin(image);
    let result = engine.pull(image, platform.as_deref(), &mut |progress| bar.show(progress)).await;
    match &result {
        Ok(()) => bar.end("done"),
        Err(error) => bar.end(&format!("failed: {error}")),
    }
    result
}

/// Bars on a terminal, else a line when an image begins and one when it ends.
struct Screen {
    bars: Option<MultiProgress>,
    width: usize,
}

struct Bar {
    image: String,
    bar: Option<ProgressBar>,
}

impl Screen {
    fn new(width: usize) -> Self {
        Self { bars: io::stderr().is_terminal().then(MultiProgress::new), width }
    }

    fn begin(&self, image: &str) -> Bar {
        let bar = self.bars.as_ref().map(|bars| {
            let template = format!("{{prefix:{}}} {{bar:30}} {{bytes:>10}} of {{total_bytes:<10}} {{msg}}", self.width);
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(ProgressBar::new(0).with_style(style).with_prefix(image.to_owned()))
        });
        if bar.is_none() {
            output::message(&format!("{image}: pulling"));
        }
        Bar { image: image.to_owned(), bar }
    }
}

impl Bar {
    fn show(&self, progress: PullProgress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total);
            bar.set_position(progress.current);
        }
    }

    fn end(self, how: &str) {
        match self.bar {
            Some(bar) => bar.abandon_with_message(how.to_owned()),
            None => output::message(&format!("{}: {how}", self.image)),
        }
    }
}
