//! Hooks and jobs on a real host: what runs before, after and instead of a long life.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

fn file(host: &Host, path: &str) -> String {
    host.sh(&format!("cat {path} 2>/dev/null || true")).ok().stdout
}

/// Writes each step of its life into /srv/log on the host.
const HOOKED: &str = r#"
[services.web]
image = "IMAGE"
command = ["sh", "-c", "trap 'echo stopped >> /srv/log; exit 0' TERM; echo started >> /srv/log; while :; do sleep 0.1; done"]
volumes = ["/srv:/srv"]
environment = { COLOUR = "red" }

[[services.web.post_start]]
command = ["sh", "-c", "sleep 2; echo post_start 1 $$(id -u) $$COLOUR $$SHAPE $$PWD >> /srv/log; echo to-stdout; echo to-stderr >&2"]
user = "1000"
working_dir = "/srv"
environment = { SHAPE = "round" }

[[services.web.post_start]]
command = "sh -c 'echo post_start 2 >> /srv/log'"

[[services.web.pre_stop]]
command = ["sh", "-c", "sleep 1; echo pre_stop 1 >> /srv/log"]

[[services.web.pre_stop]]
command = ["sh", "-c", "echo pre_stop 2 >> /srv/log; exit 3"]

[services.after]
image = "IMAGE"
command = ["sh", "-c", "echo dependent >> /srv/log; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
volumes = ["/srv:/srv"]
depends_on = ["web"]
"#;

const STARTED: &str = "started\npost_start 1 1000 red round /srv\npost_start 2\ndependent\n";

#[test]
fn hooks_run_in_order_inside_the_container_and_dependents_wait_for_them() {
    let host = Host::boot("hooks");
    host.sh("touch /srv/log; chmod 666 /srv/log").ok();
    host.generate("shop", HOOKED);
    host.sh("systemctl start shop.target").ok();
    host.wait_active("shop-after");
    host.wait_for("the dependent runs", || file(&host, "/srv/log").contains("dependent"));
    assert_eq!(file(&host, "/srv/log"), STARTED);

    let line = |text: &str| {
        host.sh(&format!(
            "journalctl -o json CONTAINER_NAME=shop-web | jq -r 'select(.MESSAGE == \"{text}\") | .PRIORITY'"
        ))
        .ok()
        .stdout
    };
    assert_eq!((line("to-stdout").as_str(), line("to-stderr").as_str()), ("6\n", "5\n"));

    host.sh("systemctl stop shop.target shop-web shop-after").ok();
    assert_eq!(file(&host, "/srv/log"), format!("{STARTED}pre_stop 1\npre_stop 2\nstopped\n"));
    assert_eq!(host.property("shop-web", "Result"), "success");
    let log = host.sh("journalctl -u shop-web -o cat").ok().stdout;
    assert!(log.contains("pre_stop hook 2 (sh) exited with status 3; stopping the container nevertheless"), "{log}");
}

#[test]
fn a_killed_supervisor_repeats_no_hook() {
    let host = Host::boot("hooksonce");
    host.sh("touch /srv/log; chmod 666 /srv/log").ok();
    host.generate("shop", HOOKED);
    host.sh("systemctl start shop-after").ok();
    host.wait_for("the dependent runs", || file(&host, "/srv/log").contains("dependent"));
    let container = host.sh("docker inspect -f '{{.Id}}' shop-web").ok().stdout;
    host.sh("kill -9 $(systemctl show -P MainPID shop-web)").ok();
    host.wait_for("it was restarted", || host.property("shop-web", "NRestarts") == "1");
    host.wait_active("shop-web");
    assert_eq!(host.sh("docker inspect -f '{{.Id}}' shop-web").ok().stdout, container, "adopted");
    assert_eq!(file(&host, "/srv/log"), STARTED);

    // A container that ends by itself is asked nothing before; the new one gets its hooks.
    host.sh("docker kill --signal KILL shop-web").ok();
    host.wait_for("it was restarted", || host.property("shop-web", "NRestarts") == "2");
    host.wait_active("shop-web");
    let again = "started\npost_start 1 1000 red round /srv\npost_start 2\n";
    assert_eq!(file(&host, "/srv/log"), format!("{STARTED}{again}"));
}

#[test]
fn a_start_that_was_cut_off_among_its_hooks_begins_with_a_new_container() {
    let host = Host::boot("hookscut");
    host.generate(
        "shop",
        r#"
        [services.web]
        image = "IMAGE"
        command = "tail -f /dev/null"
        stop_signal = "SIGKILL"
        volumes = ["/srv:/srv"]
        [[services.web.post_start]]
        command = ["sh", "-c", "echo begin $$HOSTNAME >> /srv/log; sleep 3; echo end >> /srv/log"]
        "#,
    );
    host.sh("systemctl start --no-block shop-web").ok();
    host.wait_for("the hook runs", || file(&host, "/srv/log").starts_with("begin"));
    host.sh("kill -9 $(systemctl show -P MainPID shop-web)").ok();
    host.wait_active("shop-web");
    let log = file(&host, "/srv/log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert_ne!(lines[0], lines[1], "each container ran its hook once: {log}");
    assert_eq!(lines[2], "end");
}

#[test]
fn a_failing_post_start_hook_fails_the_start_and_stops_the_container() {
    let host = Host::boot("hookfails");
    host.generate(
        "shop",
        r#"
        [services.web]
        image = "IMAGE"
        command = ["sh", "-c", "echo serving; trap 'echo asked to stop; exit 0' TERM; while :; do sleep 0.1; done"]
        [[services.web.post_start]]
        command = ["sh", "-c", "sleep 0.3; echo no such table >&2; exit 7"]
        [[services.web.pre_stop]]
        command = "echo not reached"
        "#,
    );
    host.sh("systemctl start shop-web").fails();
    assert_eq!(
        host.property("shop-web", "StatusText"),
        "post_start hook 1 (sh) exited with status 7: stopping the container"
    );
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
    let log = host.sh("journalctl -u shop-web -o cat").ok().stdout;
    for text in ["serving", "no such table", "asked to stop"] {
        assert!(log.contains(text), "{text}: {log}");
    }
    assert!(!log.contains("not reached"), "{log}");
}

fn jobs_in_log(host: &Host) -> usize {
    file(host, "/srv/log").lines().count()
}

/// A nightly job, which the test lets begin a second after its timer was started.
const SCHEDULED: &str = r#"
[services.db]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[services.backup]
image = "IMAGE"
command = ["sh", "-c", "echo saved >> /srv/log; echo done"]
volumes = ["/srv:/srv"]
schedule = "daily"
depends_on = ["db"]
[services.backup.systemd.Timer]
OnActiveSec = "1s"
AccuracySec = "100ms"
Persistent = false
"#;

#[test]
fn a_timer_runs_its_job_and_belongs_to_the_stack() {
    let host = Host::boot("timer");
    host.generate("shop", SCHEDULED);
    host.sh("systemctl enable --now shop.target").ok();
    host.wait_for("the job ran", || jobs_in_log(&host) == 1);
    host.wait_for("the job is over", || host.property("shop-backup", "ActiveState") == "inactive");
    assert_eq!(host.property("shop-backup", "Result"), "success");
    assert_eq!(host.sh("docker ps --all --quiet --filter name=shop-backup").ok().stdout, "");
    let timers = host.sh("systemctl list-timers --all --no-pager shop-backup.timer").ok().stdout;
    assert!(timers.contains("shop-backup.service"), "{timers}");
    let next = host.property("shop-backup.timer", "NextElapseUSecRealtime");
    assert!(next.contains("00:00:00"), "it comes again at midnight: {next}");

    // By hand, any time, and the same again.
    host.sh("systemctl start shop-backup && systemctl start shop-backup").ok();
    assert_eq!(jobs_in_log(&host), 3);

    // The timer stops with the stack and starts with it; the stack's start alone runs no job.
    host.sh("systemctl stop shop.target").ok();
    host.wait_for("the timer is stopped", || host.property("shop-backup.timer", "ActiveState") == "inactive");
    host.sh("sed -i '/OnActiveSec/d' /root/shop.toml && wharf generate /root/shop.toml && systemctl start shop.target")
        .ok();
    assert_eq!(host.property("shop-backup.timer", "ActiveState"), "active");
    host.poweroff();
    host.boot_again();
    host.wait_active("shop-db");
    assert_eq!(host.property("shop-backup.timer", "ActiveState"), "active");
    assert_eq!(jobs_in_log(&host), 3);

    // Without its schedule it is a service like any other, and the timer goes.
    host.sh("sed -i '/^schedule/d; /systemd.Timer/,$d' /root/shop.toml && wharf generate --now /root/shop.toml").ok();
    assert_eq!(host.sh("systemctl list-unit-files --no-legend shop-backup.timer || true").ok().stdout, "");
}

#[test]
fn a_job_that_fails_or_hangs_is_told_and_can_be_stopped() {
    let host = Host::boot("badjob");
    host.generate(
        "shop",
        r#"
        [services.bad]
        image = "IMAGE"
        command = ["sh", "-c", "echo no space left; exit 4"]
        schedule = "Mon 03:00"
        [services.long]
        image = "IMAGE"
        command = "tail -f /dev/null"
        stop_signal = "SIGKILL"
        schedule = "weekly"
        "#,
    );
    host.sh("systemctl start shop.target").ok();
    host.sh("systemctl start shop-bad").fails();
    assert_eq!(host.property("shop-bad", "ExecMainStatus"), "4");
    assert_eq!(host.property("shop-bad", "NRestarts"), "0");
    host.sh("systemctl start --no-block shop-long").ok();
    host.wait_for("the job runs", || !host.sh("docker ps --quiet --filter name=shop-long").ok().stdout.is_empty());
    // A change of the definition leaves a run alone.
    host.sh(
        "sed -i 's/weekly/daily/; s/tail -f/tail -n 5 -f/' /root/shop.toml && wharf generate --now /root/shop.toml",
    )
    .ok();
    assert_eq!(host.property("shop-long", "ActiveState"), "activating");
    assert!(host.property("shop-long.timer", "TimersCalendar").contains("00:00:00"));
    host.sh("kill -9 $(systemctl show -P MainPID shop-long)").ok();
    host.wait_for("it goes on", || host.property("shop-long", "NRestarts") == "1");
    host.sh("systemctl stop shop.target shop-long").ok();
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
}

#[test]
fn jobs_run_one_after_the_other_before_what_waits_for_them() {
    let host = Host::boot("jobchain");
    host.generate(
        "shop",
        r#"
        [services.prepare]
        image = "IMAGE"
        command = ["sh", "-c", "sleep 1; echo prepared >> /srv/log"]
        volumes = ["/srv:/srv"]
        [services.migrate]
        image = "IMAGE"
        command = ["sh", "-c", "echo migrated >> /srv/log"]
        volumes = ["/srv:/srv"]
        depends_on.prepare.condition = "service_completed_successfully"
        post_start = []
        [services.web]
        image = "IMAGE"
        command = ["sh", "-c", "echo serving >> /srv/log; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"
        volumes = ["/srv:/srv"]
        depends_on.migrate.condition = "service_completed_successfully"
        "#,
    );
    host.sh("systemctl start shop-web").ok();
    host.wait_for("it serves", || jobs_in_log(&host) == 3);
    assert_eq!(file(&host, "/srv/log"), "prepared\nmigrated\nserving\n");
    assert_eq!(host.property("shop-migrate", "SubState"), "exited");
    // What crashes and comes back does not run them again.
    host.sh("docker kill --signal KILL shop-web").ok();
    host.wait_for("it serves again", || jobs_in_log(&host) == 4);
    assert_eq!(file(&host, "/srv/log"), "prepared\nmigrated\nserving\nserving\n");
}

/// A job whose time comes once a year, and what it needs.
const YEARLY: &str = r#"
[services.db]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
healthcheck = { test = "test -e /etc/passwd", interval = "1s" }

[services.backup]
image = "IMAGE"
command = ["sh", "-c", "echo saved >> /srv/log"]
volumes = ["/srv:/srv"]
schedule = "yearly"
depends_on.db = { condition = "service_healthy" }
"#;

#[test]
fn a_run_that_was_missed_while_the_host_was_off_is_made_up_for_once() {
    const STAMP: &str = "/var/lib/systemd/timers/stamp-shop-backup.timer";
    let host = Host::boot("missed");
    host.generate("shop", YEARLY);
    host.sh("systemctl enable --now shop.target").ok();
    host.wait_active("shop-db");
    assert_eq!(jobs_in_log(&host), 0, "its time has not come");

    for (off, boot) in [(Host::poweroff as fn(&Host), "a shutdown"), (Host::cut_power, "a power cut")] {
        let before = jobs_in_log(&host);
        off(&host);
        host.touch_outside(STAMP, "2 years ago");
        host.boot_again();
        host.wait_for(&format!("the run that was missed, after {boot}"), || jobs_in_log(&host) == before + 1);
        host.wait_for("the job is over", || host.property("shop-backup", "ActiveState") == "inactive");
        assert_eq!(host.property("shop-backup", "Result"), "success");
    }

    // Whatever was still to come would come with the stack, with the next boot or with a new definition.
    host.poweroff();
    host.boot_again();
    host.wait_active("shop-db");
    host.wait_active("shop-backup.timer");
    host.sh("sed -i 's/saved/stored/' /root/shop.toml && wharf generate --now /root/shop.toml").ok();
    host.wait_active("shop-backup.timer");
    assert_eq!(host.property("shop-backup", "ActiveEnterTimestampMonotonic"), "0", "it has not run since boot");
    assert_eq!(file(&host, "/srv/log"), "saved\nsaved\n");
    let next = host.property("shop-backup.timer", "NextElapseUSecRealtime");
    assert!(next.contains("-01-01 00:00:00"), "{next}");
}
