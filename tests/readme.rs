//! The tutorials in README.md and in the manual are true: their files are written, their commands run in order on a fresh host, their
//! output compared.
//!
//! A block `console` holds commands after `# ` (going on after `> `), each followed by its output; a block with `title=PATH` is a
//! file. In output `…` stands for any text, alone in a line for any lines; numbers that differ from
//! run to run are not compared, nor is the width of columns. A command fails only where the next one is `echo $?`. One that only
//! looks is given some seconds: what a container does, or writes, shows a moment later.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::thread;
use std::time::Duration;

use support::{Host, Out};

/// A document, or some of its sections, whose blocks are run one after the other.
struct Document {
    name: &'static str,
    text: &'static str,
    /// The headings of its sections; none for all of it.
    sections: &'static [&'static str],
}

const README: Document = Document {
    name: "README.md",
    text: include_str!("../README.md"),
    sections: &["Tutorial", "Be told when something fails", "Update, and go back if it fails", "Where is the log?"],
};

const TUTORIAL: Document =
    Document { name: "tutorial.md", text: include_str!("../packaging/manual/tutorial.md"), sections: &[] };

enum Block {
    File { path: String, text: String },
    Console(Vec<Step>),
}

struct Step {
    /// Its line in the document.
    line: usize,
    command: String,
    output: String,
}

#[test]
fn the_tutorial_and_the_sections_after_it_do_what_they_say() {
    try_document(&README, "readme");
}

#[test]
fn the_longer_tutorial_of_the_manual_does_what_it_says() {
    try_document(&TUTORIAL, "tutorial");
}

#[test]
fn the_tutorial_can_be_followed_in_half_an_hour() {
    let lines: Vec<&str> = README.text.lines().collect();
    let at = |heading: &str| lines.iter().position(|line| *line == heading).unwrap_or_else(|| panic!("no {heading}"));
    let length = at("## Be told when something fails") - at("## Tutorial");
    assert!(
        length <= 250,
        "the tutorial has {length} lines: what not everybody needs at once belongs to {}",
        TUTORIAL.name
    );
}

fn try_document(document: &Document, hint: &str) {
    let host = Host::boot(hint);
    host.sh("hostname docker1 && mkdir /run/tutorial && echo /root >/run/tutorial/directory && echo 0 >/run/tutorial/status").ok();
    for block in blocks(document) {
        match block {
            Block::File { path, text } => {
                let directory = host.read("/run/tutorial/directory");
                let path = if path.starts_with('/') { path } else { format!("{}/{path}", directory.trim()) };
                host.write(&path, &text);
            }
            Block::Console(steps) => try_steps(&host, document.name, &steps),
        }
    }
}

/// Commands that change nothing.
const LOOKING: [&str; 7] =
    ["curl ", "journalctl ", "systemctl show ", "systemctl status ", "wharf diff ", "wharf history ", "wharf status "];

fn try_steps(host: &Host, document: &str, steps: &[Step]) {
    for (number, step) in steps.iter().enumerate() {
        let failure_is_shown = steps.get(number + 1).is_some_and(|next| next.command == "echo $?");
        let mut attempts = if LOOKING.iter().any(|start| step.command.starts_with(start)) { 20 } else { 1 };
        let said = loop {
            let said = execute(host, &step.command);
            attempts -= 1;
            if attempts == 0 || is_expected(step, &said, failure_is_shown) {
                break said;
            }
            thread::sleep(Duration::from_millis(250));
        };
        assert!(
            is_expected(step, &said, failure_is_shown),
            "{document}:{}: {}\nexits with {} and says:\n{}\nnot:\n{}",
            step.line,
            step.command,
            said.status,
            said.stdout,
            step.output
        );
    }
}

fn is_expected(step: &Step, said: &Out, may_fail: bool) -> bool {
    (said.status == 0 || may_fail) && same(&step.output, &said.stdout)
}

/// One after another in the same directory, each with the exit status of the one before.
fn execute(host: &Host, command: &str) -> Out {
    if command == "systemctl reboot" {
        host.poweroff();
        host.boot_again();
        host.sh("hostname docker1 && mkdir /run/tutorial && echo /root >/run/tutorial/directory").ok();
        host.sh("systemctl is-system-running --wait; echo 0 >/run/tutorial/status").ok();
        return host.sh("true");
    }
    let script = format!(
        "exec 2>&1
cd \"$(cat /run/tutorial/directory)\"
(exit \"$(cat /run/tutorial/status)\")
{command}
status=$?
pwd >/run/tutorial/directory
echo $status >/run/tutorial/status
exit $status"
    );
    host.sh(&format!("timeout 120 bash -c '{}'", script.replace('\'', r"'\''")))
}

fn blocks(document: &Document) -> Vec<Block> {
    let name = document.name;
    let mut lines = document.text.lines().enumerate();
    let mut is_inside = document.sections.is_empty();
    let mut missing = document.sections.to_vec();
    let mut blocks = Vec::new();
    while let Some((number, line)) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ").filter(|_| !document.sections.is_empty()) {
            is_inside = document.sections.contains(&heading);
            missing.retain(|section| *section != heading);
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<(usize, &str)> =
            lines.by_ref().take_while(|(_, line)| *line != "```").map(|(number, line)| (number + 1, line)).collect();
        if !is_inside {
            continue;
        }
        blocks.push(match info.split_once(" title=") {
            Some((_, path)) => Block::File { path: path.to_owned(), text: joined(body.iter().map(|(_, line)| *line)) },
            None if info == "console" => Block::Console(steps(name, &body)),
            None => panic!("{name}:{}: a block that is run is `console` or has a title", number + 1),
        });
    }
    assert!(missing.is_empty() && !blocks.is_empty(), "{name} has the sections {missing:?}");
    blocks
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.fold(String::new(), |text, line| text + line + "\n")
}

fn steps(document: &str, body: &[(usize, &str)]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (number, text) in body {
        if let Some(command) = text.strip_prefix("# ") {
            steps.push(Step { line: *number, command: command.to_owned(), output: String::new() });
            continue;
        }
        let step = steps.last_mut().unwrap_or_else(|| panic!("{document}:{number}: a command starts with `# `"));
        match text.strip_prefix("> ") {
            Some(more) => step.command = format!("{}\n{more}", step.command),
            None => step.output = format!("{}{text}\n", step.output),
        }
    }
    steps
}

/// Without what differs from run to run.
fn normalised(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        words.join(" ").replace("TIME UTC", "TIME")
    };
    // What takes long on a busy machine is told.
    let lines = text.lines().filter(|line| !line.starts_with("wharf: waiting for "));
    lines.map(|text| line(text) + "\n").collect()
}

/// Ids, process ids, times of day, days and durations lose their value.
fn word(word: &str) -> String {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let core = word.trim_end_matches([',', ';', ':']);
    let tail = &word[core.len()..];
    let parts: Vec<&str> = core.split(':').collect();
    if parts.len() == 3 && parts.iter().all(|part| part.len() == 2 && is_digits(part)) {
        return format!("TIME{tail}");
    }
    let date: Vec<&str> = core.split('-').collect();
    if date.len() == 3 && date.iter().all(|part| is_digits(part)) {
        return format!("DATE{tail}");
    }
    if ["ms", "s", "min", "h"].iter().any(|unit| core.strip_suffix(unit).is_some_and(is_digits)) {
        return format!("DURATION{tail}");
    }
    if let Some((name, pid)) = core.strip_suffix(']').and_then(|rest| rest.split_once('['))
        && is_digits(pid)
    {
        return format!("{name}[PID]{tail}");
    }
    without_ids(word)
}

/// A run of at least twelve hexadecimal digits is the id of a container or a hash.
fn without_ids(word: &str) -> String {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let mut text = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(is_hex) {
        let length = rest[start..].find(|c| !is_hex(c)).unwrap_or(rest.len() - start);
        text.push_str(&rest[..start]);
        text.push_str(if length >= 12 { "ID" } else { &rest[start..start + length] });
        rest = &rest[start + length..];
    }
    text + rest
}

fn same(expected: &str, got: &str) -> bool {
    let (expected, got) = (normalised(expected), normalised(got));
    lines_match(&expected.lines().collect::<Vec<_>>(), &got.lines().collect::<Vec<_>>())
}

fn lines_match(expected: &[&str], got: &[&str]) -> bool {
    match expected.split_first() {
        None => got.is_empty(),
        Some((&"…", rest)) => (0..=got.len()).any(|skipped| lines_match(rest, &got[skipped..])),
        Some((line, rest)) => {
            got.split_first().is_some_and(|(found, others)| line_matches(line, found) && lines_match(rest, others))
        }
    }
}

fn line_matches(expected: &str, got: &str) -> bool {
    let Some((start, mut rest)) = expected.split_once('…') else { return expected == got };
    let Some(mut got) = got.strip_prefix(start) else { return false };
    while let Some((piece, after)) = rest.split_once('…') {
        let Some((_, found)) = got.split_once(piece) else { return false };
        (got, rest) = (found, after);
    }
    got.ends_with(rest)
}

#[test]
fn output_is_compared_where_it_is_the_same_in_every_run() {
    assert!(same("web[12]: up 3s   in 0123456789ab", "web[4567]: up 12min in fedcba987654"));
    assert!(same("a … c\n…\nend", "a b c\nmore\nand more\nend"));
    assert!(same("Nov … 10:00:00 docker1 …", "Nov 3 09:12:44 docker1 systemd"));
    assert!(!same("port 8080", "port 8081"));
    assert!(!same("a … c", "a b d"));
    assert!(!same("one", "one\ntwo"));
    assert!(!same("one\ntwo", "one"));
}
