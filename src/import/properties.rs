//! What holds for every input: what is written is read back, and no text breaks the reader or keeps it busy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;

use super::problem::Report;
use super::write::write;
use super::yaml::{self, Comments};
use super::{Imported, Request, import};
use crate::diagnostic::{Diagnostics, Place, SourceFile};
use crate::stack::text::from_toml;
use crate::stack::text::node::{Entry, Node, Table, Value};

fn place() -> Place {
    Place::new(&SourceFile::new("compose.yaml", ""), 0..0)
}

fn node(value: Value) -> Node {
    Node { value, place: place() }
}

fn table(entries: Vec<(String, Node)>) -> Table {
    let mut table = Table::default();
    for (key, node) in entries {
        if table.get(&key).is_none() {
            table.entries.push(Entry { key, key_place: place(), node });
        }
    }
    table
}

/// Text that is hard to quote, more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    let awkward = prop_oneof![
        Just("\"".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("'".to_owned()),
        Just("'''".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\t".to_owned()),
        Just(" ".to_owned()),
        Just("a rather long piece of text with spaces ".to_owned()),
        Just("\u{85}\u{7f}\u{0}".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    vec(awkward, 0..12).prop_map(|parts| parts.concat())
}

fn tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan()).prop_map(Value::Float),
        text().prop_map(Value::String),
    ];
    leaf.prop_map(node).prop_recursive(5, 60, 6, |inner| {
        let key = prop_oneof!["[a-z]{1,8}", text()];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|nodes| node(Value::Array(nodes))),
            vec((key, inner), 0..6).prop_map(|entries| node(Value::Table(table(entries)))),
        ]
    })
}

/// Pieces of YAML in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "services:",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "web:",
        "image: busybox:1",
        "&a ",
        "*a",
        "<<: ",
        "!reset ",
        "!override ",
        "!!int ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "? ",
        "|",
        ">-",
        "# comment",
        "\"",
        "'",
        "\\",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\t",
        "é",
        "\u{feff}",
        "ports:",
        "environment:",
        "null",
        "~",
        "0777",
        "1e3",
        "x-a:",
        "include:",
        "extends: web",
        "${X:-1}",
        "$",
        "volumes:",
        "./a:/b",
    ]);
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn imported(text: &str) -> Result<Imported, Diagnostics> {
    let project = tempfile::tempdir().expect("a test may write");
    let file = project.path().join("compose.yaml");
    std::fs::write(&file, text).expect("a test may write");
    import(&Request { files: vec![file], project_name: None, output: None, environment: &|_| None })
}

/// Lines of a Quadlet file, right and wrong.
fn quadlet_line() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("Exec"),
        Just("Volume"),
        Just("Mount"),
        Just("Network"),
        Just("Secret"),
        Just("PublishPort"),
        Just("Ulimit"),
        Just("User"),
        Just("HealthCmd"),
        Just("Environment"),
        Just("Entrypoint"),
        Just("After"),
        Just("Requires"),
        Just("[Container]"),
        Just("[Unit]"),
        Just("[Install]"),
        Just("Label"),
        Just("AddDevice"),
        Just("Timezone"),
    ];
    (key, prop_oneof![Just("=").boxed(), Just("").boxed(), Just("=\\\n").boxed()], text()).prop_map(
        |(key, equals, value)| if key.starts_with('[') { key.to_owned() } else { format!("{key}{equals}{value}") },
    )
}

fn read_back(toml: &str) -> Option<Node> {
    let report = Report::default();
    from_toml::parse(&SourceFile::new("stack.toml", toml), &report)
}

proptest! {
    /// What comes out is TOML, and nothing breaks the reader.
    #[test]
    fn any_quadlet_file_gives_toml_or_an_error(lines in vec(quadlet_line(), 0..12)) {
        let project = tempfile::tempdir().expect("a test may write");
        let file = project.path().join("web.container");
        std::fs::write(&file, format!("[Container]\nImage=nginx\n{}\n", lines.join("\n"))).expect("a test may write");
        let request = Request { files: vec![file], project_name: None, output: None, environment: &|_| None };
        if let Ok(imported) = import(&request) {
            prop_assert!(read_back(&imported.toml).is_some(), "{}", imported.toml);
        }
    }

    #[test]
    fn what_is_written_is_read_back(entries in vec((prop_oneof!["[a-z-]{1,8}", text()], tree()), 0..6)) {
        let root = table(entries);
        let toml = write(&root, &mut Comments::default());
        let back = read_back(&toml);
        prop_assert!(back.is_some_and(|back| back.is_equivalent(&node(Value::Table(root)))), "{}", toml);
    }

    #[test]
    fn no_text_breaks_the_reader(text in prop_oneof![soup(), any::<String>()]) {
        if let Ok(imported) = imported(&text) {
            prop_assert!(read_back(&imported.toml).is_some(), "{}", imported.toml);
        }
    }
}

/// How long a text takes, whatever comes of it.
fn timed(text: &str) -> Duration {
    let start = Instant::now();
    let _either_way = imported(text);
    start.elapsed()
}

#[test]
fn hostile_texts_end_soon() {
    // Each takes about a second in a build without optimisation; what grows faster than its text would take minutes.
    let laughs: String =
        (1..40).map(|n| format!("x-{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 10].join(","))).collect();
    let chain: String = (1..20_000).map(|n| format!("x-{n}: &c{n} {{a: *c{}}}\n", n - 1)).collect();
    let merges: String = (1..40).map(|n| format!("x-{n}: &m{n} {{<<: [*m{0}, *m{0}], k{n}: 1}}\n", n - 1)).collect();
    let keys: String = (0..90_000).map(|n| format!("  k{n}: 1\n")).collect();
    let comments: String = (0..20_000).map(|n| format!("    - {n}\n#\n")).collect();
    let texts = [
        format!("x-0: &l0 lol\n{laughs}"),
        format!("x-0: &c0 {{}}\n{chain}"),
        format!("x-0: &m0 {{k: 1}}\n{merges}"),
        format!("services:\n{keys}"),
        format!("services: {{web: {{image: a}}}}\nx-a:\n{keys}"),
        format!("services:\n  web:\n    ports:\n{comments}"),
        "[".repeat(200_000),
        "- ".repeat(200_000),
        format!("x-a: [{}]", "[],".repeat(200_000)),
        format!("x-a: [{}]", "1,".repeat(90_000)),
        "a: ".repeat(10_000),
        "? ".repeat(10_000),
        "#\n".repeat(200_000),
        "&a ".repeat(50_000),
    ];
    for text in texts {
        let elapsed = timed(&text);
        assert!(elapsed < Duration::from_secs(40), "{elapsed:?} for {}…", &text[..40]);
    }
}

#[test]
fn nodes_know_where_they_stand() {
    let file = SourceFile::new("compose.yaml", "services:\r\n  wéb: {image: 'busybox:1'}  # why\r\n");
    let mut comments = Comments::default();
    let report = Report::default();
    let documents = yaml::read(&file, &mut comments, &report).expect("it is YAML");
    let Value::Table(root) = &documents[0].value else { panic!("a mapping") };
    let Value::Table(services) = &root.entries[0].node.value else { panic!("a mapping") };
    let Value::Table(web) = &services.entries[0].node.value else { panic!("a mapping") };
    assert_eq!(web.entries[0].node.source(), "'busybox:1'");
    assert_eq!(web.entries[0].node.place.line_column(), (2, 16));
    assert_eq!(comments.take(&services.entries[0].key_place).after, ["# why"]);
    assert!(Arc::ptr_eq(&web.entries[0].key_place.file, &file));
}
