//! Stacks made of several files, as the administrator names them; and input that would go on for ever.
//!
//! What the files come to stands in `tests/cases`, what is wrong with some in `tests/invalid`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use support::{Host, Out};
use tempfile::TempDir;
use wharf::install::stacks_in;
use wharf::stack::{Loaded, Request, load};

/// After so long, what does not end is given up.
const HANGS: Duration = Duration::from_secs(300);

/// A directory of stack files.
struct Directory(TempDir);

impl Directory {
    fn with(files: &[(&str, &str)]) -> Self {
        let directory = Self(TempDir::new().unwrap());
        files.iter().for_each(|(name, text)| directory.write(name, text));
        directory
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `wharf` in it; units go to `units`.
    fn wharf(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Out {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        let output = command
            .args(arguments)
            .env_remove("COMPOSE_PROFILES")
            .envs(environment.iter().copied())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        Out {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The container units that a run leaves, without their suffix.
    fn generate(&self, arguments: &[&str]) -> Vec<String> {
        self.wharf(&[&["generate", "--output", "units"], arguments].concat(), &[]).ok();
        let names = fs::read_dir(self.path("units")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let mut names: Vec<String> =
            names.filter_map(|name| Some(name.strip_suffix(".container.json")?.to_owned())).collect();
        names.sort();
        names
    }

    /// What is wrong with `shop.toml`. What would go on for ever is given up.
    fn errors(&self) -> Vec<String> {
        let path = self.path("shop.toml");
        let (to, found) = channel();
        thread::spawn(move || to.send(load(&Request::of_stack(&path, &|_| None)).unwrap_err()));
        let errors = found.recv_timeout(HANGS).expect("no errors, or no end");
        errors.iter().map(|error| error.message.clone()).collect()
    }

    fn load(&self) -> Loaded {
        load(&Request::of_stack(&self.path("shop.toml"), &|_| None))
            .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }
}

fn service(name: &str, more: &str) -> String {
    format!("[services.{name}]\nimage = \"busybox\"\n{more}\n")
}

#[test]
fn files_of_one_project_and_stacks_of_their_own() {
    let directory = Directory::with(&[
        ("shop.toml", &service("web", "")),
        ("shop.override.toml", &service("debug", "")),
        ("other.toml", &service("web", "")),
    ]);
    assert_eq!(directory.generate(&["shop.toml"]), ["shop-debug", "shop-web"], "the override file comes by itself");
    assert_eq!(directory.generate(&["-f", "shop.toml"]), ["shop-web"], "unless the files are named");
    assert_eq!(directory.generate(&["--file", "shop.toml", "-f", "shop.override.toml"]), ["shop-debug", "shop-web"]);
    // As a shell writes `*.toml` out.
    let all = directory.generate(&["other.toml", "shop.override.toml", "shop.toml"]);
    assert_eq!(all, ["other-web", "shop-debug", "shop-web"]);
    let wrong = directory.wharf(&["check", "-f", "shop.toml", "other.toml"], &[]);
    assert_eq!((wrong.status, wrong.stdout.as_str()), (2, ""), "{wrong:?}");
    assert_eq!(stacks_in(directory.0.path()).unwrap(), [directory.path("other.toml"), directory.path("shop.toml")]);
}

#[test]
fn profiles_are_selected_by_argument_environment_and_stack() {
    let directory = Directory::with(&[(
        "shop.toml",
        &(service("web", "")
            + &service("debug", "profiles = [\"debug\"]")
            + &service("admin", "profiles = [\"admin\"]")),
    )]);
    assert_eq!(directory.generate(&["shop.toml"]), ["shop-web"]);
    assert_eq!(directory.generate(&["--profile", "debug", "shop.toml"]), ["shop-debug", "shop-web"]);
    assert_eq!(directory.generate(&["--profile", "*", "shop.toml"]).len(), 3);
    assert_eq!(directory.generate(&["shop.toml"]), ["shop-web"], "what is selected no more is removed");
    let environment = [("COMPOSE_PROFILES", "debug,admin")];
    let shown = directory.wharf(&["generate", "--output", "units", "--diff", "shop.toml"], &environment).ok().stdout;
    assert!(shown.contains("shop-debug.service") && shown.contains("shop-admin.service"), "{shown}");
    let said = directory.wharf(&["check", "--profile", "debgu", "shop.toml"], &[]).ok().stderr;
    assert!(said.contains("no service has the profile `debgu`") && said.contains("admin, debug"), "{said}");
}

#[test]
fn yaml_is_refused_with_the_way_out() {
    let directory = Directory::with(&[("compose.yaml", "services: {}\n")]);
    let said = directory.wharf(&["check", "compose.yaml"], &[]);
    assert_eq!(said.status, 3);
    assert!(said.stderr.contains("`wharf import compose.yaml`"), "{said:?}");
}

#[test]
fn the_configuration_of_wharfd_is_no_stack() {
    let directory = Directory::with(&[
        ("root/etc/wharf/shop.toml", &service("web", "")),
        ("root/etc/wharf/wharfd.toml", "anything = true\n"),
        ("whole.toml", "include = [\"root/etc/wharf/wharfd.toml\"]\n"),
    ]);
    let written = directory.wharf(&["generate", "--root", "root"], &[]).ok();
    assert!(written.stderr.contains("shop-web.service") && !written.stderr.contains("wharfd"), "{written:?}");
    for arguments in [
        ["check", "root/etc/wharf/wharfd.toml"].as_slice(),
        &["check", "whole.toml"],
        &["generate", "--output", "units", "--file", "root/etc/wharf/shop.toml", "-f", "root/etc/wharf/wharfd.toml"],
    ] {
        let said = directory.wharf(arguments, &[]);
        assert_eq!(said.status, 3, "{said:?}");
        let why = "root/etc/wharf/wharfd.toml is the configuration file of wharfd, not a stack file";
        assert!(said.stderr.contains(why), "{said:?}");
    }
    assert!(!directory.path("units").exists());
}

#[test]
fn a_file_that_is_included_twice_says_its_warnings_once() {
    let directory = Directory::with(&[
        ("shop.toml", "include = [\"a.toml\", \"b.toml\"]\n"),
        ("a.toml", "include = [\"base.toml\"]\n"),
        ("b.toml", "include = [\"base.toml\"]\n"),
        ("base.toml", &service("web", "hostname = \"web${UNSET}\"")),
    ]);
    let loaded = directory.load();
    assert_eq!(loaded.stack.services.len(), 1);
    assert_eq!(loaded.warnings.iter().count(), 1);
}

#[test]
fn includes_that_double_at_every_level_end() {
    let directory = Directory::with(&[("shop.toml", "include = [\"0.toml\"]\n"), ("30.toml", "")]);
    for level in 0..30 {
        let next = level + 1;
        directory.write(&format!("{level}.toml"), &format!("include = [\"{next}.toml\", \"{next}.toml\"]\n"));
    }
    assert_eq!(directory.errors(), ["the stack consists of more than 500 files"]);
}

#[test]
fn includes_nest_only_so_deep() {
    let directory = Directory::with(&[("shop.toml", "include = [\"0.toml\"]\n")]);
    for level in 0..400 {
        directory.write(&format!("{level}.toml"), &format!("include = [\"{}.toml\"]\n", level + 1));
    }
    assert_eq!(directory.errors(), ["files are included more than 32 levels deep"]);
}

#[test]
fn huge_files_are_included_only_so_often() {
    let huge = format!("x-text = \"{}\"\n", "a".repeat(4 << 20));
    let directory = Directory::with(&[("huge.toml", &huge)]);
    let includes = ["\"huge.toml\""; 100].join(", ");
    directory.write("shop.toml", &(format!("include = [{includes}]\n") + &service("web", "")));
    assert_eq!(directory.errors(), ["the files of the stack are larger than 16 MiB in total"]);
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let directory =
        Directory::with(&[("shop.toml", &(String::from("include = [\"/dev/zero\"]\n") + &service("web", "")))]);
    assert_eq!(directory.errors(), ["cannot read /dev/zero: it is a character device, not a regular file"]);
}

#[test]
fn a_huge_service_is_inherited_only_so_often() {
    let labels: String = (0..20_000).map(|n| format!("l{n} = \"\"\n")).collect();
    let heirs: String = (0..20_000).map(|n| format!("[services.s{n}]\nextends = \"base\"\n")).collect();
    let text = service("base", "") + "[services.base.labels]\n" + &labels + &heirs;
    let directory = Directory::with(&[("shop.toml", &text)]);
    assert_eq!(directory.errors(), ["the services of this stack inherit more than 250000 values in total"]);
}

#[test]
fn a_thousand_services_may_extend_one() {
    let heirs: String = (0..1000).map(|n| format!("[services.s{n}]\nextends = \"base\"\nlabels.n = {n}\n")).collect();
    let directory = Directory::with(&[("shop.toml", &(service("base", "init = true\nlabels.a = \"b\"") + &heirs))]);
    let stack = directory.load().stack;
    assert!(stack.services.values().all(|service| service.init == Some(true) && service.labels["a"] == "b"));
    assert_eq!((stack.services.len(), stack.services["s7"].labels["n"].as_str()), (1001, "7"));
}

#[test]
fn a_stack_in_etc_wharf_has_its_override_file_at_boot() {
    let host = Host::boot("override");
    host.write(
        "/etc/wharf/shop.toml",
        "[services.web]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = [\"sleep\", \"infinity\"]\ninit = true\n",
    );
    host.write(
        "/etc/wharf/shop.override.toml",
        "include = [\"parts/log.toml\"]\n[services.web]\nhostname = \"here\"\nvolumes = [\"./data:/data\"]\n[services.debug]\nextends = \"log\"\nprofiles = [\"debug\"]\n",
    );
    host.write(
        "/etc/wharf/parts/log.toml",
        "[services.log]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = [\"sleep\", \"infinity\"]\ninit = true\nvolumes = [\"./data:/data\"]\n",
    );
    host.sh("mkdir /etc/wharf/data /etc/wharf/parts/data && systemctl daemon-reload && systemctl start shop.target")
        .ok();
    let inspect = "docker inspect -f '{{.Config.Hostname}} {{range .Mounts}}{{.Source}}{{end}}'";
    let web = host.sh(&format!("{inspect} shop-web")).ok().stdout;
    assert_eq!(web, "here /etc/wharf/data\n");
    let log = host.sh(&format!("{inspect} shop-log")).ok().stdout;
    assert!(log.ends_with(" /etc/wharf/parts/data\n"), "{log}");
    assert_eq!(host.sh("docker ps --format '{{.Names}}' | sort").ok().stdout, "shop-log\nshop-web\n");
    // The administrator takes it over, with one more profile.
    host.sh("wharf generate --now --profile debug /etc/wharf/shop.toml").ok();
    assert_eq!(host.sh("docker ps --format '{{.Names}}' | sort").ok().stdout, "shop-debug\nshop-log\nshop-web\n");
    host.sh("wharf remove /etc/wharf/shop.toml").ok();
}
