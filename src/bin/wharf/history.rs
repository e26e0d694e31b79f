//! `wharf history`

use serde_json::json;
use wharf::install::Destination;
use wharf::name::ProjectName;
use wharf::report::history::{HistoryError, Period, history, table};
use wharf::report::when::point_in_time;
use wharf::update::{self, Record, UpdateError};

use crate::exit::{Exit, Failure};
use crate::{cli, output};

pub fn run(arguments: &cli::History) -> Result<Exit, Failure> {
    if arguments.revisions { revisions(arguments) } else { events(arguments) }
}

fn revisions(arguments: &cli::History) -> Result<Exit, Failure> {
    let projects = if arguments.words.is_empty() { update::projects()? } else { arguments.words.clone() };
    let mut all = Vec::new();
    for project in projects {
        ProjectName::parse(&project).map_err(|_| UpdateError::NoProject(project.clone()))?;
        let mut records = update::revisions(&project)?;
        let first = arguments.lines.map_or(0, |lines| records.len().saturating_sub(lines));
        all.push((project, records.split_off(first)));
    }
    if arguments.json {
        let project = |(project, records): &(String, Vec<Record>)| json!({"project": project, "revisions": records});
        output::json(&json!({"projects": all.iter().map(project).collect::<Vec<_>>()}))?;
    } else if all.iter().all(|(_, records)| records.is_empty()) {
        output::notice("no revisions: `wharf generate --now` and `wharf update` make them");
    } else {
        output::drawn(&update::table(&all, output::screen(false)));
    }
    Ok(Exit::Done)
}

fn events(arguments: &cli::History) -> Result<Exit, Failure> {
    let (since, until) = (arguments.since.as_deref().map(point_in_time), arguments.until.as_deref().map(point_in_time));
    let period = Period { since: since.as_deref(), until: until.as_deref() };
    let directories = Destination::system().documented_load_path();
    let found = history(&arguments.words, period, &directories);
    if matches!(&found, Ok(history) if history.limited)
        || matches!(&found, Err(HistoryError::Lookup { limited: true, .. }))
    {
        output::notice(output::LIMITED_JOURNAL);
    }
    let events = found?.events;
    let first = arguments.lines.map_or(0, |lines| events.len().saturating_sub(lines));
    let events = &events[first..];
    if arguments.json {
        output::json(&json!({"events": events}))?;
    } else if events.is_empty() {
        output::notice("no matching events in the journal");
    } else {
        output::drawn(&table(events, output::screen(false)));
    }
    Ok(Exit::Done)
}
