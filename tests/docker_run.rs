//! The manual's page on Puppet's docker::run: every parameter of the define, each with a key that is honoured and a case that
//! has it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::collections::BTreeSet;
use std::fs;

use wharf::stack::keys;

const PAGE: &str = include_str!("../packaging/manual/docker-run.md");

/// A line of the page's table.
struct Row {
    parameter: &'static str,
    keys: Vec<&'static str>,
    differs: &'static str,
    cases: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let ["", parameter, keys, differs, cases, ""] = cells[..] else { panic!("four cells: {line}") };
            let quoted = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect::<Vec<&str>>();
            let cases = cases.split(", ").filter(|case| !case.is_empty()).collect();
            Row { parameter: quoted(parameter)[0], keys: quoted(keys), differs, cases }
        })
        .collect()
}

fn parameters() -> Vec<&'static str> {
    include_str!("keys/docker-run-parameters.txt").lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn every_parameter_has_a_line_and_only_they() {
    assert_eq!(rows().iter().map(|row| row.parameter).collect::<Vec<_>>(), parameters());
}

#[test]
fn a_parameter_without_a_key_has_a_reason() {
    for row in rows() {
        assert_eq!(row.keys.is_empty(), row.cases.is_empty(), "{}", row.parameter);
        assert!(!row.keys.is_empty() || !row.differs.is_empty(), "{}", row.parameter);
    }
}

/// The paths of all keys of a case's stack file, as the page writes them: those of services begin after the service's name.
fn keys_of(case: &str) -> BTreeSet<String> {
    let text =
        fs::read_to_string(format!("tests/cases/{case}/docker.toml")).unwrap_or_else(|error| panic!("{case}: {error}"));
    let stack: toml::Table = toml::from_str(&text).unwrap();
    let mut found = BTreeSet::new();
    collect("", &stack, &mut found);
    for service in stack["services"].as_table().unwrap().values() {
        collect("", service.as_table().unwrap(), &mut found);
    }
    found
}

fn collect(path: &str, table: &toml::Table, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if let Some(table) = value.as_table() {
            collect(&path, table, found);
        }
        found.insert(path);
    }
}

#[test]
fn each_key_is_honoured_and_in_the_case() {
    let mut honoured = BTreeSet::new();
    keys::walk(&mut |path, _, key| {
        if key.is_honoured() {
            honoured.insert(path.strip_prefix("services.*.").unwrap_or(path).to_owned());
        }
    });
    for row in rows() {
        let of_cases: BTreeSet<String> = row.cases.iter().flat_map(|case| keys_of(case)).collect();
        for key in row.keys {
            // Below `systemd` the names are systemd's own.
            let known = if key.starts_with("systemd.") { "systemd" } else { key };
            assert!(honoured.contains(known), "{}: `{key}` is not honoured", row.parameter);
            assert!(of_cases.contains(key), "{}: `{key}` is in none of {:?}", row.parameter, row.cases);
        }
    }
}
