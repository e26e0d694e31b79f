//! wharfd on a real host: what hangs is restarted through systemd.

mod support;

use std::time::Duration;

use support::Host;

const STACK: &str = r#"
[services.db]
image = "127.0.0.1:5000/busybox:1"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
healthcheck = { test = "cat /tmp/ok", interval = "300ms", retries = 1 }

[services.app]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
depends_on.db.condition = "service_healthy"
"#;

fn id(host: &Host, container: &str) -> String {
    let script = format!("docker inspect --format '{{{{.Id}}}} {{{{.State.Health.Status}}}}' {container} 2>/dev/null");
    host.sh(&format!("{script} || true")).ok().stdout.trim().replace(" healthy", "")
}

fn id_without_health(host: &Host, container: &str) -> String {
    host.sh(&format!("docker inspect --format '{{{{.Id}}}}' {container}")).ok().stdout
}

#[test]
fn an_unhealthy_container_is_restarted_alone_also_when_wharfd_missed_the_event() {
    let host = Host::boot("unhealthy");
    host.write("/root/shop.toml", STACK);
    host.sh("wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
    let app = id_without_health(&host, "shop-app");
    let mut before = id(&host, "shop-db");
    for missed in [false, true] {
        if missed {
            host.sh("systemctl stop wharfd").ok();
        }
        host.sh("docker exec shop-db rm /tmp/ok").ok();
        if missed {
            host.wait_for("the container is unhealthy", Duration::from_secs(20), || {
                id(&host, "shop-db").ends_with("unhealthy")
            });
            host.sh("systemctl start wharfd").ok();
        }
        host.wait_for("another container is healthy", Duration::from_secs(30), || {
            let now = id(&host, "shop-db");
            !now.is_empty() && !now.contains(' ') && now != before
        });
        before = id(&host, "shop-db");
    }
    assert_eq!(id_without_health(&host, "shop-app"), app, "what depends on it goes on");
    let log = host.sh("journalctl --unit wharfd --output cat").ok().stdout;
    assert_eq!(log.matches("shop-db.service: the container is unhealthy: restarting the unit").count(), 2, "{log}");
}

#[test]
fn wharfd_comes_back_with_the_engine_and_leaves_a_stopped_unit_alone() {
    let host = Host::builder().live_restore().boot("watch");
    host.write("/root/shop.toml", STACK);
    host.sh("wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
    host.sh("systemctl restart docker").ok();
    host.wait_for("wharfd watches again", Duration::from_secs(20), || {
        host.sh("systemctl show --property StatusText --value wharfd").ok().stdout.trim() == "Watching"
    });
    let before = id(&host, "shop-db");
    host.sh("docker exec shop-db rm /tmp/ok").ok();
    host.wait_for("another container is healthy", Duration::from_secs(30), || {
        let now = id(&host, "shop-db");
        !now.is_empty() && !now.contains(' ') && now != before
    });
    host.sh("systemctl stop shop-app shop-db; sleep 1").ok();
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
}
