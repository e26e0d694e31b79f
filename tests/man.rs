//! The manual as it is installed: man pages without a warning of mandoc(1), references and links that lead somewhere, and nothing of
//! the sources left out.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// /usr/share of a fresh installation.
fn share() -> &'static Path {
    static SHARE: OnceLock<PathBuf> = OnceLock::new();
    SHARE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manual");
        if directory.exists() {
            fs::remove_dir_all(&directory).unwrap();
        }
        let mut make = Command::new("make");
        make.args(["-s", "-C", ROOT, "manual", "install-manual", "PREFIX=/usr"]);
        output(make.arg(format!("DESTDIR={}", directory.display())));
        directory.join("usr/share")
    })
}

/// What a command prints that succeeds and has nothing to complain about.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; `make tools` installs it"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && error.is_empty(),
        "{command:?}: {error}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// All files below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn files_below(directory: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(directory.as_ref(), &mut found);
    found.sort();
    found
}

/// The installed page `wharf(1)`.
fn page(reference: &str) -> PathBuf {
    let (name, section) = reference.trim_end_matches(')').split_once('(').unwrap();
    share().join(format!("man/man{section}/{name}.{section}"))
}

/// A page as it is read, in lines of any length.
fn rendered(page: &Path) -> String {
    let text = output(Command::new("mandoc").args(["-T", "utf8", "-O", "width=500"]).arg(page));
    let mut plain = String::new();
    // A letter that is struck twice is bold, one over a `_` italic.
    for character in text.chars() {
        if character == '\u{8}' {
            plain.pop();
        } else {
            plain.push(character);
        }
    }
    plain
}

#[test]
fn each_man_page_is_rendered_without_a_warning() {
    let pages = files_below(share().join("man"));
    assert!(pages.len() > 35, "{pages:?}");
    for page in pages {
        assert_eq!(output(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&page)), "", "{page:?}");
        let text = rendered(&page);
        for leftover in ["](", "```", "**", "|---"] {
            assert!(!text.contains(leftover), "{page:?} has {leftover}");
        }
    }
}

#[test]
fn each_command_has_a_man_page() {
    let help = output(Command::new(env!("CARGO_BIN_EXE_wharf")).arg("--help"));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> =
        commands.filter(|line| !line.starts_with("   ")).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(names.len() > 12, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let text = rendered(&page(&format!("wharf-{name}(1)")));
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"] {
            assert!(text.lines().any(|line| line == heading), "wharf-{name}(1) lacks {heading}");
        }
    }
    let main = rendered(&page("wharf(1)"));
    assert!(main.contains("6   status shows a unit that needs attention"), "{main}");
    assert!(!main.contains("wharf-up(1)"), "{main}");
}

#[test]
fn each_key_is_in_the_man_page() {
    let table = include_str!("../packaging/manual/keys.md");
    let keys: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let page = fs::read_to_string(page("wharf.toml(5)")).unwrap();
    let entries: Vec<&str> =
        page.split(".TP 4\n\\fB").skip(1).map(|entry| entry.split("\\fR").next().unwrap()).collect();
    assert_eq!(entries, keys);
    assert_eq!(page.matches("\\fIeffect\\fR: ").count(), keys.len());
}

/// The words of a Markdown page, without the targets of its links.
fn words(text: &str) -> BTreeSet<String> {
    let mut without_targets = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        without_targets.push_str(before);
        without_targets.push(' ');
        rest = after.split_once(')').unwrap().1;
    }
    without_targets.push_str(rest);
    without_targets.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect()
}

/// What of a page each form of it has word by word. Not the title, where a command has its own; not a line with a link, as its text may be
/// replaced by the name of the page; not the heads of tables, of which
/// a man page may have all titles but the first; not the number of an item.
fn compared(text: &str) -> String {
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|line| line.starts_with("|---"));
    let is_kept = |(at, line): &(usize, &&str)| {
        !line.contains("](") && !line.starts_with("|---") && !line.starts_with("```") && !is_head(*at)
    };
    lines
        .iter()
        .enumerate()
        .filter(is_kept)
        .map(|(_, line)| line.trim_start_matches(char::is_numeric).to_owned() + "\n")
        .collect()
}

#[test]
fn nothing_of_a_page_is_left_out() {
    let html: BTreeMap<String, PathBuf> = files_below(share().join("doc/wharf/html"))
        .into_iter()
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    let all_pages: Vec<BTreeSet<String>> =
        files_below(share().join("man")).iter().map(|page| words(&rendered(page))).collect();
    for entry in fs::read_dir(Path::new(ROOT).join("packaging/manual")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let web = words(&fs::read_to_string(&html[stem]).unwrap());
        let body = compared(&text);
        let missing: Vec<String> = words(&body).difference(&web).cloned().collect();
        assert_eq!(missing, [""; 0], "{stem}.html");
        if stem != "benchmarks" {
            let least = all_pages
                .iter()
                .map(|page| words(&body).difference(page).cloned().collect::<Vec<_>>())
                .min_by_key(Vec::len);
            assert_eq!(least.unwrap(), [""; 0], "the man page of {stem}.md");
        }
    }
}

/// `man:` references in a text.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("man:").skip(1).map(|rest| rest.split_inclusive(')').next().unwrap())
}

#[test]
fn each_reference_to_the_manual_is_to_an_installed_page() {
    let mut found = BTreeSet::new();
    for directory in ["units", "packaging/catalog", "tests/cases"] {
        for path in files_below(Path::new(ROOT).join(directory)) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let generated = path.extension().is_some_and(|extension| extension == "service" || extension == "target");
            assert!(!generated || text.contains("\nDocumentation="), "{path:?} has no Documentation=");
            found.extend(references(&text).map(str::to_owned));
        }
    }
    assert!(found.len() >= 5, "{found:?}");
    for reference in found.iter().filter(|reference| reference.contains("wharf")) {
        assert!(page(reference).exists(), "{reference} is not installed");
    }
    // Pages refer to pages by bold names.
    for path in files_below(share().join("man")) {
        let text = fs::read_to_string(&path).unwrap().replace("\\-", "-");
        for part in text.split("\\fB").skip(1) {
            let (name, after) = part.split_once("\\fR").unwrap();
            let section = after.strip_prefix('(').and_then(|after| after.split_once(')')).map(|(section, _)| section);
            if let Some(section) = section.filter(|section| section.parse::<u8>().is_ok()) {
                assert!(page(&format!("{name}({section})")).exists(), "{path:?}: {name}({section})");
            }
        }
    }
}

#[test]
fn each_link_of_the_web_manual_leads_somewhere() {
    let directory = share().join("doc/wharf/html");
    let pages = files_below(&directory).into_iter().filter(|path| path.extension().is_some_and(|it| it == "html"));
    let mut count = 0;
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("<script"), "{path:?}");
        for link in text
            .split([' ', '\n'])
            .filter_map(|word| word.strip_prefix("href=\"").or_else(|| word.strip_prefix("src=\""))?.split('"').next())
        {
            count += 1;
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { directory.join(file) };
            assert!(target.exists(), "{path:?}: {link}");
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                assert!(text.contains(&format!("id=\"{anchor}\"")), "{path:?}: {link}");
            }
        }
    }
    assert!(count > 1000, "{count}");
}

#[test]
fn the_same_sources_give_the_same_bytes() {
    let read = || -> Vec<(PathBuf, Vec<u8>)> {
        let files = files_below(Path::new(env!("CARGO_TARGET_TMPDIR")).join("manual-again"));
        files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let render = || {
        let mut make = Command::new("make");
        let directory = format!("MANUAL_DIR={}/manual-again", env!("CARGO_TARGET_TMPDIR"));
        output(make.args(["-s", "-C", ROOT, "manual", &directory]));
        read()
    };
    assert!(render() == render());
}
