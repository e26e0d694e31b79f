//! `wharf pull`

use std::io::{self, IsTerminal};
use std::path::Path;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use wharf::engine::{Engine, EngineError, PullProgress};
use wharf::install::{Destination, Progress, Pull, STACK_DIRECTORY, WantedImage, prepare, running_older_image};
use wharf::name::UnitName;
use wharf::printable::printable;

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub async fn run(arguments: &cli::Pull) -> Result<Exit, Failure> {
    let (stacks, units) = stacks::named_with_units(&arguments.stacks, Path::new(STACK_DIRECTORY))?;
    if stacks.is_empty() {
        output::notice(&stacks::none_in(Path::new(STACK_DIRECTORY))?);
        return Ok(Exit::Done);
    }
    let prepared = prepare(&stacks, &Destination::system())?;
    output::diagnostics(&prepared.warnings);
    let all = Pull::of(&prepared.plans);
    let pull = if units.is_empty() { all } else { all.for_units(&prepared.plans, &units) };
    if pull.images().next().is_none() {
        output::notice("no image to pull");
        return Ok(Exit::Done);
    }
    let engine = Engine::of_units().await?;
    let screen = Screen::of(&pull);
    let failed = pull.run(&engine, &|image| screen.begin(image)).await;
    if let Some(note) = older_image(&running_older_image(&engine, &prepared.plans).await?) {
        output::notice(&note);
    }
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Which units still run with the image before, and how they get the one that was pulled.
fn older_image(units: &[UnitName]) -> Option<String> {
    let pronoun = match units {
        [] => return None,
        [_] => "it",
        _ => "them",
    };
    let (list, arguments) = (units.join(", "), units.join(" "));
    Some(format!(
        "pulled, but running with an older image: {list}; to restart {pronoun}: `systemctl restart {arguments}`"
    ))
}

/// A line when an image ends. Before it a bar on a terminal, else a line when it begins.
pub struct Screen {
    bars: Option<MultiProgress>,
    /// That of the images' names, in characters.
    width: usize,
}

pub struct Bar {
    image: String,
    bar: Option<(MultiProgress, ProgressBar)>,
}

/// What a bar takes beside the name, in characters. A bar that is higher than the terminal is not drawn.
const BAR: usize = 60;

/// The width of a name, if the names are not known.
const UNKNOWN: usize = 20;

/// The shortest part of a name that is shown, in characters.
const NAME: usize = 10;

impl Screen {
    /// With room for the names of these images.
    pub fn of(pull: &Pull) -> Self {
        let longest = pull.images().map(|image| image.reference.len()).max().unwrap_or(0);
        let bars = io::stderr().is_terminal().then(MultiProgress::new);
        let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        let room = if columns == 0 { longest } else { columns.saturating_sub(BAR).max(NAME) };
        Self { bars, width: longest.min(room) }
    }

    /// Where the images are not known before they are pulled.
    pub fn without_width() -> Self {
        Self { bars: io::stderr().is_terminal().then(MultiProgress::new), width: UNKNOWN }
    }

    pub fn begin(&self, image: &WantedImage) -> Bar {
        let image = image.reference.clone();
        let bar = self.bars.as_ref().map(|bars| {
            let template = format!("{{prefix:{}!}} {{bar:30}} {{bytes:>10}} of {{total_bytes:<10}}", self.width);
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(0).with_style(style).with_prefix(printable(&image));
            (bars.clone(), bars.add(bar))
        });
        if bar.is_none() {
            output::message(&format!("{image}: pulling"));
        }
        Bar { image, bar }
    }
}

impl Progress for Bar {
    fn update(&self, progress: PullProgress) {
        if let Some((_, bar)) = &self.bar {
            bar.set_length(progress.total);
            bar.set_position(progress.current);
        }
    }

    fn finish(self, result: &Result<(), EngineError>) {
        let outcome = match result {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        let tell = || output::message(&format!("{}: {outcome}", self.image));
        match &self.bar {
            Some((bars, bar)) => {
                bar.finish_and_clear();
                bars.suspend(tell);
            }
            None => tell(),
        }
    }
}
