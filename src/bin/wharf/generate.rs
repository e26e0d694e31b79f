//! `wharf generate`

use std::path::{Path, PathBuf};

use wharf::install::{
    Destination, Effect, Enablement, Generate, Generated, InstallError, STACK_DIRECTORY, diff, prepare,
};
use wharf::plan::Plan;

use crate::{Exit, Failure, cli, output, stacks};

pub async fn run(arguments: cli::Generate) -> Result<Exit, Failure> {
    let destination = destination(&arguments.place)?;
    let stacks = stacks::named(&arguments.stacks, &default_stacks(&destination))?;
    if stacks.is_empty() {
        output::message(&format!("wharf: there is no stack file in {}", default_stacks(&destination).display()));
    }
    let prepared = prepare(&stacks, &destination).map_err(InstallError::Invalid)?;
    eprint!("{}", output::diagnostics(&prepared.warnings));
    let generate = Generate {
        destination,
        effect: if arguments.dry_run || arguments.diff || arguments.check { Effect::Show } else { Effect::Write },
        enablement: if arguments.enable { Enablement::Enable } else { Enablement::Keep },
        now: arguments.now,
        reload: !arguments.no_reload,
    };
    let generated = generate.run(&prepared.plans).await?;
    show(&arguments, &generate, &prepared.plans, &generated);
    Ok(exit(&arguments, &generated))
}

fn exit(arguments: &cli::Generate, generated: &Generated) -> Exit {
    if arguments.check && generated.changed() {
        Exit::Different
    } else if generated.failed_jobs.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn destination(place: &cli::Place) -> Result<Destination, Failure> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| Failure::failed(&error));
    Ok(match place {
        cli::Place { output: Some(directory), .. } => Destination::output(&absolute(directory)?),
        cli::Place { root: Some(root), .. } => Destination::root(&absolute(root)?),
        cli::Place { runtime: true, .. } => Destination::runtime(),
        cli::Place { user: true, .. } => Destination::user(&output::environment).ok_or(InstallError::NoHome)?,
        _ => Destination::system(),
    })
}

fn default_stacks(destination: &Destination) -> PathBuf {
    match &destination.root {
        Some(root) => root.join(STACK_DIRECTORY.trim_start_matches('/')),
        None => PathBuf::from(STACK_DIRECTORY),
    }
}

fn show(arguments: &cli::Generate, generate: &Generate, plans: &[Plan], generated: &Generated) {
    let directory = &generate.destination.seen_as;
    if arguments.json {
        output::json(&generated.to_json());
    } else if arguments.diff {
        for change in generated.projects.iter().flat_map(|project| &project.changes.items) {
            output::data(&diff(change, directory));
        }
    } else if arguments.dry_run {
        plans.iter().for_each(|plan| print_units(plan, directory));
    }
    summary(generate.effect, generated);
    for note in &generated.notes {
        output::message(&format!("wharf: {note}"));
    }
    for job in &generated.failed_jobs {
        output::message(&format!("wharf: {job}"));
    }
}

/// As a dry run of Quadlet's generator prints them.
fn print_units(plan: &Plan, directory: &Path) {
    for file in &plan.files {
        let path = directory.join(&file.name);
        let is_private = file.mode & 0o044 == 0;
        let contents = if is_private { "(private: contents are not shown)\n" } else { file.contents.as_str() };
        output::data(&format!("---{}---\n{contents}\n", path.display()));
    }
}

fn summary(effect: Effect, generated: &Generated) {
    if !generated.changed() {
        output::message("nothing changed");
        return;
    }
    if generated.unfinished {
        let state = if effect == Effect::Show { "is to be finished" } else { "was finished" };
        output::message(&format!("an interrupted run {state}"));
    }
    let verb = if effect == Effect::Show { "would " } else { "" };
    for project in generated.projects.iter().filter(|project| !project.changes.is_empty()) {
        for change in &project.changes.items {
            output::message(&format!("{verb}{} {}", change.action.kind(), change.name));
        }
    }
    generated.stopped.iter().for_each(|unit| output::message(&format!("stopped {unit}")));
    generated.started.iter().for_each(|unit| output::message(&format!("started {unit}")));
}
