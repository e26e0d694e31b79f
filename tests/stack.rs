//! Stack files, and what becomes of them.
//!
//! Valid ones are written out below with what they mean. Invalid ones are the folders of `tests/invalid`: a `stack.toml`, what
//! else it needs, and in `expected.txt` the errors as an administrator sees them. `UPDATE=1` writes the expectations anew.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use wharf::diagnostic::Severity;
use wharf::plan::{Location, Reader, plan};
use wharf::stack::{
    Condition, Device, HealthTest, Loaded, Mount, MountKind, Protocol, Published, PullPolicy, Ready, Recursive,
    Request, Restart, Service, Ulimit, load, project_name_of,
};

/// The process's environment in all tests.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "HOME" => "/home/ada",
        "TAG" => "1.29",
        "EMPTY" => "",
        "WINNER" => "process",
        _ => return None,
    };
    Some(value.to_owned())
}

/// A directory with a stack file named `shop.toml` and others beside it.
struct Directory(tempfile::TempDir);

impl Directory {
    fn with(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self) -> Loaded {
        load(&Request::of_stack(&self.path("shop.toml"), &environment))
            .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }
}

#[track_caller]
fn loaded(text: &str) -> Loaded {
    Directory::with(&[("shop.toml", text)]).load()
}

/// The service `web` of a stack in which its keys are these.
#[track_caller]
fn web(keys: &str) -> Service {
    *loaded(&format!("[volumes.data]\n[services.web]\nimage = \"nginx\"\n{keys}")).stack.services["web"].clone()
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_smallest_stack() {
    let directory = Directory::with(&[("shop.toml", "[services.web]\nimage = \"nginx\"\n")]);
    let Loaded { stack, warnings, .. } = directory.load();
    assert!(warnings.is_empty());
    assert_eq!((stack.name.as_str(), stack.autostart), ("shop", true));
    assert_eq!(stack.source, directory.path("shop.toml"));
    let web = &stack.services["web"];
    assert_eq!((web.name.as_str(), web.image.as_str()), ("web", "nginx"));
    assert_eq!(web.place.line_column(), (1, 11));
    assert_eq!((web.restart, web.ready, &web.command), (None, None, &None));
    assert_eq!(web.networks.keys().collect::<Vec<_>>(), ["default"]);
    assert_eq!(stack.networks["default"].name, "shop_default");
}

#[test]
fn a_project_is_named_by_its_file_or_itself() {
    assert_eq!(project_name_of(Path::new("/etc/wharf/My Shop.toml")), "myshop");
    let stack = loaded("name = \"other-${TAG:+x}\"\n[services.web]\nimage = \"nginx:$COMPOSE_PROJECT_NAME\"").stack;
    assert_eq!((stack.name.as_str(), stack.services["web"].image.as_str()), ("other-x", "nginx:other-x"));
}

/// Each place in which Compose takes the default for an empty string, as an unset variable leaves it: with `EMPTY`, and as it is
/// written without.
const DEFAULTED: &[(&str, &str)] = &[
    ("user = EMPTY", ""),
    ("hostname = EMPTY", ""),
    ("domainname = EMPTY", ""),
    ("restart = EMPTY", ""),
    ("network_mode = EMPTY", ""),
    ("container_name = EMPTY", ""),
    ("platform = EMPTY", ""),
    ("dns = EMPTY", ""),
    ("dns = [EMPTY, '192.0.2.1']", "dns = '192.0.2.1'"),
    ("stop_signal = EMPTY", ""),
    ("working_dir = EMPTY", ""),
    ("ipc = EMPTY", ""),
    ("pid = EMPTY", ""),
    ("cpuset = EMPTY", ""),
    ("mac_address = EMPTY", ""),
    ("uts = EMPTY", ""),
    ("userns_mode = EMPTY", ""),
    ("runtime = EMPTY", ""),
    ("cgroup = EMPTY", ""),
    ("pull_policy = EMPTY", ""),
    ("isolation = EMPTY", ""),
    ("ports = ['${UNSET}:80:80']", "ports = ['80:80']"),
    ("ports = ['${UNSET}:80']", "ports = ['80']"),
    ("ports = ['${UNSET}:${UNSET}:80']", "ports = ['80']"),
    ("ports = ['127.0.0.1:${UNSET}:80']", "ports = ['127.0.0.1::80']"),
    ("ports = ['8080:80/${UNSET}']", "ports = ['8080:80']"),
    (
        "ports = [{ target = 80, published = EMPTY, host_ip = EMPTY, protocol = EMPTY, mode = EMPTY }]",
        "ports = [{ target = 80 }]",
    ),
    ("devices = [EMPTY, '/dev/null']", "devices = ['/dev/null']"),
    ("devices = [{ source = '/dev/null', target = EMPTY, permissions = EMPTY }]", "devices = ['/dev/null']"),
    ("expose = [EMPTY, 80]", "expose = [80]"),
    ("labels = [EMPTY, 'a=b']", "labels = ['a=b']"),
    ("profiles = [EMPTY]", ""),
    ("group_add = [EMPTY, 'mail']", "group_add = ['mail']"),
    ("cap_add = [EMPTY]", ""),
    ("healthcheck = { test = EMPTY, retries = 2 }", "healthcheck = { retries = 2 }"),
    ("networks = { default = { ipv4_address = EMPTY, ipv6_address = EMPTY } }", "networks = { default = {} }"),
    ("networks = { default = { link_local_ips = [EMPTY] } }", "networks = { default = {} }"),
    ("build = { context = '.', dockerfile = EMPTY, target = EMPTY }", "build = { context = '.' }"),
    ("deploy = { restart_policy = { condition = EMPTY } }", "deploy = { restart_policy = {} }"),
    ("[networks.default]\ndriver = EMPTY\nname = EMPTY", "[networks.default]"),
    (
        "[networks.default.ipam]\ndriver = EMPTY\nconfig = [{ subnet = '192.0.2.0/24', gateway = EMPTY, ip_range = EMPTY }]",
        "[networks.default.ipam]\nconfig = [{ subnet = '192.0.2.0/24' }]",
    ),
    ("[volumes.data]\ndriver = EMPTY\nname = EMPTY", "[volumes.data]"),
];

#[test]
fn an_empty_string_is_the_default_where_compose_takes_it() {
    let directory = Directory::with(&[]);
    let location = Location { unit_dir: "/u".into(), libexec: "/r".into(), reader: Reader::System };
    let files = |keys: &str| -> BTreeMap<String, String> {
        let text = format!("[services.web]\nimage = 'nginx'\nvolumes = ['data:/data']\n{keys}\n");
        let more = if keys.contains("[volumes.data]") { "" } else { "[volumes.data]\n" };
        std::fs::write(directory.path("shop.toml"), text + more).unwrap();
        let stack = directory.load().stack;
        plan(&stack, &location)
            .unwrap()
            .files
            .iter()
            .map(|file| (file.name.clone(), file.contents.to_string()))
            .collect()
    };
    for (empty, without) in DEFAULTED {
        for written in ["''", "'${UNSET}'"] {
            assert_eq!(files(&empty.replace("EMPTY", written)), files(without), "{empty}");
        }
    }
}

#[test]
fn the_obsolete_version_is_a_warning() {
    let warnings = loaded("version = \"3.8\"\n[services.web]\nimage = \"nginx\"").warnings;
    let severities: Vec<Severity> = warnings.iter().map(|d| d.severity).collect();
    assert_eq!(severities, [Severity::Warning]);
}

#[test]
fn extension_keys_are_ignored_everywhere() {
    let text = "x-top = \"${\"\n[services.web]\nimage = \"nginx\"\nx-a = 1\nhealthcheck = { x-b = 2 }\n[networks.default]\nx-c = 3";
    assert!(loaded(text).warnings.is_empty());
}

#[test]
fn variables_come_from_the_environment_and_then_from_dotenv() {
    let directory = Directory::with(&[
        (".env", "WINNER=dotenv\nPORT=8080\nRETRIES=5\nFROM_ENV=${TAG}-x\n"),
        (
            "shop.toml",
            r#"
            [services.web]
            image = "nginx:${TAG:-latest}"
            hostname = "$WINNER"
            init = "${INIT:-true}"
            ports = ["${PORT}:80"]
            command = ["$$HOME", "${UNSET}", "${FROM_ENV}"]
            healthcheck = { retries = "$RETRIES" }
            "#,
        ),
    ]);
    let Loaded { stack, warnings, .. } = directory.load();
    let web = &stack.services["web"];
    assert_eq!(web.image.as_str(), "nginx:1.29");
    assert_eq!(web.hostname.as_deref(), Some("process"));
    assert_eq!(web.init, Some(true));
    assert_eq!(web.ports[0].published, Published::One(8080));
    assert_eq!(web.command, Some(strings(&["$HOME", "", "1.29-x"])));
    assert_eq!(web.healthcheck.as_ref().and_then(|check| check.retries), Some(5));
    let messages: Vec<&str> = warnings.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["the variable `UNSET` is not set, defaulting to an empty string"]);
}

#[test]
fn environment_wins_over_env_files_and_later_files_over_earlier_ones() {
    let directory = Directory::with(&[
        ("a.env", "A=a\nB=a\nC=a\nTAG\n"),
        ("b.env", "B=b\nC='$x'\nD=${A}d\n"),
        ("raw.env", "RAW='$x'\n"),
        (
            "shop.toml",
            r#"
            [services.list]
            image = "nginx"
            env_file = ["a.env", "./b.env", { path = "none.env", required = false }, { path = "raw.env", format = "raw" }]
            environment = ["C=c=c", "HOME", "NOWHERE"]
            [services.map]
            image = "nginx"
            env_file = "a.env"
            environment = { B = 1, F = 1.10, T = true, D = 2024-01-01 }
            "#,
        ),
    ]);
    let stack = directory.load().stack;
    let shown = |service: &str| -> Vec<String> {
        let environment = &stack.services[service].environment;
        environment.iter().map(|(k, v)| v.as_ref().map_or(format!("-{k}"), |v| format!("{k}={v}"))).collect()
    };
    assert_eq!(shown("list"), ["A=a", "B=b", "C=c=c", "D=ad", "HOME=/home/ada", "-NOWHERE", "RAW='$x'", "TAG=1.29"]);
    assert_eq!(shown("map"), ["A=a", "B=1", "C=a", "D=2024-01-01", "F=1.10", "T=true", "TAG=1.29"]);
}

#[test]
fn commands_are_split_as_a_shell_does_or_taken_as_they_are() {
    let service = web(r#"command = "nginx -g 'daemon off;'"
        entrypoint = []"#);
    assert_eq!(service.command, Some(strings(&["nginx", "-g", "daemon off;"])));
    assert_eq!(service.entrypoint, Some(Vec::new()));
}

#[test]
fn ports_in_short_and_long_form() {
    let service = web(r#"ports = [80, "8000-8001:9000-9001", "127.0.0.1:53:53/udp", "7000-7010:70", "[::1]::81",
            { target = 443, published = "8443", host_ip = "::1", protocol = "tcp", mode = "host", name = "tls", app_protocol = "https" },
            { target = "90", published = 90 }]"#);
    let shown: Vec<String> = service
        .ports
        .iter()
        .map(|port| {
            let published = match port.published {
                Published::Ephemeral => "any".to_owned(),
                Published::One(port) => port.to_string(),
                Published::Range(first, last) => format!("{first}-{last}"),
            };
            let address = port.host_ip.map_or("*".to_owned(), |ip| ip.to_string());
            format!("{address} {published} {} {:?}", port.target, port.protocol)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "* any 80 Tcp",
            "* 8000 9000 Tcp",
            "* 8001 9001 Tcp",
            "127.0.0.1 53 53 Udp",
            "* 7000-7010 70 Tcp",
            "::1 any 81 Tcp",
            "::1 8443 443 Tcp",
            "* 90 90 Tcp",
        ]
    );
    assert_eq!(service.ports[3].protocol, Protocol::Udp);
}

#[test]
fn one_host_port_on_different_addresses_or_protocols_is_no_collision() {
    web(
        r#"ports = ["127.0.0.1:80:80", "127.0.0.2:80:80", "[::1]:80:80", "127.0.0.1:80:80/udp", "0.0.0.0:81:81", "[::]:81:81"]"#,
    );
}

#[test]
fn mounts_in_short_and_long_form() {
    let directory = Directory::with(&[(
        "shop.toml",
        r#"
        [volumes.data]
        [services.web]
        image = "nginx"
        tmpfs = ["/run:size=64m,mode=755", "/tmp"]
        volumes = [
            "data:/data",
            "./html:/html:ro,z,rslave",
            "~/x:/x",
            "/cache",
            { type = "bind", source = "../up", target = "/up", read_only = true, bind = { create_host_path = false, propagation = "shared", selinux = "Z" } },
            { type = "volume", source = "data", target = "/sub", volume = { nocopy = true, subpath = "a" } },
            { type = "tmpfs", target = "/fast", tmpfs = { size = "1m", mode = 0o1777 } },
        ]
        "#,
    )]);
    let loaded = directory.load();
    let mounts = &loaded.stack.services["web"].mounts;
    let get = |target: &str| -> &Mount { mounts.iter().find(|mount| mount.target == target).unwrap() };
    let volume = |source: Option<&str>, nocopy, subpath: Option<&str>| MountKind::Volume {
        source: source.map(str::to_owned),
        nocopy,
        subpath: subpath.map(str::to_owned),
        labels: BTreeMap::new(),
        selinux: None,
    };
    let bind = |source: PathBuf, create_host_path, propagation: Option<&str>, selinux| MountKind::Bind {
        source,
        create_host_path,
        propagation: propagation.map(str::to_owned),
        selinux,
        recursive: Recursive::Enabled,
    };
    assert_eq!(get("/data").kind, volume(Some("data"), false, None));
    assert_eq!(get("/cache").kind, volume(None, false, None));
    assert_eq!(get("/sub").kind, volume(Some("data"), true, Some("a")));
    assert_eq!(get("/html").kind, bind(directory.path("html"), true, Some("rslave"), Some('z')));
    assert_eq!(get("/x").kind, bind("/home/ada/x".into(), true, None, None));
    let up = directory.0.path().parent().unwrap().join("up");
    assert_eq!(get("/up").kind, bind(up, false, Some("shared"), Some('Z')));
    assert_eq!(get("/fast").kind, MountKind::Tmpfs { size: Some(1 << 20), mode: Some(0o1777), options: None });
    let options = Some("size=64m,mode=755".to_owned());
    assert_eq!(get("/run").kind, MountKind::Tmpfs { size: None, mode: None, options });
    assert_eq!(get("/tmp").kind, MountKind::Tmpfs { size: None, mode: None, options: Some(String::new()) });
    let read_only: Vec<&str> = mounts.iter().filter(|m| m.read_only).map(|m| m.target.as_str()).collect();
    assert_eq!(read_only, ["/html", "/up"]);
    assert_eq!(loaded.warnings.iter().count(), 3, "each bind source is missing on this host");
}

#[test]
fn networks_are_joined_by_list_or_table() {
    let stack = loaded(
        r#"
        [networks.front]
        driver = "bridge"
        driver_opts = { "com.docker.network.bridge.name" = "br0", mtu = 1400 }
        internal = true
        enable_ipv6 = true
        labels = ["a=b", "c"]
        ipam = { driver = "default", config = [{ subnet = "172.28.0.0/16", ip_range = "172.28.5.0/24", gateway = "172.28.5.254", aux_addresses = { h = "172.28.1.5" } }] }
        [networks.back]
        external = true
        [networks.named]
        name = "company"
        systemd.Unit.Description = "x"
        [services.a]
        image = "nginx"
        networks = ["front", "back"]
        [services.b.networks.front]
        aliases = ["x", "y"]
        ipv4_address = "172.28.5.7"
        mac_address = "02:42:ac:11:00:02"
        priority = 10
        gw_priority = 1
        [services.b]
        image = "nginx"
        "#,
    )
    .stack;
    assert_eq!(stack.networks.keys().collect::<Vec<_>>(), ["back", "front", "named"], "nobody uses `default`");
    let front = &stack.networks["front"];
    assert_eq!((front.name.as_str(), front.internal, front.enable_ipv6), ("shop_front", true, Some(true)));
    assert_eq!(front.driver_opts, map(&[("com.docker.network.bridge.name", "br0"), ("mtu", "1400")]));
    assert_eq!(front.labels, map(&[("a", "b"), ("c", "")]));
    assert_eq!(front.ipam.as_ref().unwrap().config[0].gateway.as_deref(), Some("172.28.5.254"));
    assert_eq!((stack.networks["back"].name.as_str(), stack.networks["back"].external), ("back", true));
    assert_eq!(stack.networks["named"].name, "company");
    assert_eq!(stack.services["a"].networks.len(), 2);
    let joined = &stack.services["b"].networks["front"];
    assert_eq!((joined.priority, joined.gw_priority), (10, Some(1)));
    assert_eq!(joined.aliases, ["x", "y"]);
}

#[test]
fn a_declared_default_network_is_the_one_that_services_join() {
    let stack = loaded("[networks.default]\nname = \"lan\"\nexternal = true\n[services.a]\nimage = \"a\"").stack;
    assert_eq!((stack.networks["default"].name.as_str(), stack.networks["default"].external), ("lan", true));
}

#[test]
fn dependencies_by_list_or_table() {
    let stack = loaded(
        r#"
        [services]
        db = { image = "a" }
        job = { image = "a" }
        one = { image = "a", depends_on = ["db"] }
        two = { image = "a", depends_on = { db = { condition = "service_healthy", restart = true }, job = { condition = "service_completed_successfully", required = false } } }
        three = { image = "a", depends_on = { gone = { required = false } } }
        "#,
    );
    let get = |service: &str, dependency: &str| {
        let dependency = &stack.stack.services[service].depends_on[dependency];
        (dependency.condition, dependency.required, dependency.restart)
    };
    assert_eq!(get("one", "db"), (Condition::Started, true, false));
    assert_eq!(get("two", "db"), (Condition::Healthy, true, true));
    assert_eq!(get("two", "job"), (Condition::CompletedSuccessfully, false, false));
    assert_eq!(stack.warnings.iter().count(), 1, "`gone` may be a mistake");
}

#[test]
fn healthchecks() {
    let test = |keys: &str| web(&format!("healthcheck = {keys}")).healthcheck.unwrap().test;
    let run = |words: &[&str]| HealthTest::Run(strings(words));
    assert_eq!(test("{ test = 'a || b' }"), run(&["CMD-SHELL", "a || b"]));
    assert_eq!(test("{ test = ['CMD', 'a', 'b'] }"), run(&["CMD", "a", "b"]));
    assert_eq!(test("{ test = ['NONE'] }"), HealthTest::Disabled);
    assert_eq!(test("{ disable = true }"), HealthTest::Disabled);
    assert_eq!(test("{ interval = '5s' }"), HealthTest::Inherit);
    let check = web(
        "healthcheck = { interval = '1m30s', timeout = '500ms', retries = 3, start_period = '1h', start_interval = '2s' }",
    );
    let check = check.healthcheck.unwrap();
    assert_eq!(check.interval, Some(Duration::from_secs(90)));
    assert_eq!(check.timeout, Some(Duration::from_millis(500)));
    assert_eq!(check.start_period, Some(Duration::from_secs(3600)));
    assert_eq!((check.retries, check.start_interval), (Some(3), Some(Duration::from_secs(2))));
}

#[test]
fn the_life_of_a_container() {
    let service = web(r#"
        restart = "on-failure:3"
        ready = "healthy"
        pull_policy = "if_not_present"
        stop_signal = "SIGRTMIN+3"
        stop_grace_period = "1m"
        init = true
        tty = true
        stdin_open = true
        "#);
    assert_eq!(service.restart, Some(Restart::OnFailure(Some(3))));
    assert_eq!((service.ready, service.pull_policy), (Some(Ready::Healthy), Some(PullPolicy::Missing)));
    assert_eq!(service.stop_signal.as_deref(), Some("SIGRTMIN+3"));
    assert_eq!(service.stop_grace_period, Some(Duration::from_secs(60)));
    assert_eq!((service.init, service.tty, service.stdin_open), (Some(true), true, true));
}

#[test]
fn who_a_container_is_and_what_it_may() {
    let service = web(r#"
        container_name = "the-web"
        hostname = "web"
        domainname = "example.org"
        user = 1000
        working_dir = "/srv"
        cap_add = ["NET_ADMIN"]
        cap_drop = ["ALL", "CAP_SYS_TIME"]
        privileged = false
        read_only = true
        devices = ["/dev/fuse", "/dev/sda:/dev/xvda:r", { source = "/dev/kvm", permissions = "rw" }]
        extra_hosts = ["a=192.0.2.1", "b:192.0.2.2", "c=[::1]", "host.docker.internal:host-gateway"]
        dns = "192.0.2.53"
        dns_search = ["example.org"]
        dns_opt = ["use-vc"]
        sysctls = { "net.core.somaxconn" = 1024 }
        labels = { "com.example" = true }
        "#);
    assert_eq!(service.user.as_deref(), Some("1000"));
    assert_eq!(service.cap_drop, ["ALL", "CAP_SYS_TIME"]);
    let device = |host: &str, container: &str, permissions: &str| Device {
        host: host.to_owned(),
        container: container.to_owned(),
        permissions: permissions.to_owned(),
    };
    assert_eq!(
        service.devices,
        [
            device("/dev/fuse", "/dev/fuse", "rwm"),
            device("/dev/sda", "/dev/xvda", "r"),
            device("/dev/kvm", "/dev/kvm", "rw"),
        ]
    );
    assert_eq!(service.extra_hosts, ["a:192.0.2.1", "b:192.0.2.2", "c:::1", "host.docker.internal:host-gateway"]);
    assert_eq!((service.dns, service.dns_search), (strings(&["192.0.2.53"]), strings(&["example.org"])));
    assert_eq!(service.sysctls, map(&[("net.core.somaxconn", "1024")]));
    assert_eq!(service.labels, map(&[("com.example", "true")]));
}

#[test]
fn extra_hosts_may_be_a_table() {
    let hosts = web("extra_hosts = { a = \"192.0.2.1\", b = [\"192.0.2.2\", \"::2\"] }").extra_hosts;
    assert_eq!(hosts, ["a:192.0.2.1", "b:192.0.2.2", "b:::2"]);
}

#[test]
fn limits() {
    let service = web(r#"
        mem_limit = "1.5g"
        cpus = 0.5
        pids_limit = -1
        ulimits = { nproc = 65535, nofile = { soft = 1024, hard = "4096" } }
        "#);
    assert_eq!(service.resources.mem_limit, Some(3 << 29));
    assert_eq!((service.resources.cpus, service.resources.pids_limit), (Some(500_000_000), Some(-1)));
    assert_eq!(service.ulimits["nproc"], Ulimit { soft: 65535, hard: 65535 });
    assert_eq!(service.ulimits["nofile"], Ulimit { soft: 1024, hard: 4096 });
    assert_eq!(web("mem_limit = 67108864\ncpus = \"2\"").resources.cpus, Some(2_000_000_000));
    assert_eq!(web("mem_limit = 0\ncpus = 0").resources.mem_limit, None, "0 is the engine's no limit");
}

#[test]
fn unit_directives_keep_their_order() {
    let service = web(r#"
        [services.web.systemd.Service]
        Nice = 5
        PrivateTmp = true
        ExecStartPre = ["/bin/a", "-/bin/b"]
        Environment = ""
        [services.web.systemd.Unit]
        After = "x.mount"
        "#);
    let lines = |section: &str| -> Vec<String> {
        let directives = &service.systemd[section];
        directives.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}"))).collect()
    };
    let expected = ["Nice=5", "PrivateTmp=yes", "ExecStartPre=/bin/a", "ExecStartPre=-/bin/b", "Environment="];
    assert_eq!(lines("Service"), expected);
    assert_eq!(lines("Unit"), ["After=x.mount"]);
}

#[test]
fn a_long_chain_of_dependencies_is_walked_without_recursion() {
    let mut text = String::from("[services]\ns0 = { image = \"a\" }\n");
    for number in 1..20_000 {
        text += &format!("s{number} = {{ image = \"a\", depends_on = [\"s{}\"] }}\n", number - 1);
    }
    assert_eq!(loaded(&text).stack.services.len(), 20_000);
}

#[test]
fn deep_and_huge_input_is_refused_and_not_a_crash() {
    let deep = format!("[services.web]\nimage = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = (0..100).map(|n| format!("[services.s{n}]\nimage = \"a\"\nports = [\"1-65535\"]\n")).collect::<String>();
    for text in [deep, wide] {
        let directory = Directory::with(&[("shop.toml", &text)]);
        assert!(load(&Request::of_stack(&directory.path("shop.toml"), &environment)).unwrap_err().has_errors());
    }
}

#[test]
fn a_file_that_is_not_there() {
    let errors = load(&Request::of_stack(Path::new("/nonexistent/shop.toml"), &environment)).unwrap_err();
    assert!(errors.render(false).contains("cannot read the stack file /nonexistent/shop.toml"));
}

#[test]
fn a_file_whose_name_gives_no_project() {
    let directory = Directory::with(&[("___.toml", "[services.web]\nimage = \"nginx\"\n")]);
    let errors = load(&Request::of_stack(&directory.path("___.toml"), &environment)).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["no project name can be derived from the file name `___`"]);
}

#[test]
fn invalid_stacks_say_what_to_do() {
    let root = Path::new("tests/invalid");
    let mut names: Vec<String> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 32, "only {} cases", names.len());
    let wrong: Vec<String> = names.iter().filter_map(|name| check_invalid(&root.join(name))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a case; `None` if it is as expected.
fn check_invalid(case: &Path) -> Option<String> {
    let name = case.display();
    let Err(errors) = load(&Request::of_stack(&case.join("stack.toml"), &environment)) else {
        return Some(format!("{name}: it is valid"));
    };
    assert!(errors.has_errors(), "{name}: only warnings");
    for diagnostic in errors.iter() {
        assert!(diagnostic.place.is_some(), "{name}: no place: {}", diagnostic.message);
        assert!(diagnostic.help.is_some(), "{name}: no help: {}", diagnostic.message);
    }
    let here = std::path::absolute(case).unwrap().display().to_string();
    let rendered = errors.render(false).replace(&format!("{here}/"), "/srv/case/").replace(&format!("{name}/"), "");
    let expectation = case.join("expected.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&expectation, rendered).unwrap();
        return None;
    }
    let expected = std::fs::read_to_string(&expectation).unwrap_or_default();
    (expected != rendered).then(|| format!("{name}: expected\n{expected}\nbut got\n{rendered}"))
}

/// Words that lead a generator of nonsense into the decoder's corners.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[services.web]\n".to_owned()),
        Just("[services.web.healthcheck]\n".to_owned()),
        Just("[networks.default]\n".to_owned()),
        Just("[services.db.systemd.Service]\n".to_owned()),
        Just("[services.db]\nextends = \"web\"\n".to_owned()),
        (key(), value()).prop_map(|(key, value)| format!("{key} = {value}\n")),
        "[\\PC\n]{0,20}",
    ]
}

fn key() -> impl Strategy<Value = String> {
    let keys = [
        "image",
        "command",
        "ports",
        "volumes",
        "networks",
        "depends_on",
        "environment",
        "env_file",
        "tmpfs",
        "test",
        "interval",
        "retries",
        "cpus",
        "mem_limit",
        "ulimits",
        "devices",
        "extra_hosts",
        "labels",
        "name",
        "services",
        "external",
        "ipam",
        "restart",
        "stop_signal",
        "cap_add",
        "systemd",
        "user",
        "Nice",
        "include",
        "extends",
        "service",
        "path",
        "profiles",
        "label_file",
    ];
    proptest::sample::select(keys.map(str::to_owned).to_vec())
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "\"[ -~&&[^\"\\\\]]{0,12}\"",
        "\"[0-9a-f:./$\\{\\}~-]{0,14}\"",
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:?}").replace("NaN", "nan")),
        any::<bool>().prop_map(|b| b.to_string()),
        Just("1979-05-27".to_owned()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(", "))),
            proptest::collection::btree_map(key(), inner, 0..4).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever stands in a file: it is read, or refused with places that can be shown.
    #[test]
    fn no_text_crashes_the_reader(
        fragments in proptest::collection::vec(fragment(), 0..12),
        over in proptest::collection::vec(fragment(), 0..6),
    ) {
        let directory = Directory::with(&[("shop.toml", &fragments.concat()), ("shop.override.toml", &over.concat())]);
        let diagnostics = match load(&Request::of_stack(&directory.path("shop.toml"), &environment)) {
            Ok(loaded) => loaded.warnings,
            Err(errors) => errors,
        };
        prop_assert!(diagnostics.iter().all(|d| d.place.is_some() && d.help.is_some()));
        diagnostics.render(false);
    }
}
