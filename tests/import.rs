//! Given these compose files, this stack file: each directory of tests/import is a project as Compose finds it.
//!
//! `tests/import/NAME/`: the compose files with what they name, `arguments` (of `wharf import`, if there are any), `environment`
//! (one `NAME=value` a line), `expected.toml` (what was written) and `diagnostics` (what was said, and the exit code).
//! `UPDATE=1 cargo test --test import` rewrites the last two.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::cases::{Case, cases, difference, update};
use support::{Host, IMAGE};
use wharf::stack::{Request, load};

const CASES: &str = "tests/import";

/// Where the projects lie as far as the expectations can tell.
const PROJECTS: &str = "/srv";

/// What an import came to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    toml: String,
    diagnostics: String,
}

/// An import, and the copy of the project in which it was run.
struct Run {
    outcome: Outcome,
    exit: i32,
    /// Where the stack file lies.
    stack: PathBuf,
    _project: tempfile::TempDir,
}

impl Case {
    /// Runs `wharf import` in a copy of the project, so that nothing but the case's own files is beside it.
    fn run(&self) -> Run {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join(&self.name);
        copy(&self.directory, &project);
        let arguments: Vec<String> = self.text("arguments").split_whitespace().map(str::to_owned).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
            .arg("import")
            .args(&arguments)
            .current_dir(&project)
            .env_clear()
            .envs(self.environment())
            .output()
            .unwrap();
        let exit = output.status.code().unwrap();
        let written = arguments.iter().skip_while(|argument| *argument != "-o").nth(1);
        let stack = project.join(written.map_or("expected.toml", String::as_str));
        let toml = match written {
            Some(_) => fs::read_to_string(&stack).unwrap_or_default(),
            None => String::from_utf8(output.stdout).unwrap(),
        };
        if exit != 3 {
            fs::write(&stack, &toml).unwrap();
        }
        let shown = |text: &str| text.replace(root.path().to_str().unwrap(), PROJECTS);
        let diagnostics = format!("{}exit {exit}\n", shown(&String::from_utf8(output.stderr).unwrap()));
        Run { outcome: Outcome { toml: shown(&toml), diagnostics }, exit, stack, _project: root }
    }

    fn expected(&self) -> Outcome {
        Outcome { toml: self.text("expected.toml"), diagnostics: self.text("diagnostics") }
    }

    fn rewrite(&self, outcome: &Outcome) {
        fs::write(self.directory.join("diagnostics"), &outcome.diagnostics).unwrap();
        let expected = self.directory.join("expected.toml");
        if outcome.toml.is_empty() {
            let _none_yet = fs::remove_file(expected);
        } else {
            fs::write(expected, &outcome.toml).unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn each_project_gives_the_expected_stack() {
    let mut differences = Vec::new();
    for case in cases(CASES) {
        let outcome = case.run().outcome;
        if update() {
            case.rewrite(&outcome);
        }
        let expected = case.expected();
        differences.extend(difference(&format!("{}/expected.toml", case.name), &expected.toml, &outcome.toml));
        differences.extend(difference(
            &format!("{}/diagnostics", case.name),
            &expected.diagnostics,
            &outcome.diagnostics,
        ));
    }
    assert!(differences.is_empty(), "UPDATE=1 accepts this:\n{}", differences.join("\n"));
}

#[test]
fn what_was_carried_over_whole_is_a_valid_stack() {
    for case in cases(CASES) {
        let run = case.run();
        if run.exit != 0 {
            continue;
        }
        let environment = case.environment();
        let lookup = |name: &str| environment.get(name).cloned();
        let loaded = load(&Request::of_stack(&run.stack, &lookup));
        if let Err(errors) = loaded {
            panic!("{}:\n{}", case.name, errors.render(false));
        }
    }
}

#[test]
fn the_same_project_gives_the_same_bytes() {
    for case in cases(CASES) {
        assert_eq!(case.run().outcome, case.run().outcome, "{}", case.name);
    }
}

#[test]
fn a_stack_file_that_is_there_is_not_overwritten_unasked() {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("compose.yaml"), "services: {web: {image: busybox}}\n").unwrap();
    fs::write(project.path().join("shop.toml"), "mine").unwrap();
    let import = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_wharf")).arg("import").args(arguments).current_dir(&project).output();
        output.unwrap().status.code().unwrap()
    };
    assert_eq!(import(&["-o", "shop.toml"]), 1);
    assert_eq!(fs::read_to_string(project.path().join("shop.toml")).unwrap(), "mine");
    assert_eq!(import(&["-o", "shop.toml", "--force"]), 0);
    assert_ne!(fs::read_to_string(project.path().join("shop.toml")).unwrap(), "mine");
}

/// What Quadlet's files say is so of the container that the stack runs.
#[test]
fn quadlet_files_run_as_services() {
    let host = Host::boot("quadlet");
    let container = format!(
        "[Container]\nImage={IMAGE}\nExec=sh -c \"echo $GREETING; sleep 100000\"\nEnvironment=GREETING=\"good day\"\n\
         Volume=data.volume:/data\nNetwork=front.network\nUser=1000\nReadOnly=true\nMask=/proc/loadavg\nStopSignal=KILL\n\
         [Service]\nRestart=always\nTasksMax=50\n"
    );
    host.write("/srv/web.container", &container);
    host.write("/srv/data.volume", "[Volume]\nVolumeName=kept\n");
    host.write("/srv/front.network", "[Network]\nSubnet=10.89.7.0/24\n");
    host.sh("cd /srv && wharf import web.container data.volume front.network -o shop.toml && wharf generate --now shop.toml").ok();
    host.wait_active("shop-web.service");
    let inspected = "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{(index .Mounts 0).Name}}";
    assert_eq!(host.inspect("shop-web", inspected), "1000 true kept");
    assert_eq!(host.property("wharf-shop-web.slice", "TasksMax"), "50");
    assert_eq!(host.sh("docker exec shop-web cat /proc/loadavg").ok().stdout, "", "the path is masked");
    assert!(host.sh("docker network inspect shop_front").ok().stdout.contains("10.89.7.0/24"));
    host.wait_for("its output is in the journal", || {
        host.sh("journalctl --unit shop-web --output cat").ok().stdout.contains("good day")
    });
}
