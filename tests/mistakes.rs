//! Mistakes that show only when a container is started: what the unit's status, the journal and `wharf status` say.
//!
//! Mistakes in a stack file are folders of `tests/invalid`, each with the exact text that `wharf generate` prints: YAML in a TOML file, a
//! string without quotes, a key below a sub-table, a service without `services.`, names that are no ASCII (`toml-*`), unknown and
//! misspelt keys, values of a wrong type, a missing image, variables that are not set, undeclared networks, volumes and secrets, unknown
//! and circular `depends_on`, colliding ports, a service that can never be healthy, too little memory (`limits`), and more.
//! Mistakes about the host are in `tests/doctor.rs`, about a second stack of one name in `tests/generate.rs`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// A service's own keys, and the beginning of what its status says. In brackets, the engine's text follows.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "program",
        r#"command = ["nosuch", "--port", "80"]"#,
        "cannot start container shop-program: the image has no program `nosuch` in its PATH: see the service's `command` and \
         `entrypoint` [",
    ),
    (
        "file",
        r#"entrypoint = ["/usr/bin/nosuch"]"#,
        "cannot start container shop-file: the image has no file `/usr/bin/nosuch`: see the service's `command` and `entrypoint` [",
    ),
    (
        "executable",
        r#"command = ["/etc/passwd"]"#,
        "cannot start container shop-executable: `/etc/passwd` is not executable in the image: see the service's",
    ),
    (
        "taken",
        r#"ports = ["127.0.0.1:8080:80"]"#,
        "cannot start container shop-taken: port 127.0.0.1:8080 of this host is published by another container: `docker ps \
         --filter publish=8080` shows which [",
    ),
    (
        "busy",
        r#"ports = ["8099:80"]"#,
        "cannot start container shop-busy: port 0.0.0.0:8099 of this host is in use by a program: `ss --listening --processes \
         --numeric 'sport = :8099'` shows which [",
    ),
    (
        "address",
        r#"ports = ["10.9.9.9:8098:80"]"#,
        "cannot start container shop-address: this host has no address for 10.9.9.9:8098: see the service's `ports` [",
    ),
    (
        "mount",
        r#"volumes = ["/root/file:/etc"]"#,
        "cannot start container shop-mount: /root/file of this host and /etc of the image are not both files or both directories: \
         see the service's `volumes` [",
    ),
    (
        "user",
        r#"user = "nosuch""#,
        "cannot start container shop-user: the image has no user `nosuch`: see the service's `user`, or use a number [",
    ),
    (
        "device",
        r#"devices = ["/dev/nosuch"]"#,
        "cannot start container shop-device: this host has no device /dev/nosuch: see the service's `devices` [",
    ),
    (
        "platform",
        "platform = \"linux/arm64\"\npull_policy = \"never\"",
        "cannot create container shop-platform: the image that is on this host is for linux/amd64, and the service's `platform` is \
         linux/arm64 [",
    ),
    (
        "volume",
        r#"volumes = ["old:/data"]"#,
        "there is no volume old, and the stack does not make it (`external`): create it (docker volume create old), or remove \
         `external`",
    ),
    (
        "network",
        r#"networks = ["lan"]"#,
        "there is no network lan, and the stack does not make it (`external`): create it (docker network create lan), or remove \
         `external`",
    ),
];

#[test]
fn what_the_engine_refuses_is_said_in_the_words_of_the_stack_file() {
    let host = Host::boot("mistakes");
    host.sh("echo text >/root/file; docker run --detach --name other --publish 127.0.0.1:8080:80 127.0.0.1:5000/busybox:1 tail -f /dev/null").ok();
    host.write(
        "/root/listen.py",
        "import signal, socket\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
         s.bind(('0.0.0.0', 8099))\ns.listen(1)\nsignal.pause()\n",
    );
    host.sh("systemd-run --quiet --unit=listener python3 /root/listen.py; until ss --listening --tcp --numeric | grep --quiet :8099; do sleep 0.1; done").ok();
    let stack: String = MISTAKES
        .iter()
        .map(|(name, keys, _)| format!("[services.{name}]\nimage = \"127.0.0.1:5000/busybox:1\"\n{keys}\n"))
        .collect();
    host.write("/root/shop.toml", &(stack + "[volumes.old]\nexternal = true\n[networks.lan]\nexternal = true\n"));
    host.sh("wharf generate shop.toml && systemctl start shop.target || true").ok();
    for (name, _, expected) in MISTAKES {
        let unit = format!("shop-{name}");
        host.wait_for(&format!("the failure of {name}"), || host.property(&unit, "ActiveState") == "failed");
        let status = host.property(&unit, "StatusText");
        assert!(status.starts_with(expected), "{name}: {status}");
        let log = host.sh(&format!("journalctl --unit {unit} --output cat")).ok().stdout;
        assert!(log.lines().any(|line| line.starts_with(expected)), "{name}: {log}");
        let below = host.sh("wharf status shop || [ $? = 6 ]").ok().stdout;
        assert!(below.lines().any(|line| line.contains(expected)), "{name}: {below}");
    }
    assert_eq!(host.sh("docker ps --all --format '{{.Names}}'").ok().stdout, "other\n");
    assert_eq!(host.sh("docker volume ls --quiet").ok().stdout, "", "the engine has made none");
}

#[test]
fn a_probe_that_prints_nothing_is_shown_by_its_command() {
    let host = Host::boot("silent");
    host.generate(
        "shop",
        r#"
        [services.web]
        image = "127.0.0.1:5000/busybox:1"
        command = "tail -f /dev/null"
        stop_signal = "SIGKILL"
        on_unhealthy = "none"
        healthcheck = { test = ["CMD", "test", "-e", "/ready"], interval = "1s", retries = 1 }
        "#,
    );
    host.sh("systemctl start wharfd shop.target").ok();
    let told = "the container is unhealthy: `test -e /ready` exited with status 1 and printed nothing";
    host.wait_for("the journal says so", || {
        host.sh("journalctl --unit shop-web --output cat").ok().stdout.contains(told)
    });
    host.wait_for("the status shows it", || {
        host.sh("wharf status shop").stdout.contains("`test -e /ready` exited with status 1 and printed nothing")
    });
}

/// As a power cut on a file system without a journal leaves it.
#[test]
fn a_damaged_definition_names_the_way_out_and_generate_is_it() {
    let host = Host::boot("damaged");
    host.generate("shop", "[services.web]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n");
    let spec = "/etc/systemd/system/shop-web.container.json";
    for damage in [":>", "head -c 100 /etc/passwd >"] {
        host.sh(&format!("{damage}{spec}")).ok();
        host.sh("systemctl start shop-web").fails();
        let status = host.property("shop-web", "StatusText");
        assert!(status.contains(spec) && status.contains("run `wharf generate` to write it again"), "{status}");
        let said = host.sh("wharf generate --now /root/shop.toml").ok().stderr;
        assert!(said.contains("update shop-web.container.json") && said.contains("started shop-web.service"), "{said}");
        host.sh("systemctl stop shop.target").ok();
    }
    host.sh(":>/etc/systemd/system/shop-web.service && systemctl daemon-reload").ok();
    let said = host.sh("wharf generate --now /root/shop.toml").ok().stderr;
    assert!(said.contains("update shop-web.service") && said.contains("started shop-web.service"), "{said}");
    // Masked for this boot, without effect on what is in /etc: systemd starts it, and nobody says otherwise.
    host.sh("mkdir -p /run/systemd/system && ln -s /dev/null /run/systemd/system/shop-web.service && systemctl daemon-reload").ok();
    host.sh("wharf generate --now /root/shop.toml").ok();
}

#[test]
fn a_bind_source_that_is_missing_is_said_when_the_container_starts() {
    let host = Host::boot("missing");
    host.generate("shop", "[services.web]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\nvolumes = [\"/srv/nosuch:/data\"]\n");
    host.sh("systemctl start shop-web").ok();
    let log = host.sh("journalctl --unit shop-web --output cat --priority warning").ok().stdout;
    assert!(log.contains("/srv/nosuch does not exist on this host: the engine makes it an empty directory"), "{log}");
    host.sh("systemctl restart shop-web").ok();
    let log = host.sh("journalctl --unit shop-web --output cat --priority warning").ok().stdout;
    assert_eq!(log.matches("/srv/nosuch").count(), 1, "now it is there");
}
