//! The house as ARCHITECTURE.md draws it, held by a test: which room may use which, how large a room may be, and what only one
//! room may do. Everything is read from the source; tests in it (`#[cfg(test)]`) may do what they like.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

#[path = "architecture/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use source::{Arrow, File, Source, Token};

/// From the top down. A room is a folder or a file of `src`; it may use what stands on lower floors.
const FLOORS: &[&[&str]] = &[
    &["bin"],
    &["install", "update"],
    &["plan", "config", "import", "build", "run", "supervise", "report", "doctor"],
    &["stack", "unit", "mark", "engine"],
    &["owned_tree", "spec", "systemd", "supervisor1", "updates", "writers"],
    &[
        "name",
        "diagnostic",
        "backoff",
        "beneath",
        "message_id",
        "parallel",
        "path",
        "printable",
        "refusal",
        "regular_file",
        "signals",
    ],
];

/// Neighbours on one floor where the first may use the second all the same.
const ABOVE: &[(&str, &str)] = &[
    ("update", "install"),
    ("build", "run"),
    ("config", "import"),
    ("mark", "unit"),
    ("supervisor1", "systemd"),
    ("diagnostic", "printable"),
    ("beneath", "regular_file"),
];

/// Rooms that are a house of their own, from the top down; `"."` are the files that are in no inner room.
const INNER: &[(&str, &[&str])] = &[
    ("install", &[".", "needs", "directory"]),
    ("stack", &[".", "check", "decode", "composition", "fields", "keys", "text", "grammar", "model", "problem"]),
];

/// Inner folders of these are rooms of their own as far as size goes.
const DIVIDED: &[&str] = &["stack", "supervise", "report", "import", "install", "systemd"];

const MOST_LINES: usize = 3000;

/// Rooms that do not know each other although a floor lies between them: the first never uses the second.
const STRANGERS: &[(&str, &str)] = &[
    ("run", "stack"),
    ("supervise", "stack"),
    ("report", "stack"),
    ("run", "mark"),
    ("run", "unit"),
    ("build", "stack"),
    ("build", "mark"),
    ("build", "unit"),
];

/// Only this room uses both: it is the one translator.
const MEETING: (&str, &str, &str) = ("stack", "unit", "plan");

/// Words of the code that only some places may use: crates, macros, and what systemd's tools are called.
const RESERVED: &[Reserved] = &[
    Reserved {
        words: Words::Crate("bollard"),
        places: &["src/engine/", "src/spec.rs"],
        rule: "only engine/ and spec.rs name the engine's client library",
        remedy: "take the type from `crate::spec` or give engine/ a function that returns what is needed",
    },
    Reserved {
        words: Words::Crate("zbus"),
        places: &["src/systemd/", "src/supervise/api/", "src/supervisor1.rs"],
        rule: "only systemd/, supervise/api/ and supervisor1.rs speak D-Bus",
        remedy: "call systemd's Manager by `crate::systemd`, wharfd by `crate::supervisor1`",
    },
    Reserved {
        words: Words::Program(&["journalctl", "systemctl", "systemd-creds", "systemd-ask-password", "systemd-notify"]),
        places: &["src/systemd/"],
        rule: "only systemd/ runs systemd's tools",
        remedy: "give systemd/ a function for it",
    },
    Reserved {
        words: Words::Literal(&["/run/systemd/private", "/run/systemd/notify", "/run/systemd/journal"]),
        places: &["src/systemd/"],
        rule: "only systemd/ opens systemd's sockets",
        remedy: "give systemd/ a function for it",
    },
    Reserved {
        words: Words::Macro(&["println", "print", "eprintln", "eprint", "dbg"]),
        places: &["src/bin/"],
        rule: "output goes through the program's one door: `output` of wharf, the log of the others",
        remedy: "return the text, or log it",
    },
    Reserved {
        words: Words::Keyword("unsafe"),
        places: &[],
        rule: "no unsafe code",
        remedy: "use a kept crate that has the safe call: rustix, nix",
    },
];

/// What the code of a room must not know, as parts of its names and strings.
const UNKNOWN: &[(&str, &[&str])] = &[("unit", &["container", "image", "docker", "engine"])];

/// Calls that take text apart; with a separator of names they belong to `name`.
const SPLITTING: &[&str] = &[
    "split",
    "rsplit",
    "splitn",
    "rsplitn",
    "split_once",
    "rsplit_once",
    "split_inclusive",
    "find",
    "rfind",
    "contains",
    "replace",
    "replacen",
    "strip_prefix",
    "strip_suffix",
    "starts_with",
    "ends_with",
    "trim_start_matches",
    "trim_end_matches",
];
const UNIT_KINDS: &[&str] = &[".service", ".target", ".slice", ".timer", ".socket", ".scope", ".mount"];
const IMAGE_WORDS: &[&str] = &["image", "reference", "repository", "registry", "tag", "digest"];

enum Words {
    Crate(&'static str),
    Program(&'static [&'static str]),
    Literal(&'static [&'static str]),
    Macro(&'static [&'static str]),
    Keyword(&'static str),
}

struct Reserved {
    words: Words,
    places: &'static [&'static str],
    rule: &'static str,
    remedy: &'static str,
}

#[test]
fn the_house_stands_as_it_is_drawn() {
    let source = Source::of_repository();
    let found = violations(&source);
    let list: String = found.iter().map(|violation| format!("\n{violation}")).collect();
    assert!(found.is_empty(), "{} places are not as the house is drawn in ARCHITECTURE.md:\n{list}", found.len());
}

/// `[lints]` of a package holds for its library, each of its programs and its tests; `forbid` cannot be lifted by an attribute.
#[test]
fn no_program_compiles_with_unsafe_code() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().expect("TOML");
    assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true));
    assert_eq!(manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    let programs = manifest["bin"].as_array().expect("programs");
    assert!(programs.iter().all(|program| program.get("path").is_none()), "all programs are targets of this package");
}

#[test]
fn every_room_of_the_drawing_is_there() {
    let source = Source::of_repository();
    let rooms: BTreeSet<&str> = source.files.iter().filter_map(|file| room(&file.path)).collect();
    let missing: Vec<&&str> = FLOORS.iter().copied().flatten().filter(|room| !rooms.contains(**room)).collect();
    assert!(
        missing.is_empty(),
        "tests/architecture.rs names rooms that src/ has not: {missing:?}; take them out of FLOORS"
    );
}

#[test]
fn the_drawing_in_architecture_md_is_this_house() {
    let text = include_str!("../ARCHITECTURE.md");
    let drawn: Vec<Vec<String>> =
        drawing(text, "## The floors").split(|line| line.contains('─')).map(rooms_drawn).collect();
    let floors: Vec<Vec<String>> = FLOORS.iter().map(|floor| sorted(floor)).collect();
    assert_eq!(drawn, floors, "left: the drawing in ARCHITECTURE.md; right: FLOORS");
    for (house, order) in INNER {
        let drawn: Vec<String> = drawing(text, &format!("`{house}/` is a pipeline"))
            .iter()
            .map(|line| rooms_drawn(&[*line]).concat())
            .collect();
        assert_eq!(drawn[1..], order[1..], "left: the drawing of {house} in ARCHITECTURE.md; right: INNER");
    }
}

/// The first indented block after a line.
fn drawing<'a>(text: &'a str, after: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.starts_with(after)).skip_while(|line| !line.starts_with("    "));
    lines.take_while(|line| line.starts_with("    ")).collect()
}

/// `4  plan/   stack -> units` is `plan`.
fn rooms_drawn(lines: &[&str]) -> Vec<String> {
    let name = |line: &&str| {
        line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).split("  ").next().map(str::to_owned)
    };
    let names: Vec<String> = lines.iter().filter_map(name).collect();
    let names: Vec<&str> = names.iter().flat_map(|names| names.split(", ")).collect();
    sorted(&names.iter().map(|name| name.trim_end_matches('/').trim_end_matches(".rs")).collect::<Vec<_>>())
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}

struct Violation {
    file: String,
    line: usize,
    found: String,
    rule: &'static str,
    remedy: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, found, rule, remedy } = self;
        writeln!(f, "{file}:{line}: {found}\n  rule: {rule}\n  instead: {remedy}")
    }
}

fn violations(source: &Source) -> Vec<Violation> {
    let arrows = source.arrows();
    let mut found = Vec::new();
    for file in &source.files {
        found.extend(unlisted(file));
        found.extend(without_head(file));
        found.extend(reserved_words(file));
        found.extend(unknown_words(file));
        found.extend(names_taken_apart(file));
    }
    found.extend(arrows.iter().filter_map(forbidden));
    found.extend(meetings(&arrows));
    found.extend(circles(&arrows));
    found.extend(too_large(source));
    found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}

/// `src/run/life.rs` is in `run`, `src/path.rs` is the room `path`.
fn room(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let (first, _) = inside.split_once('/').unwrap_or((inside.strip_suffix(".rs")?, ""));
    (first != "lib").then_some(first)
}

/// `src/stack/keys/mod.rs` is in `keys` of `stack`; what is in no folder there is in `"."`.
fn inner_room(path: &str) -> &str {
    let mut parts = path.split('/').skip(2);
    match (parts.next(), parts.next()) {
        (Some(folder), Some(_)) => folder,
        _ => ".",
    }
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().rev().position(|floor| floor.contains(&room)).map(|floor| floor + 1)
}

fn unlisted(file: &File) -> Option<Violation> {
    let room = room(&file.path)?;
    floor(room).is_none().then(|| Violation {
        file: file.path.clone(),
        line: 1,
        found: format!("the room `{room}` stands on no floor"),
        rule: "every room has its floor",
        remedy: "add it to FLOORS in tests/architecture.rs and to the drawing in ARCHITECTURE.md, or move the file into a room".to_owned(),
    })
}

fn forbidden(arrow: &Arrow) -> Option<Violation> {
    let (from, to) = (room(&arrow.from)?, room(&arrow.to)?);
    let (rule, remedy) = if from == to {
        let (_, order) = INNER.iter().find(|(house, _)| *house == from)?;
        let place = |path: &str| order.iter().position(|inner| *inner == inner_room(path));
        let upward = match (place(&arrow.from), place(&arrow.to)) {
            (Some(from), Some(to)) => to < from,
            _ => true,
        };
        let remedy =
            format!("from the top down {from} is {}: move what both need into the lower one", order.join(", "));
        (upward.then_some("an inner room uses only those below it")?, remedy)
    } else if STRANGERS.contains(&(from, to)) {
        ("these rooms do not know each other", "pass what is needed as a plain value, or by way of `spec`".to_owned())
    } else {
        let (upper, lower) = (floor(from)?, floor(to)?);
        let allowed = lower < upper || ABOVE.contains(&(from, to));
        let remedy = format!(
            "`{from}` is on floor {upper}, `{to}` on floor {lower}: move what both need to a lower floor, or hand it over from above"
        );
        ((!allowed).then_some("a room uses only rooms on lower floors")?, remedy)
    };
    Some(Violation {
        file: arrow.from.clone(),
        line: arrow.line,
        found: format!("uses `{}`, which is in {}", arrow.written, arrow.to),
        rule,
        remedy,
    })
}

fn meetings(arrows: &[Arrow]) -> Vec<Violation> {
    let (one, other, place) = MEETING;
    let mut first_uses: BTreeMap<(&str, &str), &Arrow> = BTreeMap::new();
    for arrow in arrows {
        let (Some(from), Some(to)) = (room(&arrow.from), room(&arrow.to)) else { continue };
        if from != place && from != to && from != "bin" && (to == one || to == other) {
            first_uses.entry((from, to)).or_insert(arrow);
        }
    }
    let both = first_uses.iter().filter_map(|((from, to), arrow)| {
        let with = first_uses.get(&(from, other)).filter(|_| *to == one)?;
        Some(Violation {
            file: arrow.from.clone(),
            line: arrow.line,
            found: format!(
                "`{from}` uses `{}` here, and `{}` in {}:{}",
                arrow.written, with.written, with.from, with.line
            ),
            rule: "`stack` and `unit` meet only in `plan`",
            remedy: "let `plan` return what is needed".to_owned(),
        })
    });
    both.collect()
}

/// The strongly connected components of the files, each told once. A file and the modules above it, whose part it is, count as one
/// place: only arrows between branches are seen.
fn circles(arrows: &[Arrow]) -> Vec<Violation> {
    let mut targets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        targets.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        targets.keys().map(|file| (*file, reachable(file, &targets))).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (file, reach) in reached.iter().filter(|(file, reach)| reach.contains(*file)) {
        let circle: Vec<&str> =
            reach.iter().copied().filter(|other| reached.get(other).is_some_and(|back| back.contains(file))).collect();
        if !seen.insert(circle.clone()) {
            continue;
        }
        let ties =
            arrows.iter().filter(|arrow| circle.contains(&arrow.from.as_str()) && circle.contains(&arrow.to.as_str()));
        let ties: BTreeMap<(&str, &str), String> = ties
            .map(|arrow| {
                (
                    (arrow.from.as_str(), arrow.to.as_str()),
                    format!("\n    {}:{} uses `{}` of {}", arrow.from, arrow.line, arrow.written, arrow.to),
                )
            })
            .collect();
        found.push(Violation {
            file: (*file).to_owned(),
            line: 1,
            found: format!(
                "{} files use each other in a circle:{}",
                circle.len(),
                ties.into_values().collect::<String>()
            ),
            rule: "no circle between files",
            remedy: "move what two of them need into one that uses neither".to_owned(),
        });
    }
    found
}

fn reachable<'a>(from: &'a str, targets: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(targets.get(file).into_iter().flatten().filter(|next| reached.insert(**next)));
    }
    reached
}

fn too_large(source: &Source) -> Vec<Violation> {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for file in &source.files {
        let Some(room) = room(&file.path) else { continue };
        let name = if DIVIDED.contains(&room) {
            format!("src/{room}/{}", inner_room(&file.path))
        } else {
            format!("src/{room}")
        };
        *sizes.entry(name).or_default() += file.text.lines().count();
    }
    let large = sizes.into_iter().filter(|(_, lines)| *lines >= MOST_LINES);
    let violation = |(room, lines)| Violation {
        file: room,
        line: 1,
        found: format!("{lines} lines"),
        rule: "a room has fewer than 3,000 lines",
        remedy: "it has more than one job: divide it".to_owned(),
    };
    large.map(violation).collect()
}

fn without_head(file: &File) -> Option<Violation> {
    let head: Vec<&str> = file.text.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let complete = !file.path.ends_with("/mod.rs")
        || head.iter().any(|line| line.contains("Invariant") || line.contains("invariant"));
    (!complete).then(|| Violation {
        file: file.path.clone(),
        line: 1,
        found: if head.is_empty() {
            "there is no `//!` head".to_owned()
        } else {
            "the `//!` head names no invariant".to_owned()
        },
        rule: "each mod.rs begins with its one job, what comes in, what goes out, and its invariant",
        remedy: "say it, with a sentence that begins with `Invariant:`".to_owned(),
    })
}

fn reserved_words(file: &File) -> Vec<Violation> {
    let reserved = RESERVED.iter().filter(|reserved| !reserved.places.iter().any(|place| file.path.starts_with(place)));
    let found = reserved.flat_map(|reserved| {
        let found = [&file.uses, &file.tokens].into_iter().flat_map(|tokens| reserved.words.found_in(tokens));
        found.map(|token| Violation {
            file: file.path.clone(),
            line: token.line,
            found: format!("`{}`", token.text),
            rule: reserved.rule,
            remedy: reserved.remedy.to_owned(),
        })
    });
    found.collect()
}

impl Words {
    fn found_in<'a>(&self, tokens: &'a [Token]) -> Vec<&'a Token> {
        let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
        let is = |index: usize, token: &Token| match self {
            Self::Crate(name) => {
                let named = token.literal.is_none() && token.text.starts_with(name);
                named && (text(index + 1) == "::" || text(index.wrapping_sub(1)) == "use")
            }
            Self::Program(names) => token.literal.as_deref().is_some_and(|program| {
                let of_command = text(index.wrapping_sub(2)) == "new" && text(index.wrapping_sub(1)) == "(";
                of_command && names.contains(&program.rsplit('/').next().unwrap_or(program))
            }),
            Self::Literal(starts) => {
                token.literal.as_deref().is_some_and(|text| starts.iter().any(|start| text.starts_with(start)))
            }
            Self::Macro(names) => names.contains(&token.text.as_str()) && text(index + 1) == "!",
            Self::Keyword(word) => token.text == *word,
        };
        tokens.iter().enumerate().filter(|(index, token)| is(*index, token)).map(|(_, token)| token).collect()
    }
}

fn unknown_words(file: &File) -> Vec<Violation> {
    let unknown = UNKNOWN.iter().filter(|(unaware, _)| room(&file.path) == Some(unaware));
    let words: Vec<&str> = unknown.flat_map(|(_, words)| words.iter().copied()).collect();
    // systemd has directives that are called so: MountImages=,
    let is_directive =
        |text: &str| text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(char::is_alphanumeric);
    let tokens = file.uses.iter().chain(&file.tokens).filter(|token| {
        let text = token.text.to_lowercase();
        words.iter().any(|word| text.contains(word)) && !token.literal.as_deref().is_some_and(is_directive)
    });
    let violation = |token: &Token| Violation {
        file: file.path.clone(),
        line: token.line,
        found: format!("`{}`", token.text),
        rule: "`unit` knows systemd's unit files and nothing of containers",
        remedy: "move it to `mark` or `plan`, which know both".to_owned(),
    };
    tokens.map(violation).collect()
}

/// Names of units and images are split in `name` alone, so that there is one answer.
fn names_taken_apart(file: &File) -> Vec<Violation> {
    if room(&file.path) == Some("name") {
        return Vec::new();
    }
    let tokens = &file.tokens;
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| SPLITTING.contains(&token.text.as_str())) {
        let is_call =
            index >= 2 && tokens[index - 1].text == "." && tokens.get(index + 1).is_some_and(|token| token.text == "(");
        let arguments = tokens[index..].iter().skip(2);
        let direct = arguments
            .take_while(|token| token.literal.is_some() || matches!(token.text.as_str(), "&" | "[" | "," | "]"));
        let separators: Vec<&str> = direct.filter_map(|token| token.literal.as_deref()).collect();
        let Some(first) = separators.first().filter(|_| is_call) else { continue };
        let receiver = tokens[index - 2].text.to_lowercase();
        let of_unit = separators.iter().any(|text| text.starts_with('@')) && token.text != "strip_prefix"
            || UNIT_KINDS.contains(first);
        let of_image = IMAGE_WORDS.iter().any(|word| receiver.ends_with(word))
            && separators.iter().any(|text| matches!(*text, "/" | ":" | "@"));
        if of_unit || of_image {
            found.push(Violation {
                file: file.path.clone(),
                line: token.line,
                found: format!("`{}.{}({:?})`", tokens[index - 2].text, token.text, first),
                rule: "only `name` takes the names of units and images apart",
                remedy: "parse it once, into `name::UnitName` or `name::ImageRef`, and ask that".to_owned(),
            });
        }
    }
    found
}

/// The checker against code that breaks each rule.
mod the_test_itself {
    use super::*;

    fn rules_broken_by(files: &[(&str, &str)]) -> Vec<&'static str> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        violations(&Source::new(files)).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn sees_an_arrow_that_runs_up_or_sideways() {
        let plan = ("src/plan/names.rs", "pub fn plan() {}");
        for text in [
            "use crate::plan::names::plan;",
            "use crate::{path, plan::{names::{plan as other}}};",
            "fn f() { crate::plan::names::plan(); }",
            "fn f() -> super::super::plan::names::Name { loop {} }",
            "macro_rules! m { () => { $crate::x!(crate::plan::names::plan()) } }",
        ] {
            for file in ["src/engine/image.rs", "src/report/image.rs"] {
                let broken = rules_broken_by(&[plan, (file, text)]);
                assert_eq!(broken, ["a room uses only rooms on lower floors"], "{file}: {text}");
            }
        }
    }

    #[test]
    fn lets_pass_what_is_drawn_or_only_tested() {
        let plan = ("src/plan/names.rs", "pub fn plan() {}");
        for (file, text) in [
            ("src/install/write.rs", "use crate::plan::names::plan;"),
            ("src/bin/wharf/main.rs", "use wharf::plan::names::plan;"),
            ("src/engine/image.rs", "#[cfg(test)] mod tests { use crate::plan::names::plan; }"),
            ("src/engine/image.rs", "/// As [`crate::plan::names::plan`] does.\nfn f() { g(\"crate::plan::names\") }"),
            ("src/engine/image.rs", "#[cfg(test)] use crate::plan::{names::plan};"),
        ] {
            assert_eq!(rules_broken_by(&[plan, (file, text)]), [""; 0], "{file}: {text}");
        }
        let tests = [
            plan,
            ("src/engine/image.rs", "#[cfg(test)]\nmod tests;"),
            ("src/engine/image/tests.rs", "use crate::plan::names::plan;"),
        ];
        assert_eq!(rules_broken_by(&tests), [""; 0]);
    }

    #[test]
    fn sees_what_a_room_must_not_know() {
        for (file, text, rule) in [
            ("src/run/life.rs", "use crate::stack::load::Stack;", "these rooms do not know each other"),
            (
                "src/stack/grammar/image.rs",
                "use crate::stack::keys::table::Key;",
                "an inner room uses only those below it",
            ),
        ] {
            let stack = [("src/stack/load.rs", ""), ("src/stack/keys/table.rs", ""), (file, text)];
            assert_eq!(rules_broken_by(&stack), [rule], "{file}: {text}");
        }
        let both = "use crate::stack::load::Stack; use crate::unit::file::Unit;";
        let house = [("src/stack/load.rs", ""), ("src/unit/file.rs", ""), ("src/install/write.rs", both)];
        assert_eq!(rules_broken_by(&house), ["`stack` and `unit` meet only in `plan`"]);
    }

    #[test]
    fn sees_circles_also_by_way_of_names_passed_on() {
        let circle = [
            ("src/run/mod.rs", "//! Invariant: x.\npub use life::Life; mod life; mod stop;"),
            ("src/run/life.rs", "use super::stop::stop; pub struct Life;"),
            ("src/run/stop.rs", "use super::Life;"),
        ];
        assert_eq!(rules_broken_by(&circle), ["no circle between files"]);
        let chain = [circle[0], ("src/run/life.rs", "pub struct Life;"), circle[2]];
        assert_eq!(rules_broken_by(&chain), [""; 0]);
    }

    #[test]
    fn sees_words_out_of_place() {
        for (file, text, rule) in [
            ("src/run/life.rs", "use bollard::models::Mount;", "only engine/ and spec.rs"),
            ("src/run/life.rs", "use zbus_polkit::policykit1;", "only systemd/, supervise/api/"),
            ("src/run/life.rs", "fn f() { Command::new(\"/usr/bin/journalctl\"); }", "only systemd/ runs"),
            ("src/run/life.rs", "const S: &str = \"/run/systemd/notify\";", "only systemd/ opens"),
            ("src/run/life.rs", "fn f() { eprintln!(\"x\"); }", "output goes through"),
            ("src/run/life.rs", "unsafe fn f() {}", "no unsafe"),
            ("src/unit/file.rs", "struct ContainerUnit;", "`unit` knows"),
            ("src/run/life.rs", "fn f() { unit.split_once('@'); }", "only `name`"),
            ("src/run/life.rs", "fn f() { unit.name.ends_with(\".slice\"); }", "only `name`"),
            ("src/run/life.rs", "fn f() { spec.image.rsplit_once(':'); }", "only `name`"),
            ("src/attic/old.rs", "", "every room has its floor"),
            ("src/run/mod.rs", "//! The life of a container.", "each mod.rs begins"),
        ] {
            let broken = rules_broken_by(&[(file, text)]);
            assert!(broken.len() == 1 && broken[0].starts_with(rule), "{file}: {text}: {broken:?}");
        }
        let long = "\n".repeat(MOST_LINES);
        assert_eq!(rules_broken_by(&[("src/run/life.rs", &long)]), ["a room has fewer than 3,000 lines"]);
    }
}
