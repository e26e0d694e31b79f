//! Revisions as a table.

use super::revision::Record;
use crate::report::table::{Cell, Screen, Table, fit};

const HEADINGS: [&str; 6] = ["PROJECT", "REVISION", "TIME", "STABLE SINCE", "BY", "COMMAND"];

/// The revisions of some projects, a line each, oldest first.
pub fn table(projects: &[(String, Vec<Record>)], screen: Screen) -> String {
    let mut table = Table::with_headings(&HEADINGS);
    for (project, records) in projects {
        for record in records {
            table.row([
                Cell::from(project),
                Cell::from(record.number.to_string()),
                Cell::from(&record.time),
                Cell::from(record.stable.clone().unwrap_or_default()),
                Cell::from(record.user.clone().unwrap_or_default()),
                Cell::from(&record.command),
            ]);
        }
    }
    fit(table.lines(screen), screen)
}
