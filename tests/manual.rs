//! What the documents say is shown by a test, is.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const README: &str = include_str!("../README.md");

/// The names of all functions in the sources of a directory.
fn functions(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| {
                line.trim_start().trim_start_matches("async ").strip_prefix("fn ")?.split('(').next()
            });
            found.extend(names.map(str::to_owned));
        }
    }
}

/// Names of tests are sentences.
fn named_tests(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.split('`').skip(1).step_by(2).filter(is_name).filter(|word| word.matches('_').count() >= 4)
}

#[test]
fn each_test_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut there = BTreeSet::new();
    functions(&root.join("tests"), &mut there);
    functions(&root.join("src"), &mut there);
    let mut missing = Vec::new();
    let documents =
        [("README.md", 10), ("SECURITY.md", 30), ("packaging/manual/faults.md", 20), ("packaging/security.md", 10)];
    for (document, least) in documents {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let named: BTreeSet<&str> = named_tests(&text).chain(linked_tests(&text).map(|(_, _, test)| test)).collect();
        assert!(named.len() >= least, "{document} names {} tests", named.len());
        missing
            .extend(named.into_iter().filter(|name| !there.contains(*name)).map(|name| format!("{document}: {name}")));
    }
    assert_eq!(missing, [""; 0]);
}

/// What links with a title name, `[label]: tests/life.rs "a_test_of_that_file"`: the label, the file, the test.
fn linked_tests(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter_map(|line| {
        let (label, target) = line.strip_prefix('[')?.split_once("]: ")?;
        let (file, title) = target.split_once(" \"")?;
        Some((label, file, title.strip_suffix('"')?))
    })
}

/// The labels of the links to threads: issues and pull requests.
fn linked_threads(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (label, target) = line.strip_prefix('[')?.split_once("]: https://github.com/")?;
        let [_, _, "issues" | "pull", number] = *target.split('/').collect::<Vec<_>>() else { return None };
        number.parse::<u32>().ok().map(|_| label)
    })
}

#[test]
fn each_test_that_the_readme_links_to_is_in_that_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: Vec<_> = linked_tests(README).collect();
    assert!(tests.len() >= 10, "{tests:?}");
    for (label, file, test) in tests {
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(&format!("\nfn {test}(")), "[{label}]: {file} has no {test}");
        assert!(README.contains(&format!("][{label}]")), "[{label}] is not used");
    }
}

#[test]
fn each_reason_for_wharf_names_a_test_or_a_thread() {
    let section = README.split("\n## Why not Compose, Quadlet or a hand-written unit\n").nth(1).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows: Vec<&str> = table.take_while(|line| line.starts_with("| ")).collect();
    assert_eq!(rows.len(), 11, "{rows:#?}");
    let threads: Vec<&str> = linked_threads(README).collect();
    let tests: Vec<&str> = linked_tests(README).map(|(label, _, _)| label).collect();
    let mut named = BTreeSet::new();
    for row in rows {
        assert_eq!(row.matches(" | ").count(), 4, "{row}");
        let labels: Vec<&str> = row.split("][").skip(1).map(|rest| rest.split(']').next().unwrap()).collect();
        assert!(labels.iter().any(|label| threads.contains(label) || tests.contains(label)), "{row}");
        // What Wharf does, a test shows.
        let wharf = row.rsplit(" | ").next().unwrap();
        assert!(tests.iter().any(|label| wharf.contains(&format!("][{label}]"))), "{wharf}");
        named.extend(labels);
    }
    let unused: Vec<&&str> = threads.iter().filter(|label| !named.contains(**label)).collect();
    assert_eq!(unused, [&""; 0]);
}

#[test]
fn the_readme_lists_each_page_of_the_manual() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root.join("packaging/manual")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".md") || README.contains(&format!("](packaging/manual/{name})")), "{name}");
    }
}

/// Links of README.md that lead into the source tree.
#[test]
fn each_link_of_the_readme_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = README.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let mut count = 0;
    for link in links.filter(|link| !link.starts_with("https://")) {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let text = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{link}: {error}"));
        let anchors = text.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
        assert!(
            anchor.is_empty() || anchors.into_iter().any(|heading| heading.to_lowercase().replace(' ', "-") == anchor),
            "{link}"
        );
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn each_outcome_of_a_fault_names_the_test_that_shows_it() {
    let text = include_str!("../packaging/manual/faults.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| when"));
    let unshown: Vec<&str> =
        rows.filter(|row| named_tests(row.rsplit(" | ").next().unwrap()).next().is_none()).collect();
    assert_eq!(unshown, [""; 0]);
}
