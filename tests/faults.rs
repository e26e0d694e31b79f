//! What happens to a stack when one of its services will not run, and the others depend on it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, IMAGE, sleeper};

/// `db`, of which `db` are the keys, and five services that depend on it.
fn with_dependents(db: &str, condition: &str) -> String {
    let depends = format!("depends_on.db = {{ condition = \"{condition}\" }}");
    let dependents: String = (1..6).map(|number| sleeper(&format!("app{number}"), &depends)).collect();
    format!("[services.db]\nimage = \"{IMAGE}\"\nstop_signal = \"SIGKILL\"\n{db}\n{dependents}")
}

fn states(host: &Host, property: &str) -> Vec<String> {
    (1..6).map(|number| host.property(&format!("shop-app{number}"), property)).collect()
}

fn nothing_is_left(host: &Host) {
    host.sh("systemctl stop shop.target 'shop-*.service'").ok();
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
    let left = host.sh("systemctl list-units --no-legend --state=active,activating,deactivating 'shop*'").ok().stdout;
    assert_eq!(left, "");
}

#[test]
fn dependents_go_on_while_their_dependency_crashes_again_and_again() {
    let host = Host::boot("crashes");
    let db = "command = [\"sh\", \"-c\", \"exit 3\"]\nrestart = \"always\"";
    host.generate("shop", &with_dependents(db, "service_started"));
    host.sh("systemctl start shop.target shop-db").ok();
    (1..6).for_each(|number| host.wait_active(&format!("shop-app{number}")));
    let containers = "docker ps --quiet --no-trunc --filter name=shop-app | sort";
    let before = host.sh(containers).ok().stdout;
    assert_eq!(before.lines().count(), 5);
    host.wait_for("five restarts", || host.property("shop-db", "NRestarts").parse::<u32>().unwrap() >= 5);
    assert_eq!(host.sh(containers).ok().stdout, before);
    assert_eq!(states(&host, "NRestarts"), ["0"; 5]);
    nothing_is_left(&host);
}

#[test]
fn dependents_are_not_started_while_their_dependency_is_never_healthy_and_a_stop_ends_that() {
    let host = Host::boot("unhealthy");
    let db = "command = \"tail -f /dev/null\"\nrestart = \"always\"\n\
              healthcheck = { test = \"false\", interval = \"1s\", retries = 1, start_period = \"1h\" }";
    host.generate("shop", &with_dependents(db, "service_healthy"));
    host.sh("systemctl start --no-block shop.target").ok();
    host.wait_for("the dependency runs", || !host.sh("docker ps --quiet --filter name=shop-db").ok().stdout.is_empty());
    assert_eq!(host.property("shop-db", "ActiveState"), "activating");
    assert_eq!(states(&host, "ActiveState"), ["inactive"; 5]);
    assert!(states(&host, "Job").iter().all(|job| !job.is_empty()), "they wait");
    let state = "wharf status --json shop | jq -r '.projects[].units[] | select(.service == \"db\") | .active'";
    assert_eq!(host.sh(state).ok().stdout, "activating\n");
    nothing_is_left(&host);
}

#[test]
fn a_cycle_by_a_drop_in_is_named_in_the_journal_and_nothing_of_it_runs() {
    let host = Host::boot("cycle");
    host.generate("shop", &with_dependents("command = \"tail -f /dev/null\"", "service_started"));
    host.write(
        "/etc/systemd/system/shop-db.service.d/cycle.conf",
        "[Unit]\nAfter=shop-app1.service\nRequires=shop-app1.service\n",
    );
    host.sh("systemctl daemon-reload").ok();
    let cycle = "Found ordering cycle";
    let verified = host.sh("systemd-analyze verify --man=no shop.target").stderr;
    assert!(verified.contains(cycle), "{verified}");

    // The target wants its services and does not require them.
    host.sh("systemctl start shop.target").ok();
    let log = host.sh("journalctl --sync; journalctl --output=cat _PID=1").ok().stdout;
    assert!(log.contains(cycle) && log.contains("deleted to break ordering cycle"), "{log}");
    assert_eq!(states(&host, "ActiveState"), ["inactive"; 5]);
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");

    host.sh(
        "rm /etc/systemd/system/shop-db.service.d/cycle.conf; systemctl daemon-reload; systemctl start shop.target",
    )
    .ok();
    (1..6).for_each(|number| host.wait_active(&format!("shop-app{number}")));
    nothing_is_left(&host);
}
