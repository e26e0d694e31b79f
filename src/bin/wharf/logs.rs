//! `wharf logs`

use wharf::install::Destination;
use wharf::printable::printable;
use wharf::report::history::add_removed_projects;
use wharf::report::installed::{LookupError, projects_in};
use wharf::report::logs::{FIELDS, Logs};
use wharf::report::selection::{SelectionError, select};
use wharf::report::table::Screen;
use wharf::report::when::point_in_time;
use wharf::signals::{Signal, Signals};
use wharf::systemd::journalctl::{Entry, Query, sees_all, stream};

use crate::exit::{Exit, Failure};
use crate::{cli, output};

/// Entries that are there at once are written at once, up to so many bytes.
const MOST_BYTES: usize = 64 << 10;

pub async fn run(arguments: &cli::Logs) -> Result<Exit, Failure> {
    let mut installed = projects_in(&Destination::system().documented_load_path())?;
    let unknown = select(&arguments.words, &installed).err();
    if let Some(SelectionError::Lookup(LookupError::Unknown { wanted, .. })) = &unknown {
        add_removed_projects(&mut installed)?;
        if select(&arguments.words, &installed).is_ok() {
            let wanted = printable(wanted);
            output::notice(&format!("`{wanted}` is no longer installed; this is what the journal still has of it"));
        }
    }
    let selected = select(&arguments.words, &installed).map_err(|error| unknown.unwrap_or(error))?;
    let logs = Logs::of(&selected).with_times(arguments.timestamps).with_prefix(!arguments.no_log_prefix);
    if !sees_all() {
        output::notice(output::LIMITED_JOURNAL);
    }
    let (since, until) = (arguments.since.as_deref().map(point_in_time), arguments.until.as_deref().map(point_in_time));
    let query = Query {
        matches: logs.matches(),
        fields: &FIELDS,
        since: since.as_deref(),
        until: until.as_deref(),
        lines: arguments.lines.as_deref(),
        follow: arguments.follow,
        ..Query::default()
    };
    let ends = Signals::listen(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    let mut entries = stream(&query)?;
    let screen = output::screen(false);
    let screen = Screen { colour: screen.colour && !arguments.no_color, ..screen };
    let mut is_empty = true;
    loop {
        let entry = tokio::select! {
            entry = entries.next() => entry?,
            () = ends.wait() => return Ok(Exit::Done),
        };
        let Some(entry) = entry else { break };
        let lines = |entry: &Entry| logs.lines(entry, screen).unwrap_or_default();
        let mut text = lines(&entry);
        while text.len() < MOST_BYTES
            && let Some(entry) = entries.try_next()
        {
            text.push_str(&lines(&entry));
        }
        is_empty &= text.is_empty();
        if output::drawn_as_it_comes(&text).is_err() {
            return Ok(Exit::Done);
        }
    }
    if is_empty {
        output::notice("no matching entries in the journal");
    }
    Ok(Exit::Done)
}
