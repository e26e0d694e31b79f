//! What runs on when its definition has gone: a stack that is removed while it starts.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::time::Duration;

use support::Host;

fn containers(host: &Host) -> String {
    host.sh("docker ps --all --format '{{.Names}}' | sort | xargs").ok().stdout.trim().to_owned()
}

#[test]
fn a_stack_that_is_removed_while_it_starts_leaves_nothing() {
    let host = Host::boot("removestart");
    host.generate(
        "shop",
        r#"
        [services.slow]
        image = "IMAGE"
        command = ["sleep", "100000"]
        stop_signal = "SIGKILL"
        ready = "healthy"
        healthcheck = { test = "false", interval = "1s", start_period = "1h" }
        [services.waiting]
        image = "IMAGE"
        command = ["sleep", "100000"]
        scale = 2
        depends_on = ["slow"]
        [services.hanging]
        image = "IMAGE"
        systemd.Service.ExecStartPre = "sleep 100000"
        "#,
    );
    let list = "systemctl list-units --all --plain --no-legend 'shop*' 'wharf-shop*'";
    for _ in 0..3 {
        host.sh("wharf generate shop.toml && systemctl start --no-block shop.target").ok();
        host.wait_for("the container runs, and others wait for it", Duration::from_secs(30), || {
            host.sh(
                "docker ps --quiet --filter name=shop-slow | grep -q . && systemctl list-jobs | grep -q shop-waiting@2",
            )
            .status
                == 0
        });
        host.sh("wharf remove shop").ok();
        assert_eq!(host.sh(list).ok().stdout, "");
        assert_eq!(host.sh("systemctl list-jobs --plain --no-legend").ok().stdout, "");
        assert_eq!(containers(&host), "");
    }
}
