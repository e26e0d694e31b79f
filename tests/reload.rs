//! `systemctl reload` on a real host.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

const STACK: &str = r#"
[services.signal]
image = "127.0.0.1:5000/busybox:1"
command = ["sh", "-c", "trap 'echo read anew' HUP; echo ready; while :; do sleep 0.1; done"]
stop_signal = "SIGKILL"
reload_signal = "HUP"

[services.command]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
reload_command = ["sh", "-c", "echo asked to reload; exit $(cat /status)"]
scale = 1
"#;

fn logged(host: &Host, unit: &str, line: &str) {
    host.wait_for(line, || {
        let log = host.sh(&format!("journalctl --output=cat --unit={unit}")).ok().stdout;
        log.lines().any(|logged| logged == line)
    });
}

#[test]
fn a_container_is_told_to_read_its_configuration_anew_and_goes_on() {
    let host = Host::boot("reload");
    host.write("/root/shop.toml", STACK);
    host.sh("wharf generate /root/shop.toml && systemctl start shop.target").ok();
    host.sh("docker exec shop-command-1 sh -c 'echo 0 >/status'").ok();
    logged(&host, "shop-signal", "ready");
    let ids = || host.sh("docker ps --no-trunc --quiet | sort").ok().stdout;
    let before = ids();

    host.sh("systemctl reload shop-signal shop-command@1").ok();
    logged(&host, "shop-signal", "read anew");
    logged(&host, "shop-command@1", "asked to reload");

    // A reload that fails is an error of the reload alone.
    host.sh("docker exec shop-command-1 sh -c 'echo 7 >/status'").ok();
    host.sh("systemctl reload shop-command@1").fails();
    logged(&host, "shop-command@1", "cannot reload: reload_command (sh) exited with status 7");
    assert_eq!(host.sh("systemctl is-active shop-signal shop-command@1").ok().stdout, "active\nactive\n");
    assert_eq!(ids(), before);
    let warnings = host.sh("journalctl --output=cat --priority=warning --unit=shop-signal").ok().stdout;
    assert_eq!(warnings, "", "systemd has nothing to complain of");
}
