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

/// The entries that wharfd wrote about a unit, as `FIELD=VALUE` lines.
fn audit(host: &Host, id: &str, fields: &str) -> Vec<String> {
    let filter = format!("MESSAGE_ID={id} SYSLOG_IDENTIFIER=wharfd");
    let select = fields.split(' ').map(|field| format!(".{field}")).collect::<Vec<_>>().join(",");
    let script = format!("journalctl --output=json {filter} | jq -r '[{select}] | join(\" \")'");
    host.sh(&script).ok().stdout.lines().map(str::to_owned).collect()
}

const RESTARTED: &str = "44ca5e3cc79445d584a44252403a79ad";
const STOPPED: &str = "569b18ed4c3842138fb41726c9b3b874";

#[test]
fn each_service_says_what_is_done_and_who_follows() {
    let host = Host::boot("wishes");
    let service = |name: &str, more: &str| {
        format!(
            "[services.{name}]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = [\"sh\", \"-c\", \"touch /tmp/ok; exec tail -f /dev/null\"]\n\
             stop_signal = \"SIGKILL\"\nhealthcheck = {{ test = \"cat /tmp/ok\", interval = \"300ms\", retries = 1 }}\n{more}\n"
        )
    };
    let stack = [
        service("stops", "on_unhealthy = \"stop\""),
        service("stays", "on_unhealthy = \"none\""),
        service("db", ""),
        service("follows", "depends_on.db = { condition = \"service_healthy\", restart = true }"),
        service("goes-on", "depends_on.db = { condition = \"service_healthy\" }"),
    ];
    host.write("/root/shop.toml", &stack.concat());
    host.sh("wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
    let (stays, goes_on) = (id_without_health(&host, "shop-stays"), id_without_health(&host, "shop-goes-on"));
    let (db, follows) = (id_without_health(&host, "shop-db"), id_without_health(&host, "shop-follows"));
    // A unit that its administrator is at is left alone.
    host.sh("for c in stops stays db; do docker exec shop-$c rm /tmp/ok & done; wait").ok();
    host.wait_for("one is stopped", Duration::from_secs(20), || {
        host.sh("systemctl show --property=ActiveState --value shop-stops").ok().stdout.trim() == "inactive"
    });
    let another = |name: &str, before: &str| {
        host.wait_for(name, Duration::from_secs(30), || {
            let now = host.sh(&format!("docker inspect --format '{{{{.Id}}}}' {name} || true")).ok().stdout;
            !now.is_empty() && now != before
        });
    };
    another("shop-db", &db);
    another("shop-follows", &follows);
    assert_eq!(id_without_health(&host, "shop-goes-on"), goes_on);
    assert_eq!(id_without_health(&host, "shop-stays"), stays);
    assert_eq!(
        audit(&host, STOPPED, "OBJECT_SYSTEMD_UNIT WHARF_ACT WHARF_REASON"),
        ["shop-stops.service stop unhealthy"]
    );
    assert_eq!(audit(&host, RESTARTED, "OBJECT_SYSTEMD_UNIT WHARF_ATTEMPT PRIORITY"), ["shop-db.service 1 5"]);
    let log = host.sh("journalctl --output=cat --unit=shop-db").ok().stdout;
    assert!(log.contains("shop-db.service: the container is unhealthy: restarting the unit"), "{log}");
    assert!(log.contains("shop-db.service: the healthcheck said: cat: can't open '/tmp/ok'"), "{log}");

    // on_unhealthy is read anew without a restart of anything.
    host.sh("sed -i 's/\"none\"/\"restart\"/' shop.toml && wharf generate shop.toml").ok();
    another("shop-stays", &stays);
}

/// The issue of a fleet: a hundred containers, of which thirty hang at once, and a supervisor that is killed meanwhile.
#[test]
fn thirty_of_many_hang_at_once_and_wharfd_is_killed_in_the_middle() {
    const ALL: usize = 40;
    const HANG: usize = 15;
    let host = Host::boot("fleet");
    let stack: String = (0..ALL)
        .map(|number| {
            format!(
                "[services.s{number}]\nimage = \"127.0.0.1:5000/busybox:1\"\nnetwork_mode = \"none\"\nstop_signal = \"SIGKILL\"\n\
                 command = [\"sh\", \"-c\", \"touch /tmp/ok; exec tail -f /dev/null\"]\n\
                 healthcheck = {{ test = [\"CMD\", \"cat\", \"/tmp/ok\"], interval = \"2s\", retries = 1 }}\n"
            )
        })
        .collect();
    host.write("/root/shop.toml", &stack);
    host.sh("wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
    let ids = || -> Vec<String> {
        let listed = host.sh("docker ps --no-trunc --format '{{.Names}} {{.ID}}' | sort").ok().stdout;
        listed.lines().map(str::to_owned).collect()
    };
    host.wait_for("all run", Duration::from_secs(60), || ids().len() == ALL);
    let before = ids();
    host.sh(&format!("for n in $(seq 0 {}); do docker exec shop-s$n rm /tmp/ok & done; wait", HANG - 1)).ok();
    host.wait_for("some restarts have begun", Duration::from_secs(20), || {
        audit(&host, RESTARTED, "OBJECT_SYSTEMD_UNIT").len() >= 3
    });
    host.sh("systemctl kill --signal=SIGKILL wharfd").ok();
    host.wait_for("all that hung are others", Duration::from_secs(90), || {
        let now = ids();
        now.len() == ALL && now.iter().filter(|id| !before.contains(id)).count() == HANG
    });
    // Whatever was still to come would have come by now.
    std::thread::sleep(Duration::from_secs(5));
    let now = ids();
    assert_eq!(now.iter().filter(|id| !before.contains(id)).count(), HANG, "the others are untouched");
    let restarted =
        host.sh("for n in $(seq 0 39); do systemctl show --property=NRestarts --value shop-s$n; done | sort | uniq -c");
    assert_eq!(restarted.ok().stdout.trim(), format!("{ALL} 0"), "systemd had nothing to restart by itself");
    // systemd's own record of "Started": each once, and those that hung once more.
    let started =
        host.sh("journalctl --quiet --output=cat --unit='shop-s*' MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l");
    assert_eq!(started.ok().stdout.trim(), (ALL + HANG).to_string(), "none was restarted twice");
    let mut units = audit(&host, RESTARTED, "OBJECT_SYSTEMD_UNIT");
    units.sort();
    units.dedup();
    assert_eq!(units.len(), HANG);
}
