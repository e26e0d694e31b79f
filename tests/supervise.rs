//! wharfd on a real host: what hangs is restarted through systemd.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

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
            host.wait_for("the container is unhealthy", || id(&host, "shop-db").ends_with("unhealthy"));
            host.sh("systemctl start wharfd").ok();
        }
        host.wait_for("another container is healthy", || {
            let now = id(&host, "shop-db");
            !now.is_empty() && !now.contains(' ') && now != before
        });
        before = id(&host, "shop-db");
    }
    assert_eq!(id_without_health(&host, "shop-app"), app, "what depends on it goes on");
    let log = host.sh("journalctl --unit wharfd --output cat").ok().stdout;
    assert_eq!(log.matches("shop-db.service: the container is unhealthy: restarting the unit").count(), 2, "{log}");
}

/// What wharfd says of each container: unit, state, health, id.
fn told(host: &Host) -> Vec<String> {
    let script = "busctl --json=short call io.wharf.Supervisor1 /io/wharf/Supervisor1 org.freedesktop.DBus.ObjectManager \
                  GetManagedObjects | jq -r '.data[0][] | .[\"io.wharf.Supervisor1.Container\"] // empty \
                  | [.Unit.data, .State.data, .Health.data, .ContainerId.data] | join(\" \")' | sort";
    host.sh(script).stdout.lines().map(str::to_owned).collect()
}

/// The same of systemd and the engine themselves.
fn truth(host: &Host) -> Vec<String> {
    let script = "for unit in shop-app shop-db; do
            container=$(docker inspect --format '{{with index .State \"Health\"}}{{.Status}}{{else}}none{{end}} {{.Id}}' $unit || echo ' ')
            echo \"$unit.service $(systemctl show --property=ActiveState --value $unit) $container\"
        done";
    host.sh(script).stdout.lines().map(str::to_owned).collect()
}

fn wait_for_the_truth(host: &Host, when: &str) {
    host.wait_for(&format!("a true picture {when}"), || {
        let truth = truth(host);
        truth.iter().all(|line| line.contains(" active "))
            && truth.iter().any(|line| line.contains(" healthy "))
            && told(host) == truth
    });
}

#[test]
fn wharfd_has_a_true_picture_again_after_the_engine_or_the_bus_was_away() {
    let with = Host::builder().live_restore().boot("watch-live");
    let without = Host::boot("watch");
    for (host, live_restore) in [(&with, true), (&without, false)] {
        host.write("/root/shop.toml", STACK);
        host.sh("wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
        wait_for_the_truth(host, "at first");
        let before = truth(host);
        host.sh("systemctl restart docker").ok();
        wait_for_the_truth(host, "after a restart of the engine");
        assert_eq!(truth(host) == before, live_restore, "the containers are the same, or others");
        host.wait_for("wharfd watches again", || host.property("wharfd", "StatusText") == "Watching");
        hangs_and_is_another(host);
        wait_for_the_truth(host, "after a restart by wharfd");
    }
    let host = with;
    let before = truth(&host);
    let wharfd = host.property("wharfd", "MainPID");
    host.sh("systemctl restart dbus").ok();
    host.wait_for("wharfd was started anew", || {
        host.property("wharfd", "ActiveState") == "active" && host.property("wharfd", "MainPID") != wharfd
    });
    wait_for_the_truth(&host, "after a restart of the bus");
    assert_eq!(truth(&host), before);
    hangs_and_is_another(&host);
    wait_for_the_truth(&host, "in the end");

    // While the engine is away, what was known last is shown, and that it is away.
    host.sh("systemctl stop docker.socket docker").ok();
    let connected =
        "busctl get-property io.wharf.Supervisor1 /io/wharf/Supervisor1 io.wharf.Supervisor1.Manager EngineConnected";
    host.wait_for("that it is away is told", || host.sh(connected).ok().stdout.trim() == "b false");
    assert_eq!(told(&host).len(), 2);
    host.sh("systemctl start docker.socket docker").ok();
    wait_for_the_truth(&host, "after the engine was away");
    host.sh("systemctl stop shop-app shop-db").ok();
    let is_told = |line: &String, state: &str| line.split(' ').nth(1) == Some(state);
    host.wait_for("it is seen that they are stopped", || told(&host).iter().all(|line| is_told(line, "inactive")));
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "", "what was stopped is left alone");
}

fn hangs_and_is_another(host: &Host) {
    let before = id(host, "shop-db");
    host.sh("docker exec shop-db rm /tmp/ok").ok();
    host.wait_for("another container is healthy", || {
        let now = id(host, "shop-db");
        !now.is_empty() && !now.contains(' ') && now != before
    });
}

#[test]
fn an_administrator_sets_the_pauses_and_a_kill_does_not_shorten_them() {
    let host = Host::boot("pauses");
    // It is healthy once, then never again.
    host.write(
        "/root/shop.toml",
        "[services.db]\nimage = \"127.0.0.1:5000/busybox:1\"\nstop_signal = \"SIGKILL\"\nnetwork_mode = \"none\"\n\
         command = \"tail -f /dev/null\"\nhealthcheck = { test = \"false\", interval = \"200ms\", retries = 1 }\n",
    );
    host.sh("mkdir -p /etc/wharf; echo 'restart_sec = \"1h\"' >/etc/wharf/wharfd.toml").ok();
    host.sh("(cd /; wharf generate) && wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
    let attempts = || audit(&host, RESTARTED, "WHARF_ATTEMPT");
    host.wait_for("the first restart", || attempts() == ["1"]);
    host.wait_for("the new container is unhealthy, too", || {
        told(&host).iter().any(|line| line.contains(" unhealthy "))
    });
    host.sh("systemctl kill --signal=SIGKILL wharfd").ok();
    host.wait_for("it is there again", || host.property("wharfd", "NRestarts") == "1");
    host.wait_for("it knows that the container is unhealthy", || {
        told(&host).iter().any(|line| line.contains(" unhealthy "))
    });
    assert_eq!(attempts(), ["1"], "the pause goes on after the kill");

    host.sh("echo 'restart_sec = \"soon\"' >/etc/wharf/wharfd.toml; systemctl reload wharfd").ok();
    let log = || host.sh("journalctl --output=cat --unit=wharfd").ok().stdout;
    host.wait_for("the file is refused", || log().contains("going on as before"));
    let log = log();
    assert_eq!(attempts(), ["1"]);
    assert!(log.contains("/etc/wharf/wharfd.toml: TOML parse error at line 1, column 15"), "{log}");

    let pid = host.property("wharfd", "MainPID");
    host.sh("printf 'restart_sec = \"1s\"\\nrestart_max_delay_sec = \"2s\"\\n' >/etc/wharf/wharfd.toml; systemctl reload wharfd").ok();
    host.wait_for("restarts go on", || attempts().len() >= 4);
    assert_eq!(attempts()[..4], ["1", "2", "3", "4"]);
    assert_eq!(host.property("wharfd", "MainPID"), pid);

    // A limit of starts is systemd's, and holds for wharfd too.
    host.sh("sed -i '1a restart = \"on-failure:2\"' shop.toml && wharf generate --now shop.toml").ok();
    host.wait_for("the limit is reached", || host.property("shop-db", "Result") == "start-limit-hit");
    let so_far = attempts().len();
    host.wait_for("it is seen", || told(&host).iter().any(|line| line.contains(" failed ")));
    assert_eq!(attempts().len(), so_far);
    assert_eq!(host.property("shop-db", "ActiveState"), "failed");
}

/// The entries that wharfd wrote about a unit, as `FIELD=VALUE` lines.
fn audit(host: &Host, id: &str, fields: &str) -> Vec<String> {
    let filter = format!("MESSAGE_ID={id} SYSLOG_IDENTIFIER=wharfd");
    let select = fields.split(' ').map(|field| format!(".{field}")).collect::<Vec<_>>().join(",");
    let script = format!("journalctl --output=json {filter} | jq -r '[{select}] | join(\" \")'");
    host.sh(&script).ok().stdout.lines().map(str::to_owned).collect()
}

const RESTARTED: &str = "44ca5e3cc79445d584a44252403a79ad";
const CRASH_LOOP: &str = "5b1b5e2b9c4f4a7e8f0a6d2c3e917b64";
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
    host.wait_for("one is stopped", || {
        host.sh("systemctl show --property=ActiveState --value shop-stops").ok().stdout.trim() == "inactive"
    });
    let another = |name: &str, before: &str| {
        host.wait_for(name, || {
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

#[test]
fn systemd_starts_a_wharfd_anew_that_says_nothing_any_more() {
    let host = Host::boot("watchdog");
    host.write("/run/systemd/system/wharfd.service.d/watchdog.conf", "[Service]\nWatchdogSec=10s\n");
    host.sh("systemctl daemon-reload; systemctl start wharfd").ok();
    for _ in 0..2 {
        let last = host.property("wharfd", "WatchdogTimestampMonotonic");
        host.wait_for("it says that it is alive", || host.property("wharfd", "WatchdogTimestampMonotonic") != last);
    }
    assert_eq!(host.property("wharfd", "NRestarts"), "0");
    host.sh("systemctl kill --signal=SIGSTOP wharfd").ok();
    host.wait_for("it is started anew", || host.property("wharfd", "NRestarts") == "1");
    assert!(host.sh("journalctl --output=cat --unit=wharfd").ok().stdout.contains("result 'watchdog'"));
}

#[test]
fn what_hangs_is_restarted_also_while_the_journal_does_not_take_anything() {
    let host = Host::boot("journal");
    host.write("/root/shop.toml", STACK);
    host.sh("wharf generate /root/shop.toml && systemctl start shop.target wharfd").ok();
    // Somebody fills what journald does not take any more.
    host.sh("systemctl kill --signal=SIGSTOP systemd-journald; timeout 5 sh -c 'yes | logger' || true").ok();
    hangs_and_is_another(&host);
    host.sh("systemctl kill --signal=SIGCONT systemd-journald").ok();
}

#[test]
fn neither_many_jobs_nor_odd_output_stops_it() {
    let host = Host::boot("odd");
    host.write("/root/shop.toml", &STACK.replace("cat /tmp/ok\"", "printf 'a\\\\0b' && cat /tmp/ok\""));
    host.write(
        "/root/slow.toml",
        "[services.slow]\nimage = \"127.0.0.1:5000/busybox:1\"\nnetwork_mode = \"none\"\nstop_grace_period = \"8s\"\n\
         command = [\"sh\", \"-c\", \"trap '' TERM; while true; do sleep 1; done\"]\n",
    );
    host.sh("wharf generate /root/shop.toml /root/slow.toml && systemctl start shop.target slow.target wharfd").ok();
    let wharfd = host.property("wharfd", "MainPID");
    // A job that takes its time, sixty new units, and many jobs' ends meanwhile.
    let stack: String = (0..60)
        .map(|n| format!("[services.s{n}]\nimage = \"127.0.0.1:5000/busybox:1\"\nnetwork_mode = \"none\"\n"))
        .collect();
    host.write("/root/many.toml", &stack);
    host.sh("busctl --timeout=120 call io.wharf.Supervisor1 /io/wharf/Supervisor1/container/slow_2dslow_2eservice \
                 io.wharf.Supervisor1.Container Restart >/root/answer 2>&1 & disown
             until [ \"$(systemctl show --property=ActiveState --value slow-slow)\" = deactivating ]; do sleep 0.1; done
             wharf generate /root/many.toml >/dev/null
             for n in $(seq 80); do systemd-run --quiet --no-block --collect true; done")
        .ok();
    hangs_and_is_another(&host);
    let output = "busctl --json=short call io.wharf.Supervisor1 /io/wharf/Supervisor1/container/shop_2ddb_2eservice \
                  io.wharf.Supervisor1.Container GetHealthOutput | jq -r '.data[0]'";
    host.wait_for("what was printed is told", || host.sh(output).ok().stdout.contains("a\u{fffd}b"));
    host.wait_for("all are known", || told(&host).len() == 63);
    assert_eq!(host.property("wharfd", "MainPID"), wharfd);
}

/// The issue of a fleet: a hundred containers, of which thirty hang at once, and a supervisor that is killed meanwhile.
#[test]
fn thirty_of_many_hang_at_once_and_wharfd_is_killed_in_the_middle() {
    const ALL: usize = 100;
    const HANG: usize = 30;
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
    host.wait_for("all run", || ids().len() == ALL);
    let before = ids();
    host.sh(&format!("for n in $(seq 0 {}); do docker exec shop-s$n rm /tmp/ok & done; wait", HANG - 1)).ok();
    host.wait_for("some restarts have begun", || audit(&host, RESTARTED, "OBJECT_SYSTEMD_UNIT").len() >= 3);
    host.sh("systemctl kill --signal=SIGKILL wharfd").ok();
    let others = |number: usize| {
        host.wait_for("all that hung are others", || {
            let now = ids();
            now.len() == ALL && now.iter().filter(|id| !before.contains(id)).count() == number
        });
    };
    others(HANG);
    // One more is restarted after all that was still to come.
    host.sh(&format!("docker exec shop-s{HANG} rm /tmp/ok")).ok();
    others(HANG + 1);
    let restarted =
        host.sh("for n in $(seq 0 99); do systemctl show --property=NRestarts --value shop-s$n; done | sort | uniq -c");
    assert_eq!(restarted.ok().stdout.trim(), format!("{ALL} 0"), "systemd had nothing to restart by itself");
    // systemd's own record of "Started": each once, and those that hung once more.
    let started =
        host.sh("journalctl --quiet --output=cat --unit='shop-s*' MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l");
    assert_eq!(started.ok().stdout.trim(), (ALL + HANG + 1).to_string(), "none was restarted twice");
    let mut units = audit(&host, RESTARTED, "OBJECT_SYSTEMD_UNIT");
    units.sort();
    units.dedup();
    assert_eq!(units.len(), HANG + 1);
}

/// What nobody would see in `systemctl --failed`: systemd restarts it for ever.
#[test]
fn a_crash_loop_is_logged_and_shown_and_can_notify() {
    let host = Host::boot("crash");
    host.write("/etc/systemd/system/notify@.service", "[Service]\nType=oneshot\nExecStart=touch /root/notified-%i\n");
    host.generate(
        "shop",
        r#"
        [services.loops]
        image = "127.0.0.1:5000/busybox:1"
        command = ["sh", "-c", "echo no such table; exit 3"]

        [services.stops]
        image = "127.0.0.1:5000/busybox:1"
        command = ["sh", "-c", "exit 4"]

        [services.stops.systemd.Unit]
        StartLimitIntervalSec = "10min"
        StartLimitBurst = "3"
        OnFailure = ["notify@%n.service"]
        "#,
    );
    host.sh("systemctl start wharfd wharfd-metrics.socket && systemctl start --no-block shop.target").ok();
    let object = "/io/wharf/Supervisor1/container/shop_2dloops_2eservice";
    host.wait_for("the crash loop", || {
        host.sh(&format!("busctl get-property io.wharf.Supervisor1 {object} io.wharf.Supervisor1.Container CrashLoop"))
            .ok()
            .stdout
            == "b true\n"
    });
    let entries = audit(&host, CRASH_LOOP, "OBJECT_SYSTEMD_UNIT PRIORITY WHARF_EXIT_STATUS");
    assert_eq!(entries, ["shop-loops.service 4 3"]);
    let shown = host.sh("systemctl status --lines=1000 shop-loops || true").ok().stdout;
    let told = "crash loop: systemd restarted it 5 times within 10 minutes; it ended with status 3 last";
    assert!(shown.contains(told), "{shown}");
    let shown = host.sh("wharf status shop");
    assert!(shown.stdout.contains("crash loop: restarted five times within ten minutes"), "{shown:?}");
    assert_eq!(shown.status, 6);
    let metrics =
        host.sh("curl --silent --fail --unix-socket /run/wharf/metrics.sock http://wharfd/metrics").ok().stdout;
    let lines: Vec<&str> = metrics.lines().filter(|line| line.starts_with("wharf_container_crash_loop{")).collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines.iter().all(|line| line.ends_with(if line.contains("shop-loops") { " 1.0" } else { " 0.0" })),
        "{lines:?}"
    );

    // systemd's own way: a limit, and what to start once it is reached.
    host.wait_for("the notification", || host.sh("test -e /root/notified-shop-stops.service").status == 0);
    assert_eq!(host.property("shop-stops", "ActiveState"), "failed");
    assert_eq!(host.sh("docker ps --all --quiet --filter name=shop-stops").ok().stdout, "");

    // The mend ends the loop, and an engine that goes and comes back begins none.
    let is_loop = |answer: &str| {
        let property =
            "io.wharf.Supervisor1 CONTAINER io.wharf.Supervisor1.Container CrashLoop".replace("CONTAINER", object);
        host.sh(&format!("busctl get-property {property}")).ok().stdout == format!("b {answer}\n")
    };
    assert!(is_loop("true"));
    host.sh("sed -i 's/echo no such table; exit 3/exec tail -f \\/dev\\/null/' shop.toml; wharf generate --now shop.toml || true").ok();
    host.wait_for("the loop has ended", || is_loop("false"));
    let shown = host.sh("wharf status shop || true").ok().stdout;
    assert!(!shown.contains("crash loop"), "{shown}");
    for number in 1..=5 {
        host.sh("systemctl restart docker").ok();
        host.wait_for("the unit has been restarted", || {
            host.property("shop-loops", "NRestarts").parse::<u32>().is_ok_and(|restarts| restarts >= number)
        });
        host.wait_active("shop-loops.service");
    }
    assert!(is_loop("false"));
    let entries = audit(&host, CRASH_LOOP, "OBJECT_SYSTEMD_UNIT");
    assert_eq!(entries, ["shop-loops.service"]);
}

/// systemd 258 and later: what was healthy for a minute is restarted at once when it crashes, however often it did before.
#[test]
fn restarts_are_forgotten_once_a_container_has_been_healthy() {
    let host = Host::boot("forgotten");
    let version = host.sh("systemctl --version | sed -n '1s/systemd \\([0-9]*\\).*/\\1/p'").ok().stdout;
    if version.trim().parse::<u32>().unwrap() < 258 {
        return;
    }
    let healthcheck = r#"{ test = ["CMD", "true"], interval = "1s" }"#;
    host.generate("shop", &format!("[services.web]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = \"tail -f /dev/null\"\nready = \"healthy\"\nhealthcheck = {healthcheck}\n"));
    host.sh("systemctl start shop.target").ok();
    host.sh("docker kill --signal=KILL shop-web").ok();
    host.wait_for("a restart", || host.property("shop-web", "NRestarts") == "1");
    host.wait_for("that it is forgotten", || host.property("shop-web", "NRestarts") == "0");
    assert_eq!(host.property("shop-web", "ActiveState"), "active");
}

/// The probe that fails is not the one that printed something last.
#[test]
fn why_a_container_is_unhealthy_is_shown_while_its_restart_waits_for_the_grace_period() {
    let host = Host::boot("probe");
    host.generate(
        "shop",
        r#"
        [services.web]
        image = "127.0.0.1:5000/busybox:1"
        command = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
        stop_grace_period = "1h"
        ready = "healthy"
        healthcheck = { test = "if [ -e /tmp/hang ]; then sleep 100000; fi; echo 1", interval = "300ms", timeout = "1s", retries = 1 }
        "#,
    );
    host.sh("systemctl start wharfd shop-web").ok();
    let output = || {
        host.sh(
            "(wharf status --json || true) | jq -r '.projects[].units[] | select(.service == \"web\").health_output'",
        )
        .ok()
        .stdout
    };
    host.wait_for("a probe has succeeded", || output() == "1\n\n");
    host.sh("docker exec shop-web touch /tmp/hang").ok();
    host.wait_to_see("why it is unhealthy", || {
        let shown = host.sh("wharf status").stdout;
        assert!(!shown.contains("unhealthy: 1"), "{shown}");
        let is_shown =
            shown.contains("deactivating") && shown.contains("unhealthy: Health check exceeded timeout (1s)");
        if is_shown { Ok(()) } else { Err(shown) }
    });
    host.sh("docker kill shop-web").ok();
}
