//! The table of keys: complete against the Compose Specification, and the same as the manual, the JSON schema and the cases.
//!
//! `UPDATE=1 cargo test --test keys` rewrites the pages that are made from it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, Schemas};
use serde_json::Value;
use wharf::stack::keys::{self, Key, State, Takes};

/// All keys with their paths.
fn all_keys() -> Vec<(String, &'static Key)> {
    let mut all = Vec::new();
    keys::walk(&mut |path, _, key| all.push((path.to_owned(), key)));
    all
}

/// What the specification's text describes and its schema does not have.
const IN_THE_TEXT_ALONE: [&str; 1] = ["services.*.pre_start"];

fn specified() -> Vec<&'static str> {
    include_str!("keys/compose-spec-keys.txt").lines().filter(|line| !line.starts_with('#')).collect()
}

/// The table has it, or a key above it is refused with all that is below.
fn is_in(table: &[(String, &Key)], path: &str) -> bool {
    table.iter().any(|(known, key)| known == path || (!key.is_taken() && path.starts_with(&format!("{known}."))))
}

#[test]
fn no_key_of_the_specification_is_unknown() {
    let table = all_keys();
    // Compose's old form `external: { name: … }`, which the specification itself calls deprecated; `name` beside it says the same.
    let known = |path: &str| is_in(&table, path) || path.ends_with(".external.name");
    let unknown: Vec<&str> = specified().into_iter().filter(|path| !known(path)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert_eq!(
        specified().iter().filter(|path| path.matches('.').count() == 2 && path.starts_with("services.*.")).count(),
        92
    );
}

#[test]
fn what_the_specification_does_not_have_is_called_wharfs_own() {
    let specified = specified();
    for (path, key) in all_keys() {
        let own = matches!(key.state, State::Own(_)) || path.contains(".systemd");
        let specified = [specified.as_slice(), &IN_THE_TEXT_ALONE].concat().contains(&path.as_str());
        assert_ne!(own, specified, "{path}");
    }
}

#[test]
fn tables_are_in_the_order_of_the_alphabet_and_say_something() {
    let mut tables = vec![keys::root()];
    keys::walk(&mut |_, table, _| tables.push(table));
    for table in tables {
        let names: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
        assert!(names.is_sorted() && names.iter().collect::<BTreeSet<_>>().len() == names.len(), "{names:?}");
        assert!(table.required.iter().all(|name| names.contains(name)), "{}", table.id);
        for key in table.keys {
            assert!(key.says.ends_with('.'), "{}: {}", key.name, key.says);
            let (State::Honoured(text)
            | State::Own(text)
            | State::Ignored(text)
            | State::Refused { because: text, .. }) = key.state;
            assert!(!text.is_empty() && !text.ends_with('.'), "{}", key.name);
        }
    }
}

/// A page that is made from the table.
#[track_caller]
fn is_up_to_date(path: &str, made: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        fs::write(path, made).unwrap();
    }
    let shipped = fs::read_to_string(path).unwrap_or_default();
    assert!(shipped == made, "{path} is not what the table says; UPDATE=1 writes it");
}

#[test]
fn the_manuals_page_is_up_to_date() {
    is_up_to_date("packaging/manual/keys.md", &keys::manual());
}

#[test]
fn the_shipped_schema_is_up_to_date() {
    is_up_to_date("packaging/stack.schema.json", &format!("{:#}\n", keys::schema()));
}

#[test]
fn wharf_schema_prints_the_schema() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_wharf")).arg("schema").output().unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, keys::schema());
}

/// The stack files of a directory of cases: each with its path.
fn stacks_in(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("expected") {
            found.extend(stacks_in(path.to_str().unwrap()));
        } else if path.extension().is_some_and(|end| end == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn parsed(path: &Path) -> Option<toml::Table> {
    toml::from_str(&fs::read_to_string(path).unwrap_or_default()).ok()
}

/// What is expected of the case that a file is in: no errors.
fn is_valid(path: &Path) -> bool {
    !path.starts_with("tests/invalid") && !path.to_str().unwrap().contains("/invalid-")
}

/// Adds the paths of all keys of `value`, in the notation of the table.
fn used(path: &str, value: &toml::Value, takes: &Takes, found: &mut BTreeSet<String>) {
    match (takes, value) {
        (Takes::Table(table), toml::Value::Table(entries)) => {
            for (name, value) in entries {
                if let Some(key) = table.key(name) {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    used(&path, value, &key.takes, found);
                    found.insert(path);
                }
            }
        }
        (Takes::List(element), toml::Value::Array(values)) => {
            values.iter().for_each(|value| used(&format!("{path}.[]"), value, element, found));
        }
        (Takes::Named(inner) | Takes::Map(inner), toml::Value::Table(entries)) => {
            entries.iter().for_each(|(_, value)| used(&format!("{path}.*"), value, inner, found));
        }
        (Takes::Either(several), _) => several.iter().for_each(|takes| used(path, value, takes, found)),
        _ => {}
    }
}

/// The paths of all keys that the stack files use.
fn used_in(stacks: impl Iterator<Item = PathBuf>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in stacks.filter_map(|path| parsed(&path)) {
        used("", &toml::Value::Table(table), &Takes::Table(keys::root()), &mut found);
    }
    found
}

#[test]
fn each_honoured_key_is_in_a_golden_case() {
    let used = used_in(stacks_in("tests/cases").into_iter().filter(|path| is_valid(path)));
    let without_case: Vec<String> = all_keys()
        .into_iter()
        .filter(|(path, key)| key.is_taken() && !used.contains(path))
        .map(|(path, _)| path)
        .collect();
    assert!(without_case.is_empty(), "write a case in tests/cases that uses {without_case:#?}");
}

/// What the table says that a key becomes, as it stands in expected files: `"CapAdd"` in a definition, `MemoryMax=` in a unit.
fn becomes(key: &Key) -> impl Iterator<Item = String> {
    let (State::Honoured(text) | State::Own(text)) = key.state else { unreachable!("{} does nothing", key.name) };
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.trim_end_matches('=').chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    };
    text.split('`').skip(1).step_by(2).filter(is_name).map(|name| match name.rsplit('.').next() {
        Some(field) if !name.ends_with('=') => format!("\"{field}\""),
        _ => format!("\n{name}"),
    })
}

/// A key that is read, and then forgotten, is in no unit and in no definition.
#[test]
fn each_key_becomes_what_the_table_says_in_a_golden_case() {
    let expected = fs::read_dir("tests/cases").unwrap().map(|case| case.unwrap().path().join("expected"));
    let files = expected.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap());
    let written: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let nowhere: Vec<String> = all_keys()
        .into_iter()
        .filter(|(_, key)| key.is_honoured())
        .flat_map(|(path, key)| becomes(key).map(move |what| (path.clone(), what)))
        .filter(|(_, what)| !written.contains(what))
        .map(|(path, what)| format!("{path}: {}", what.trim()))
        .collect();
    assert!(nowhere.is_empty(), "the table names it, and no expected file has it: {nowhere:#?}");
}

#[test]
fn each_refused_key_is_in_an_invalid_case() {
    let all = stacks_in("tests/cases").into_iter().chain(stacks_in("tests/invalid"));
    let used = used_in(all.filter(|path| !is_valid(path)));
    let without_case: Vec<String> = all_keys()
        .into_iter()
        .filter(|(path, key)| !key.is_taken() && !used.contains(path))
        .map(|(path, _)| path)
        .collect();
    assert!(without_case.is_empty(), "write a case in tests/invalid that uses {without_case:#?}");
}

/// Whether the JSON schema finds nothing wrong with a stack file, or what.
struct Validator {
    schemas: Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource("stack.json", keys::schema()).unwrap();
        let index = compiler.compile("stack.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn says(&self, stack: &toml::Table) -> Result<(), String> {
        let json = json(&toml::Value::Table(stack.clone()));
        self.schemas.validate(&json, self.index).map_err(|error| format!("{error:#}"))
    }
}

/// As an editor sees it: JSON has no dates.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
        toml::Value::Array(values) => values.iter().map(json).collect(),
        toml::Value::Datetime(date) => date.to_string().into(),
        other => serde_json::to_value(other).unwrap(),
    }
}

#[test]
fn the_schema_takes_every_valid_stack_of_the_tests_and_examples() {
    let validator = Validator::new();
    let stacks = stacks_in("tests/cases").into_iter().chain(stacks_in("examples")).filter(|path| is_valid(path));
    let mut count = 0;
    for path in stacks {
        let stack = parsed(&path).unwrap();
        if let Err(says) = validator.says(&stack) {
            panic!("{}: {says}", path.display());
        }
        count += 1;
    }
    assert!(count > 40, "{count}");
}

/// What an editor should mark: an unknown key, a refused one, a value of the wrong kind.
#[test]
fn the_schema_refuses_what_has_the_wrong_shape() {
    let validator = Validator::new();
    for stack in [
        "service = {}",
        "models = {}",
        "services.web.imag = 'nginx'",
        "services.web.isolation = 'hyperv'",
        "services.web = 'nginx'",
        "services.'a b'.image = 'nginx'",
        "services.web.image = 1",
        "services.web.init = 'perhaps'",
        "services.web.ports = '80:80'",
        "services.web.ports = [{ published = 80 }]",
        "services.web.ports = [{ target = 80, protocol = 'icmp' }]",
        "services.web.healthcheck.interval = '30'",
        "services.web.healthcheck.retries = -1",
        "services.web.mem_limit = '1 apple'",
        "services.web.cap_add = [1]",
        "services.web.depends_on.db.condition = 'service_ready'",
        "services.web.environment = 'A=b'",
        "services.web.volumes = [{ type = 'bind', target = '/a', bind = { selinux = 'x' } }]",
        "services.web.ulimits.nofile = { soft = 1 }",
        "networks.front.ipam.config = [{ subnets = '10.0.0.0/8' }]",
    ] {
        let table: toml::Table = toml::from_str(stack).unwrap();
        assert!(validator.says(&table).is_err(), "{stack}");
    }
}

/// Also what a variable may stand for.
#[test]
fn the_schema_takes_variables_and_keys_of_the_users_own() {
    let validator = Validator::new();
    for stack in [
        "x-note = 1",
        "services.web = { x-note = [], image = 'a', init = '$INIT', mem_limit = '${LIMIT:-1}g', stop_grace_period = '${GRACE}' }",
        "services.x-web.image = 'a'",
        "services.web.ports = ['$PORT:80', 80, { target = '80-81', published = '$PORT' }]",
        "services.web.depends_on.db.condition = '${CONDITION}'",
        "services.web.environment = { A = 1, B = 1.5, C = true, D = 'd', E = 2024-01-01 }",
    ] {
        let table: toml::Table = toml::from_str(stack).unwrap();
        assert_eq!(validator.says(&table), Ok(()), "{stack}");
    }
}
