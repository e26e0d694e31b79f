//! Importing and generating gives what Compose would run: each stack of `stacks/` is started by `docker compose up` and, imported,
//! by systemd, on one host; what the engine then knows of both is the same, but for the differences that the manual lists.
//!
//! `stacks/NAME/`: `compose.yaml` with what it names; `arguments` for both commands; `before` and `after`, shell for what is not the
//! stack's own; `edit`, shell for what `wharf import` asks an administrator to do; `probe`, lines of a service and a command whose output in its container is compared too. `STACK=NAME` runs one alone.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

#[path = "../support/mod.rs"]
mod support;

mod accepted;
mod compare;
mod manual;
mod normal;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use accepted::{ACCEPTED, Accepted};
use compare::{Difference, differences};
use normal::{Side, normal};
use serde_json::{Value, json};
use support::{Host, Out};

/// Stacks that are run at the same time.
const SIDE_BY_SIDE: usize = 3;

/// The stacks by name.
fn stacks() -> BTreeSet<String> {
    let entries = fs::read_dir("tests/compose/stacks").expect("tests run in the package's directory");
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A host whose engine takes every limit, with the images and the stacks.
fn host(hint: &str) -> Host {
    let host = Host::boot(hint);
    let archive = Command::new("sh")
        .args(["-c", "tar -C tests/compose --owner=0 --group=0 -cz host stacks | base64"])
        .output()
        .unwrap();
    host.write("/root/suite.tar.base64", &String::from_utf8(archive.stdout).unwrap());
    host.sh("base64 -d suite.tar.base64 | tar -xz; rm suite.tar.base64; host/engine.sh; host/images.sh").ok();
    host
}

/// What a stack becomes on one side.
fn snapshot(host: &Host, stack: &str, side: Side) -> Result<Value, String> {
    let Out { status, stdout, stderr } = host.sh(&format!("cd stacks/{stack}; ~/host/side.sh {}", side.name()));
    if status != 0 {
        return Err(format!("{} failed\n{}", side.name(), stderr.trim_end()));
    }
    serde_json::from_str(&stdout).map_err(|error| format!("{}: {error}: {stdout}", side.name()))
}

/// Where the two sides of a stack differ.
fn compare_sides(host: &Host, stack: &str) -> Result<Vec<Difference>, String> {
    let compose = snapshot(host, stack, Side::Compose)?;
    let wharf = snapshot(host, stack, Side::Wharf)?;
    Ok(differences(&normal(&compose, Side::Compose), &normal(&wharf, Side::Wharf)))
}

/// Runs stacks, some side by side.
fn results(host: &Host, names: BTreeSet<String>) -> BTreeMap<String, Result<Vec<Difference>, String>> {
    let queue = Mutex::new(names.into_iter());
    let results = Mutex::new(BTreeMap::new());
    let next = || queue.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(name) = next() {
                    let result = compare_sides(host, &name);
                    results.lock().unwrap().insert(name, result);
                }
            });
        }
    });
    results.into_inner().unwrap()
}

#[test]
fn an_imported_stack_runs_as_compose_runs_it() {
    let chosen = std::env::var("STACK").ok();
    let mut names = stacks();
    names.retain(|name| chosen.as_ref().is_none_or(|chosen| chosen == name));
    let host = host("compose");

    let mut failures = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for (name, result) in results(&host, names) {
        match result {
            Err(failure) => failures.push(format!("{name}: {failure}")),
            Ok(found) => {
                for difference in found {
                    match accepted::find(&name, &difference) {
                        Some(accepted) => _ = used.insert(accepted.title),
                        None => failures.push(format!("{name}: {difference}")),
                    }
                }
            }
        }
    }
    failures.extend(left_behind(&host).map(|left| format!("left behind by one side or the other: {left}")));
    // On another release than the usual one Compose is newer, and some differences are gone.
    if chosen.is_none() && std::env::var_os("WHARF_TEST_SUITE").is_none() {
        let unused = ACCEPTED.iter().filter(|accepted| !used.contains(accepted.title));
        failures.extend(unused.map(|Accepted { title, .. }| format!("accepted, but nowhere seen: {title}")));
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

/// Containers, volumes and networks of no use to anybody.
fn left_behind(host: &Host) -> Option<String> {
    let left =
        host.sh("docker ps -aq; docker volume ls -q; docker network ls --filter type=custom --format '{{.Name}}'");
    Some(left.ok().stdout.trim().replace('\n', " ")).filter(|left| !left.is_empty())
}

/// A change at `pointer` (RFC 6901) of the first container of that service.
fn changed(snapshot: &Value, service: &str, pointer: &str, value: Value) -> Value {
    let mut snapshot = snapshot.clone();
    for list in ["started", "now"] {
        let containers = snapshot[list].as_array_mut().unwrap();
        let label = "com.docker.compose.service";
        let container = containers.iter_mut().find(|container| container["Config"]["Labels"][label] == service);
        *container.unwrap().pointer_mut(pointer).unwrap_or_else(|| panic!("there is {pointer}")) = value.clone();
    }
    snapshot
}

/// The comparison can fail.
#[test]
fn a_changed_limit_alias_mount_or_port_is_found() {
    let host = host("negative");
    let found = |stack: &str, changes: &[(&str, &str, Value)]| {
        let compose = snapshot(&host, stack, Side::Compose).unwrap();
        let normal_form = normal(&compose, Side::Compose);
        assert_eq!(differences(&normal_form, &normal_form), []);
        for (service, pointer, value) in changes {
            let other = normal(&changed(&compose, service, pointer, value.clone()), Side::Compose);
            let found = differences(&normal_form, &other);
            let is_found = found.iter().any(|difference| accepted::find(stack, difference).is_none());
            assert!(is_found, "{stack} {service} {pointer}: {found:?}");
        }
    };
    found(
        "proxy",
        &[
            ("traefik", "/HostConfig/PortBindings/80~1tcp/0/HostPort", json!("9999")),
            ("traefik", "/HostConfig/SecurityOpt", json!([])),
            ("traefik", "/NetworkSettings/Networks/proxy_blog/Aliases", json!(["traefik", "gateway"])),
            ("traefik", "/NetworkSettings/Networks/proxy_wiki", json!({})),
            ("traefik", "/HostConfig/NetworkMode", json!("proxy_blog")),
            ("traefik", "/Config/Labels/traefik.enable", json!("false")),
            ("traefik", "/Mounts/0/RW", json!(null)),
            ("traefik", "/HostConfig/RestartPolicy/Name", json!("no")),
            ("blog", "/Config/Env", json!(["PATH=/usr/bin"])),
            ("blog", "/Config/WorkingDir", json!("/")),
            ("wiki", "/Config/ExposedPorts", json!({ "8000/tcp": {} })),
        ],
    );
    found(
        "addresses",
        &[
            ("dns", "/NetworkSettings/Networks/addresses_lan/IPAMConfig/IPv6Address", json!("fd00:71::54")),
            ("dns", "/Config/Hostname", json!("ns2")),
            ("client", "/HostConfig/Dns", json!(["9.9.9.9", "172.30.71.53"])),
            ("client", "/NetworkSettings/Networks/addresses_lan/MacAddress", json!("02:42:ac:1e:47:9a")),
            ("client", "/HostConfig/ExtraHosts", json!(["printer:172.30.71.9"])),
        ],
    );
    found(
        "limits",
        &[
            ("memory", "/HostConfig/Memory", json!(536_870_911)),
            ("memory", "/HostConfig/OomScoreAdj", json!(0)),
            ("memory", "/HostConfig/PidsLimit", json!(null)),
            ("cpu", "/HostConfig/NanoCpus", json!(1_000_000_000)),
            ("blocks", "/HostConfig/BlkioDeviceReadBps/0/Rate", json!(12)),
            ("files", "/HostConfig/Ulimits/0/Hard", json!(1)),
        ],
    );
}
