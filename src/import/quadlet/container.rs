//! `[Container]` → a service.

use super::rules::Rule::{Boolean, By, No, Nothing, Number, Pairs, Text, Values, Words};
use super::rules::{Rule, Translation, table_of};
use super::unit::{Kind, Line};
use super::{build, entry};
use crate::import::problem::QuadletFault;
use crate::stack::text::node::{Node, Value};

const USER_NAMESPACE: &str = "the Docker Engine maps users for all containers at once (`userns-remap` in daemon.json)";
const PODMAN_OPTION: &str = "it is an option of podman's command line";
const ENGINE: &str = "the Docker Engine has no such setting";
const REMOVE: &str = "remove it";
const USE_KEY: &str = "use the key for it: see the manual's page keys";

#[rustfmt::skip]
const RULES: &[(&str, Rule)] = &[
    ("AddCapability", Words("cap_add")),
    ("AddDevice", By(device)),
    ("AddHost", Values("extra_hosts")),
    ("Annotation", Pairs("annotations")),
    ("AppArmor", By(|translation, line| option(translation, line, "apparmor"))),
    ("AutoUpdate", No("images are fetched when a unit starts", "write `pull_policy = \"daily\"` or `\"always\"`, and restart the unit by a timer")),
    ("CgroupsMode", Nothing),
    ("ContainerName", Text("container_name")),
    ("ContainersConfModule", No("containers.conf is Podman's", USE_KEY)),
    ("DNS", Words("dns")),
    ("DNSOption", Words("dns_opt")),
    ("DNSSearch", Words("dns_search")),
    ("DropCapability", Words("cap_drop")),
    ("Entrypoint", By(entrypoint)),
    ("Environment", Pairs("environment")),
    ("EnvironmentFile", By(env_file)),
    ("EnvironmentHost", No("a container gets no variables of the host", "name each in `environment`, as in `environment = [\"LANG\"]`")),
    ("Exec", By(exec)),
    ("ExposeHostPort", Words("expose")),
    ("GIDMap", No(USER_NAMESPACE, REMOVE)),
    ("GlobalArgs", No(PODMAN_OPTION, USE_KEY)),
    ("Group", Nothing),
    ("GroupAdd", Words("group_add")),
    ("HealthCmd", By(health_command)),
    ("HealthInterval", By(|translation, line| health_duration(translation, line, "interval"))),
    ("HealthLogDestination", No(ENGINE, "remove it: `wharf status` shows the last output of a probe")),
    ("HealthMaxLogCount", No(ENGINE, REMOVE)),
    ("HealthMaxLogSize", No(ENGINE, REMOVE)),
    ("HealthOnFailure", By(on_failure)),
    ("HealthRetries", Number("healthcheck.retries")),
    ("HealthStartPeriod", By(|translation, line| health_duration(translation, line, "start_period"))),
    ("HealthStartupCmd", No("the Docker Engine has one probe", "write one that is true once the container is up, with `start_period` and `start_interval`")),
    ("HealthStartupInterval", No("the Docker Engine has one probe", "use `healthcheck.start_interval`")),
    ("HealthStartupRetries", No("the Docker Engine has one probe", "use `healthcheck.start_period`")),
    ("HealthStartupSuccess", No("the Docker Engine has one probe", REMOVE)),
    ("HealthStartupTimeout", No("the Docker Engine has one probe", "use `healthcheck.timeout`")),
    ("HealthTimeout", By(|translation, line| health_duration(translation, line, "timeout"))),
    ("HostName", Text("hostname")),
    ("HttpProxy", By(http_proxy)),
    ("IP", Nothing),
    ("IP6", Nothing),
    ("Image", By(image)),
    ("Label", Pairs("labels")),
    ("LogDriver", By(log_driver)),
    ("LogOpt", No("the journal has no options for each container", "remove it: journald.conf(5) bounds its size and age")),
    ("Mask", By(mask)),
    ("Memory", Text("mem_limit")),
    ("Mount", By(mount)),
    ("Network", By(network)),
    ("NetworkAlias", Nothing),
    ("NoNewPrivileges", By(|translation, line| switch(translation, line, "no-new-privileges:true"))),
    ("Notify", By(notify)),
    ("PidsLimit", Number("pids_limit")),
    ("Pod", No("the Docker Engine has no pods", "let the containers share a network by `network_mode = \"service:NAME\"`")),
    ("PodmanArgs", No(PODMAN_OPTION, USE_KEY)),
    ("PublishPort", Values("ports")),
    ("Pull", By(pull)),
    ("ReadOnly", Boolean("read_only")),
    ("ReadOnlyTmpfs", Nothing),
    ("ReloadCmd", By(reload_command)),
    ("ReloadSignal", Text("reload_signal")),
    ("RemapGid", No(USER_NAMESPACE, REMOVE)),
    ("RemapUid", No(USER_NAMESPACE, REMOVE)),
    ("RemapUidSize", No(USER_NAMESPACE, REMOVE)),
    ("RemapUsers", No(USER_NAMESPACE, REMOVE)),
    ("Retry", No("a pull is repeated by the unit's own restarts", "remove it")),
    ("RetryDelay", No("a pull is repeated by the unit's own restarts", "remove it, or set `RestartSec` in `systemd.Service`")),
    ("Rootfs", No("the Docker Engine runs images only", "import the directory as an image: `tar -C DIRECTORY -c . | docker import - NAME`")),
    ("RunInit", Boolean("init")),
    ("SeccompProfile", By(|translation, line| option(translation, line, "seccomp"))),
    ("Secret", By(secret)),
    ("SecurityLabelDisable", By(|translation, line| switch(translation, line, "label=disable"))),
    ("SecurityLabelFileType", By(|translation, line| option(translation, line, "label=filetype"))),
    ("SecurityLabelLevel", By(|translation, line| option(translation, line, "label=level"))),
    ("SecurityLabelNested", No(ENGINE, REMOVE)),
    ("SecurityLabelType", By(|translation, line| option(translation, line, "label=type"))),
    ("ServiceName", No("a unit is named after its project and service", "name the service in the stack file as you want it")),
    ("ShmSize", Text("shm_size")),
    ("StartWithPod", No("the Docker Engine has no pods", REMOVE)),
    ("StopSignal", Text("stop_signal")),
    ("StopTimeout", By(stop_timeout)),
    ("SubGIDMap", No(USER_NAMESPACE, REMOVE)),
    ("SubUIDMap", No(USER_NAMESPACE, REMOVE)),
    ("Sysctl", Pairs("sysctls")),
    ("Timezone", By(time_zone)),
    ("Tmpfs", Values("tmpfs")),
    ("UIDMap", No(USER_NAMESPACE, REMOVE)),
    ("Ulimit", By(ulimit)),
    ("Unmask", By(unmask)),
    ("User", By(user)),
    ("UserNS", By(user_namespace)),
    ("VolatileTmp", Nothing),
    ("Volume", By(volume)),
    ("WorkingDir", Text("working_dir")),
];

pub fn translate(translation: &mut Translation<'_>) {
    translation.apply(RULES);
    temporary(translation);
    addresses(translation);
    // Podman does nothing about an unhealthy container unless it is told to.
    if let Some(line) = translation.unit.own("HealthCmd").last()
        && translation.unit.own("HealthOnFailure").is_empty()
    {
        translation.set(&["on_unhealthy"], Value::String("none".to_owned()), &line.place);
    }
}

fn string(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

/// The image, or the file that fetches or builds it.
fn image(translation: &mut Translation<'_>, line: &Line) {
    let Some(image) = translation.text(line, line.unquoted()) else { return };
    let quadlet = translation.quadlet;
    match quadlet.unit(line.unquoted()).map(|unit| (unit.kind, unit)) {
        Some((Kind::Build, unit)) => build::translate(translation, unit),
        Some((Kind::Image, unit)) => build::image(translation, unit),
        _ if image.ends_with(".image") || image.ends_with(".build") => {
            translation.lose(line, "the file that it names is not among those imported", "name that file, too");
        }
        _ => translation.set(&["image"], string(image), &line.place),
    }
}

/// `-` before a device: only if it is there.
fn device(translation: &mut Translation<'_>, line: &Line) {
    for word in translation.words(line) {
        match word.strip_prefix('-') {
            Some(_) => {
                translation.lose(line, "a device of a container must be there", "add it to `devices` where it is")
            }
            None => translation.push(&["devices"], word, &line.place),
        }
    }
}

fn option(translation: &mut Translation<'_>, line: &Line, name: &str) {
    if let Some(text) = translation.text(line, line.unquoted()) {
        let separator = if name.starts_with("label") { ':' } else { '=' };
        translation.push(&["security_opt"], format!("{name}{separator}{text}"), &line.place);
    }
}

fn switch(translation: &mut Translation<'_>, line: &Line, option: &str) {
    if translation.boolean(line) == Some(true) {
        translation.push(&["security_opt"], option.to_owned(), &line.place);
    }
}

/// A JSON list of words, or one.
fn entrypoint(translation: &mut Translation<'_>, line: &Line) {
    let words = serde_json::from_str(&line.value).unwrap_or_else(|_| vec![line.value.clone()]);
    for word in words {
        if let Some(word) = translation.text(line, &word) {
            translation.push(&["entrypoint"], word, &line.place);
        }
    }
}

fn exec(translation: &mut Translation<'_>, line: &Line) {
    for word in translation.words(line) {
        translation.push(&["command"], word, &line.place);
    }
}

fn reload_command(translation: &mut Translation<'_>, line: &Line) {
    for word in translation.words(line) {
        translation.push(&["reload_command"], word, &line.place);
    }
}

/// `-` before a path: it may be missing.
fn env_file(translation: &mut Translation<'_>, line: &Line) {
    let (path, required) = match line.value.strip_prefix('-') {
        Some(path) => (path, false),
        None => (line.value.as_str(), true),
    };
    let Some(path) = translation.text(line, path) else { return };
    if required {
        translation.push(&["env_file"], path, &line.place);
    } else {
        let table = table_of(&line.place, [("path", string(path)), ("required", Value::Bool(false))]);
        translation.push_value(&["env_file"], table, &line.place);
    }
}

fn health_command(translation: &mut Translation<'_>, line: &Line) {
    if line.value == "none" {
        return translation.set(&["healthcheck", "disable"], Value::Bool(true), &line.place);
    }
    let listed: Option<Vec<String>> = serde_json::from_str(&line.value).ok();
    match listed {
        Some(words) => {
            let is_kind = words.first().is_some_and(|first| ["CMD", "CMD-SHELL", "NONE"].contains(&first.as_str()));
            let kind = (!is_kind).then(|| "CMD".to_owned());
            for word in kind.into_iter().chain(words) {
                translation.push(&["healthcheck", "test"], word.replace('$', "$$"), &line.place);
            }
        }
        None => {
            if let Some(text) = translation.text(line, line.unquoted()) {
                translation.set(&["healthcheck", "test"], string(text), &line.place);
            }
        }
    }
}

fn health_duration(translation: &mut Translation<'_>, line: &Line, key: &str) {
    if line.value == "disable" {
        return translation.lose(line, "a probe is repeated as long as the container runs", "use a long interval");
    }
    if let Some(text) = translation.text(line, line.unquoted()) {
        // A number is one of seconds.
        let text = if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("{text}s") } else { text };
        translation.set(&["healthcheck", key], string(text), &line.place);
    }
}

/// What Podman does with an unhealthy container; if it kills it, the unit's `Restart=` decides.
fn on_failure(translation: &mut Translation<'_>, line: &Line) {
    let action = match line.value.as_str() {
        "none" => "none",
        "stop" => "stop",
        "kill" | "restart" => "restart",
        _ => return translation.lose(line, "it is none of `none`, `kill`, `restart` and `stop`", "use `on_unhealthy`"),
    };
    translation.set(&["on_unhealthy"], string(action), &line.place);
}

/// Without it, Podman hands the host's proxy variables to the container.
fn http_proxy(translation: &mut Translation<'_>, line: &Line) {
    if translation.boolean(line) == Some(true) {
        translation.lose(line, "a container gets no variables of the host", "name the proxy in `environment`");
    }
}

/// The output goes to the journal in any case.
fn log_driver(translation: &mut Translation<'_>, line: &Line) {
    if !["journald", "passthrough"].contains(&line.value.as_str()) {
        translation.lose(line, "all output goes to the journal", "remove it: journald.conf(5) bounds its size and age");
    }
}

fn notify(translation: &mut Translation<'_>, line: &Line) {
    match line.value.as_str() {
        "healthy" => translation.set(&["ready"], string("healthy"), &line.place),
        _ if translation.boolean(line) == Some(true) => {
            let instead = "give it a healthcheck and `ready = \"healthy\"`";
            translation.lose(line, "a container has no way to systemd's notification socket", instead);
        }
        _ => {}
    }
}

fn pull(translation: &mut Translation<'_>, line: &Line) {
    let policy = match line.value.as_str() {
        // The engine fetches only what has changed.
        "newer" => "always",
        other => other,
    };
    translation.set(&["pull_policy"], string(policy), &line.place);
}

/// `NAME=SOFT[:HARD]`
fn ulimit(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let limit = text.split_once('=').and_then(|(name, limit)| {
        let (soft, hard) = limit.split_once(':').unwrap_or((limit, limit));
        Some((name, soft.parse().ok()?, hard.parse().ok()?))
    });
    let Some((name, soft, hard)) = limit else {
        return translation.lose(line, "the engine takes numbers alone", "write `ulimits.NAME = NUMBER`");
    };
    let value = match soft == hard {
        true => Value::Integer(soft),
        false => table_of(&line.place, [("soft", Value::Integer(soft)), ("hard", Value::Integer(hard))]),
    };
    translation.set(&["ulimits", name], value, &line.place);
}

/// What the Docker Engine (28) masks and protects by itself; a list in a stack file stands instead of it.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Paths with colons between them, besides those that are masked anyway.
fn mask(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    start(translation, line, "masked_paths", &MASKED);
    text.split(':').for_each(|path| translation.push(&["masked_paths"], path.to_owned(), &line.place));
}

/// The engine's own paths, on which the others of the list follow.
fn start(translation: &mut Translation<'_>, line: &Line, key: &str, paths: &[&str]) {
    if translation.table.get(key).is_none() {
        let text = |path: &&str| Node { value: string(*path), place: line.place.clone() };
        translation.set(&[key], Value::Array(paths.iter().map(text).collect()), &line.place);
    }
}

/// `ALL`, or paths with colons between them.
fn unmask(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    if text == "ALL" {
        return translation.push(&["security_opt"], "systempaths=unconfined".to_owned(), &line.place);
    }
    for path in text.split(':') {
        for (key, paths) in [("masked_paths", &MASKED[..]), ("readonly_paths", &READ_ONLY[..])] {
            if paths.contains(&path) {
                start(translation, line, key, paths);
                translation.retain(key, |value| *value != string(path));
            }
        }
    }
}

fn user(translation: &mut Translation<'_>, line: &Line) {
    let group = translation.unit.own("Group").last().map(|line| (*line).clone());
    let Some(user) = translation.text(line, line.unquoted()) else { return };
    let group = group.and_then(|line| translation.text(&line, &line.value));
    let user = group.map_or(user.clone(), |group| format!("{user}:{group}"));
    translation.set(&["user"], string(user), &line.place);
}

fn user_namespace(translation: &mut Translation<'_>, line: &Line) {
    match line.value.as_str() {
        "host" => translation.set(&["userns_mode"], string("host"), &line.place),
        _ => translation.lose(line, USER_NAMESPACE, REMOVE),
    }
}

fn stop_timeout(translation: &mut Translation<'_>, line: &Line) {
    translation.set(&["stop_grace_period"], string(format!("{}s", line.value)), &line.place);
}

/// Podman puts the file of the zone into the container.
fn time_zone(translation: &mut Translation<'_>, line: &Line) {
    let Some(zone) = translation.text(line, line.unquoted()) else { return };
    let source = match zone.as_str() {
        "local" => "/etc/localtime".to_owned(),
        zone => format!("/usr/share/zoneinfo/{zone}"),
    };
    translation.push(&["volumes"], format!("{source}:/etc/localtime:ro"), &line.place);
}

/// `NAME[,type=mount|env][,target=…][,uid=…][,gid=…][,mode=…]`; the values are Podman's.
fn secret(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let mut parts = text.split(',');
    let name = parts.next().map_or("", |name| name.strip_prefix("source=").unwrap_or(name)).to_owned();
    let options: Vec<(&str, &str)> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    if options.contains(&("type", "env")) {
        let instead =
            "let the program read `/run/secrets/NAME`: most images take the path in a variable that ends in `_FILE`";
        return translation.lose(line, "a secret is a file in the container, not a variable", instead);
    }
    let mut entries = vec![("source", string(&name))];
    for (key, value) in options {
        match key {
            "target" => entries.push(("target", string(value))),
            "uid" => entries.push(("uid", string(value))),
            "gid" => entries.push(("gid", string(value))),
            "mode" => entries.push(("mode", string(value))),
            _ => {}
        }
    }
    translation.push_value(&["secrets"], table_of(&line.place, entries), &line.place);
    translation.declare("secrets", &name, vec![entry("external", Value::Bool(true), &line.place)]);
    translation.warn(line, &QuadletFault::Secret { name });
}

/// `[SOURCE:]TARGET[:OPTIONS]`
fn volume(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let Some((source, rest)) = text.split_once(':') else {
        return translation.push(&["volumes"], text, &line.place);
    };
    let source = source_of(translation, line, source);
    translation.push(&["volumes"], format!("{source}:{rest}"), &line.place);
}

/// The key of a volume, which is declared if no file makes it; a path stays.
fn source_of(translation: &mut Translation<'_>, line: &Line, source: &str) -> String {
    if source.starts_with(['/', '.']) {
        return source.to_owned();
    }
    if let Some(name) = source.strip_suffix(".volume") {
        return name.to_owned();
    }
    translation.declare("volumes", source, vec![entry("name", string(source), &line.place)]);
    source.to_owned()
}

/// Fields with commas between them; one in double quotes may have commas of its own (RFC 4180).
fn comma_separated(text: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().map_or((), |field| field.push(other)),
        }
    }
    fields
}

/// `type=bind,source=…,destination=…`; podman-run(1), --mount.
fn mount(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let parts = comma_separated(&text);
    let options: Vec<(&str, &str)> = parts.iter().map(|part| part.split_once('=').unwrap_or((part, "true"))).collect();
    let kind = options.iter().find(|(key, _)| *key == "type").map_or("volume", |(_, kind)| *kind).to_owned();
    let mut entries = vec![("type", string(&kind))];
    let mut of_kind: Vec<(&'static str, Value)> = Vec::new();
    for (key, value) in options {
        match (key, kind.as_str()) {
            ("type", _) => {}
            ("source" | "src", "image") => entries.push(("source", string(value))),
            ("source" | "src", _) => entries.push(("source", string(source_of(translation, line, value)))),
            ("destination" | "dst" | "target", _) => entries.push(("target", string(value))),
            ("readonly" | "ro", _) => entries.push(("read_only", Value::Bool(value != "false"))),
            ("rw" | "readwrite", _) => entries.push(("read_only", Value::Bool(value == "false"))),
            ("bind-propagation", "bind") => of_kind.push(("propagation", string(value))),
            ("relabel", "bind") => of_kind.push(("selinux", string(if value == "private" { "Z" } else { "z" }))),
            ("tmpfs-size", "tmpfs") => of_kind.push(("size", string(value))),
            ("tmpfs-mode", "tmpfs") => of_kind.push(("mode", string(value))),
            ("subpath", "volume" | "image") => of_kind.push(("subpath", string(value))),
            _ => {
                let because = format!("the option `{key}` of a mount of type `{kind}` has no equivalent");
                return translation.lose(line, &because, "write the mount without it, as an entry of `volumes`");
            }
        }
    }
    let kind = ["bind", "volume", "tmpfs", "image"].into_iter().find(|known| *known == kind);
    let Some(kind) = kind else {
        return translation.lose(line, "the Docker Engine has no mounts of that type", REMOVE);
    };
    if !of_kind.is_empty() {
        entries.push((kind, table_of(&line.place, of_kind)));
    }
    translation.push_value(&["volumes"], table_of(&line.place, entries), &line.place);
}

/// `MODE`, or a network with its options: `NAME[.network][:ip=…,alias=…]`.
fn network(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let (name, options) = text.split_once(':').unwrap_or((&text, ""));
    if let Some(container) = name.strip_suffix(".container") {
        return translation.set(&["network_mode"], string(format!("service:{container}")), &line.place);
    }
    match name {
        "bridge" | "private" => {}
        "host" | "none" | "container" => translation.set(&["network_mode"], string(&text), &line.place),
        "slirp4netns" | "pasta" | "ns" => {
            translation.lose(line, "it is a mode of Podman's alone", "remove it: a service joins the stack's network");
        }
        _ => {
            let key = name.strip_suffix(".network").unwrap_or(name);
            translation.set(&["networks", key], table_of(&line.place, []), &line.place);
            if key == name {
                translation.declare("networks", key, vec![entry("external", Value::Bool(true), &line.place)]);
            }
            for (option, value) in options.split(',').filter_map(|option| option.split_once('=')) {
                attach(translation, line, key, (option, value));
            }
        }
    }
}

fn attach(translation: &mut Translation<'_>, line: &Line, network: &str, (option, value): (&str, &str)) {
    match option {
        "ip" | "ip6" if value.contains(':') => {
            translation.set(&["networks", network, "ipv6_address"], string(value), &line.place)
        }
        "ip" => translation.set(&["networks", network, "ipv4_address"], string(value), &line.place),
        "mac" => translation.set(&["networks", network, "mac_address"], string(value), &line.place),
        "interface_name" => translation.set(&["networks", network, "interface_name"], string(value), &line.place),
        "alias" => translation.push(&["networks", network, "aliases"], value.to_owned(), &line.place),
        _ => {
            let because = format!("the option `{option}` of a network has no equivalent");
            translation.lose(line, &because, REMOVE);
        }
    }
}

/// `IP=`, `IP6=` and `NetworkAlias=` are of the one network that the container joins.
fn addresses(translation: &mut Translation<'_>) {
    let unit = translation.unit;
    let joined = unit.own("Network").iter().find_map(|line| {
        let name = line.value.split(':').next().unwrap_or("");
        let is_mode = ["bridge", "private"].contains(&name);
        (!is_mode).then(|| name.strip_suffix(".network").unwrap_or(name).to_owned())
    });
    let network = joined.as_deref().unwrap_or("default");
    for (key, option) in [("IP", "ip"), ("IP6", "ip6"), ("NetworkAlias", "alias")] {
        for line in unit.own(key) {
            if let Some(value) = translation.text(line, line.unquoted()) {
                attach(translation, line, network, (option, &value));
            }
        }
    }
}

/// Podman gives a read-only container some writable directories, unless it is told not to.
fn temporary(translation: &mut Translation<'_>) {
    let unit = translation.unit;
    let is_on = |key: &str| unit.own(key).last().map(|line| (line.place.clone(), line.value.to_ascii_lowercase()));
    let yes = |value: &str| ["1", "yes", "true", "on"].contains(&value);
    let place = match (is_on("ReadOnly"), is_on("ReadOnlyTmpfs"), is_on("VolatileTmp")) {
        (Some((place, read_only)), tmpfs, _) if yes(&read_only) => match tmpfs {
            Some((_, tmpfs)) if !yes(&tmpfs) => None,
            _ => Some((place, &["/run", "/tmp", "/var/tmp"][..])),
        },
        (_, _, Some((place, volatile))) if yes(&volatile) => Some((place, &["/tmp"][..])),
        _ => None,
    };
    if let Some((place, directories)) = place {
        directories.iter().for_each(|directory| translation.push(&["tmpfs"], (*directory).to_owned(), &place));
    }
}
