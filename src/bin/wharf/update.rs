//! `wharf update`

use std::path::Path;

use serde_json::json;
use wharf::install::STACK_DIRECTORY;
use wharf::signals::{Signal, Signals};
use wharf::update::{Changed, NewImage, Outcome, Update, UpdateError, Updater};

use crate::exit::{Exit, Failure};
use crate::pull::Screen;
use crate::{cli, output, report, stacks};

/// By these, an update that has begun is rolled back.
pub const INTERRUPTS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

pub async fn run(arguments: &cli::Update) -> Result<Exit, Failure> {
    let interrupts = Signals::listen(&INTERRUPTS)?;
    let named = cli::Stacks { stacks: arguments.stacks.clone(), files: Vec::new(), profiles: Vec::new() };
    let (requests, units) = stacks::named_with_units(&named, Path::new(STACK_DIRECTORY))?;
    if requests.is_empty() {
        output::notice(&stacks::none_in(Path::new(STACK_DIRECTORY))?);
        return Ok(Exit::Done);
    }
    if let (true, Some(unit)) = (arguments.locked, units.first()) {
        return Err(Failure::Failed(format!("--locked brings about whole stacks: name that of {unit}")));
    }
    let show = arguments.check || arguments.dry_run;
    let update = Update { show, locked: arguments.locked, retry: arguments.retry, units };
    let updater = Updater::connect(&say, Some(interrupts)).await?;
    let screen = Screen::without_width();
    let mut exit = Exit::Done;
    let mut all = Vec::new();
    for request in &requests {
        // One stack that cannot be updated does not keep the others from it.
        let changed = match updater.update(request, &update, &|image| screen.begin(image)).await {
            Ok(changed) => changed,
            Err(error @ UpdateError::Interrupted) => return Err(error.into()),
            Err(error) => {
                exit = worse(exit, report(&error.into()));
                continue;
            }
        };
        if arguments.check && !arguments.locked {
            updater.announce(&changed);
        }
        exit = worse(exit, exit_of(&changed, arguments.check));
        if !arguments.json {
            print(&changed);
        }
        let is_interrupted = changed.is_interrupted();
        all.push(changed);
        if is_interrupted {
            break;
        }
    }
    if arguments.json {
        output::json(&json!({"projects": all.iter().map(Changed::to_json).collect::<Vec<_>>()}))?;
    }
    Ok(exit)
}

/// What is done, and waited for.
pub fn say(text: &str) {
    output::message(text);
}

/// How a run ends that changed what runs.
pub fn exit_of(changed: &Changed, is_check: bool) -> Exit {
    match &changed.outcome {
        Outcome::Available if is_check => Exit::Different,
        Outcome::Current | Outcome::Available => Exit::Done,
        Outcome::Done { failures, .. } if failures.is_empty() => Exit::Done,
        Outcome::Refused { .. } => Exit::RolledBack,
        Outcome::RolledBack { left, .. } if left.is_empty() => Exit::RolledBack,
        Outcome::Done { .. } | Outcome::RolledBack { .. } => Exit::Failed,
    }
}

/// Of several stacks: what is invalid before what failed, that before what was rolled back.
fn worse(one: Exit, other: Exit) -> Exit {
    let order = [Exit::Invalid, Exit::Failed, Exit::RolledBack, Exit::Different];
    order.into_iter().find(|exit| [one, other].contains(exit)).unwrap_or(Exit::Done)
}

/// For people.
pub fn print(changed: &Changed) {
    let project = &changed.project;
    for (image, refused) in &changed.refused {
        output::notice(&format!(
            "{image}: not updated to {}: it was rolled back at {} ({}); `--retry` tries it again",
            refused.digest, refused.time, refused.reason
        ));
    }
    let line = |verb: &str| {
        let line = |NewImage { image, before, digest, units }: &NewImage| {
            format!("{verb}{image}: {digest}, before {before}: {}", units.join(", "))
        };
        changed.images.iter().map(line).collect::<Vec<String>>()
    };
    match &changed.outcome {
        Outcome::Current => output::message(&format!("project {project}: nothing to change")),
        Outcome::Available if changed.images.is_empty() => output::message(&format!("would update project {project}")),
        Outcome::Available => output::messages(line("would update ")),
        Outcome::Refused { revision } => output::message(&format!("project {project}: still revision {revision}")),
        Outcome::Done { revision, failures } => {
            output::messages(line("updated "));
            output::message(&format!("project {project}: revision {revision}"));
            failures.iter().for_each(|failure| output::notice(&failure.to_string()));
        }
        Outcome::RolledBack { revision, failures, left, .. } => {
            failures.iter().for_each(|failure| output::notice(&failure.to_string()));
            output::notice(&format!("project {project}: rolled back to revision {revision}"));
            left.iter().for_each(|failure| output::notice(&format!("not as before: {failure}")));
        }
    }
}
