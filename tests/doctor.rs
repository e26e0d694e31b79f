//! `wharf doctor`, and the same checks where they decide: what is wrong with a host, and the next step.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use serde_json::Value;
use support::Host;

const WEB: &str = r#"
[services.web]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
"#;

/// What is not in order: `problem engine`.
fn found(host: &Host, before: &str) -> Vec<String> {
    let said = host.sh(&format!("{before} wharf doctor --json"));
    let answer: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    let checks = answer["checks"].as_array().unwrap();
    let bad = checks.iter().filter(|check| check["result"] != "ok").inspect(|check| {
        assert!(check["help"].as_str().is_some_and(|help| !help.is_empty()), "{check}");
    });
    let bad: Vec<String> =
        bad.map(|check| format!("{} {}", check["result"].as_str().unwrap(), check["name"].as_str().unwrap())).collect();
    let has_problem = bad.iter().any(|check| check.starts_with("problem"));
    assert_eq!((answer["fit"] == false, said.status), (has_problem, i32::from(has_problem)), "{said:?}");
    bad
}

fn set_engine_options(host: &Host, options: &str) {
    host.sh(&format!(
        "jq '. + {options}' /etc/docker/daemon.json >/root/daemon.json || echo '{options}' >/root/daemon.json
         cp /root/daemon.json /etc/docker/daemon.json && systemctl restart docker"
    ))
    .ok();
}

#[test]
fn a_host_is_examined_and_each_thing_that_is_wrong_has_a_next_step() {
    let host = Host::builder().live_restore().boot("doctor");
    host.sh("systemctl start wharfd").ok();
    assert_eq!(found(&host, ""), [""; 0]);
    let text = host.sh("wharf doctor").ok().stdout;
    assert!(text.contains("ok       Docker Engine ") && text.contains("ok       systemd "), "{text}");

    assert_eq!(found(&host, "DOCKER_HOST=unix:///run/other.sock"), ["warning DOCKER_HOST"]);
    assert_eq!(found(&host, "DOCKER_HOST=unix:///var/run/docker.sock"), [""; 0]);
    // What is not this user's to use.
    host.sh("useradd --create-home ada").ok();
    assert_eq!(found(&host, "runuser --user ada --"), ["problem engine"]);
    let text = host.sh("runuser --user ada -- wharf doctor").fails().stdout;
    assert!(text.contains("problem  no permission to use the engine at /run/docker.sock: run as root, or"), "{text}");
    assert!(text.contains("-> `sudo wharf doctor`") && !text.contains("install"), "{text}");

    set_engine_options(&host, r#"{"live-restore": false}"#);
    assert_eq!(found(&host, ""), ["warning live-restore"]);

    // A port of the whole host beside a firewall.
    host.generate("shop", &format!("{WEB}ports = [\"8080:80\", \"127.0.0.1:8081:80\"]\n"));
    host.sh("systemctl start shop.target").ok();
    assert_eq!(found(&host, ""), ["warning live-restore"], "there is no firewall");
    host.sh(
        "mkdir -p /etc/ufw && echo ENABLED=yes >/etc/ufw/ufw.conf && systemd-run --quiet --unit=ufw sleep infinity",
    )
    .ok();
    assert_eq!(found(&host, ""), ["warning live-restore", "warning firewall"]);
    let text = host.sh("wharf doctor").ok().stdout;
    assert!(text.contains("0.0.0.0:8080 of shop-web") && !text.contains("8081"), "{text}");
    host.sh("systemctl stop ufw shop.target").ok();

    host.sh("systemctl stop docker.socket docker.service").ok();
    assert_eq!(found(&host, ""), ["problem engine"]);
    let text = host.sh("wharf doctor").fails().stdout;
    assert!(
        text.contains("/run/docker.sock: Docker is not ") && text.contains("systemctl enable --now docker"),
        "{text}"
    );
}

#[test]
fn generate_refuses_an_engine_under_which_limits_do_nothing() {
    let host = Host::boot("cgroupfs");
    host.sh("systemctl start wharfd").ok();
    set_engine_options(&host, r#"{"exec-opts": ["native.cgroupdriver=cgroupfs"]}"#);
    assert_eq!(found(&host, ""), ["problem cgroup driver", "warning live-restore"]);
    host.write("/root/shop.toml", WEB);
    let said = host.sh("wharf generate shop.toml").fails().stderr;
    assert!(said.contains("cgroup driver cgroupfs") && said.contains("native.cgroupdriver=systemd"), "{said}");
    host.sh("! ls /etc/systemd/system/shop* && wharf generate --check shop.toml").fails();
    // Where it is somebody else's systemd that will run it, this engine does not matter.
    host.sh("wharf generate --output /root/units shop.toml").ok();
    set_engine_options(&host, r#"{"exec-opts": ["native.cgroupdriver=systemd"]}"#);
    host.sh("wharf generate --now shop.toml").ok();
}

#[test]
fn podman_and_a_users_own_systemd_are_refused_by_a_sentence() {
    let host = Host::boot("podman");
    host.write("/root/shop.toml", WEB);
    let said = host.sh("wharf generate --user shop.toml").fails().stderr;
    assert!(said.starts_with("wharf: --user: ") && said.contains("as root"), "{said}");
    host.sh("! ls /root/.config/systemd/user").ok();

    host.sh("systemctl start wharfd && systemctl stop docker.socket docker.service && mkdir -p /run/podman").ok();
    host.sh("systemd-run --quiet podman system service --time=0 unix:///run/podman/podman.sock").ok();
    host.wait_for("Podman's socket", || host.sh("test -S /run/podman/podman.sock").status == 0);
    host.sh("ln -sf /run/podman/podman.sock /run/docker.sock").ok();
    assert_eq!(found(&host, ""), ["problem engine"]);
    let said = host.sh("wharf generate shop.toml").fails().stderr;
    assert!(said.contains("/run/docker.sock is Podman's") && said.contains("podman-docker"), "{said}");
    host.sh("! ls /etc/systemd/system/shop*").ok();
}

#[test]
fn nobody_who_asks_switches_restarts_on() {
    let host = Host::boot("passive");
    host.sh("rm /etc/systemd/system/dbus-io.wharf.Supervisor1.service && systemctl daemon-reload; useradd ada").ok();
    let healthy = format!("{WEB}healthcheck = {{ test = [\"CMD\", \"true\"], interval = \"1s\" }}\n");
    host.write("/root/shop.toml", &healthy);
    let note =
        "wharf: wharfd is not enabled, so nothing acts on the healthchecks of shop: `systemctl enable --now wharfd`\n";
    let said = host.sh("wharf generate --now shop.toml").ok().stderr;
    assert!(said.contains(note), "{said}");
    assert!(found(&host, "").contains(&"warning wharfd".to_owned()));
    let unseen = host.sh("runuser --user ada -- wharf doctor").fails().stdout;
    assert!(unseen.contains("only root sees whether a service has a healthcheck"), "{unseen}");
    for asked in ["runuser --user ada -- wharf status", "wharf status", "wharf diff || true"] {
        let said = host.sh(asked).ok().stderr;
        assert!(said.contains("wharfd is not enabled: `systemctl enable --now wharfd`"), "{asked}: {said}");
    }
    host.sh("runuser --user ada -- busctl get-property io.wharf.Supervisor1 /io/wharf/Supervisor1 io.wharf.Supervisor1 Version").fails();
    assert_eq!(host.property("wharfd", "ActiveState"), "inactive");

    host.sh("systemctl enable wharfd").ok();
    assert!(!host.sh("wharf generate --now shop.toml").ok().stderr.contains(note));
    assert!(found(&host, "").contains(&"warning wharfd".to_owned()), "it is enabled and does not run");
    host.sh("runuser --user ada -- wharf status").ok();
    assert_eq!(host.property("wharfd", "ActiveState"), "active", "where it is enabled, a question starts it");
}

#[test]
fn what_systemd_cannot_execute_is_not_tried_again() {
    let host = Host::boot("unexecuted");
    host.generate("shop", WEB);
    host.sh("systemctl start shop-default-network").ok();
    host.sh("chmod -x /usr/libexec/wharf/wharf-run; systemctl start shop-web").fails();
    assert_eq!(
        (
            host.property("shop-web", "ExecMainStatus"),
            host.property("shop-web", "NRestarts"),
            host.property("shop-web", "ActiveState")
        ),
        ("203".to_owned(), "0".to_owned(), "failed".to_owned())
    );
}
