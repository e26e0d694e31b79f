//! `[Container]` → a service.

use super::rules::Rule::{Boolean, By, No, Nothing, Number, Pairs, Text, Values, Words};
use super::rules::{REMOVE, Rule, Translation, string, table_of};
use super::unit::{Kind, Line};
use super::{attachments, build, storage};
use crate::stack::text::node::Value;

const USER_NAMESPACE: &str = "the Docker Engine maps users for all containers at once (`userns-remap` in daemon.json)";
const PODMAN_OPTION: &str = "it is an option of podman's command line";
const ENGINE: &str = "the Docker Engine has no such setting";
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
    ("Exec", Words("command")),
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
    ("Mask", By(storage::mask)),
    ("Memory", Text("mem_limit")),
    ("Mount", By(storage::mount)),
    ("Network", By(attachments::network)),
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
    ("ReloadCmd", Words("reload_command")),
    ("ReloadSignal", Text("reload_signal")),
    ("RemapGid", No(USER_NAMESPACE, REMOVE)),
    ("RemapUid", No(USER_NAMESPACE, REMOVE)),
    ("RemapUidSize", No(USER_NAMESPACE, REMOVE)),
    ("RemapUsers", No(USER_NAMESPACE, REMOVE)),
    // A registry that cannot be reached is asked again for a minute at each start, and the unit is restarted.
    ("Retry", Nothing),
    ("RetryDelay", Nothing),
    ("Rootfs", No("the Docker Engine runs images only", "import the directory as an image: `tar -C DIRECTORY -c . | docker import - NAME`")),
    ("RunInit", Boolean("init")),
    ("SeccompProfile", By(|translation, line| option(translation, line, "seccomp"))),
    ("Secret", By(storage::secret)),
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
    ("Timezone", By(storage::time_zone)),
    ("Tmpfs", Values("tmpfs")),
    ("UIDMap", No(USER_NAMESPACE, REMOVE)),
    ("Ulimit", By(ulimit)),
    ("Unmask", By(storage::unmask)),
    ("User", By(user)),
    ("UserNS", By(user_namespace)),
    ("VolatileTmp", Nothing),
    ("Volume", By(storage::volume)),
    ("WorkingDir", Text("working_dir")),
];

pub fn translate(translation: &mut Translation<'_>) {
    translation.apply(RULES);
    storage::temporary(translation);
    attachments::addresses(translation);
    // Podman does nothing about an unhealthy container unless it is told to.
    if let Some(line) = translation.unit.own("HealthCmd").last()
        && translation.unit.own("HealthOnFailure").is_empty()
    {
        translation.set(&["on_unhealthy"], Value::String("none".to_owned()), &line.place);
    }
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
    let value = if soft == hard {
        Value::Integer(soft)
    } else {
        table_of(&line.place, [("soft", Value::Integer(soft)), ("hard", Value::Integer(hard))])
    };
    translation.set(&["ulimits", name], value, &line.place);
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
