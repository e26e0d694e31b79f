//! `wharf pull`

use std::io::{self, IsTerminal};
use std::path::Path;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use wharf::engine::{Engine, EngineError, PullProgress};
use wharf::install::{Destination, Progress, Pull, STACK_DIRECTORY, WantedImage, prepare};
use wharf::printable::printable;

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub async fn run(arguments: &cli::Pull) -> Result<Exit, Failure> {
    let stacks = stacks::named(&arguments.stacks, Path::new(STACK_DIRECTORY))?;
    let prepared = prepare(&stacks, &Destination::system())?;
    output::diagnostics(&prepared.warnings);
    let pull = Pull::of(&prepared.plans);
    if pull.images().next().is_none() {
        output::notice("no image to pull");
        return Ok(Exit::Done);
    }
    let engine = Engine::connect().await?;
    let screen = Screen::new(pull.images().map(|image| image.reference.len()).max().unwrap_or(0));
    let pulled = pull.run(&engine, &|image| screen.begin(image)).await;
    Ok(if pulled { Exit::Done } else { Exit::Failed })
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

    fn begin(&self, image: &WantedImage) -> Bar {
        let image = image.reference.clone();
        let bar = self.bars.as_ref().map(|bars| {
            let template = format!("{{prefix:{}}} {{bar:30}} {{bytes:>10}} of {{total_bytes:<10}} {{msg}}", self.width);
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(ProgressBar::new(0).with_style(style).with_prefix(image.clone()))
        });
        if bar.is_none() {
            output::message(&format!("{image}: pulling"));
        }
        Bar { image, bar }
    }
}

impl Progress for Bar {
    fn update(&self, progress: PullProgress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total);
            bar.set_position(progress.current);
        }
    }

    fn finish(self, result: &Result<(), EngineError>) {
        let outcome = match result {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        match self.bar {
            Some(bar) => bar.abandon_with_message(printable(&outcome)),
            None => output::message(&format!("{}: {outcome}", self.image)),
        }
    }
}
