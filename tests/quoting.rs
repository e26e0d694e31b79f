//! What Wharf writes into a unit file is what systemd reads back, and what a program is given: checked by systemd itself.
//!
//! Strings are drawn by proptest from the characters that mean something to systemd, written through [`wharf::unit`], loaded by a
//! booted systemd, and read back over D-Bus. What cannot be written must have been refused, and for a documented reason alone.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;
use support::Host;
use support::cases::{Case, cases};
use wharf::name::escape;
use wharf::plan::{Location, plan};
use wharf::stack::{Request, load, override_of};
use wharf::unit::{command_line, path_word, text};

/// Many small units: each holds one description, some paths, and many arguments.
const UNITS: usize = 40;
const WORDS: usize = 25;
const PATHS: usize = 8;

/// What systemd, a shell or a person might trip over.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{b}",
    "\u{1}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    ";",
    "\\;",
    "#",
    "# no comment",
    "'",
    "\"",
    "'\"'",
    "\\",
    "\\\\",
    "\\n",
    "\\x41",
    "\\u2603",
    "\\101",
    "%",
    "%%",
    "%h",
    "%n",
    "%",
    "$",
    "$$",
    "$HOME",
    "${HOME}",
    "$HOME/x",
    "$1",
    "{}",
    "~",
    "*",
    "?",
    "[a]",
    "`id`",
    "$(id)",
    "&&",
    "|",
    ">",
    "-",
    "--",
    "-x",
    "@",
    "+",
    "!",
    "!!",
    ":",
    "=",
    "a=b",
    ",",
    " a",
    "a ",
    "a b",
    "\ta",
    "ü",
    "☃",
    "𝄞",
    "e\u{301}",
    "[Service]",
    "ExecStart=/bin/false",
    "a\\",
    "\\ ",
    "\"a",
    "a\"",
    "'a",
    "a'",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(AWKWARD).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9/_.=:,@+-]{0,12}",
        2 => any::<char>().prop_filter("no NUL", |c| *c != '\0').prop_map(String::from),
        1 => "[ -~]{0,20}",
    ]
}

/// Any string but one with a NUL, which no program can be given.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat()),
        // systemd takes lines of up to 1 MiB, the kernel arguments of up to 128 KiB.
        1 => (piece(), 1_000usize..8_000).prop_map(|(piece, times)| piece.repeat(times).chars().take(8_000).collect()),
    ]
}

/// An absolute path that is already as systemd would normalise it; no longer than PATH_MAX.
fn path() -> impl Strategy<Value = String> {
    let part = word().prop_map(|word| word.replace('/', "_").chars().take(60).collect::<String>());
    let part = part.prop_filter("a name", |part| !matches!(part.as_str(), "" | "." | ".."));
    prop::collection::vec(part, 1..4).prop_map(|parts| format!("/{}", parts.join("/")))
}

fn draw<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize, seed: u64) -> Vec<T> {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Those that can be written; the others must have a reason that the documentation gives.
fn writable(
    strings: Vec<String>,
    write: impl Fn(&str) -> Result<Cow<'_, str>, wharf::unit::Unwritable>,
    may_be_refused: impl Fn(&str) -> bool,
) -> Vec<String> {
    let (written, refused): (Vec<String>, Vec<String>) = strings.into_iter().partition(|string| write(string).is_ok());
    for string in &refused {
        assert!(may_be_refused(string), "refused without a reason: {string:?}: {:?}", write(string));
    }
    for string in &written {
        assert!(!may_be_refused(string), "written though it cannot be read back: {string:?}");
    }
    assert!(!written.is_empty());
    written
}

fn description_cannot_be(text: &str) -> bool {
    let blank = |c| matches!(c, ' ' | '\t');
    text.contains(['\n', '\r', '\0']) || text.starts_with(blank) || text.ends_with(blank) || text.ends_with('\\')
}

#[test]
fn only_a_nul_cannot_be_an_argument() {
    for string in draw(word(), 2_000, 1) {
        assert!(command_line([string.as_str()]).is_ok(), "{string:?}");
        assert!(command_line([format!("{string}\0").as_str()]).is_err());
    }
}

/// One unit and what it must be read back as.
struct Sample {
    name: String,
    description: String,
    paths: Vec<String>,
    words: Vec<String>,
}

impl Sample {
    fn unit(&self) -> String {
        let program = ["/usr/bin/python3", "/root/argv.py", &self.name];
        let mut unit = format!("[Unit]\nDescription={}\n", text(&self.description).unwrap());
        for path in &self.paths {
            writeln!(unit, "RequiresMountsFor={}", path_word(path).unwrap()).unwrap();
        }
        let all: Vec<Cow<'_, str>> = self.paths.iter().map(|path| path_word(path).unwrap()).collect();
        writeln!(unit, "RequiresMountsFor={}", all.join(" ")).unwrap();
        let words = program.into_iter().chain(self.words.iter().map(String::as_str));
        writeln!(unit, "\n[Service]\nType=oneshot\nExecStart={}", command_line(words).unwrap()).unwrap();
        unit
    }

    fn expected_argv(&self) -> Vec<String> {
        let program = ["/usr/bin/python3", "/root/argv.py", &self.name].map(str::to_owned);
        program.into_iter().chain(self.words.iter().cloned()).collect()
    }
}

fn samples() -> Vec<Sample> {
    // An empty description is none: systemd shows the unit's name then.
    let descriptions = writable(draw(word(), UNITS * 4, 2), text, description_cannot_be);
    let descriptions = descriptions.into_iter().filter(|text| !text.is_empty());
    let paths = writable(draw(path(), UNITS * PATHS * 2, 3), path_word, |path| path.contains(['\n', '\r', '\0']));
    // Each awkward string by itself first: a lone `;` means something else than one in a word.
    let alone = AWKWARD.iter().map(|word| (*word).to_owned());
    let words: Vec<String> = alone.chain(draw(word(), UNITS * WORDS, 4)).take(UNITS * WORDS).collect();
    let (paths, words) = (paths.chunks(PATHS), words.chunks(WORDS));
    let parts = descriptions.zip(paths).zip(words).take(UNITS).enumerate();
    let samples: Vec<Sample> = parts
        .map(|(number, ((description, paths), words))| Sample {
            name: format!("quoting{number}"),
            description,
            paths: paths.to_vec(),
            words: words.to_vec(),
        })
        .collect();
    assert_eq!(samples.len(), UNITS);
    samples
}

/// Writes its arguments, each followed by a NUL, to a file that its first argument names.
const ARGV: &str = r"
import sys, os
open('/root/' + sys.argv[1] + '.argv', 'wb').write(b''.join(os.fsencode(word) + b'\0' for word in sys.argv[2:]))
";

/// Spreads a JSON object over the unit directory: name → contents.
const SPREAD: &str = r#"
python3 -c 'import json
for name, text in json.load(open("/root/units.json")).items():
    open("/etc/systemd/system/" + name, "w", newline="").write(text)'
"#;

/// Four lines a unit: description, paths, load state, commands.
const READ_BACK: &str = r#"
get() { busctl --json=short get-property org.freedesktop.systemd1 "/org/freedesktop/systemd1/unit/quoting${1}_2eservice" "org.freedesktop.systemd1.$2" "${@:3}"; }
for number in $(seq 0 $(($1 - 1))); do
    get $number Unit Description RequiresMountsFor LoadState
    get $number Service ExecStart
done
"#;

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn systemd_reads_back_what_was_written_and_gives_it_to_the_program() {
    let host = Host::builder().bare().boot("quoting");
    let samples = samples();
    let units: serde_json::Map<String, Value> =
        samples.iter().map(|sample| (format!("{}.service", sample.name), sample.unit().into())).collect();
    host.write("/root/argv.py", ARGV);
    host.write("/root/units.json", &Value::from(units).to_string());
    host.sh(&format!("{SPREAD} systemctl daemon-reload")).ok();

    let said = host.sh(&format!("set -- {UNITS}; {READ_BACK}")).ok().stdout;
    let data = |line: &str| serde_json::from_str::<Value>(line).unwrap()["data"].take();
    let properties: Vec<Value> = said.lines().map(data).collect();
    assert_eq!(properties.len(), UNITS * 4);
    for (sample, properties) in samples.iter().zip(properties.chunks(4)) {
        let [description, paths, state, commands] = properties else { unreachable!("in chunks of four") };
        assert_eq!(state, "loaded", "{}", sample.unit());
        assert_eq!(description, sample.description.as_str());
        assert_eq!(mounts_for(&strings(paths)), mounts_for(&sample.paths), "{}", sample.unit());
        assert_eq!(commands.as_array().unwrap().len(), 1, "one command: {}", sample.unit());
        // Before the expansion of variables: a dollar stands twice.
        let argv: Vec<String> = strings(&commands[0][1]).iter().map(|word| word.replace("$$", "$")).collect();
        assert_eq!(argv, sample.expected_argv(), "{}", sample.unit());
    }

    // What the program is given in the end.
    let names: Vec<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    host.sh(&format!("systemctl start {}", names.join(" "))).ok();
    let read =
        r#"python3 -c 'import sys; [print(open(f"/root/{name}.argv", "rb").read().hex()) for name in sys.argv[1:]]'"#;
    let given = host.sh(&format!("{read} {}", names.join(" "))).ok().stdout;
    for (sample, given) in samples.iter().zip(given.lines()) {
        let expected: String = sample.words.iter().map(|word| hex(word) + "00").collect();
        assert_eq!(given, expected, "{:?}", sample.words);
    }
    let complaints = host.sh("journalctl -b -o cat _PID=1 | grep -E 'quoting[0-9]+\\.service:[0-9]+' || true").ok();
    assert_eq!(complaints.stdout, "");
}

/// In order, without those that systemd adds for itself.
fn mounts_for(paths: &[String]) -> std::collections::BTreeSet<&str> {
    paths.iter().map(String::as_str).filter(|path| *path != "/").collect()
}

#[test]
fn unit_names_are_escaped_as_systemd_escapes_them() {
    let host = Host::builder().bare().boot("escape");
    let fits = |part: &String| !part.is_empty() && part.len() < 500;
    let parts: Vec<String> = draw(word(), 300, 5).into_iter().filter(fits).collect();
    let lines: Vec<String> = parts.iter().map(|part| hex(part)).collect();
    host.write("/root/parts", &lines.join("\n"));
    let escaped = host.sh(r#"python3 -c 'import subprocess
for line in open("/root/parts"):
    subprocess.run(["systemd-escape", "--", bytes.fromhex(line.strip())], check=True)'"#);
    let expected: Vec<String> = parts.iter().map(|part| escape(part)).collect();
    assert_eq!(escaped.ok().stdout.lines().collect::<Vec<_>>(), expected);
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// A value, or a part of one, that would be more than its value if nobody quoted it. `Evil` is no directive that Wharf writes.
const HOSTILE: &[&str] = &[
    "\nEvil=1",
    "\r\nEvil=1\r",
    "\n[Evil]\nEvil=1\n",
    "\0",
    "\u{1b}]0;evil\u{7}",
    "%h",
    "$EVIL ${EVIL}",
    "\"'",
    "' \"",
    "../../../tmp/evil",
    "/../../tmp/evil",
    "\\",
    " ; Evil=1 # \\",
];

/// A stack as a tree, in which one string is replaced at a time.
fn stack_of(case: &Case) -> Option<(PathBuf, toml::Table)> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&case.directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let is_stack = |path: &&PathBuf| path.extension().is_some_and(|end| end == "toml") && override_of(path).is_some();
    let path = files.iter().find(is_stack)?.clone();
    let table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    Some((path, table))
}

/// Where each string stands: the keys and numbers on the way to it.
fn strings_in(value: &toml::Value, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let inner: Vec<(String, &toml::Value)> = match value {
        toml::Value::String(_) => return found.push(at.clone()),
        toml::Value::Array(items) => {
            items.iter().enumerate().map(|(number, item)| (number.to_string(), item)).collect()
        }
        toml::Value::Table(table) => table.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => return,
    };
    for (key, item) in inner {
        at.push(key);
        strings_in(item, at, found);
        at.pop();
    }
}

fn string_at<'v>(value: &'v mut toml::Value, path: &[String]) -> &'v mut String {
    match (value, path) {
        (toml::Value::String(text), []) => text,
        (toml::Value::Array(items), [number, rest @ ..]) => {
            string_at(&mut items[number.parse::<usize>().unwrap()], rest)
        }
        (toml::Value::Table(table), [key, rest @ ..]) => string_at(table.get_mut(key).unwrap(), rest),
        (value, path) => panic!("{value:?}: {path:?}"),
    }
}

fn written(value: &toml::Value) -> String {
    // Both languages have the same strings, but for this character.
    let quoted = |text: &str| serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007F");
    match value {
        toml::Value::String(text) => quoted(text),
        toml::Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| format!("{} = {}", quoted(key), written(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => format!("{number:?}"),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
    }
}

/// Names of sections and directives in the units of all cases.
fn known_lines() -> BTreeSet<String> {
    let expected =
        cases("tests/cases").into_iter().filter_map(|case| std::fs::read_dir(case.directory.join("expected")).ok());
    let files =
        expected.flatten().map(|entry| entry.unwrap().path()).filter(|path| path.extension().unwrap() != "json");
    let name = |line: &str| line.split_once('=').map_or(line, |(name, _)| name).to_owned();
    files.flat_map(|file| std::fs::read_to_string(file).unwrap().lines().map(name).collect::<Vec<_>>()).collect()
}

/// What is wrong with a unit of a stack with a hostile string; `own`: the directive is the user's, who may use specifiers.
fn breaks_out(text: &str, known: &BTreeSet<String>, own: bool) -> Option<String> {
    let bad = |line: &&str| {
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', '['])) else {
            return !(line.is_empty() || line.starts_with("# ") || known.contains(*line));
        };
        let specifiers = value.replace("%%", "");
        let variables = if name.starts_with("Exec") { value.replace("$$", "") } else { String::new() };
        !known.contains(name)
            || value.ends_with('\\')
            || !own && (specifiers.contains("%h") || variables.contains("$E"))
    };
    let line = text.split('\n').find(bad)?;
    Some(line.to_owned())
}

#[test]
fn a_hostile_string_of_a_stack_is_a_value_or_an_error_with_its_place() {
    let known = known_lines();
    let location = Location {
        unit_dir: "/etc/systemd/system".into(),
        libexec: "/usr/libexec/wharf".into(),
        reader: wharf::plan::Reader::System,
    };
    let mut seen = BTreeMap::new();
    let (mut valid, mut refused) = (0, 0);
    // Beside those that are tried with each key, drawn ones: as many as PROPTEST_CASES gives time for.
    let mut drawn = draw(word(), 1 << 14, 5).into_iter().cycle();
    let more = (Config::default().cases / 128) as usize;
    for case in cases("tests/cases") {
        let Some((path, table)) = stack_of(&case) else { continue };
        let directory = tempfile::tempdir().unwrap();
        let copied =
            std::process::Command::new("cp").arg("-r").arg(case.directory.join(".")).arg(directory.path()).status();
        assert!(copied.unwrap().success());
        let file = directory.path().join(path.file_name().unwrap());
        let (stack, environment) = (toml::Value::Table(table), case.environment());
        let lookup = |name: &str| environment.get(name).cloned();
        let mut strings = Vec::new();
        strings_in(&stack, &mut Vec::new(), &mut strings);
        for string in strings {
            // The second key is a name that the user chose, a number one of a list. What differs in no more is tried twice.
            let number = |part: &String| {
                if part.bytes().all(|byte| byte.is_ascii_digit()) { "[]".to_owned() } else { part.clone() }
            };
            let key: Vec<String> =
                string.iter().enumerate().filter(|(depth, _)| *depth != 1).map(|(_, part)| number(part)).collect();
            let times = seen.entry(key).or_insert(0);
            *times += 1;
            if *times > 2 {
                continue;
            }
            let fixed = HOSTILE.iter().map(|text| (*text).to_owned());
            let tried: Vec<String> = fixed.chain(drawn.by_ref().take(more)).collect();
            for (hostile, whole) in tried.iter().flat_map(|hostile| [(hostile, true), (hostile, false)]) {
                let mut stack = stack.clone();
                let text = string_at(&mut stack, &string);
                // Of a dollar, interpolation makes a variable; two are one.
                let hostile = hostile.replace('$', "$$");
                *text = if whole { hostile.clone() } else { format!("{text}{hostile}") };
                let toml::Value::Table(table) = &stack else { unreachable!("a stack is a table") };
                let lines: String =
                    table.iter().map(|(key, value)| format!("{key:?} = {}\n", written(value))).collect();
                std::fs::write(&file, lines).unwrap();
                let what = format!("{}: {string:?} with {hostile:?}", case.name);
                let planned =
                    load(&Request::of_stack(&file, &lookup)).and_then(|loaded| plan(&loaded.stack, &location));
                let plan = match planned {
                    Ok(plan) => plan,
                    Err(errors) => {
                        refused += 1;
                        assert!(errors.iter().all(|error| error.place.is_some()), "{what}: {}", errors.render(false));
                        continue;
                    }
                };
                valid += 1;
                for file in &plan.files {
                    assert!(!file.name.contains('/'), "{what}: {}", file.name);
                    let own = string.iter().any(|part| part == "systemd");
                    let broken = if file.is_unit() { breaks_out(&file.contents, &known, own) } else { None };
                    assert_eq!(broken, None, "{what}: {}\n{}", file.name, file.contents);
                }
                assert!(plan.wanted_by.iter().all(|(_, wanting)| !wanting.contains('/')), "{what}");
            }
        }
    }
    println!("{} keys, {valid} stacks valid, {refused} refused", seen.len());
    assert!(seen.len() > 200 && valid > 1_000 && refused > 1_000);
}

const AWKWARD_STACK: &str = r#"
name = "shop"
[services.web]
image = "busybox:1"
command = ["%h", "$$HOME", "a\n[Service]\nExecStart=/bin/false", "\u001b[31m", "\\"]
volumes = [{ type = "bind", source = "/srv/50%h $$HOME \"x\" \\y 'z'", target = "/data" }]
secrets = ["token"]
[services.web.blkio_config]
weight_device = [{ path = "/dev/50%h $$HOME \"x\" \\y 'z'", weight = 500 }]
device_read_bps = [{ path = "/dev/50%h $$HOME \"x\" \\y 'z'", rate = "1mb" }]
[secrets.token]
file = "/srv/50%h $$HOME \"x\" \\y 'z'"
[systemd.Install]
WantedBy = "graphical.target"
"#;

#[test]
fn systemd_reads_the_paths_of_a_stack_as_they_were_written() {
    const PATH: &str = r#"50%h $HOME "x" \y 'z'"#;
    let path = PATH.replace("\\\\", "\\");
    let host = Host::boot("awkward");
    host.write("/root/shop.toml", AWKWARD_STACK);
    host.sh("wharf generate shop.toml").ok();
    let verified = host.sh(
        "cd /etc/systemd/system && systemd-analyze verify --man=no shop-web.service shop.target wharf-shop-web.slice",
    );
    let said = verified.ok().stderr;
    assert!(!said.contains("shop"), "{said}");
    assert_eq!(host.property("shop-web", "LoadState"), "loaded");
    assert_eq!(host.property("wharf-shop-web.slice", "IODeviceWeight"), format!("/dev/{path} 100"));
    assert_eq!(host.property("wharf-shop-web.slice", "IOReadBandwidthMax"), format!("/dev/{path} 1048576"));
    let get = "busctl --json=short get-property org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/shop_2dweb_2eservice \
               org.freedesktop.systemd1.";
    let data = |property: &str| {
        serde_json::from_str::<Value>(&host.sh(&format!("{get}{property}")).ok().stdout).unwrap()["data"].take()
    };
    assert!(strings(&data("Unit RequiresMountsFor")).contains(&format!("/srv/{path}")));
    let credentials = data("Service LoadCredential");
    let loaded = credentials.as_array().unwrap().iter().any(|pair| pair[1] == format!("/srv/{path}"));
    assert!(loaded, "{credentials}");
}
