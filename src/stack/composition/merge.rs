//! Two trees → one: the later one's values over, or beside, the earlier one's.
//!
//! Source: Compose Specification, Merge and override. Invariant: every value of the outcome keeps the place where it was written;
//! the order of the earlier tree is kept, and what is new comes after it.

use std::collections::{HashMap, HashSet};

use super::rules::{self, Identity, Rule, rule};
use crate::diagnostic::Place;
use crate::stack::fields::Item;
use crate::stack::problem::{MergeConflict, Report};
use crate::stack::text::node::{Entry, Node, Table, Value};

/// Merges two whole stack files.
pub fn files(base: Node, over: Node, report: &Report) -> Node {
    let mut merged = Merge { path: Vec::new(), report }.nodes(base, over);
    untag(&mut merged);
    merged
}

/// Merges two services, as `extends` does: `over` is the one that extends `base`.
pub fn services(base: Node, over: Node, report: &Report) -> Node {
    let mut merged = Merge { path: vec!["services".to_owned(), String::new()], report }.nodes(base, over);
    untag(&mut merged);
    merged
}

/// Carries out the `!reset` and `!override` that met nothing to be merged with.
pub fn untag(node: &mut Node) {
    while let Value::Override(inner) = &mut node.value {
        *node = std::mem::replace(inner, Node { value: Value::Null, place: node.place.clone() });
    }
    match &mut node.value {
        Value::Table(table) => {
            table.entries.retain(|entry| entry.node.value != Value::Reset);
            table.entries.iter_mut().for_each(|entry| untag(&mut entry.node));
        }
        Value::Array(nodes) => {
            nodes.retain(|node| node.value != Value::Reset);
            nodes.iter_mut().for_each(untag);
        }
        _ => {}
    }
}

struct Merge<'a> {
    /// The keys from the top of the file to here.
    path: Vec<String>,
    report: &'a Report,
}

impl Merge<'_> {
    fn nodes(&mut self, base: Node, over: Node) -> Node {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let rule = rule(&path);
        match (&base.value, &over.value) {
            (_, Value::Reset | Value::Override(_) | Value::Faulty) => over,
            (Value::Null | Value::Reset | Value::Faulty, _) => over,
            (Value::Override(_), _) => match base.value {
                Value::Override(inner) => self.nodes(*inner, over),
                _ => over,
            },
            (_, Value::Null) if !matches!(rule, Rule::Replace) => base,
            _ => self.by_rule(rule, base, over),
        }
    }

    fn by_rule(&mut self, rule: Rule, base: Node, over: Node) -> Node {
        match rule {
            Rule::Natural => self.natural(base, over),
            Rule::Replace => over,
            Rule::Loose if same_form(&base, &over) => self.natural(base, over),
            Rule::Loose => over,
            Rule::Pairs => self.pairs(base, over),
            Rule::Hosts => self.hosts(base, over),
            Rule::List(identity) => self.lists(base, over, identity),
            Rule::Merged(identity) => self.by_identity(base, over, identity),
            Rule::Strings(identity) => self.lists(listed(base), listed(over), identity),
            Rule::Names => self.names(base, over, |_| Value::Null),
            Rule::Dependencies => self.names(base, over, started),
            Rule::Build => self.natural(with_context(base), with_context(over)),
            Rule::Logging if same_driver(&base, &over) => self.natural(base, over),
            Rule::Logging => over,
            Rule::Directive => match over.value {
                Value::Array(_) => self.lists(listed(base), over, |_| None),
                _ => over,
            },
        }
    }

    fn natural(&mut self, base: Node, over: Node) -> Node {
        match (base.value, over.value) {
            (Value::Table(base_table), Value::Table(table)) => {
                Node { value: Value::Table(self.tables(base_table, table)), place: base.place }
            }
            (Value::Array(mut nodes), Value::Array(more)) => {
                nodes.extend(more);
                Node { value: Value::Array(nodes), place: over.place }
            }
            (base_value, value) => {
                let (base, over) = (Node { value: base_value, ..base }, Node { value, ..over });
                if same_form(&base, &over) { over } else { self.conflict(&base, over) }
            }
        }
    }

    fn tables(&mut self, base: Table, over: Table) -> Table {
        let mut entries = base.entries;
        let index: HashMap<String, usize> =
            entries.iter().enumerate().map(|(number, entry)| (entry.key.clone(), number)).collect();
        for entry in over.entries {
            match index.get(&entry.key).and_then(|number| entries.get_mut(*number)) {
                Some(earlier) => self.entry(earlier, entry),
                None => entries.push(entry),
            }
        }
        Table { entries }
    }

    fn entry(&mut self, earlier: &mut Entry, later: Entry) {
        self.path.push(later.key);
        let nothing = Node { value: Value::Null, place: earlier.node.place.clone() };
        let base = std::mem::replace(&mut earlier.node, nothing);
        earlier.node = self.nodes(base, later.node);
        // What is merged was declared first where it was first named; what is replaced is new.
        if !matches!(earlier.node.value, Value::Table(_)) {
            earlier.key_place = later.key_place;
        }
        self.path.pop();
    }

    fn lists(&mut self, base: Node, over: Node, identity: Identity) -> Node {
        match (base.value, over.value) {
            (Value::Array(nodes), Value::Array(more)) => {
                let nodes = united(nodes, more, identity, |_, later| later);
                Node { value: Value::Array(nodes), place: over.place }
            }
            (base_value, value) => self.natural(Node { value: base_value, ..base }, Node { value, ..over }),
        }
    }

    fn by_identity(&mut self, base: Node, over: Node, identity: Identity) -> Node {
        match (base.value, over.value) {
            (Value::Array(nodes), Value::Array(more)) => {
                let nodes = united(nodes, more, identity, |earlier, later| self.natural(earlier, later));
                Node { value: Value::Array(nodes), place: over.place }
            }
            (base_value, value) => self.natural(Node { value: base_value, ..base }, Node { value, ..over }),
        }
    }

    fn pairs(&mut self, base: Node, over: Node) -> Node {
        match (&base.value, &over.value) {
            (Value::Array(_), Value::Array(_)) => self.lists(base, over, rules::pair_key),
            (Value::Array(_), Value::Table(_)) => {
                let base = self.tabled_pairs(&base);
                self.natural(base, over)
            }
            (Value::Table(_), Value::Array(_)) => {
                let over = self.tabled_pairs(&over);
                self.natural(base, over)
            }
            _ => self.natural(base, over),
        }
    }

    /// `["KEY=value"]` as `{ KEY = "value" }`; a key without a value has null.
    fn tabled_pairs(&mut self, list: &Node) -> Node {
        let key = self.path.last().cloned().unwrap_or_default();
        // Of the same key twice in one list, the later counts.
        let mut seen = HashSet::new();
        let pairs = Item::named(&key, list, self.report).pairs().into_iter().rev();
        let mut entries: Vec<Entry> = pairs
            .filter(|pair| seen.insert(pair.key.clone()))
            .map(|pair| {
                let place = pair.place.clone();
                let value = pair.value.map_or(Value::Null, Value::String);
                Entry { key: pair.key, key_place: place.clone(), node: Node { value, place } }
            })
            .collect();
        entries.reverse();
        Node { value: Value::Table(Table { entries }), place: list.place.clone() }
    }

    fn hosts(&mut self, base: Node, over: Node) -> Node {
        if same_form(&base, &over) && matches!(base.value, Value::Table(_)) {
            return self.natural(base, over);
        }
        let (base, over) = (self.listed_hosts(base), self.listed_hosts(over));
        self.lists(base, over, rules::text)
    }

    /// `{ host = "ip" }` as `["host=ip"]`.
    fn listed_hosts(&mut self, node: Node) -> Node {
        let Value::Table(table) = &node.value else { return node };
        let mut nodes = Vec::new();
        for host in table.entries.iter().map(|entry| Item::of(entry, self.report)) {
            for address in host.strings().unwrap_or_default() {
                let text = format!("{}={}", host.key, address.text);
                nodes.push(Node { value: Value::String(text), place: address.item.place().clone() });
            }
        }
        Node { value: Value::Array(nodes), place: node.place }
    }

    /// `value` is what a name of a list would have in a table.
    fn names(&mut self, base: Node, over: Node, value: fn(&Place) -> Value) -> Node {
        match (&base.value, &over.value) {
            (Value::Array(_), Value::Array(_)) => self.lists(base, over, rules::text),
            (Value::Array(_), Value::Table(_)) => {
                let base = self.tabled_names(&base, value);
                self.natural(base, over)
            }
            (Value::Table(_), Value::Array(_)) => {
                let over = self.tabled_names(&over, value);
                self.natural(base, over)
            }
            _ => self.natural(base, over),
        }
    }

    fn tabled_names(&mut self, list: &Node, value: fn(&Place) -> Value) -> Node {
        let key = self.path.last().cloned().unwrap_or_default();
        let names = Item::named(&key, list, self.report).string_list().unwrap_or_default();
        let entries = names
            .iter()
            .map(|name| {
                let place = name.item.place().clone();
                let node = Node { value: value(&place), place: place.clone() };
                Entry { key: name.text.to_owned(), key_place: place, node }
            })
            .collect();
        Node { value: Value::Table(Table { entries }), place: list.place.clone() }
    }

    /// Reports two forms that cannot be merged; what comes out says no more.
    fn conflict(&mut self, base: &Node, over: Node) -> Node {
        // Nobody reads an extension.
        if self.path.iter().any(|key| key.starts_with("x-")) {
            return over;
        }
        let key = self.path.last().cloned().unwrap_or_default();
        let problem =
            MergeConflict::Kinds { key, found: over.kind(), base: base.kind(), first: base.place.to_string() };
        self.report.add(&over.place, problem);
        Node { value: Value::Faulty, ..over }
    }
}

/// The elements of both; of the same thing twice, `unite` makes one.
fn united(
    base: Vec<Node>,
    over: Vec<Node>,
    identity: Identity,
    mut unite: impl FnMut(Node, Node) -> Node,
) -> Vec<Node> {
    let mut nodes = base;
    let places: HashMap<String, usize> =
        nodes.iter().enumerate().filter_map(|(number, node)| Some((identity(node)?, number))).collect();
    for node in over {
        match identity(&node).and_then(|identity| nodes.get_mut(*places.get(&identity)?)) {
            Some(same) => {
                let nothing = Node { value: Value::Null, place: same.place.clone() };
                *same = unite(std::mem::replace(same, nothing), node);
            }
            None => nodes.push(node),
        }
    }
    nodes
}

/// A string or another scalar as the list of it.
fn listed(node: Node) -> Node {
    match node.value {
        Value::Array(_) | Value::Table(_) => node,
        _ => Node { place: node.place.clone(), value: Value::Array(vec![node]) },
    }
}

/// What `depends_on = ["name"]` means in the long form.
fn started(place: &Place) -> Value {
    let entry = |key: &str, value| {
        let node = Node { value, place: place.clone() };
        Entry { key: key.to_owned(), key_place: place.clone(), node }
    };
    let condition = entry("condition", Value::String("service_started".to_owned()));
    Value::Table(Table { entries: vec![condition, entry("required", Value::Bool(true))] })
}

/// `build = "dir"` as `build = { context = "dir" }`.
fn with_context(node: Node) -> Node {
    if !matches!(node.value, Value::String(_)) {
        return node;
    }
    let place = node.place.clone();
    let entry = Entry { key: "context".to_owned(), key_place: place.clone(), node };
    Node { value: Value::Table(Table { entries: vec![entry] }), place }
}

/// Drivers are the same, too, where one of the two names none.
fn same_driver(base: &Node, over: &Node) -> bool {
    let driver = |node: &Node| match &node.value {
        Value::Table(table) => table.get("driver").and_then(|entry| entry.node.scalar()),
        _ => None,
    };
    match (driver(base), driver(over)) {
        (Some(base), Some(over)) => base == over,
        _ => true,
    }
}

fn same_form(base: &Node, over: &Node) -> bool {
    let form = |node: &Node| match &node.value {
        Value::Array(_) => 0,
        Value::Table(_) => 1,
        _ => 2,
    };
    form(base) == form(over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceFile;
    use crate::stack::text::from_toml;

    fn parsed(text: &str) -> Node {
        from_toml::parse(&SourceFile::new("stack.toml", text), &Report::default()).expect("valid TOML")
    }

    /// Two services merged, and what the outcome should say.
    #[track_caller]
    fn gives(base: &str, over: &str, expected: &str) {
        let report = Report::default();
        let merged = services(parsed(base), parsed(over), &report);
        assert_eq!(report.error_count(), 0, "{base} {over}");
        assert!(merged.is_equivalent(&parsed(expected)), "{base} + {over} = {merged:?}");
    }

    #[test]
    fn examples_of_the_specification() {
        gives(
            "key1 = 'value1'\nkey2 = 'value2'",
            "key2 = 'VALUE'\nkey3 = 'value3'",
            "key1 = 'value1'\nkey2 = 'VALUE'\nkey3 = 'value3'",
        );
        gives("dns = ['1.1.1.1']", "dns = ['8.8.8.8']", "dns = ['1.1.1.1', '8.8.8.8']");
        gives("command = ['echo', 'foo']", "command = ['echo', 'bar']", "command = ['echo', 'bar']");
        gives("volumes = ['foo:/work']", "volumes = ['bar:/work']", "volumes = ['bar:/work']");
        gives(
            "security_opt = ['label:role:ROLE']",
            "security_opt = ['label:user:USER']",
            "security_opt = ['label:role:ROLE', 'label:user:USER']",
        );
        gives(
            "environment = { TZ = 'utc', PORT = 80 }",
            "environment = { PORT = 8080 }",
            "environment = { TZ = 'utc', PORT = 8080 }",
        );
        gives(
            "environment = ['TZ=utc', 'PORT=80']",
            "environment = ['PORT=8080']",
            "environment = ['TZ=utc', 'PORT=8080']",
        );
    }

    #[test]
    fn two_forms_of_one_key_are_merged() {
        gives("environment = ['A=1', 'B=1', 'B=2']", "environment = { A = 2 }", "environment = { A = 2, B = '2' }");
        gives("labels = { a = 1 }", "labels = ['b=x=y']", "labels = { a = 1, b = 'x=y' }");
        gives(
            "env_file = 'a'",
            "env_file = ['b', { path = 'a', required = false }]",
            "env_file = [{ path = 'a', required = false }, 'b']",
        );
        gives("build = '.'", "build = { target = 'x' }", "build = { context = '.', target = 'x' }");
        gives(
            "depends_on = ['a']",
            "depends_on = { a = { restart = true } }",
            "depends_on = { a = { condition = 'service_started', required = true, restart = true } }",
        );
        gives(
            "extra_hosts = { a = ['1.1.1.1', '::1'] }",
            "extra_hosts = ['a=::1', 'b=2.2.2.2']",
            "extra_hosts = ['a=1.1.1.1', 'a=::1', 'b=2.2.2.2']",
        );
        gives(
            "ulimits = { nofile = 1, nproc = { soft = 1, hard = 2 } }",
            "ulimits = { nofile = { soft = 1, hard = 2 }, nproc = { hard = 3 } }",
            "ulimits = { nofile = { soft = 1, hard = 2 }, nproc = { soft = 1, hard = 3 } }",
        );
        gives("gpus = [{ count = 1 }]", "gpus = 'all'", "gpus = 'all'");
        gives(
            "healthcheck = { test = 'a', retries = 1 }",
            "healthcheck = { test = ['NONE'] }",
            "healthcheck = { test = ['NONE'], retries = 1 }",
        );
    }

    #[test]
    fn the_same_thing_is_there_once() {
        gives(
            "ports = ['80', '8080:80/tcp', 443]",
            "ports = [{ target = 80, published = '8080' }, '443/udp']",
            "ports = ['80', { target = 80, published = '8080' }, 443, '443/udp']",
        );
        gives(
            "secrets = ['a', { source = 'b', target = 'c' }]",
            "secrets = [{ source = 'x', target = '/run/secrets/a' }, 'c']",
            "secrets = [{ source = 'x', target = '/run/secrets/a' }, 'c']",
        );
        gives(
            "configs = ['a']",
            "configs = [{ source = 'b', target = '/a' }]",
            "configs = [{ source = 'b', target = '/a' }]",
        );
        gives(
            "devices = ['/dev/a:/dev/x', '/dev/b:r', 'vendor.com/gpu=all']",
            "devices = ['/dev/c:/dev/x:r', '/dev/b']",
            "devices = ['/dev/c:/dev/x:r', '/dev/b', 'vendor.com/gpu=all']",
        );
        gives(
            "blkio_config = { device_read_bps = [{ path = '/dev/a', rate = 1 }] }",
            "blkio_config = { device_read_bps = [{ path = '/dev/a', rate = 2 }] }",
            "blkio_config = { device_read_bps = [{ path = '/dev/a', rate = 2 }] }",
        );
        gives("cap_add = ['A', 'B']", "cap_add = ['B', 'C']", "cap_add = ['A', 'B', 'C']");
    }

    #[test]
    fn drivers_of_another_kind_keep_no_options() {
        let base = "logging = { driver = 'a', options = { x = 1 } }";
        gives(base, "logging = { options = { y = 2 } }", "logging = { driver = 'a', options = { x = 1, y = 2 } }");
        gives(base, "logging = { driver = 'b' }", "logging = { driver = 'b' }");
    }

    #[test]
    fn reset_and_override_of_yaml() {
        let base = parsed("image = 'a'\nports = ['80']\nenvironment = { A = 1, B = 2 }");
        let mut over = parsed("ports = ['81']\n[environment]\nA = 0");
        let Value::Table(table) = &mut over.value else { panic!("a table") };
        let ports = table.entries[0].node.clone();
        table.entries[0].node.value = Value::Override(Box::new(ports));
        let Value::Table(environment) = &mut table.entries[1].node.value else { panic!("a table") };
        environment.entries[0].node.value = Value::Reset;
        let merged = services(base, over, &Report::default());
        assert!(merged.is_equivalent(&parsed("image = 'a'\nports = ['81']\nenvironment = { B = 2 }")), "{merged:?}");
    }
}
