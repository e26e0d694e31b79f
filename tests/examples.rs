//! The examples, tried as an administrator would: generate, start, use, stop, start again.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// A fresh host on which the example's units are generated.
fn host_with(name: &str) -> Host {
    let host = Host::boot(name);
    host.copy_example(name);
    let checked = host.sh(&format!("cd {name} && mkdir -p data && wharf check {name}.toml")).ok();
    assert_eq!(checked.stderr, "", "an example has no warning");
    host.sh(&format!("wharf generate {name}/{name}.toml")).ok();
    assert_eq!(
        host.sh(&format!("wharf generate {name}/{name}.toml")).ok().stderr,
        format!("project {name}: nothing changed\n")
    );
    host.sh(&format!("systemd-analyze verify --man=no {name}.target")).ok();
    host
}

fn active_state(host: &Host, unit: &str) -> String {
    host.sh(&format!("systemctl show --property ActiveState --value {unit}")).ok().stdout.trim().to_owned()
}

/// `systemctl stop NAME.target` returns when the stop is queued; this returns when it is done.
fn stop_stack(host: &Host, name: &str) {
    host.sh(&format!("systemctl stop {name}.target")).ok();
    let up = format!("systemctl list-units --quiet --state active,activating,deactivating '{name}-*' {name}.target");
    host.wait_for("the stack is down", || host.sh(&up).ok().stdout.is_empty());
    let failed = host.sh("systemctl list-units --quiet --plain --failed").ok().stdout;
    assert_eq!(failed, "", "a stop is no failure");
}

fn assert_nothing_but_volumes_is_left(host: &Host, volumes: &[&str]) {
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "", "a container is left");
    let networks = host.sh("docker network ls --filter type=custom --format '{{.Name}}'").ok().stdout;
    assert_eq!(networks, "", "a network is left");
    assert_eq!(host.sh("pgrep --list-full wharf-run").stdout, "", "a supervisor is left");
    let kept = host.sh("docker volume ls --format '{{.Name}}'").ok().stdout;
    assert_eq!(kept.lines().collect::<Vec<_>>(), volumes);
}

/// A time of the engine's as it writes it (RFC 3339 in UTC), which sorts as text once it has nine decimals.
fn engine_time(host: &Host, container: &str, field: &str) -> String {
    let time = host.sh(&format!("docker inspect --format '{{{{{field}}}}}' {container}")).ok().stdout;
    let (seconds, fraction) = time.trim().trim_end_matches('Z').split_once('.').expect("a time with decimals");
    format!("{seconds}.{fraction:0<9}")
}

/// The dependent was not even created before what it depends on had started.
fn assert_started_in_order(host: &Host, first: &str, second: &str) {
    let started = engine_time(host, first, ".State.StartedAt");
    let created = engine_time(host, second, ".Created");
    assert!(started < created, "{first} started at {started}, {second} was created at {created}");
}

#[test]
fn hello_serves_its_page() {
    let host = host_with("hello");
    host.sh("systemctl start hello.target").ok();
    let page = "curl --silent --fail http://127.0.0.1:8081/";
    host.wait_for("the page", || host.sh(page).stdout.contains("Hello from a container."));

    stop_stack(&host, "hello");
    assert_nothing_but_volumes_is_left(&host, &[]);
}

#[test]
fn sqlite_starts_the_server_before_its_proxy_and_each_is_a_unit_of_its_own() {
    let host = host_with("sqlite");
    let query = |sql: &str| host.sh(&format!("echo '{sql}' | socat - TCP:127.0.0.1:12346"));

    host.sh("systemctl start sqlite-sqliteproxy").ok();
    assert_eq!(query("select 40+2;").ok().stdout, "42\n", "answered as soon as the start returned");
    assert_started_in_order(&host, "sqlite-sqliteserver", "sqlite-sqliteproxy");
    query("create table kept (word); insert into kept values (\"still here\");").ok();

    let status = host.sh("systemctl status --no-pager sqlite-sqliteserver").ok().stdout;
    for expected in ["Loaded: loaded (/etc/systemd/system/", "Active: active (running)", "Status: \"Healthy, "] {
        assert!(status.contains(expected), "{expected} in {status}");
    }
    query("select no_such_column;").ok();
    let complains = || host.sh("journalctl --quiet --output cat -u sqlite-sqliteserver").ok().stdout;
    host.wait_for("the server's complaint in its journal", || complains().contains("no such column: no_such_column"));
    assert_eq!(host.sh("journalctl --quiet --grep no_such_column -u sqlite-sqliteproxy").stdout, "");

    host.sh("systemctl stop sqlite-sqliteproxy").ok();
    query("select 1;").fails();
    assert_eq!(active_state(&host, "sqlite-sqliteproxy"), "inactive");
    assert_eq!(active_state(&host, "sqlite-sqliteserver"), "active");
    assert_eq!(host.sh("docker ps --format '{{.Names}}'").ok().stdout, "sqlite-sqliteserver\n");

    stop_stack(&host, "sqlite");
    assert_nothing_but_volumes_is_left(&host, &[]);
    host.sh("systemctl start sqlite.target").ok();
    assert_eq!(query("select word from kept;").ok().stdout, "still here\n");
}

#[test]
fn todo_keeps_its_items_over_stop_and_start() {
    let host = host_with("todo");
    host.sh("systemctl start todo.target").ok();
    assert!(host.sh("curl --silent --fail http://127.0.0.1:8000/").ok().stdout.contains("<h1>To do</h1>"));
    host.sh(r#"curl --silent --fail -d '{"title": "Water the plants"}' http://127.0.0.1:8000/api/items"#).ok();
    let status = host.sh("systemctl status --no-pager todo-web").ok().stdout;
    assert!(status.contains("(wharf-run)") && status.contains("Status: \"Healthy, container "), "{status}");
    let log = host.sh("journalctl --quiet --output cat -u todo-web").ok().stdout;
    assert!(log.contains("listening on port 8000, items in /data/todo.db\n"), "{log}");

    stop_stack(&host, "todo");
    assert_nothing_but_volumes_is_left(&host, &["todo_data"]);
    host.sh("systemctl start todo.target").ok();
    let items = host.sh("curl --silent --fail http://127.0.0.1:8000/api/items").ok().stdout;
    assert!(items.contains("Water the plants"), "{items}");
}

#[test]
fn wordpress_waits_for_its_database_and_keeps_what_was_written() {
    const INSTALL: &str = "curl --silent --fail -d 'weblog_title=Plants&user_name=admin&admin_email=admin@example.org' \
        -d 'admin_password=long-enough&admin_password2=long-enough&pw_weak=on' \
        'http://127.0.0.1:8080/wp-admin/install.php?step=2'";
    let first_page = "curl --silent --fail --location http://127.0.0.1:8080/";

    let host = host_with("wordpress");
    let secrets = host.sh(
        "cd /etc/systemd/system && grep --recursive --files-with-matches change-me . | xargs stat -c '%a %n' | sort",
    );
    assert_eq!(secrets.ok().stdout, "600 ./wordpress-db.container.json\n600 ./wordpress-web.container.json\n");

    host.sh("systemctl start wordpress.target").ok();
    assert!(host.sh(first_page).ok().stdout.contains("<title>WordPress &rsaquo; Installation</title>"));
    assert_started_in_order(&host, "wordpress-db", "wordpress-web");
    host.sh(INSTALL).ok();
    assert!(host.sh(first_page).ok().stdout.contains("<title>Plants</title>"));

    stop_stack(&host, "wordpress");
    assert_nothing_but_volumes_is_left(&host, &["wordpress_database", "wordpress_uploads"]);
    host.sh("systemctl start wordpress.target").ok();
    assert!(host.sh(first_page).ok().stdout.contains("<title>Plants</title>"));
}
