//! `wharf generate` and its neighbours as the administrator, and the tool that runs them a thousand times, see them.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{Host, Out};
use tempfile::TempDir;

// Without a host: --root and --output

fn wharf(arguments: &[&str]) -> Out {
    let output = Command::new(env!("CARGO_BIN_EXE_wharf")).args(arguments).output().unwrap();
    Out {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file system of its own, with stacks in etc/wharf and units in etc/systemd/system.
struct Root {
    directory: TempDir,
}

impl Root {
    fn with_stack(text: &str) -> Self {
        let root = Self { directory: TempDir::new().unwrap() };
        root.write("etc/wharf/shop.toml", text);
        root
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn generate(&self, arguments: &[&str]) -> Out {
        let root = self.directory.path().to_str().unwrap();
        wharf(&[&["generate", "--root", root], arguments].concat())
    }

    /// The unit directory's files by name: contents, permissions, and what changes when one is touched.
    fn units(&self) -> BTreeMap<String, (String, u32, Stamp)> {
        files(&self.path("etc/systemd/system"))
    }
}

/// Inode, modification and change time.
type Stamp = (u64, i64, i64);

fn files(directory: &Path) -> BTreeMap<String, (String, u32, Stamp)> {
    let entries = fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path());
    let file = |path: PathBuf| {
        let metadata = fs::metadata(&path).unwrap();
        let stamp = (metadata.ino(), metadata.mtime_nsec(), metadata.ctime_nsec());
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, (fs::read_to_string(&path).unwrap(), metadata.mode() & 0o7777, stamp))
    };
    entries.filter(|path| path.is_file()).map(file).collect()
}

const SHOP: &str = r#"
[services.web]
image = "nginx:1.29"
environment = { PASSWORD = "hunter2", PLAIN = "x" }
command = ["serve", "--key=hunter3"]
labels = { secret = "hunter4" }

[services.db]
image = "mariadb:11"
volumes = ["data:/var/lib/mysql"]

[volumes.data]
"#;

const SHOP_FILES: [&str; 9] = [
    "shop-data-volume.service",
    "shop-data.volume.json",
    "shop-db.container.json",
    "shop-db.service",
    "shop-default-network.service",
    "shop-default.network.json",
    "shop-web.container.json",
    "shop-web.service",
    "shop.target",
];

#[test]
fn the_second_run_says_that_nothing_changed_and_touches_nothing() {
    let root = Root::with_stack(SHOP);
    let first = root.generate(&[]).ok();
    assert!(first.stdout.is_empty(), "messages are no data: {}", first.stdout);
    let said: Vec<&str> = first.stderr.lines().collect();
    let expected: Vec<String> = root.units().keys().map(|name| format!("create {name}")).collect();
    assert_eq!(said.iter().filter(|line| line.starts_with("create ")).count(), expected.len());
    assert!(expected.iter().all(|line| said.contains(&line.as_str())), "{said:?}");
    assert_eq!(root.units().keys().collect::<Vec<_>>(), SHOP_FILES);

    let before = root.units();
    let directory = fs::metadata(root.path("etc/systemd/system")).unwrap();
    let second = root.generate(&[]).ok();
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("", "project shop: nothing changed\n"));
    assert_eq!(root.units(), before);
    let after = fs::metadata(root.path("etc/systemd/system")).unwrap();
    assert_eq!((after.mtime_nsec(), after.ctime_nsec()), (directory.mtime_nsec(), directory.ctime_nsec()));
}

#[test]
fn check_tells_by_its_exit_status_and_writes_nothing() {
    let root = Root::with_stack(SHOP);
    let different = root.generate(&["--check"]);
    assert_eq!(different.status, 4, "{different:?}");
    assert!(different.stderr.contains("would create shop-web.service\n"), "{different:?}");
    assert!(!root.path("etc/systemd").exists());

    root.generate(&[]).ok();
    let same = root.generate(&["--check"]).ok();
    assert_eq!(same.stderr, "project shop: nothing changed\n");

    root.write("etc/wharf/shop.toml", &SHOP.replace("nginx:1.29", "nginx:1.30"));
    let changed = root.generate(&["--check"]);
    assert_eq!(changed.status, 4);
    let would: Vec<&str> = changed.stderr.lines().collect();
    assert_eq!(would, ["project shop:", "would update shop-web.container.json", "would update shop-web.service"]);

    fs::remove_file(root.path("etc/systemd/system/shop.target")).unwrap();
    assert!(root.generate(&["--check"]).stderr.contains("would create shop.target"), "a lost file is seen");
}

#[test]
fn a_dry_run_and_a_diff_show_the_units_but_no_private_value_and_write_nothing() {
    let root = Root::with_stack(SHOP);
    // A diff shows what a command or a label is to become, and no value of a variable.
    for (option, withheld) in [("--dry-run", "hunter"), ("--diff", "hunter2")] {
        let shown = root.generate(&[option]).ok();
        assert!(shown.stdout.contains("ExecStart=/usr/libexec/wharf/wharf-run container"), "{option}: {shown:?}");
        assert!(shown.stdout.contains("/etc/systemd/system/shop-web.container.json"), "{option}: {shown:?}");
        assert!(!format!("{shown:?}").contains(withheld), "{option} gives a secret away: {shown:?}");
        assert!(!root.path("etc/systemd").exists(), "{option}");
    }
    root.generate(&[]).ok();
    let before = root.units();
    root.write("etc/wharf/shop.toml", &SHOP.replace("hunter2", "hunter5").replace("nginx:1.29", "nginx:1.30"));
    let diff = root.generate(&["--diff"]).ok().stdout;
    assert!(
        diff.contains("-Description=Container shop-web (nginx:1.29)\n+Description=Container shop-web (nginx:1.30)\n")
    );
    assert!(
        diff.contains("\n!/container/Env/PASSWORD\n") && !diff.contains("PLAIN") && !diff.contains("hunter"),
        "{diff}"
    );
    assert!(!format!("{:?}", root.generate(&["--dry-run", "--json"])).contains("hunter"));
    assert_eq!(root.units(), before);
}

#[test]
fn environment_values_are_in_files_that_root_alone_reads() {
    let root = Root::with_stack(SHOP);
    root.generate(&[]).ok();
    for (name, (contents, mode, _)) in root.units() {
        assert_eq!(mode, if name.ends_with(".json") { 0o600 } else { 0o644 }, "{name}");
        assert!(mode == 0o600 || !contents.contains("hunter"), "{name}");
    }
}

#[test]
fn json_is_for_programs() {
    let root = Root::with_stack(SHOP);
    let parse = |out: Out| serde_json::from_str::<Value>(&out.ok().stdout).unwrap();
    let first = parse(root.generate(&["--json"]));
    assert_eq!(first["changed"], true);
    assert_eq!(first["unfinished"], false);
    assert_eq!(first["projects"][0]["project"], "shop");
    assert_eq!(first["projects"][0]["target"], "shop.target");
    let changes = first["projects"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), SHOP_FILES.len() + 1, "it is enabled, too");
    assert!(changes.contains(&json!({"name": "shop-web.service", "kind": "create"})), "{changes:?}");
    assert_eq!((&first["notes"], &first["failed_jobs"]), (&json!([]), &json!([])));

    let second = parse(root.generate(&["--json"]));
    assert_eq!((&second["changed"], &second["projects"][0]["changes"]), (&json!(false), &json!([])));

    root.write("etc/wharf/shop.toml", &SHOP.replace("[services.db]", "[services.sql]"));
    let check = root.generate(&["--json", "--check"]);
    assert_eq!(check.status, 4);
    let result: Value = serde_json::from_str(&check.stdout).unwrap();
    let kinds = |kind: &str| -> Vec<String> {
        let changes = result["projects"][0]["changes"].as_array().unwrap().iter();
        changes
            .filter(|change| change["kind"] == kind)
            .map(|change| change["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds("remove"), ["shop-db.container.json", "shop-db.service"]);
    assert_eq!(kinds("create").len(), 2);
    assert_eq!(kinds("update"), ["shop.target"]);
}

#[test]
fn one_invalid_stack_keeps_all_from_being_written() {
    let root = Root::with_stack(SHOP);
    root.write("etc/wharf/broken.toml", "[services.web]\nimagee = \"nginx\"\n");
    let refused = root.generate(&[]);
    assert_eq!(refused.status, 3, "{refused:?}");
    assert!(refused.stdout.is_empty());
    assert!(
        refused.stderr.contains("broken.toml:2:1") && refused.stderr.contains("did you mean `image`?"),
        "{refused:?}"
    );
    assert!(!root.path("etc/systemd").exists());
    assert_eq!(root.generate(&["--check"]).status, 3, "invalid is more than different");

    let only_shop = root.path("etc/wharf/shop.toml");
    root.generate(&[only_shop.to_str().unwrap()]).ok();
}

#[test]
fn two_stacks_that_need_one_name_are_refused_together() {
    let root = Root::with_stack("name = \"a\"\n[services.b-c]\nimage = \"nginx\"\n");
    root.write("etc/wharf/z.toml", "name = \"a-b\"\n[services.c]\nimage = \"nginx\"\n");
    let refused = root.generate(&[]);
    assert_eq!(refused.status, 3, "{refused:?}");
    assert!(refused.stderr.contains("two stacks need a file named `a-b-c.service`"), "{refused:?}");
    root.write("etc/wharf/z.toml", "name = \"a\"\n[services.c]\nimage = \"nginx\"\n");
    let refused = root.generate(&[]);
    assert_eq!(refused.status, 3, "{refused:?}");
    assert!(refused.stderr.contains("the project `a` is declared by two stack files"), "{refused:?}");
    assert!(!root.path("etc/systemd").exists());
}

#[test]
fn a_stack_file_that_is_not_there_is_named() {
    let missing = wharf(&["generate", "--output", "/nonexistent/out", "/nonexistent/shop.toml"]);
    assert_eq!(missing.status, 3, "{missing:?}");
    assert!(missing.stderr.contains("/nonexistent/shop.toml"), "{missing:?}");
    assert!(!Path::new("/nonexistent").exists());
}

#[test]
fn what_cannot_be_written_fails_with_1_and_says_where() {
    let root = Root::with_stack(SHOP);
    root.write("etc/systemd", "a file where a directory should be");
    let failed = root.generate(&[]);
    assert_eq!(failed.status, 1, "{failed:?}");
    assert!(failed.stderr.starts_with("wharf: cannot open "), "{failed:?}");
}

#[test]
fn the_same_file_gives_the_same_bytes_from_wherever_it_is_named() {
    let root = Root::with_stack(SHOP);
    let output = |name: &str| root.path(name).to_str().unwrap().to_owned();
    let from = |directory: &str, stack: &str| {
        let out = output("out");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        command.args(["generate", "--output", &out, stack]).current_dir(root.path(directory));
        assert!(command.stderr(Stdio::null()).status().unwrap().success());
        files(Path::new(&out)).into_iter().map(|(name, (contents, ..))| (name, contents)).collect::<BTreeMap<_, _>>()
    };
    let beside = from("etc/wharf", "shop.toml");
    assert_eq!(from("etc/wharf", "./shop.toml"), beside);
    assert_eq!(from("etc", "wharf/shop.toml"), beside);
    assert_eq!(from("etc", "../etc/wharf/shop.toml"), beside);
    assert_eq!(from("etc/wharf", "../wharf/../wharf/shop.toml"), beside);
}

/// Thirty services; the versions differ in every file, and in which services there are.
fn version(number: usize) -> String {
    let service = |index: usize| {
        let padding = "x".repeat(2_000);
        format!(
            "[services.s{index}]\nimage = \"nginx:{number}\"\nmem_limit = \"64m\"\nlabels = {{ padding = \"{padding}\" }}\nvolumes = [\"data:/data\"]\n"
        )
    };
    let services: String = (number * 5..number * 5 + 30).map(service).collect();
    format!("{services}[volumes.data]\nlabels = {{ version = \"{number}\" }}\n")
}

#[test]
fn killed_at_any_moment_every_file_is_whole_and_the_next_run_finishes() {
    type Files = BTreeMap<String, (String, u32)>;
    let read = |root: &Root| -> Files {
        root.units().into_iter().map(|(name, (contents, mode, _))| (name, (contents, mode))).collect()
    };
    let expected: Vec<Files> = [1, 2]
        .map(|number| {
            let undisturbed = Root::with_stack(&version(number));
            undisturbed.generate(&["--enable"]).ok();
            read(&undisturbed)
        })
        .into();
    assert!(expected[0].len() > 90);

    let root = Root::with_stack(&version(1));
    root.generate(&["--enable"]).ok();
    // A run writes all new files beside the old ones, then puts one after the other in place.
    let directory = root.directory.path().join("etc/systemd/system");
    let written = || {
        let entries = fs::read_dir(&directory).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".#wharf-")).count()
    };
    let inode = |name: &str| fs::metadata(directory.join(name)).ok().map(|file| file.ino());
    let (mut unfinished, mut finished, mut halves) = (0, 0, 0);
    for round in 0..100u32 {
        let number = 1 + usize::try_from((round + 1) % 2).unwrap();
        root.write("etc/wharf/shop.toml", &version(number));
        let one = expected[0].keys().nth(usize::try_from(round * 37 % 90).unwrap()).unwrap().clone();
        let before = inode(&one);
        let mut child = Command::new(env!("CARGO_BIN_EXE_wharf"))
            .args(["generate", "--enable", "--root"])
            .arg(root.directory.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed when so many are written; in every second pair of rounds, when one of them is in place.
        let far = usize::try_from(round * 37 % 100).unwrap();
        while child.try_wait().unwrap().is_none() {
            let is_there = if round % 4 < 2 { written() > far } else { inode(&one) != before };
            if is_there {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let left = read(&root);
        for (name, file) in left.iter().filter(|(name, _)| !name.starts_with(".#wharf-")) {
            let whole = expected.iter().any(|version| version.get(name) == Some(file));
            assert!(whole, "round {round}: {name} is neither the old nor the new file");
        }
        let is_done = left == expected[number - 1];
        halves += u32::from(!is_done && expected.iter().all(|version| left != *version));
        match root.generate(&["--check", "--enable"]).status {
            0 => {
                assert!(is_done, "round {round}: --check is content with what is not finished");
                finished += 1;
            }
            4 => unfinished += 1,
            other => panic!("round {round}: --check ended with {other}"),
        }
        assert_eq!(read(&root), left, "round {round}: --check wrote");

        if round % 4 == 3 {
            root.generate(&["--enable"]).ok();
            assert_eq!(read(&root), expected[number - 1], "round {round}");
            assert_eq!(root.generate(&["--check", "--enable"]).status, 0);
        }
    }
    println!("{unfinished} unfinished, {finished} finished, {halves} killed between the first and the last change");
    assert!(halves > 5, "only {halves} of 100 kills hit a run at work");
    root.generate(&["--enable"]).ok();
    assert_eq!(read(&root), expected[0]);
}

// wharf check

#[test]
fn check_says_everything_that_is_wrong_at_once() {
    let directory = TempDir::new().unwrap();
    let stack = directory.path().join("shop.toml");
    let text = r#"
[services.web]
imagee = "nginx"
ports = ["99999:80"]
depend_on = ["db"]

[services.worker]
image = "busybox"
restart = "sometimes"
mem_limit = "1 elephant"
volumes = ["nowhere:/data"]
depends_on = ["dbb"]

[services.db]
image = "mariadb"
"#;
    fs::write(&stack, text).unwrap();
    let stack = stack.to_str().unwrap();
    let checked = wharf(&["check", stack]);
    assert_eq!((checked.status, checked.stdout.as_str()), (3, ""));
    let places: Vec<&str> = checked.stderr.lines().filter(|line| line.trim_start().starts_with("--> ")).collect();
    let lines: Vec<&str> = places.iter().map(|place| place.rsplit(':').nth(1).unwrap()).collect();
    for line in ["3", "4", "5", "9", "10", "11", "12"] {
        assert!(lines.contains(&line), "nothing is said of line {line}:\n{}", checked.stderr);
    }
    assert!(checked.stderr.contains("did you mean `depends_on`?"), "{}", checked.stderr);
    assert!(checked.stderr.contains("did you mean `db`?"), "{}", checked.stderr);

    let json = wharf(&["check", "--json", stack]);
    assert_eq!((json.status, json.stderr.as_str()), (3, ""));
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(result["valid"], false);
    assert!(
        result["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .all(|found| found["line"].is_u64() && found["help"].is_string())
    );

    fs::write(stack, SHOP).unwrap();
    let valid = wharf(&["check", stack]).ok();
    assert_eq!((valid.stdout.as_str(), valid.stderr.as_str()), ("", ""));
}

#[test]
fn a_file_that_is_to_replace_a_stack_file_is_checked_as_if_it_were_there() {
    let root = Root::with_stack("[services.web]\nimage = \"nginx\"\nport = 1\n");
    root.write("etc/wharf/web.env", "A=1\n");
    root.write("tmp/.shop.toml-1a2b", "[services.web]\nimage = \"nginx\"\nenv_file = \"web.env\"\n");
    let [stack, file] =
        ["etc/wharf/shop.toml", "tmp/.shop.toml-1a2b"].map(|path| root.path(path).display().to_string());
    assert_eq!(wharf(&["check", "--as", &stack, &file]).ok().stderr, "");
    assert_eq!(wharf(&["check", &file]).status, 3, "it has neither the name nor the env file beside it");

    root.write("tmp/.shop.toml-1a2b", "[services.web]\nimage = \"nginx\"\n\nports = 2\n");
    let invalid = wharf(&["check", "--as", &stack, &file]);
    assert_eq!(invalid.status, 3, "{invalid:?}");
    assert!(invalid.stderr.contains(&format!("--> {stack}:4:9\n")), "{invalid:?}");
    assert_eq!(wharf(&["check", "--as", &stack, &file, &stack]).status, 2);
    let missing = wharf(&["check", "--as", &stack, "/nonexistent/new"]);
    assert!(missing.status == 3 && missing.stderr.contains("/nonexistent/new"), "{missing:?}");
}

// On a host

const TWO: &str = r#"
[services.web]
image = "127.0.0.1:5000/busybox:1"
command = ["sleep", "100000"]
stop_signal = "SIGKILL"

[services.db]
image = "127.0.0.1:5000/busybox:1"
command = ["sleep", "100000"]
stop_signal = "SIGKILL"
volumes = ["data:/data"]

[volumes.data]
"#;

const STACK: &str = "/etc/wharf/shop.toml";

/// When systemd last read its unit files.
fn last_reload(host: &Host) -> String {
    host.sh("systemctl show -p UnitsLoadTimestampMonotonic").ok().stdout
}

fn id(host: &Host, container: &str) -> String {
    host.sh(&format!("docker inspect --format '{{{{.Id}}}} {{{{.State.Pid}}}}' {container}")).ok().stdout
}

#[test]
fn systemd_is_told_when_something_changed_and_only_then() {
    let host = Host::boot("reload");
    host.write(STACK, TWO);
    let before = last_reload(&host);
    host.sh("wharf generate").ok();
    let first = last_reload(&host);
    assert_ne!(first, before);
    assert_eq!(
        host.sh("systemctl show -p LoadState,Description --value shop-web.service").ok().stdout.lines().count(),
        2
    );
    assert_eq!(host.sh("systemctl is-enabled shop.target").ok().stdout, "enabled\n", "as the generator would");
    assert_eq!(host.sh("systemctl is-active shop.target").fails().stdout, "inactive\n", "starting is asked for");

    let again =
        host.sh("wharf generate && wharf generate --check && wharf generate --dry-run && wharf generate --diff").ok();
    assert_eq!(again.stderr, "project shop: nothing changed\n".repeat(4));
    assert_eq!(last_reload(&host), first);

    // Neither elsewhere nor later.
    host.write(STACK, &TWO.replace("100000", "200000"));
    for quiet in [
        "--output /root/out",
        "--root /root/root /etc/wharf/shop.toml",
        "--dry-run",
        "--diff",
        "--check || true",
        "--no-reload",
    ] {
        host.sh(&format!("wharf generate {quiet}")).ok();
        assert_eq!(last_reload(&host), first, "{quiet}");
    }
    let warned = host.sh("systemctl show -p NeedDaemonReload --value shop-web.service").ok().stdout;
    assert_eq!(warned, "no\n", "only the definition changed, not the unit");
}

#[test]
fn a_root_or_an_output_directory_is_written_without_a_word_to_systemd() {
    let host = Host::boot("quiet");
    host.write(STACK, TWO);
    for place in ["--output /root/out", "--root /root/root /etc/wharf/shop.toml"] {
        let trace = "strace -f -e trace=connect -o /root/trace";
        host.sh(&format!("{trace} wharf generate {place}")).ok();
        assert_eq!(
            host.sh("grep -c AF_ /root/trace || true").ok().stdout,
            "0\n",
            "{place}: {}",
            host.read("/root/trace")
        );
    }
    host.sh("test ! -e /etc/systemd/system/shop-web.service").ok();
    host.sh("systemctl --root=/root/root enable shop.target").ok();
}

#[test]
fn enable_and_now_start_the_stack_and_bring_it_to_what_is_written() {
    let host = Host::boot("now");
    host.write(STACK, TWO);
    host.sh("wharf generate --enable --now").ok();
    assert_eq!(host.sh("systemctl is-enabled shop.target").ok().stdout, "enabled\n");
    assert_eq!(host.sh("systemctl is-active shop.target shop-web shop-db").ok().stdout, "active\nactive\nactive\n");
    let (web, db) = (id(&host, "shop-web"), id(&host, "shop-db"));

    let again = host.sh("wharf generate --enable --now").ok();
    assert_eq!(again.stderr, "project shop: nothing changed\n");
    assert_eq!((id(&host, "shop-web"), id(&host, "shop-db")), (web.clone(), db.clone()));

    // What --now would do to what runs, --check --now says: also what an earlier run left as it was.
    host.write(STACK, &TWO.replacen("100000", "200000", 1));
    host.sh("wharf generate && systemctl stop shop-db").ok();
    host.sh("wharf generate --check").ok();
    let would = host.sh("wharf generate --check --now");
    assert_eq!(
        (would.status, would.stderr.as_str()),
        (4, "would restart shop-web.service\nwould start shop-db.service\n")
    );
    assert_eq!(id(&host, "shop-web"), web);
    let done = host.sh("wharf generate --now").ok();
    assert_eq!(done.stderr, "restarted shop-web.service\nstarted shop-db.service\n");
    assert_ne!(id(&host, "shop-web"), web);
    let db = id(&host, "shop-db");
    host.sh("wharf generate --check --now").ok();

    // A stack whose image cannot be had: written, and the failure is told with its reason.
    host.write("/etc/wharf/bad.toml", "[services.x]\nimage = \"127.0.0.1:5000/nowhere:1\"\n");
    let failed = host.sh("wharf generate --now --json");
    assert_eq!(failed.status, 1, "{failed:?}");
    let result: Value = serde_json::from_str(&failed.stdout).unwrap();
    let jobs = result["failed_jobs"].to_string();
    assert!(jobs.contains("bad-x.service") && jobs.contains("nowhere"), "{jobs}");
    assert_eq!(id(&host, "shop-db"), db);
}

#[test]
fn now_says_that_containers_have_ended_with_the_engine_and_fails() {
    let host = Host::boot("engineless");
    host.write(STACK, TWO);
    host.sh("wharf generate --now; systemctl stop docker.socket docker").ok();
    let said = "project shop: nothing changed\n\
                wharf: the engine does not answer, and the containers of these units do not run: shop-db.service, shop-web.service; \
                `systemctl start docker` starts the engine, then the units start their containers\n";
    for options in ["--now", "--now --check"] {
        host.wait_to_see("the containers have ended", || {
            let out = host.sh(&format!("wharf generate {options}"));
            if (out.status, out.stderr.as_str()) == (1, said) { Ok(()) } else { Err(format!("{out:?}")) }
        });
    }
    host.sh("systemctl start docker").ok();
    host.wait_to_see("all is as declared", || {
        let out = host.sh("wharf generate --now");
        let is_well = out.status == 0 && out.stderr == "project shop: nothing changed\n";
        if is_well { Ok(()) } else { Err(format!("{out:?}")) }
    });
    assert_eq!(host.sh("docker ps --quiet | wc -l").ok().stdout, "2\n");
}

#[test]
fn one_changed_service_changes_its_own_files_and_container_alone() {
    let host = Host::boot("change");
    host.write(STACK, TWO);
    host.sh("wharf generate && systemctl start shop.target").ok();
    let (web, db) = (id(&host, "shop-web"), id(&host, "shop-db"));
    host.sh("stat -c '%n %i %Y %Z' /etc/systemd/system/*shop* >before").ok();

    host.write(STACK, &TWO.replacen("100000", "200000", 1));
    let changed = host.sh("wharf generate").ok();
    assert!(changed.stderr.contains("running as before: shop-web.service;"), "{changed:?}");
    let touched = "stat -c '%n %i %Y %Z' /etc/systemd/system/*shop* | { diff before - || true; } | grep '^>' | awk '{ print $2 }'";
    assert_eq!(host.sh(touched).ok().stdout, "/etc/systemd/system/shop-web.container.json\n");
    assert_eq!((id(&host, "shop-web"), id(&host, "shop-db")), (web.clone(), db.clone()), "generate restarts nothing");

    host.sh("systemctl restart shop-web").ok();
    assert_ne!(id(&host, "shop-web"), web);
    assert_eq!(id(&host, "shop-db"), db);
    assert_eq!(host.sh("docker inspect --format '{{join .Config.Cmd \" \"}}' shop-web").ok().stdout, "sleep 200000\n");
}

/// The stack without its service `web`.
fn without_web() -> String {
    TWO.split_once("[services.db]").map(|(_, rest)| format!("[services.db]{rest}")).unwrap()
}

#[test]
fn a_service_that_left_the_file_leaves_the_host() {
    let host = Host::boot("left");
    let gone = "ls /etc/systemd/system | grep -c shop-web || true";
    let running = "docker ps --format '{{.Names}}' | sort | xargs";

    // Without --now nothing is stopped, and that is said.
    host.write(STACK, TWO);
    host.sh("wharf generate --now").ok();
    let db = id(&host, "shop-db");
    host.write(STACK, &without_web());
    let left = host.sh("wharf generate").ok();
    assert_eq!(host.sh(gone).ok().stdout, "0\n");
    assert!(left.stderr.contains("shop-web.service is no longer part of the stack and still runs"), "{left:?}");
    assert_eq!(host.sh(running).ok().stdout, "shop-db shop-web\n");
    let listed = host.sh("systemctl list-units --all 'shop-web*'").ok().stdout;
    assert!(listed.contains("not-found active"), "{listed}");
    host.sh("systemctl stop shop-web.service").ok();
    assert_eq!(host.sh(running).ok().stdout, "shop-db\n");
    assert_eq!(host.sh("docker ps -aq --filter name=shop-web").ok().stdout, "");

    // With it the container goes, and nothing else.
    host.write(STACK, TWO);
    host.sh("wharf generate --now").ok();
    assert_eq!(host.sh(running).ok().stdout, "shop-db shop-web\n");
    host.write(STACK, &without_web());
    let left = host.sh("wharf generate --now").ok();
    assert!(!left.stderr.contains("still runs"), "{left:?}");
    assert_eq!(host.sh(gone).ok().stdout, "0\n");
    assert_eq!(host.sh(running).ok().stdout, "shop-db\n");
    assert_eq!(id(&host, "shop-db"), db, "its neighbour noticed nothing");
    assert_eq!(host.sh("systemctl list-units --all --plain --no-legend 'shop-web*' 'wharf-shop-web*'").ok().stdout, "");
}

#[test]
fn units_of_somebody_else_are_neither_overwritten_nor_shadowed() {
    let host = Host::boot("foreign");
    let units = "ls -A --full-time /etc/systemd/system /usr/lib/systemd/system";
    let before = host.sh(units).ok().stdout;
    host.write("/root/systemd.toml", "[services.journald]\nimage = \"nginx\"\n");
    let refused = host.sh("wharf generate /root/systemd.toml");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("/usr/lib/systemd/system/systemd-journald.service was not generated"),
        "{refused:?}"
    );
    assert_eq!(host.sh(units).ok().stdout, before, "nothing was written");

    host.write("/etc/systemd/system/shop-web.service", "[Service]\nExecStart=/bin/sleep 1\n");
    let before = host.sh(units).ok().stdout;
    host.write(STACK, TWO);
    let refused = host.sh("wharf generate");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("/etc/systemd/system/shop-web.service was not generated"), "{refused:?}");
    assert_eq!(host.sh(units).ok().stdout, before, "nothing was written");
    assert_eq!(host.sh("wharf generate --check").status, 1, "a check says so too");

    // What an administrator adds to a generated unit stays.
    host.sh("rm /etc/systemd/system/shop-web.service && wharf generate").ok();
    host.write("/etc/systemd/system/shop-web.service.d/nice.conf", "[Service]\nNice=7\n");
    host.sh("systemctl daemon-reload && wharf generate --check").ok();
    assert_eq!(host.sh("systemctl show -p Nice --value shop-web").ok().stdout, "7\n");
    let masked = host.sh("wharf remove shop && systemctl mask shop-web.service && wharf generate");
    assert_eq!(masked.status, 1, "{masked:?}");
    assert!(masked.stderr.contains("systemctl unmask shop-web.service"), "{masked:?}");
}

#[test]
fn remove_takes_everything_but_the_data() {
    let host = Host::boot("remove");
    // Not in /etc/wharf: from there the generator would make its units again.
    host.write("/root/shop.toml", TWO);
    host.sh("wharf generate --enable --now /root/shop.toml").ok();
    host.sh("docker exec shop-db sh -c 'echo kept >/data/file'").ok();
    let traces = "ls -A /etc/systemd/system/*shop* /etc/systemd/system/*.wants/*shop* 2>/dev/null || true
        docker ps -a --format '{{.Names}}'; docker network ls --format '{{.Name}}' --filter name=shop
        systemctl list-units --all --plain --no-legend '*shop*'";
    host.sh("wharf remove shop").ok();
    assert_eq!(host.sh(traces).ok().stdout, "");
    // From the disk: under load, what `docker run` shows of a container that ends at once may be nothing.
    let file = "$(docker volume inspect --format '{{.Mountpoint}}' shop_data)/file";
    assert_eq!(host.sh(&format!("cat {file}")).ok().stdout, "kept\n");
    assert_eq!(host.sh("wharf remove shop").status, 1, "it is gone");

    // By its file, and although the file is gone.
    host.sh("wharf generate --now /root/shop.toml").ok();
    assert_eq!(host.sh("docker exec shop-db cat /data/file").ok().stdout, "kept\n");
    host.sh("rm shop.toml; cd /etc && wharf remove --volumes ../root/shop.toml").ok();
    assert_eq!(host.sh(traces).ok().stdout, "");
    assert_eq!(host.sh("docker volume ls -q").ok().stdout, "");
}

#[test]
fn pull_fetches_side_by_side_and_names_what_it_could_not() {
    let host = Host::boot("pull");
    let service = |name: &str, image: &str| format!("[services.{name}]\nimage = \"127.0.0.1:5000/{image}\"\n");
    let good =
        service("a", "busybox:1") + &service("b", "busybox:2") + &service("c", "sqlite:1") + &service("d", "busybox:1");
    host.write(STACK, &good);
    let pulled = host.sh("wharf pull").ok();
    assert_eq!(pulled.stdout, "");
    let lines: Vec<&str> = pulled.stderr.lines().collect();
    assert_eq!(lines.len(), 6, "an image that two services use is fetched once: {lines:?}");
    for image in ["busybox:1", "busybox:2", "sqlite:1"] {
        for end in ["pulling", "done"] {
            assert!(lines.contains(&format!("127.0.0.1:5000/{image}: {end}").as_str()), "{lines:?}");
        }
    }
    let third_begins = lines.iter().rposition(|line| line.ends_with("pulling")).unwrap();
    let first_ends = lines.iter().position(|line| line.ends_with("done")).unwrap();
    assert!(third_begins < first_ends, "side by side: {lines:?}");
    assert_eq!(host.sh("docker images -q | wc -l").ok().stdout, "3\n");

    host.write(
        STACK,
        &(good + &service("e", "nowhere:1") + "[services.f]\nimage = \"here/only:1\"\npull_policy = \"never\"\n"),
    );
    let failed = host.sh("wharf pull");
    assert_eq!(failed.status, 1, "{failed:?}");
    assert!(failed.stderr.contains("127.0.0.1:5000/nowhere:1: failed: "), "{failed:?}");
    assert!(failed.stderr.contains("127.0.0.1:5000/sqlite:1: done"), "the others are fetched: {failed:?}");
    assert!(!failed.stderr.contains("here/only"), "{failed:?}");

    host.sh("systemctl stop docker.socket docker").ok();
    let no_engine = host.sh("wharf pull");
    assert_eq!(no_engine.status, 1, "{no_engine:?}");
    assert!(no_engine.stderr.contains("the engine does not answer"), "{no_engine:?}");
}

#[test]
fn stacks_in_etc_wharf_start_at_boot_without_generate() {
    let host = Host::boot("boot");
    let web = "[services.web]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = [\"sleep\", \"100000\"]\nstop_signal = \"SIGKILL\"\n";
    host.write("/etc/wharf/auto.toml", web);
    host.write("/etc/wharf/manual.toml", &format!("autostart = false\n{web}"));
    host.write("/etc/wharf/broken.toml", "[services.web]\nimage = \"nginx\"\nport = 1\nenv = 2\n");
    host.write("/etc/wharf/installed.toml", web);
    host.sh("wharf generate /etc/wharf/installed.toml && docker pull --quiet 127.0.0.1:5000/busybox:1").ok();
    host.poweroff();
    host.boot_again();

    host.sh("systemctl is-system-running --wait || true").ok();
    let state = "systemctl show -p ActiveState --value";
    host.wait_for("the stack to be started by the boot", || {
        host.sh(&format!("{state} auto-web.service")).ok().stdout == "active\n"
    });
    assert_eq!(host.sh(&format!("{state} manual-web.service")).ok().stdout, "inactive\n");
    host.wait_for("the stack that was installed from there, too", || {
        host.sh(&format!("{state} installed-web.service")).ok().stdout == "active\n"
    });
    // What an administrator disables stays disabled.
    let disabled = "systemctl disable --quiet installed.target; wharf generate /etc/wharf/installed.toml; systemctl is-enabled installed.target";
    assert_eq!(host.sh(disabled).stdout, "disabled\n");
    assert_eq!(host.sh("systemctl show -p LoadState --value manual-web.service").ok().stdout, "loaded\n");
    assert_eq!(host.sh("systemctl show -p LoadState --value broken-web.service").ok().stdout, "not-found\n");
    let from = "systemctl show -p FragmentPath --value";
    assert_eq!(host.sh(&format!("{from} auto-web.service")).ok().stdout, "/run/systemd/generator/auto-web.service\n");
    let skipped = host.sh(&format!("{from} installed-web.service && ls /run/systemd/generator")).ok().stdout;
    assert!(skipped.starts_with("/etc/systemd/system/installed-web.service\n"), "{skipped}");
    assert!(!skipped.contains("installed-web.container.json"), "{skipped}");
    assert_eq!(host.sh("systemctl list-units --failed --plain --no-legend").ok().stdout, "");

    // A generator speaks to the kernel's log, which a host in a container does not have: by hand it is heard.
    let generator = "mkdir out && /usr/lib/systemd/system-generators/wharf-generator out out out";
    let said = host.sh(generator);
    assert_eq!(said.status, 1, "systemd logs that too: {said:?}");
    let said = said.stderr;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/etc/wharf/broken.toml:3:1: "), "{said}");
    assert!(said.contains("1 more error; `wharf check /etc/wharf/broken.toml`"), "{said}");

    // The next daemon-reload sees an edited file; a container that runs is left alone.
    let running = id(&host, "auto-web");
    host.write("/etc/wharf/auto.toml", &(web.replace("busybox:1", "busybox:2") + &web.replace(".web]", ".more]")));
    host.sh("systemctl daemon-reload").ok();
    let description = host.sh("systemctl show -p Description --value auto-web.service").ok().stdout;
    assert!(description.contains("busybox:2"), "{description}");
    assert_eq!(id(&host, "auto-web"), running);
    host.sh("systemctl start auto-more.service && systemctl restart auto-web.service").ok();
    assert_ne!(id(&host, "auto-web"), running);

    // Installed by generate, it is generated no more; its file gone, its units go with the next reload.
    host.sh("wharf generate /etc/wharf/auto.toml").ok();
    assert_eq!(host.sh(&format!("{from} auto-web.service")).ok().stdout, "/etc/systemd/system/auto-web.service\n");
    host.sh("rm /etc/wharf/manual.toml && systemctl daemon-reload").ok();
    assert_eq!(host.sh("systemctl show -p LoadState --value manual-web.service").ok().stdout, "not-found\n");
}
