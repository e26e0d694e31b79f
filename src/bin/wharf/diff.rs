//! `wharf diff`

use serde_json::json;
use wharf::name::RevisionName;
use wharf::report::difference::{differences, text};
use wharf::update::{self, Revision, UpdateError, difference};

use crate::exit::{Exit, Failure};
use crate::status::connect;
use crate::{cli, output};

pub async fn run(arguments: &cli::Diff) -> Result<Exit, Failure> {
    if let Some((old, new)) = revisions(&arguments.words)? {
        return compare(&old, &new, arguments.json);
    }
    let sources = connect().await?;
    let found = differences(&sources, &arguments.words, arguments.registry).await?;
    if arguments.json {
        output::json(&json!({"containers": found.containers}))?;
    } else {
        output::drawn(&text(&found.containers));
    }
    found.problems.iter().for_each(|problem| output::notice(problem));
    Ok(if found.has_drift() {
        Exit::Different
    } else if found.incomplete {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Two revisions by their names, as `shop@7`. One alone is compared with the newest.
fn revisions(words: &[String]) -> Result<Option<(Revision, Revision)>, Failure> {
    let named: Option<Vec<RevisionName>> = words.iter().map(|word| RevisionName::parse(word)).collect();
    let Some([first, rest @ ..]) = named.as_deref() else { return Ok(None) };
    // `shop-web@2` may be a replica, too. Revisions are for root alone.
    let is_known = update::projects().is_ok_and(|projects| projects.iter().any(|known| *first.project == **known));
    if !is_known || rest.len() > 1 {
        return Ok(None);
    }
    let project = || first.project.to_string();
    let get = |RevisionName { project, number }: &RevisionName| {
        let unknown = || UpdateError::UnknownRevision { project: project.to_string(), number: *number };
        update::revision(project, *number)?.ok_or_else(unknown)
    };
    let new = match rest {
        [other, ..] => get(other)?,
        [] => update::newest(&first.project)?.ok_or_else(|| UpdateError::NoRevision { project: project() })?,
    };
    Ok(Some((get(first)?, new)))
}

fn compare(old: &Revision, new: &Revision, as_json: bool) -> Result<Exit, Failure> {
    let files = difference(old, new);
    if as_json {
        output::json(&json!({"files": files}))?;
    } else {
        files.iter().for_each(|file| output::data(&file.diff));
    }
    Ok(if files.is_empty() { Exit::Done } else { Exit::Different })
}
