//! Given this stack, these units: each directory of tests/cases is a stack and the files expected of it, byte for byte.
//!
//! `tests/cases/NAME/`: the stack file with what it names (in further directories, if those are stack files too), `environment`
//! (the process's, one `NAME=value` a line), `arguments` (`--file NAME` or `--profile NAME`, one a line), `expected/` (the unit
//! directory; none if the stack is invalid) and `diagnostics` (errors or warnings as they are shown, if there are any).
//! `UPDATE=1 cargo test --test golden` rewrites the last two.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::Host;
use support::cases::{Case, cases, difference, update};
use wharf::config::resolve;
use wharf::diagnostic::Diagnostics;
use wharf::mark::is_checksum;
use wharf::plan::{Location, Plan, Reader, plan};
use wharf::stack::{Loaded, PullPolicy, Request, Stack, load, override_of};

const CASES: &str = "tests/cases";

/// Where the stack files of the cases lie as far as the units can tell.
const STACK_DIRECTORY: &str = "/etc/wharf";

/// What a stack came to: the contents of its unit directory, and what was said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    files: BTreeMap<String, String>,
    diagnostics: String,
}

impl Case {
    /// The values of an argument, e.g. `--profile`.
    fn arguments(&self, name: &str) -> Vec<String> {
        let text = self.text("arguments");
        let values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        values.map(str::to_owned).collect()
    }

    fn stack_file(&self) -> PathBuf {
        let files = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
        let is_stack =
            |path: &PathBuf| path.extension().is_some_and(|end| end == "toml") && override_of(path).is_some();
        let stacks: Vec<PathBuf> = files.filter(is_stack).collect();
        assert_eq!(stacks.len(), 1, "{} has one stack file", self.name);
        stacks[0].clone()
    }

    /// The process's variables.
    fn variables(&self) -> BTreeMap<String, String> {
        let mut environment = self.environment();
        environment.entry("HOME".to_owned()).or_insert_with(|| "/home/ada".to_owned());
        environment
    }

    fn request<'a>(&self, lookup: &'a (dyn Fn(&str) -> Option<String> + Sync)) -> Request<'a> {
        let files = self.arguments("--file");
        let mut request = if files.is_empty() {
            Request::of_stack(&self.stack_file(), lookup)
        } else {
            let files = files.iter().map(|file| self.directory.join(file)).collect();
            Request { files, ..Request::of_stack(Path::new(""), lookup) }
        };
        request.profiles = self.arguments("--profile");
        request
    }

    fn load(&self) -> Result<Loaded, Diagnostics> {
        let environment = self.variables();
        let lookup = |name: &str| environment.get(name).cloned();
        let mut loaded = load(&self.request(&lookup))?;
        self.move_to_etc(&mut loaded.stack);
        Ok(loaded)
    }

    /// Paths below the case's directory become what they would be with the stack file in /etc/wharf.
    fn move_to_etc(&self, stack: &mut Stack) {
        let here = std::path::absolute(&self.directory).unwrap();
        let moved = |path: &Path| match (path.strip_prefix(&here), path.strip_prefix(here.parent().unwrap())) {
            (Ok(inside), _) => Path::new(STACK_DIRECTORY).join(inside),
            (_, Ok(beside)) => Path::new("/etc").join(beside),
            _ => path.to_owned(),
        };
        stack.host_paths_mut().for_each(|path| *path = moved(path));
    }

    /// The plan, and the warnings on the way; or what is wrong.
    fn plan(&self) -> Result<(Plan, Diagnostics), Diagnostics> {
        let loaded = self.load()?;
        Ok((plan_of(&loaded.stack)?, loaded.warnings))
    }

    fn outcome(&self) -> Outcome {
        let (files, diagnostics) = match self.plan() {
            Ok((plan, warnings)) => (contents(&plan), warnings),
            Err(errors) => (BTreeMap::new(), errors),
        };
        let here = std::path::absolute("tests/cases").unwrap().display().to_string();
        let shown = diagnostics.render(false).replace(&format!("{here}/{}", self.name), STACK_DIRECTORY);
        Outcome { files, diagnostics: shown.replace(&here, "/etc") }
    }

    fn expected(&self) -> Outcome {
        let files = fs::read_dir(self.directory.join("expected")).into_iter().flatten().map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        });
        Outcome { files: files.collect(), diagnostics: self.text("diagnostics") }
    }

    fn rewrite(&self, outcome: &Outcome) {
        let expected = self.directory.join("expected");
        let _none_yet = fs::remove_dir_all(&expected);
        for (name, contents) in &outcome.files {
            fs::create_dir_all(&expected).unwrap();
            fs::write(expected.join(name), contents).unwrap();
        }
        let _none_yet = fs::remove_file(self.directory.join("diagnostics"));
        if !outcome.diagnostics.is_empty() {
            fs::write(self.directory.join("diagnostics"), &outcome.diagnostics).unwrap();
        }
    }
}

fn plan_of(stack: &Stack) -> Result<Plan, Diagnostics> {
    let location = Location {
        unit_dir: "/etc/systemd/system".into(),
        libexec: "/usr/libexec/wharf".into(),
        reader: Reader::System,
    };
    plan(stack, &location)
}

/// Also proves what every plan promises of its files.
fn contents(plan: &Plan) -> BTreeMap<String, String> {
    for file in &plan.files {
        assert_eq!(file.mode, if file.is_unit() { 0o644 } else { 0o600 }, "{}", file.name);
        assert!(file.contents.ends_with('\n'), "{}", file.name);
    }
    let files: BTreeMap<String, String> =
        plan.files.iter().map(|file| (file.name.clone(), file.contents.to_string())).collect();
    assert_eq!(files.len(), plan.files.len(), "no file is planned twice");
    files
}

fn differences_of(name: &str, expected: &Outcome, got: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |file: &str, expected: Option<&String>, got: Option<&String>| match (expected, got) {
        (Some(expected), Some(got)) => found.extend(difference(&format!("{name}/{file}"), expected, got)),
        (Some(_), None) => found.push(format!("{name}/{file} is not written any more")),
        (None, _) => found.push(format!("{name}/{file} is new")),
    };
    compare("diagnostics", Some(&expected.diagnostics), Some(&got.diagnostics));
    let names: std::collections::BTreeSet<&String> = expected.files.keys().chain(got.files.keys()).collect();
    for file in names {
        compare(file, expected.files.get(file), got.files.get(file));
    }
    found
}

#[test]
fn each_stack_gives_the_expected_files() {
    let mut differences = Vec::new();
    for case in cases(CASES) {
        let outcome = case.outcome();
        if update() {
            case.rewrite(&outcome);
        }
        differences.extend(differences_of(&case.name, &case.expected(), &outcome));
    }
    assert!(differences.is_empty(), "UPDATE=1 accepts this:\n{}", differences.join("\n"));
}

#[test]
fn a_stack_that_must_be_refused_is_refused_and_no_other() {
    for case in cases(CASES) {
        let refused = case.plan().is_err();
        assert_eq!(refused, case.name.starts_with("invalid-"), "{}", case.name);
    }
}

#[test]
fn the_same_stack_gives_the_same_bytes() {
    for case in cases(CASES) {
        assert_eq!(case.outcome(), case.outcome(), "{}", case.name);
    }
}

/// One service never fetches the image, one always does: it is fetched.
#[test]
fn an_image_is_fetched_if_any_service_wants_it() {
    let case = cases(CASES).into_iter().find(|case| case.name == "pull-policy").unwrap();
    let mut stack = case.load().unwrap().stack;
    stack.services.get_mut("always").unwrap().pull_policy = Some(PullPolicy::Never);
    let location = Location { unit_dir: "/u".into(), libexec: "/r".into(), reader: Reader::System };
    let images = plan(&stack, &location).unwrap().images;
    let of = |reference: &str| images.iter().find(|image| image.reference == reference).unwrap().pull_policy;
    assert_eq!((of("busybox:1"), of("localhost/built-here")), (PullPolicy::Missing, PullPolicy::Never));
}

/// systemd finds nothing to say about any of them.
#[test]
fn systemd_verifies_every_expected_unit() {
    let host = Host::boot("verify");
    let archive = Command::new("sh")
        .args(["-c", "tar -C tests/cases -c $(cd tests/cases && ls -d */expected) | base64"])
        .output()
        .unwrap();
    host.write("/root/cases.tar.base64", &String::from_utf8(archive.stdout).unwrap());
    let verify = r#"
        base64 -d cases.tar.base64 | tar -x
        for directory in */expected; do
            cp "$directory"/* /etc/systemd/system
            said=$(cd "$directory" && systemd-analyze verify --man=no $(ls | grep -v '\.json$') 2>&1) || said="$said (exit $?)"
            [ -z "$said" ] || printf '%s: %s\n' "$directory" "$said"
            (cd "$directory" && ls -A | sed s,^,/etc/systemd/system/,) | xargs -d '\n' rm
        done
        echo "verified $(ls -d */expected | wc -l)"
    "#;
    let said = host.sh(verify).ok().stdout;
    let valid = cases(CASES).iter().filter(|case| !case.name.starts_with("invalid-")).count();
    assert_eq!(said, format!("verified {valid}\n"));
}

/// What systemd takes in the sections that a stack file can have is in Wharf's list, so that nothing is refused that works.
#[test]
fn systemd_has_no_directive_that_is_unknown_to_a_stack_file() {
    let host = Host::boot("directives");
    let dumped = host.sh("/usr/lib/systemd/systemd --dump-configuration-items").ok().stdout;
    let sections = |text: &str| -> BTreeMap<String, BTreeSet<String>> {
        let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(section) => current = section.to_owned(),
                None => {
                    let directive = line.split('=').next().unwrap().to_owned();
                    sections.entry(current.clone()).or_default().insert(directive);
                }
            }
        }
        sections
    };
    let (known, dumped) = (sections(include_str!("../src/stack/grammar/directives.txt")), sections(&dumped));
    for (section, directives) in known {
        let unknown: Vec<&String> = dumped[&section].difference(&directives).collect();
        assert!(unknown.is_empty(), "[{section}]: add {unknown:?} to src/stack/grammar/directives.txt");
    }
}

/// `wharf config` gives the same units, wherever its text lies. A `.env` applies to the files that a stack names, and stays;
/// so does a lock.
#[test]
fn a_resolved_stack_gives_the_same_units() {
    let directory = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for case in cases(CASES) {
        let Ok((plan, _)) = case.plan() else { continue };
        let environment = case.variables();
        let lookup = |name: &str| environment.get(name).filter(|_| name != "COMPOSE_PROFILES").cloned();
        let of_case = |name: &str| environment.get(name).cloned();
        let resolved = resolve(&case.request(&of_case)).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let text = resolved.to_toml();
        let here = directory.path().join(&case.name);
        fs::create_dir(&here).unwrap();
        let file = here.join(case.stack_file().file_name().unwrap());
        fs::write(&file, &text).unwrap();
        for beside in [".env", "stack.lock"].map(Path::new).iter().filter(|name| case.directory.join(name).exists()) {
            fs::copy(case.directory.join(beside), here.join(beside)).unwrap();
        }
        let again = load(&Request::of_stack(&file, &lookup));
        let mut again = again.unwrap_or_else(|errors| panic!("{}: {}\n{text}", case.name, errors.render(false)));
        case.move_to_etc(&mut again.stack);
        again.stack.source = Path::new(STACK_DIRECTORY).join(file.file_name().unwrap());
        // Which files and profiles they were made of stands in the units.
        let names_files = ["# The stack is made of further files", "File=", "Profile="];
        let is_of_files = |line: &&str| names_files.iter().any(|name| line.starts_with(name)) || is_checksum(line);
        let units = |plan: &Plan| Outcome {
            files: contents(plan)
                .into_iter()
                .map(|(name, text)| {
                    (name, text.lines().filter(|line| !is_of_files(line)).collect::<Vec<_>>().join("\n"))
                })
                .collect(),
            diagnostics: String::new(),
        };
        let (before, now) = (units(&plan), units(&plan_of(&again.stack).unwrap()));
        let found = differences_of(&case.name, &before, &now);
        assert!(found.is_empty(), "{}\n{text}", found.join("\n"));
        compared += 1;
    }
    assert!(compared > 50, "{compared} cases");
}
