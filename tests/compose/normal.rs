//! A snapshot without what differs from one run to the next: ids, times, and the names and addresses that nobody has chosen.
//!
//! In: what `host/snapshot.sh` prints. Out: a tree of tables, so that differences have paths. What is left out or rewritten here is
//! told in the manual (`manual.rs`, "Compared in another form").

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

/// Who has started the containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Compose,
    Wharf,
}

impl Side {
    /// As `host/side.sh` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Side::Compose => "compose",
            Side::Wharf => "wharf",
        }
    }
}

/// Every container's new name by its id, the short id, and the name it has at the engine.
type Names = BTreeMap<String, String>;

/// The normal form of a snapshot.
pub fn normal(snapshot: &Value, side: Side) -> Value {
    let containers = containers(snapshot);
    let mut names: Names = containers.iter().flat_map(|(key, container)| known_as(key, container)).collect();
    names.extend(containers.values().flat_map(networks_by_id));
    for (id, name) in list(&snapshot["others"]).iter().flat_map(another) {
        names.entry(id).or_insert(name);
    }
    let units = units(snapshot["units"].as_str().unwrap_or_default());
    let now = list(&snapshot["now"]);
    let shapes: Map<String, Value> = containers
        .iter()
        .map(|(key, started)| {
            let present = now.iter().find(|present| present["Id"] == started["Id"]);
            let running = present.filter(|present| present["State"]["Running"] == true);
            let policy = restart_policy(side, started, &units);
            let mut shape = container(running.unwrap_or(started), &names, policy);
            let image = list(&snapshot["images"]).iter().find(|image| image["Id"] == started["Image"]);
            // By its names: of a built one, the id is never the same twice.
            shape["Image"] = image.map_or(Value::Null, |image| image["RepoTags"].clone());
            sort(&mut shape["Image"]);
            shape["ImageConfig"] = image.map_or(Value::Null, |image| image_config(&image["Config"]));
            shape["Running"] = json!(running.is_some());
            shape["Health"] = running.map_or(Value::Null, |running| running["State"]["Health"]["Status"].clone());
            (key.clone(), without_empty(shape))
        })
        .collect();
    json!({
        "containers": shapes,
        "networks": by_name(&snapshot["networks"], network),
        "volumes": by_name(&snapshot["volumes"], volume),
        "probes": snapshot["probes"],
    })
}

/// The newest container of each service and number: `web`, and further ones as `web 2`.
fn containers(snapshot: &Value) -> BTreeMap<String, Value> {
    let mut containers: BTreeMap<String, Value> = BTreeMap::new();
    for container in list(&snapshot["started"]) {
        let newest = containers.entry(key(container)).or_insert_with(|| container.clone());
        if newest["Created"].as_str() < container["Created"].as_str() {
            *newest = container.clone();
        }
    }
    containers
}

fn key(container: &Value) -> String {
    let label = |name: &str| container["Config"]["Labels"][name].as_str();
    let service = label("com.docker.compose.service").or(label("io.wharf.service")).expect("it is of a service");
    // The unit of a replica is an instance: `shop-web@2.service`.
    let instance = label("io.wharf.unit").and_then(|unit| unit.strip_suffix(".service")?.split_once('@'));
    let number = label("com.docker.compose.container-number").or(instance.map(|(_, number)| number));
    match number {
        None | Some("1") => service.to_owned(),
        Some(number) => format!("{service} {number}"),
    }
}

fn known_as(key: &str, container: &Value) -> Vec<(String, String)> {
    let id = text(&container["Id"]);
    let name = text(&container["Name"]).trim_start_matches('/').to_owned();
    // Compose's own name, which old links know.
    let project = text(&container["Config"]["Labels"]["io.wharf.project"]);
    let composes =
        format!("{project}-{}-{}", key.split(' ').next().unwrap_or(key), key.split(' ').nth(1).unwrap_or("1"));
    [id[..12].to_owned(), id, name, composes].into_iter().map(|known| (known, format!("<{key}>"))).collect()
}

/// A container that is not of the stack, by its name.
fn another(container: &Value) -> [(String, String); 2] {
    let (id, name) = (text(&container["ID"]), text(&container["Names"]));
    [(id[..12].to_owned(), name.clone()), (id, name)]
}

/// Compose names an external network by its id.
fn networks_by_id(container: &Value) -> Vec<(String, String)> {
    let networks = container["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    let named = networks.map(|(name, endpoint)| (text(&endpoint["NetworkID"]), name.clone()));
    named.filter(|(id, _)| !id.is_empty()).collect()
}

/// `systemctl show` of several units: by unit, the value of each property.
fn units(shown: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let properties = |block: &str| -> BTreeMap<String, String> {
        block.lines().filter_map(|line| line.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    };
    shown.split("\n\n").map(properties).filter_map(|unit| Some((unit.get("Id")?.clone(), unit))).collect()
}

/// In the words of the key `restart`. With Wharf it is the unit's, not the engine's.
fn restart_policy(side: Side, container: &Value, units: &BTreeMap<String, BTreeMap<String, String>>) -> String {
    let engines = &container["HostConfig"]["RestartPolicy"];
    let (name, retries) = (text(&engines["Name"]), engines["MaximumRetryCount"].as_i64().unwrap_or(0));
    let with_limit = |limited: bool, retries: String| {
        if limited { format!("on-failure:{retries}") } else { "on-failure".to_owned() }
    };
    if side == Side::Compose {
        return match name.as_str() {
            "" | "no" => "no".to_owned(),
            "on-failure" => with_limit(retries > 0, retries.to_string()),
            _ => "always".to_owned(),
        };
    }
    assert_eq!(name, "no", "two supervisors of {}", container["Name"]);
    let unit = &units[&text(&container["Config"]["Labels"]["io.wharf.unit"])];
    match unit["Restart"].as_str() {
        "on-abort" => "no".to_owned(),
        // systemd counts starts, the engine restarts.
        "on-failure" => {
            let starts: i64 = unit["StartLimitBurst"].parse().expect("a number");
            with_limit(unit["StartLimitIntervalUSec"] != "0" && starts > 0, (starts - 1).to_string())
        }
        policy => policy.to_owned(),
    }
}

fn container(inspected: &Value, names: &Names, restart: String) -> Value {
    let mut config = inspected["Config"].clone();
    config["Labels"] = labels(&config["Labels"]);
    config["Hostname"] = renamed(&config["Hostname"], names);
    config["ExposedPorts"] = exposed(&config["ExposedPorts"]);
    sort(&mut config["Env"]);

    let mut host = inspected["HostConfig"].clone();
    host["RestartPolicy"] = json!(restart);
    host["BindsAndMounts"] = binds_and_mounts(&host);
    for mode in ["NetworkMode", "PidMode", "IpcMode"] {
        host[mode] = renamed(&host[mode], names);
    }
    for linked in ["Links", "VolumesFrom"] {
        host[linked] = list(&host[linked]).iter().map(|link| in_pieces(link, names)).collect();
        sort(&mut host[linked]);
    }
    for capabilities in ["CapAdd", "CapDrop"] {
        for capability in host[capabilities].as_array_mut().into_iter().flatten() {
            *capability = json!(text(capability).trim_start_matches("CAP_"));
        }
    }
    for set in ["CapAdd", "CapDrop", "SecurityOpt", "ExtraHosts", "GroupAdd", "Ulimits"] {
        sort(&mut host[set]);
    }
    let host_table = host.as_object_mut().expect("the engine gives a table");
    for moved in ["Binds", "Mounts", "Tmpfs", "ContainerIDFile"] {
        host_table.remove(moved);
    }
    host_table.retain(|key, value| key == "BindsAndMounts" || *value != json!({}));

    let published = ports(&inspected["NetworkSettings"]["Ports"], &host["PortBindings"]);
    let networks = inspected["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    let endpoints: Map<String, Value> =
        networks.map(|(name, endpoint)| (name.clone(), self::endpoint(endpoint, names))).collect();
    json!({
        "Path": inspected["Path"],
        "Args": inspected["Args"],
        "AppArmorProfile": inspected["AppArmorProfile"],
        "Config": config,
        "HostConfig": host,
        "Mounts": mounts(&inspected["Mounts"]),
        "Ports": published,
        "Networks": endpoints,
    })
}

/// `8000` and `9000-9001/udp` as the engine's own `8000/tcp`, `9000/udp` and `9001/udp`.
fn exposed(ports: &Value) -> Value {
    let mut single = Map::new();
    for port in ports.as_object().into_iter().flatten().map(|(port, _)| port) {
        let (numbers, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let number = |text: &str| text.parse::<u16>().expect("a port is a number");
        single.extend((number(first)..=number(last)).map(|number| (format!("{number}/{protocol}"), json!({}))));
    }
    Value::Object(single)
}

/// The three forms in which the engine is asked for a mount, as one: by target, the source and every option.
fn binds_and_mounts(host: &Value) -> Value {
    let binds = list(&host["Binds"]).iter().map(|bind| {
        let bind = text(bind);
        let mut pieces = bind.splitn(3, ':');
        let (source, target) = (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
        let mut options: Vec<&str> = pieces.next().unwrap_or_default().split(',').collect();
        options.retain(|option| !matches!(*option, "" | "rw"));
        options.sort_unstable();
        let kind = if source.starts_with('/') { "bind" } else { "volume" };
        (target.to_owned(), json!({ "type": kind, "source": source, "options": options }))
    });
    let mounts = list(&host["Mounts"]).iter().map(|mount| (text(&mount["Target"]), long_mount(mount)));
    let tmpfs = host["Tmpfs"].as_object().into_iter().flatten().map(|(target, options)| {
        let mut options: Vec<String> =
            text(options).split(',').map(str::to_owned).filter(|option| !option.is_empty()).collect();
        options.sort_unstable();
        (target.clone(), json!({ "type": "tmpfs", "options": options }))
    });
    Value::Object(binds.chain(mounts).chain(tmpfs).collect())
}

/// The API's `Mount`, in the words of a bind's options.
fn long_mount(mount: &Value) -> Value {
    let mut options = Vec::new();
    if mount["ReadOnly"] == true {
        options.push("ro".to_owned());
    }
    if mount["VolumeOptions"]["NoCopy"] == true {
        options.push("nocopy".to_owned());
    }
    options.extend(mount["BindOptions"]["Propagation"].as_str().map(str::to_owned));
    for (table, key) in [("VolumeOptions", "Subpath"), ("TmpfsOptions", "SizeBytes"), ("TmpfsOptions", "Mode")] {
        let value = &mount[table][key];
        if !value.is_null() && *value != "" && *value != 0 {
            options.push(format!("{key}={value}"));
        }
    }
    options.sort_unstable();
    json!({ "type": mount["Type"], "source": mount["Source"], "options": options })
}

/// What the mounts became, by target. The name of an anonymous volume is nobody's choice. `Mode` only repeats the options.
fn mounts(mounts: &Value) -> Value {
    let one = |mount: &Value| {
        let mut mount = without(mount.clone(), &["Mode"]);
        let name = text(&mount["Name"]);
        if name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            mount["Name"] = json!("<anonymous>");
            mount["Source"] = json!("<anonymous>");
        }
        (text(&mount["Destination"]), mount)
    };
    Value::Object(list(mounts).iter().map(one).collect())
}

/// A port that the engine has chosen is as good as another of the same range.
fn ports(published: &Value, asked: &Value) -> Value {
    let mut published = published.clone();
    for (port, bindings) in published.as_object_mut().into_iter().flatten() {
        let asked: Vec<String> = list(&asked[port]).iter().map(|binding| text(&binding["HostPort"])).collect();
        for binding in bindings.as_array_mut().into_iter().flatten() {
            let number = text(&binding["HostPort"]);
            if !asked.contains(&number) {
                binding["HostPort"] = json!(format!("<of {}>", asked.join(" ")));
            }
        }
        sort(bindings);
    }
    published
}

fn endpoint(endpoint: &Value, names: &Names) -> Value {
    let mut endpoint = endpoint.clone();
    let address = text(&endpoint["IPAddress"]);
    if is_made_by_the_engine(&text(&endpoint["MacAddress"]), &address) {
        endpoint["MacAddress"] = json!("<derived>");
    }
    let (has_v4, has_v6) = (!address.is_empty(), endpoint["GlobalIPv6Address"] != "");
    // A chosen address stands in IPAMConfig.
    for chosen in [
        "IPAddress",
        "IPPrefixLen",
        "Gateway",
        "GlobalIPv6Address",
        "GlobalIPv6PrefixLen",
        "IPv6Gateway",
        "NetworkID",
        "EndpointID",
    ] {
        endpoint[chosen] = Value::Null;
    }
    if endpoint["IPAMConfig"] == json!({}) {
        endpoint["IPAMConfig"] = Value::Null;
    }
    endpoint["HasIPv4"] = json!(has_v4);
    endpoint["HasIPv6"] = json!(has_v6);
    for names_of in ["Aliases", "DNSNames"] {
        endpoint[names_of] = list(&endpoint[names_of]).iter().map(|name| renamed(name, names)).collect();
        sort(&mut endpoint[names_of]);
    }
    endpoint["Links"] = list(&endpoint["Links"]).iter().map(|link| in_pieces(link, names)).collect();
    sort(&mut endpoint["Links"]);
    endpoint
}

/// Engines before 28 make the address of the card from the one of the network: 02:42 and its four bytes. Later ones draw it; those that
/// the stacks choose begin with 02:42.
fn is_made_by_the_engine(mac: &str, address: &str) -> bool {
    let Ok(address) = address.parse::<Ipv4Addr>() else { return false };
    let [a, b, c, d] = address.octets();
    !mac.is_empty() && !mac.starts_with("02:42:") || mac == format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn network(inspected: &Value) -> Value {
    let mut network = inspected.clone();
    network["Labels"] = labels(&network["Labels"]);
    for subnet in network["IPAM"]["Config"].as_array_mut().into_iter().flatten() {
        if is_of_default_pool(&text(&subnet["Subnet"])) {
            *subnet = json!("<assigned>");
        }
    }
    without(network, &["Id", "Created", "Containers", "Scope"])
}

/// The engine's pools for networks that name no subnet: no stack chooses a network of that size.
fn is_of_default_pool(subnet: &str) -> bool {
    subnet.starts_with("172.") && subnet.ends_with("/16") || subnet.starts_with("192.168.") && subnet.ends_with("/20")
}

fn volume(inspected: &Value) -> Value {
    let mut volume = inspected.clone();
    volume["Labels"] = labels(&volume["Labels"]);
    without(volume, &["CreatedAt"])
}

/// The definition in an image.
fn image_config(config: &Value) -> Value {
    let mut config = config.clone();
    config["Labels"] = labels(&config["Labels"]);
    without(config, &["Hostname", "Image"])
}

/// Without those by which either program knows its own.
fn labels(labels: &Value) -> Value {
    let own = |name: &str| name.starts_with("com.docker.compose.") || name.starts_with("io.wharf.");
    let others = labels.as_object().into_iter().flatten().filter(|(name, _)| !own(name));
    Value::Object(others.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn by_name(inspected: &Value, one: fn(&Value) -> Value) -> Value {
    Value::Object(list(inspected).iter().map(|each| (text(&each["Name"]), without_empty(one(each)))).collect())
}

/// A container's new name for its old one, also in `container:NAME`.
fn renamed(value: &Value, names: &Names) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let (prefix, name) = match text.strip_prefix("container:") {
        Some(name) => ("container:", name),
        None => ("", text),
    };
    names.get(name).map_or_else(|| value.clone(), |name| json!(format!("{prefix}{name}")))
}

/// The same in `NAME:ro`, `NAME:alias` and `/NAME:/NAME/alias`.
fn in_pieces(value: &Value, names: &Names) -> Value {
    let text = text(value);
    let rename = |piece: &str| names.get(piece).map_or_else(|| piece.to_owned(), Clone::clone);
    let pieces = text.split(':').map(|part| part.split('/').map(rename).collect::<Vec<_>>().join("/"));
    json!(pieces.collect::<Vec<_>>().join(":"))
}

/// The engine says "nothing" in four ways.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(table) => {
            let kept = table.into_iter().map(|(key, value)| (key, without_empty(value)));
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        // A table may be there for its name's sake: an exposed port, a network.
        _ => false,
    }
}

fn without(mut value: Value, keys: &[&str]) -> Value {
    if let Some(table) = value.as_object_mut() {
        table.retain(|key, _| !keys.contains(&key.as_str()));
    }
    value
}

fn sort(list: &mut Value) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(Value::to_string);
        list.dedup();
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
