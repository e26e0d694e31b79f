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

/// An image without curl, and two ways to call it.
const UNPROBED: &str = r#"
[services.words]
image = "127.0.0.1:5000/busybox:1"
command = ["sleep", "100000"]
stop_signal = "SIGKILL"
ready = "healthy"
healthcheck = { test = ["CMD", "curl", "-f", "http://127.0.0.1"], interval = "1s", retries = 1, start_period = "1h" }
[services.shell]
image = "127.0.0.1:5000/busybox:1"
command = ["sleep", "100000"]
stop_signal = "SIGKILL"
ready = "healthy"
healthcheck = { test = "curl -f http://127.0.0.1 || exit 127", interval = "1s", retries = 1, start_period = "1h" }
[services.later]
image = "127.0.0.1:5000/busybox:1"
command = ["sleep", "100000"]
stop_signal = "SIGKILL"
ready = "healthy"
healthcheck = { test = ["CMD", "/tmp/probe"], interval = "1s", retries = 1, start_period = "1h" }
"#;

#[test]
fn a_probe_that_cannot_be_run_is_said_while_the_start_waits_at_its_end_and_in_the_history() {
    let host = Host::boot("unprobed");
    host.write("/root/shop.toml", UNPROBED);
    host.sh("systemd-run --quiet --unit=generate --property=StandardError=truncate:/root/out --working-directory=/root wharf generate --now shop.toml").ok();
    let of_words = "the healthcheck cannot be run: the image has no program `curl` in its PATH: see the service's `healthcheck` \
                    [OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": executable file not \
                    found in $PATH: unknown]";
    let of_shell = "the healthcheck cannot be run: the image has no program `curl`: see the service's `healthcheck` [exit status 127]";
    for (unit, why) in [("shop-words", of_words), ("shop-shell", of_shell)] {
        let expected = format!("Running, not yet healthy: {why}");
        host.wait_to_see("the status", || {
            let status = host.property(unit, "StatusText");
            if status == expected { Ok(()) } else { Err(status) }
        });
        assert_eq!(
            host.property(unit, "ActiveState"),
            "activating",
            "Docker does not count what fails in the start period"
        );
        let shown = host.sh("wharf status shop").stdout;
        assert!(shown.contains(&expected), "{shown}");
        host.wait_to_see("what --now waits for", || {
            let said = host.read("/root/out");
            let line = format!("wharf: waiting for {unit}.service: {expected}\n");
            if said.contains(&line) { Ok(()) } else { Err(said) }
        });
        // The command may hold a password: it is for those who may read the journal.
        let log = host.sh(&format!("journalctl --unit {unit} --output cat --priority warning")).ok().stdout;
        assert_eq!(log.matches(&format!("{why}; its command: curl -f http://127.0.0.1")).count(), 1, "{log}");
    }
    // One that can be run after all is not called broken any more, and a success ends the wait.
    let status = |host: &Host| host.property("shop-later", "StatusText");
    host.wait_for("the third cannot be run", || status(&host).contains("the image has no file `/tmp/probe`"));
    host.sh(r"docker exec shop-later sh -c 'printf \#\!/bin/false >/tmp/x; chmod +x /tmp/x; mv /tmp/x /tmp/probe'")
        .ok();
    host.wait_for("the third runs", || status(&host).starts_with("Running, not yet healthy, container "));
    host.sh(r"docker exec shop-later sh -c 'printf \#\!/bin/true >/tmp/x; chmod +x /tmp/x; mv /tmp/x /tmp/probe'").ok();
    host.wait_active("shop-later");
    host.sh("systemctl stop shop.target 'shop-*.service'").ok();

    let soon = UNPROBED.replace(", start_period = \"1h\"", "").split("[services.later]").next().unwrap().to_owned();
    host.write("/root/shop.toml", &soon);
    let out = host.sh("wharf generate --now shop.toml").fails().stderr;
    for (unit, why) in [("shop-words.service", of_words), ("shop-shell.service", of_shell)] {
        let expected = format!(
            "wharf: {unit}: failed: exit status 252: the container is unhealthy: {why} (journalctl -u {unit})\n"
        );
        assert!(out.contains(&expected), "{out}");
        let history = host
            .sh("wharf history shop --json | jq -r '.events[] | select(.attempts == 3) | .unit, .exit_status, .detail'")
            .ok();
        let expected = format!("{unit}\n252\nthe container is unhealthy: {why}\n");
        assert!(history.stdout.contains(&expected), "{history:?}");
        let table = host.sh("wharf history shop").ok().stdout;
        assert!(
            table.contains("3 attempts: exit-code 252: the container is unhealthy: the healthcheck cannot be run: "),
            "{table}"
        );
    }
}

#[test]
fn a_secret_whose_file_is_missing_is_named_wherever_the_failure_is_shown() {
    let host = Host::boot("nosecret");
    let secret = "secrets = [\"key\", \"other\"]\n[secrets]\nkey.file = \"/srv/key\"\nother.file = \"/srv/other\"\n";
    host.write("/root/shop.toml", &support::sleeper("web", secret));
    host.sh("useradd joe; touch /srv/other").ok();
    let why = "secret key: /srv/key does not exist: create it, then `systemctl start shop-web.service`";
    let out = host.sh("wharf generate --now shop.toml").fails().stderr;
    let failed = format!("wharf: shop-web.service: failed: exit status 243: {why} (journalctl -u shop-web.service)\n");
    assert!(out.contains(&failed), "{out}");
    for shown in [host.sh("wharf status shop"), host.sh("runuser -u joe -- wharf status shop")] {
        assert!(shown.stdout.contains(&format!("failed: exit-code 243: {why}\n")), "{shown:?}");
    }
    host.wait_to_see("the history", || {
        let history = host.sh("wharf history shop").ok().stdout;
        if history.contains(&format!("exit-code 243: {why}\n")) { Ok(()) } else { Err(history) }
    });
    let log = host.sh("wharf logs shop web").ok().stdout;
    assert!(log.contains(&format!("web * {why}\n")), "{log}");
    host.sh("touch /srv/key; systemctl start shop-web").ok();
    assert!(!host.sh("wharf status shop").ok().stdout.contains("does not exist"));
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
