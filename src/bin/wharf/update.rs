//! `wharf update`

use std::path::Path;

use serde_json::{Value, json};
use wharf::install::STACK_DIRECTORY;
use wharf::signals::{Signal, Signals};
use wharf::update::{Changed, Failure as Failed, Means, NewImage, Outcome, Update};

use crate::exit::{Exit, Failure};
use crate::pull::Screen;
use crate::{cli, output, stacks};

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
    let update = Update { show: arguments.check || arguments.dry_run, retry: arguments.retry, units };
    let means = Means::connect(&say, Some(interrupts)).await?;
    let screen = Screen::without_width();
    let mut exit = Exit::Done;
    let mut all = Vec::new();
    for request in &requests {
        let changed = means.update(request, &update, &|image| screen.begin(image)).await?;
        exit = worse(exit, exit_of(&changed, arguments.check));
        if !arguments.json {
            print(&changed);
        }
        all.push(changed);
    }
    if arguments.json {
        output::json(&json!({"projects": all.iter().map(to_json).collect::<Vec<_>>()}))?;
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
        Outcome::RolledBack { left, .. } if left.is_empty() => Exit::RolledBack,
        Outcome::Done { .. } | Outcome::RolledBack { .. } => Exit::Failed,
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Failed, _) | (_, Exit::Failed) => Exit::Failed,
        (Exit::Done, other) => other,
        (one, _) => one,
    }
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
        Outcome::Available => output::messages(line("would update ")),
        Outcome::Done { revision, failures } => {
            output::messages(line("updated "));
            output::message(&format!("project {project}: revision {revision}"));
            failures.iter().for_each(|failure| output::notice(&failure.to_string()));
        }
        Outcome::RolledBack { revision, failures, left } => {
            failures.iter().for_each(|failure| output::notice(&failure.to_string()));
            output::notice(&format!("project {project}: rolled back to revision {revision}"));
            let lost = |failure: &Failed| format!("not as before: {failure}");
            left.iter().for_each(|failure| output::notice(&lost(failure)));
        }
    }
}

/// For programs.
pub fn to_json(changed: &Changed) -> Value {
    let failure =
        |failure: &Failed| json!({"unit": failure.unit, "reason": failure.reason, "last_output": failure.output});
    let list = |failures: &[Failed]| failures.iter().map(failure).collect::<Vec<_>>();
    let image = |image: &NewImage| json!({"image": image.image, "before": image.before, "digest": image.digest, "units": image.units});
    let (outcome, revision, failures, left) = match &changed.outcome {
        Outcome::Current => ("current", None, Vec::new(), Vec::new()),
        Outcome::Available => ("available", None, Vec::new(), Vec::new()),
        Outcome::Done { revision, failures } => ("done", Some(revision), list(failures), Vec::new()),
        Outcome::RolledBack { revision, failures, left } => ("rolled-back", Some(revision), list(failures), list(left)),
    };
    json!({
        "project": changed.project,
        "images": changed.images.iter().map(image).collect::<Vec<_>>(),
        "refused": changed.refused,
        "outcome": outcome,
        "revision": revision,
        "failures": failures,
        "not_restored": left,
    })
}
