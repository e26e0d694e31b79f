//! Stack files made to hurt: each is answered, in bounded memory, by units or by an error that can be read.
//!
//! The program itself is run, so that a stack overflow or an abort would be seen.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Seconds after which what does not end is given up: far more than a build without optimisation needs on a busy machine.
const HANGS: u32 = 300;
/// The exit status of timeout(1) then.
const GIVEN_UP: i32 = 124;
/// Of address space, in kibibytes.
const MEMORY: u64 = 2 << 20;
/// As much of a message as somebody may still scroll through.
const MOST_OUTPUT: usize = 1 << 20;

/// `wharf check` of a stack file of this text; `environment` are variables.
#[track_caller]
fn check(text: &str, environment: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.toml");
    std::fs::write(&path, text).unwrap();
    run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), path.as_os_str()], environment)
}

/// A command with bounded memory, which is given up if it hangs.
#[track_caller]
fn run(arguments: &[&OsStr], environment: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("ulimit -v {MEMORY} && exec timeout {HANGS} \"$@\" >\"$0/out\" 2>\"$0/err\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(directory.path()).args(arguments);
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    let status = command.status().unwrap();
    let read = |name: &str| std::fs::read(directory.path().join(name)).unwrap();
    let output = Output { status, stdout: read("out"), stderr: read("err") };
    assert_eq!(output.status.signal(), None, "{}", start_of(&output));
    assert_ne!(output.status.code(), Some(GIVEN_UP), "no answer: {}", start_of(&output));
    assert!(output.stderr.len() <= MOST_OUTPUT, "{} bytes of messages: {}", output.stderr.len(), start_of(&output));
    println!("exit {:?}: {}", output.status.code(), start_of(&output));
    output
}

fn start_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).chars().take(300).collect()
}

#[track_caller]
fn is_refused(text: &str) {
    let output = check(text, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", start_of(&output));
    assert!(start_of(&output).contains("error: "), "{}", start_of(&output));
}

#[track_caller]
fn is_taken(text: &str) {
    let output = check(text, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", start_of(&output));
}

/// One service `web` with these keys.
fn web(keys: &str) -> String {
    format!("[services.web]\nimage = \"a\"\n{keys}\n")
}

/// `count` times what `each` makes of a number.
fn many(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect()
}

#[test]
fn deep_nesting() {
    const DEEP: usize = 100_000;
    is_refused(&web(&format!("command = {}{}", "[".repeat(DEEP), "]".repeat(DEEP))));
    is_refused(&web(&format!("command = {}", "[".repeat(DEEP))));
    is_refused(&web(&format!("labels = {}1{}", "{a=".repeat(DEEP), "}".repeat(DEEP))));
    is_refused(&format!("{} = 1", vec!["a"; DEEP].join(".")));
    is_refused(&format!("[{}]", vec!["a"; DEEP].join(".")));
    is_refused(&format!("[[{}]]", vec!["a"; DEEP].join(".")));
}

#[test]
fn a_million_ports() {
    is_refused(&web(&format!("ports = [{}]", many(1_000_000, |n| format!("\"{}:80\",", n % 65_536)))));
    is_refused(&web(&format!("ports = [{}]", "\"1-65535:1-65535\",".repeat(10_000))));
    is_refused(&many(1_000, |n| {
        format!("[services.s{n}]\nimage = \"a\"\nports = [\"1-65535\"]\nexpose = [\"1-65535\"]\n")
    }));
}

#[test]
fn huge_lists_and_strings() {
    is_taken(&web(&format!("environment = [{}]", many(100_000, |n| format!("\"A{n}=b\",")))));
    is_taken(&web(&format!("labels.a = \"{}\"", "x".repeat(10_000_000))));
    is_refused(&web(&format!("image = \"{}\"", "x".repeat(1_000_000))).replacen("image = \"a\"\n", "", 1));
    is_refused(&web(&format!("cap_add = [{}]", "\"NET_ADMIM\",".repeat(100_000))));
    is_refused(&web(&format!("volumes = [{}]", many(100_000, |n| format!("\"v{n}:/{n}\",")))));
    is_refused(&web(&format!("devices = [{}]", "\"x\",".repeat(100_000))));
    is_refused(&format!("services.web.image = \"{}", "x".repeat(10_000_000)));
}

#[test]
fn a_hundred_thousand_unknown_keys() {
    is_refused(&web(&many(100_000, |n| format!("key{n} = {n}\n"))));
    is_refused(&many(100_000, |n| format!("[key{n}]\n")));
}

#[test]
fn long_chains_and_many_edges() {
    let depends = |on: &str| format!("image = \"a\"\ndepends_on = [{on}]\n");
    is_taken(&many(5_000, |n| {
        let on = if n == 0 { String::new() } else { format!("\"s{}\"", n - 1) };
        format!("[services.s{n}]\n{}", depends(&on))
    }));
    // Each waits for all before it: as many edges as there can be without a cycle.
    is_taken(&many(300, |n| format!("[services.s{n}]\n{}", depends(&many(n, |m| format!("\"s{m}\","))))));
    is_refused(&many(5_000, |n| format!("[services.s{n}]\n{}", depends(&format!("\"s{}\"", (n + 1) % 5_000)))));
    is_refused(&many(300, |n| {
        let others = many(300, |m| if m == n { String::new() } else { format!("\"s{m}\",") });
        format!("[services.s{n}]\n{}", depends(&others))
    }));
    is_refused(&many(20_000, |n| format!("[services.s{n}]\n{}", depends(&format!("\"nobody{n}\"")))));
}

#[test]
fn nests_of_variables() {
    const DEEP: usize = 100_000;
    is_refused(&web(&format!("labels.a = \"{}{}\"", "${A:-".repeat(DEEP), "}".repeat(DEEP))));
    is_refused(&web(&format!("labels.a = \"{}\"", "${A:-".repeat(DEEP))));
    is_taken(&web(&format!("labels.a = \"{}\"", "$$".repeat(1_000_000))));
    // Warned of once.
    is_taken(&web(&format!("labels.a = \"{}\"", "$UNSET".repeat(100_000))));
    is_refused(&web(&format!("command = [{}]", "\"${\",".repeat(100_000))));
}

/// A replacement is not looked at again: nothing grows by itself.
#[test]
fn variables_that_name_each_other_do_not_grow() {
    let mut environment = vec![("A0".to_owned(), "x".repeat(10))];
    for n in 1..30 {
        let mut value = String::new();
        (0..10).for_each(|_| write!(value, "${{A{}}}", n - 1).unwrap());
        environment.push((format!("A{n}"), value));
    }
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(check(&web("labels.a = \"${A29}\""), &environment).status.code(), Some(0));
}

#[test]
fn numbers_without_end() {
    let digits = "9".repeat(1_000_000);
    for key in ["mem_limit", "cpus", "stop_grace_period", "pids_limit", "shm_size", "scale", "stop_signal"] {
        is_refused(&web(&format!("{key} = \"{digits}.{digits}\"")));
    }
    is_refused(&web(&format!("pids_limit = {digits}")));
    is_refused(&web(&format!("ports = [\"{digits}\"]")));
    is_refused(&web("scale = 1000000000"));
    // The slice has the limit of all replicas in sum.
    is_taken(&web("pids_limit = 9223372036854775807\nscale = 100"));
    is_taken(&web("mem_limit = 9223372036854775807\nscale = 100"));
}

#[test]
fn bytes_that_are_no_text() {
    is_refused("\0\0\0");
    is_refused(&"\u{feff}".repeat(1_000));
    is_refused(&"\u{202e}[services]".repeat(1_000));
}

/// A stack that reads the file `input` under one key, and where the message says so.
const READERS: [(&str, &str); 8] = [
    ("[services.web]\nimage = \"a\"\nenv_file = \"input\"\n", "shop.toml:3:12"),
    ("[services.web]\nimage = \"a\"\nenv_file = [{ path = \"input\", required = false }]\n", "shop.toml:3:22"),
    ("[services.web]\nimage = \"a\"\nlabel_file = \"input\"\n", "shop.toml:3:14"),
    ("[services.web]\nimage = \"a\"\nsecurity_opt = [\"seccomp=input\"]\n", "shop.toml:3:17"),
    ("include = [\"input\"]\n", "shop.toml:1:12"),
    ("include = [{ path = \"other.toml\", env_file = \"input\" }]\n", "shop.toml:1:46"),
    ("[services.web]\nextends = { file = \"input\", service = \"a\" }\n", "shop.toml:2:20"),
    ("[services.web]\nimage = \"a\"\n", "/.env: "),
];

/// What `wharf check` says in a directory whose file `input`, also named `.env`, `make` makes.
#[track_caller]
fn refuses_inputs(make: impl Fn(&Path), reason: &str) {
    for (stack, place) in READERS {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("shop.toml"), stack).unwrap();
        std::fs::write(path("other.toml"), "[services.web]\nimage = \"a\"\n").unwrap();
        make(&path(if place.contains(".env") { ".env" } else { "input" }));
        let output = run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), path("shop.toml").as_os_str()], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stack}: {said}");
        assert!(said.contains(place), "{stack}: {said}");
        assert!(said.contains(reason), "{stack}: {said}");
    }
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_fifo_a_device_or_a_directory_is_no_file_to_read() {
    refuses_inputs(fifo, "it is a FIFO, not a regular file");
    let link = |target: &'static str| move |path: &Path| std::os::unix::fs::symlink(target, path).unwrap();
    refuses_inputs(link("/dev/zero"), "it is a character device, not a regular file");
    refuses_inputs(link("/dev"), "it is a directory, not a regular file");
    let huge = |path: &Path| std::fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    refuses_inputs(huge, "it is larger than ");
}

#[test]
fn a_stack_or_override_file_that_is_a_fifo_is_refused() {
    for (made, refused) in [("shop.toml", "shop.toml"), ("shop.override.toml", "shop.toml")] {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("shop.toml"), web("")).unwrap();
        let _ = std::fs::remove_file(path(made));
        fifo(&path(made));
        let output = run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), path(refused).as_os_str()], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(&format!("{made}: it is a FIFO, not a regular file")), "{said}");
        // At boot too, where systemd waits for it.
        let (stacks, units) = (directory.path().to_str().unwrap(), path("units"));
        let generator =
            [env!("CARGO_BIN_EXE_wharf-generator").as_ref(), units.as_os_str(), units.as_os_str(), units.as_os_str()];
        let output = run(&generator, &[("WHARF_STACK_DIR", stacks)]);
        assert_eq!(output.status.code(), Some(1), "{}", start_of(&output));
    }
}

/// 1,000 services of which each is allowed its megabyte are not allowed a gigabyte.
#[test]
fn what_env_files_hold_is_bounded_in_sum() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("big.env"), format!("A={}\n", "x".repeat(1_000_000))).unwrap();
    let stack = many(1_000, |n| format!("[services.s{n}]\nimage = \"a\"\nenv_file = \"big.env\"\n"));
    std::fs::write(path("shop.toml"), stack).unwrap();
    let output = run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), path("shop.toml").as_os_str()], &[]);
    assert_eq!(output.status.code(), Some(3), "{}", start_of(&output));
    assert!(
        start_of(&output).contains("big.env: the files that this stack names are larger than 64 MiB in total"),
        "{}",
        start_of(&output)
    );
}

/// Ten bytes, and lines of which each has the one above ten times: eight of them are a gigabyte.
fn growing() -> String {
    let line = |n: usize| format!("A{}={}\n", n + 1, format!("${{A{n}}}").repeat(10));
    format!("A0=xxxxxxxxxx\n{}", many(8, line))
}

const TOO_LONG: &str =
    "error: the values of variables are too long: at most 1 MiB in one string or line, and 16 MiB in total\n";

/// What `wharf check` says of this stack beside this file.
#[track_caller]
fn is_refused_beside(stack: &str, name: &str, file: &str, place: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("shop.toml"), stack).unwrap();
    std::fs::write(path("other.toml"), "[services.web]\nimage = \"a\"\n").unwrap();
    std::fs::write(path(name), file).unwrap();
    let output = run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), path("shop.toml").as_os_str()], &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stack}: {said}");
    assert!(said.contains(TOO_LONG) && said.contains(place), "{stack}: {}", start_of(&output));
}

#[test]
fn variables_of_a_file_that_contain_one_another_do_not_grow() {
    let env_file = web("env_file = \"input\"");
    for (stack, file) in [
        (env_file.as_str(), "input"),
        (&web("label_file = \"input\""), "input"),
        ("include = [{ path = \"other.toml\", env_file = \"input\" }]\n", "input"),
        (&web(""), ".env"),
    ] {
        is_refused_beside(stack, file, &growing(), &format!("{file}:7:9"));
    }
    // Each a megabyte and no more, but many of them.
    let start: String = growing().split_inclusive('\n').take(6).collect();
    for line in ["B=${A5}\n", "B=${A5:+x}\n"] {
        is_refused_beside(&env_file, "input", &format!("{start}{}", line.repeat(50_000)), "input:");
    }
    let names = format!("[services.web]\nimage = \"a\"\nenvironment = [{}]", "\"A5\",".repeat(100));
    is_refused_beside(&names, ".env", &start, "shop.toml:3:");
    is_refused_beside(&web(&format!("command = [{}]", "\"$A5\",".repeat(100))), ".env", &start, "shop.toml:3:");
    let secrets = many(100, |n| format!("[secrets.s{n}]\nenvironment = \"A5\"\n"));
    is_refused_beside(&web(&secrets), ".env", &start, "shop.toml:");
}

/// Names alone take values from `.env`, in a file of either format.
#[test]
fn names_without_values_do_not_grow() {
    for format in ["", ", format = \"raw\""] {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("shop.toml"), web(&format!("env_file = [{{ path = \"input\"{format} }}]"))).unwrap();
        std::fs::write(path(".env"), format!("A={}\n", "x".repeat(1_000_000))).unwrap();
        std::fs::write(path("input"), "A\n".repeat(100_000)).unwrap();
        let output = run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), path("shop.toml").as_os_str()], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(TOO_LONG) && said.contains("input:17:1"), "{}", start_of(&output));
    }
}

/// A control character of a value is six in JSON.
#[test]
fn a_file_that_wharf_would_not_read_is_not_written_and_the_next_stack_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("stacks")).unwrap();
    let value = "\u{1}".repeat(1_000_000);
    for n in 0..12 {
        std::fs::write(path(&format!("stacks/{n}.env")), format!("A{n}={value}\n")).unwrap();
    }
    std::fs::write(path("stacks/big.toml"), web(&format!("env_file = [{}]", many(12, |n| format!("\"{n}.env\",")))))
        .unwrap();
    std::fs::write(path("stacks/grows.toml"), web("env_file = \"grows.env\"")).unwrap();
    std::fs::write(path("stacks/grows.env"), growing()).unwrap();
    std::fs::write(path("stacks/shop.toml"), web("")).unwrap();
    let (units, stacks) = (path("units"), path("stacks"));
    let generator =
        [env!("CARGO_BIN_EXE_wharf-generator").as_ref(), units.as_os_str(), units.as_os_str(), units.as_os_str()];
    let output = run(&generator, &[("WHARF_STACK_DIR", stacks.to_str().unwrap())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(units.join("shop.target").exists() && !units.join("big.target").exists());
    assert!(!units.join("grows.target").exists());
    let big = stacks.join("big.toml");
    let output = run(&[env!("CARGO_BIN_EXE_wharf").as_ref(), "check".as_ref(), big.as_os_str()], &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(start_of(&output).contains("error: big-web.container.json would be larger than 64 MiB\n"));
}
