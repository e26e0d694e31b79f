//! `wharf generate`

use std::path::Path;

use wharf::install::{
    Changes, Destination, Effect, Enablement, Generate, Generated, InstallError, Pull, diff, prepare,
};
use wharf::plan::Plan;
use wharf::update::{Store, Updater};

use crate::exit::{Exit, Failure};
use crate::pull::Screen;
use crate::{cli, output, stacks};

pub async fn run(arguments: cli::Generate) -> Result<Exit, Failure> {
    if arguments.place.user {
        return Err(Failure::Failed(WITHOUT_ROOT.to_owned()));
    }
    let destination = destination(&arguments.place)?;
    let stack_directory = destination.stack_directory();
    let stacks = stacks::named(&arguments.stacks, &stack_directory)?;
    if stacks.is_empty() {
        output::notice(&stacks::none_in(&stack_directory)?);
    }
    let prepared = prepare(&stacks, &destination)?;
    output::diagnostics(&prepared.warnings);
    output::diagnostics(&prepared.writable_by_others());
    let generate = Generate {
        destination,
        effect: if arguments.dry_run || arguments.diff || arguments.check { Effect::Show } else { Effect::Write },
        enablement: if arguments.enable { Enablement::Enable } else { Enablement::Keep },
        now: arguments.now,
        adopt: arguments.adopt,
        reload: !arguments.no_reload,
    };
    let screen = Screen::of(&Pull::of(&prepared.plans));
    let stores = if generate.keeps_revisions() { stores(&prepared.plans)? } else { Vec::new() };
    settle(&stores).await;
    let generated = generate.run(&prepared.plans, &output::notice, &|image| screen.begin(image)).await?;
    show(&arguments, &generate, &prepared.plans, &generated)?;
    if generated.failed_jobs.is_empty() {
        record(&stores, &prepared.plans, &generated).await?;
    }
    Ok(if arguments.check && generated.changed() {
        Exit::Different
    } else if generated.has_failed() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The revisions of all projects: while they are held, no update changes what runs.
fn stores(plans: &[Plan]) -> Result<Vec<Store>, Failure> {
    plans.iter().map(|plan| Ok(Store::open(&plan.project, &output::notice)?)).collect()
}

/// What runs until now is known to work, if it does. Where that cannot be found out, it is not.
async fn settle(stores: &[Store]) {
    if stores.is_empty() {
        return;
    }
    if let Ok(updater) = Updater::connect(&|_| (), None).await {
        for store in stores {
            let _not_known = updater.settle(store).await;
        }
    }
}

/// Notes what runs now as a revision of each project that was changed.
async fn record(stores: &[Store], plans: &[Plan], generated: &Generated) -> Result<(), Failure> {
    for ((store, plan), project) in stores.iter().zip(plans).zip(&generated.projects) {
        if !project.changes.is_empty() {
            Updater::connect(&output::notice, None).await?.record(store, plan, "generate --now").await?;
        }
    }
    Ok(())
}

const WITHOUT_ROOT: &str = "--user: a user's own systemd cannot run stacks yet: their units need rights that only root's have; run `wharf \
                            generate` as root";

fn destination(place: &cli::Place) -> Result<Destination, Failure> {
    Ok(match place {
        cli::Place { output: Some(directory), .. } => Destination::output(&std::path::absolute(directory)?),
        cli::Place { root: Some(root), .. } => Destination::root(&std::path::absolute(root)?),
        cli::Place { runtime: true, .. } => Destination::runtime(),
        cli::Place { user: true, .. } => Destination::user(&stacks::environment).ok_or(InstallError::NoHome)?,
        _ => Destination::system(),
    })
}

fn show(arguments: &cli::Generate, generate: &Generate, plans: &[Plan], generated: &Generated) -> Result<(), Failure> {
    let directory = &generate.destination.seen_as;
    if arguments.json {
        output::json(&generated.to_json())?;
    } else if arguments.diff {
        for change in generated.projects.iter().flat_map(|project| &project.changes.items) {
            output::data(&diff(change, directory));
        }
    } else if arguments.dry_run {
        plans.iter().for_each(|plan| print_units(plan, directory));
    }
    summary(generate.effect, generated);
    generated.notes.iter().for_each(|note| output::notice(&note.to_string()));
    generated.failed_jobs.iter().for_each(|job| output::notice(&job.to_string()));
    Ok(())
}

/// As a dry run of Quadlet's generator prints them.
fn print_units(plan: &Plan, directory: &Path) {
    for file in &plan.files {
        let path = directory.join(&file.name);
        let is_private = file.mode & 0o044 == 0;
        let contents = if is_private { "(private: contents are not shown)\n" } else { &*file.contents };
        output::data(&format!("---{}---\n{contents}\n", path.display()));
    }
}

fn summary(effect: Effect, generated: &Generated) {
    if !generated.changed() {
        let projects: Vec<&str> = generated.projects.iter().map(|project| project.changes.project.as_str()).collect();
        match projects.as_slice() {
            [] => output::message("nothing changed"),
            [project] => output::message(&format!("project {project}: nothing changed")),
            projects => output::message(&format!("projects {}: nothing changed", projects.join(", "))),
        }
        return;
    }
    if generated.unfinished {
        let outcome = if effect == Effect::Show { "would be finished" } else { "was finished" };
        output::message(&format!("an interrupted run {outcome}"));
    }
    let verb = if effect == Effect::Show { "would " } else { "" };
    for Changes { project, items } in generated.projects.iter().map(|project| &project.changes) {
        let changes = items.iter().map(|change| format!("{verb}{} {}", change.action.kind(), change.name));
        let heading = (!items.is_empty()).then(|| format!("project {project}:"));
        output::messages(heading.into_iter().chain(changes));
    }
    let stopped = if effect == Effect::Show { "would stop" } else { "stopped" };
    let started = if effect == Effect::Show { "would start" } else { "started" };
    let restarted = if effect == Effect::Show { "would restart" } else { "restarted" };
    generated.stopped.iter().for_each(|unit| output::message(&format!("{stopped} {unit}")));
    generated.restarted.iter().for_each(|unit| output::message(&format!("{restarted} {unit}")));
    generated.started.iter().for_each(|unit| output::message(&format!("{started} {unit}")));
}
