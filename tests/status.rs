//! `wharf status` and `wharf diff` on a real host: what systemd and wharfd know, for whoever may log in.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Host, Out};

const STACK: &str = r#"
[services.web]
image = "IMAGE"
scale = 2
command = "tail -f /dev/null"
ports = ["8080-8089:80"]
stop_signal = "SIGKILL"

[services.db]
image = "IMAGE"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
ready = "healthy"
on_unhealthy = "none"
healthcheck = { test = "cat /tmp/ok", interval = "300ms", retries = 1 }
volumes = ["data:/data"]

[volumes.data]
"#;

/// A stack in which nothing moves by itself.
const QUIET: &str = r#"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[services.db]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
"#;

/// The same with a container whose health is known.
const QUIET_AND_HEALTHY: &str = r#"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[services.db]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
ready = "healthy"
healthcheck = { test = "true", interval = "1h", start_interval = "300ms", start_period = "1h" }
"#;

fn host_with(hint: &str, stack: &str) -> Host {
    let host = Host::boot(hint);
    host.generate("shop", stack);
    host.sh("systemctl start shop.target && systemctl start 'shop-*.service' && useradd joe").ok();
    host
}

fn as_joe(host: &Host, command: &str) -> Out {
    host.sh(&format!("runuser -u joe -- {command}"))
}

/// With one blank for many.
fn squeezed(text: &str) -> String {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// Waits until the picture holds all of these lines, their blanks taken as one.
#[track_caller]
fn wait_for_lines(host: &Host, command: &str, lines: &[&str]) {
    host.wait_to_see(&format!("all of {lines:#?}"), || {
        let said = host.sh(command).stdout;
        let shown = squeezed(&said);
        if lines.iter().all(|line| shown.contains(line)) { Ok(()) } else { Err(said) }
    });
}

fn status(host: &Host) -> Value {
    serde_json::from_str(&host.sh("wharf status --json").stdout).expect("JSON")
}

fn unit<'a>(status: &'a Value, name: &str) -> &'a Value {
    let units = status["projects"][0]["units"].as_array().expect("units");
    units.iter().find(|unit| unit["unit"] == name).unwrap_or_else(|| panic!("{name}: {status:#}"))
}

#[test]
fn the_tree_tells_everybody_how_containers_fare_and_what_is_wrong_with_them() {
    let host = host_with("tree", STACK);
    let said = host.sh("wharf status").ok();
    assert_eq!(said.stderr, "", "wharfd was started for it");
    wait_for_lines(
        &host,
        "wharf status",
        &[
            "UNIT STATE HEALTH UPTIME RESTARTS CPU MEMORY IMAGE PORTS",
            "shop.target active",
            "├─ shop-db.service active (running) healthy",
            "├─ shop-web@.service 2 of 2 active",
            "│ ├─ shop-web@1.service active (running)",
            "│ └─ shop-web@2.service active (running)",
            "├─ shop-data-volume.service active (exited)",
            "└─ shop-default-network.service active (exited)",
            "127.0.0.1:5000/busybox:1 0.0.0.0:808",
        ],
    );
    let text = host.sh("wharf status").ok().stdout;
    assert!(!text.contains('*') && !text.contains('\x1b') && !text.contains("Healthy, container"), "{text}");
    let ascii = host.sh("LC_ALL=C wharf status").ok().stdout;
    assert!(ascii.contains("|- shop-db.service") && ascii.is_ascii(), "{ascii}");

    host.sh("docker exec shop-db rm /tmp/ok; docker rename shop-web-1 other; docker network connect bridge other").ok();
    host.sh("docker run -d --name stray 127.0.0.1:5000/busybox:1 tail -f /dev/null").ok();
    let wrong = [
        "shop-db.service active (running) unhealthy",
        "│ unhealthy: cat: can't open '/tmp/ok': No such file or directory",
        "127.0.0.1:5000/busybox:1 * 0.0.0.0:808",
        "│ │ drift: it is named other, not shop-web-1",
        "│ │ drift: it is connected to bridge, which its definition does not name",
        "Containers that no stack declares:",
        "stray ",
    ];
    wait_for_lines(&host, "wharf status", &wrong);
    let named = host.sh("wharf status shop");
    assert_eq!(named.status, 6, "a container is unhealthy");
    let named = named.stdout;
    assert!(!named.contains("stray"), "{named}");

    // Whoever may log in sees the same, but for what the engine shows only to root.
    let for_all = [wrong[0], "│ unhealthy", wrong[2], wrong[3], wrong[4]];
    wait_for_lines(&host, "runuser -u joe -- wharf status", &for_all);
    let joe = as_joe(&host, "wharf status");
    assert!(!joe.stdout.contains("can't open") && !joe.stdout.contains("stray"), "{joe:?}");
    assert!(joe.stderr.contains("not shown: ") && joe.stderr.contains("(io.wharf.inspect-containers)"), "{joe:?}");
    let of_all = "jq 'del(.undeclared, .broken) | del(.projects[].units[] | .uptime_seconds, .cpu_seconds, .memory_bytes, .health_output)'";
    let root = host.sh(&format!("(wharf status --json || true) | {of_all}")).ok().stdout;
    assert_eq!(host.sh(&format!("(runuser -u joe -- wharf status --json || true) | {of_all}")).ok().stdout, root);
    // Nobody else gets to it on another way, and root does.
    let everything = "busctl call io.wharf.Supervisor1 /io/wharf/Supervisor1 org.freedesktop.DBus.ObjectManager GetManagedObjects; \
                      busctl get-property io.wharf.Supervisor1 /io/wharf/Supervisor1 io.wharf.Supervisor1.Manager EngineConnected; \
                      systemctl show 'shop-*'; wharf status --json || true";
    let everything = as_joe(&host, &format!("bash -c \"{everything}\"")).ok().stdout;
    assert!(!everything.contains("can't open") && !everything.contains("stray"), "{everything}");
    let log = host.sh("journalctl --unit shop-db --output cat").ok().stdout;
    assert!(log.contains("the container is unhealthy: cat: can't open"), "{log}");

    let picture = status(&host);
    assert_eq!(picture["engine_connected"], true);
    assert_eq!(picture["undeclared"][0]["name"], "stray");
    assert_eq!(picture["undeclared"][0]["image"], "127.0.0.1:5000/busybox:1");
    assert_eq!(picture["undeclared"][0]["id"].as_str().map(str::len), Some(64));
    let db = unit(&picture, "shop-db.service");
    assert_eq!([&db["service"], &db["container"], &db["health"]], ["db", "shop-db", "unhealthy"]);
    assert!(db["health_output"].as_str().is_some_and(|said| said.starts_with("cat: can't open")), "{db:#}");
    assert_eq!([&db["active"], &db["sub"], &db["image"]], ["active", "running", "127.0.0.1:5000/busybox:1"]);
    assert_eq!(db["container_id"], host.inspect("shop-db", "{{.Id}}"));
    assert_eq!(db["image_id"], host.inspect("shop-db", "{{.Image}}"));
    assert_eq!(db["spec_hash"].as_str().map(str::len), Some(64));
    assert_eq!(db["spec_hash"], db["running_spec_hash"]);
    // From the hash of the definition one could find a short value of `environment` by trying.
    let label = host.inspect("shop-db", "{{index .Config.Labels \"io.wharf.config-hash\"}}");
    assert!(label.len() == 64 && db["spec_hash"] != label.as_str(), "{label}");
    host.sh(&format!("! grep -r {label} /etc/systemd/system --include='*.service'")).ok();
    assert_eq!([&db["drift"], &db["ports"]], [&serde_json::json!([]), &serde_json::json!([])]);
    assert_eq!([&db["restarts"], &db["restart_count"]], [0, 0]);
    assert_eq!([&db["last_restart"], &db["last_restart_reason"], &db["instance"]], [&Value::Null; 3]);
    let web = unit(&picture, "shop-web@1.service");
    assert_eq!([&web["instance"], &web["container"], &web["health"]], ["1", "shop-web-1", "none"]);
    assert_eq!(web["drift"][0], serde_json::json!({"aspect": "name", "text": "it is named other, not shop-web-1"}));
    assert!(web["ports"][0].as_str().is_some_and(|port| port.ends_with("->80/tcp")), "{web:#}");
    assert_eq!(unit(&picture, "shop-data-volume.service")["drift"], Value::Null);

    // A restart, and a definition that is newer than the container.
    host.sh("docker kill shop-db").ok();
    host.sh("sed -i 's/^scale = 2/scale = 2\\nhostname = \"x\"/' shop.toml; wharf generate shop.toml").ok();
    wait_for_lines(
        &host,
        "wharf status",
        &[" ago: exit-code", "drift: the stack was changed since the container was made"],
    );
    host.wait_active("shop-db.service");
    let picture = status(&host);
    let db = unit(&picture, "shop-db.service");
    assert_eq!([&db["restarts"], &db["restart_count"]], [1, 1]);
    assert_eq!(db["last_restart_reason"], "exit-code");
    assert!(db["last_restart"].as_str().is_some_and(|time| time.ends_with('Z')), "{db:#}");
}

/// How often the process has run so far.
fn runs(host: &Host) -> String {
    host.sh("cat /proc/$(systemctl show -P MainPID watch)/task/*/schedstat").ok().stdout
}

/// Does not run for three seconds.
#[track_caller]
fn is_quiet(host: &Host) {
    host.wait_for("it sleeps for three seconds", || {
        let before = runs(host);
        std::thread::sleep(Duration::from_secs(3));
        before == runs(host)
    });
}

#[test]
fn a_watch_shows_what_changes_and_sleeps_while_nothing_does() {
    let host = host_with("watched", QUIET);
    let start = "systemd-run --quiet --unit watch -p RemainAfterExit=yes -p StandardOutput=truncate:/root/watch -p StandardError=truncate:/root/error";
    host.write("/root/watch", "");
    host.sh(&format!("{start} wharf status --watch shop")).ok();
    let pictures = || -> Vec<String> { host.read("/root/watch").split("\n\n").map(squeezed).collect() };
    let wait_for_last = |what: &str| {
        let holds = || pictures().last().is_some_and(|last| last.contains(what));
        host.wait_for(&format!("a picture with {what}"), holds);
    };
    wait_for_last("127.0.0.1:5000/busybox:1");
    is_quiet(&host);
    assert_eq!(pictures().len(), 1, "{:#?}", pictures());
    // A stack file, in whichever way it is written.
    let changed = "its units are not what /root/shop.toml says now";
    host.sh("cp shop.toml before; sed -i '/^\\[services.db\\]/a hostname = \"x\"' shop.toml").ok();
    wait_for_last(changed);
    host.sh("cat before >shop.toml").ok();
    host.wait_for("it says the same again", || pictures().last().is_some_and(|last| !last.contains(changed)));
    host.sh("systemctl stop shop-db").ok();
    wait_for_last("shop-db.service inactive (dead)");
    assert!(pictures().last().is_some_and(|last| last.contains("shop-web.service active (running)")));
    host.sh("docker rename shop-web other").ok();
    wait_for_last("drift: it is named other, not shop-web");
    // Who stops wharfd has stopped it.
    host.sh("systemctl stop wharfd").ok();
    wait_for_last("Running, container");
    assert_eq!(host.read("/root/error"), "wharf: wharfd does not run; only what systemd knows is shown\n");
    is_quiet(&host);
    assert_eq!(host.property("wharfd", "ActiveState"), "inactive");
    host.sh("systemctl start wharfd").ok();
    wait_for_last("drift: it is named other, not shop-web");
    // Of a stack that rests systemd forgets the units; to ask for them is no change.
    host.sh("systemctl stop shop.target 'shop-*.service'").ok();
    wait_for_last("shop.target inactive (dead)");
    is_quiet(&host);
    host.sh("systemctl kill --signal=INT watch").ok();
    // CLD_EXITED, see waitid(2).
    host.wait_for("it has ended", || host.property("watch", "ExecMainCode") == "1");
    assert_eq!(host.property("watch", "ExecMainStatus"), "0");

    // For programs: a document a line.
    let again = |option: &str| {
        host.sh(&format!("rm /root/watch; {start} wharf status --watch {option}")).ok();
        host.wait_for("the first picture", || host.sh("test -s /root/watch").status == 0);
    };
    host.sh("systemctl stop watch").ok();
    again("--json");
    host.sh("systemctl start shop-web").ok();
    host.wait_for("the container runs", || {
        let last = host.sh("tail -n 1 /root/watch | jq -r '.projects[0].units[] | select(.service == \"web\") | .sub'");
        last.stdout.trim() == "running"
    });
    assert!(host.read("/root/watch").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    host.sh("systemctl stop watch").ok();

    // On a terminal each picture takes the place of the one before, and Ctrl-C ends it.
    let typed = "rm -f /root/typed; (until grep -q running /root/typed; do sleep 0.1; done; systemctl stop shop-web; \
                 until grep -q '5F' /root/typed; do sleep 0.1; done; printf '\\003') \
                 | TERM=xterm script -qefc 'wharf status --watch shop' /root/typed >/dev/null";
    host.sh(typed).ok();
    let typed = host.read("/root/typed");
    assert!(typed.contains("\x1b[5F\x1b[J") && typed.contains("\x1b[32mactive (running)\x1b[0m"), "{typed:?}");
    assert!(!host.sh("NO_COLOR=1 script -qec 'wharf status' /dev/null").ok().stdout.contains('\x1b'));

    // The bus goes.
    again("");
    host.sh("systemctl kill --signal=KILL dbus").ok();
    host.wait_for("it has ended", || host.property("watch", "ExecMainStatus") == "1");
    assert_eq!(host.read("/root/error"), "wharf: the connection to the system bus ended\n");
}

#[test]
fn without_wharfd_or_the_engine_there_is_what_systemd_knows() {
    let host = host_with("without", QUIET_AND_HEALTHY);
    let only_systemd = |why: &str| {
        for user in ["root", "joe"] {
            let said = host.sh(&format!("runuser -u {user} -- wharf status")).ok();
            assert_eq!(said.stderr, format!("wharf: {why} only what systemd knows is shown\n"));
            assert!(said.stdout.contains("├─ shop-db.service"), "{}", said.stdout);
            assert!(said.stdout.contains("│    Running, container "), "{}", said.stdout);
        }
        let picture = status(&host);
        assert_eq!([&picture["undeclared"], &picture["engine_connected"]], [&Value::Null; 2]);
        let db = unit(&picture, "shop-db.service");
        assert_eq!([&db["active"], &db["container"]], ["active", "shop-db"]);
        let known = [
            "health",
            "has_processes",
            "container_id",
            "image",
            "spec_hash",
            "drift",
            "ports",
            "restart_count",
            "last_restart",
        ];
        assert!(known.iter().all(|name| db.get(name) == Some(&Value::Null)), "{db:#}");
        let diff = host.sh("wharf diff");
        assert_eq!((diff.status, diff.stdout.as_str()), (1, ""), "{diff:?}");
        assert!(diff.stderr.starts_with("wharf: wharfd "), "{diff:?}");
    };
    host.sh("systemctl mask --now wharfd").ok();
    only_systemd("wharfd cannot be reached: Unit wharfd.service is masked;");
    host.sh("systemctl unmask wharfd; rm /usr/share/dbus-1/system-services/io.wharf.Supervisor1.service").ok();
    host.sh("busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig").ok();
    only_systemd("wharfd is not installed;");

    host.sh("systemctl start wharfd-metrics.socket wharfd").ok();
    host.wait_for("wharfd knows", || host.sh("wharf status").ok().stdout.contains("healthy"));
    host.sh("systemctl stop docker.socket docker").ok();
    let away = |shown: &str| {
        format!("wharf: the engine does not answer, so the state of containers could not be asked; {shown}\n")
    };
    let known = away("the last known state is shown");
    host.wait_for("wharfd has seen it", || host.sh("wharf status").stderr == known);
    let ended = "│ the engine does not answer, and the container has no process";
    for picture in [host.sh("wharf status"), as_joe(&host, "wharf status")] {
        assert_eq!((picture.status, picture.stderr.as_str()), (6, known.as_str()), "{picture:?}");
        let text = squeezed(&picture.stdout);
        assert!(text.contains("shop-db.service active (running) unknown") && text.contains(ended), "{text}");
        assert!(!text.contains("healthy"), "{text}");
    }
    let picture = status(&host);
    assert_eq!(picture["engine_connected"], false);
    let db = unit(&picture, "shop-db.service");
    assert_eq!([&db["health"], &db["has_processes"]], [&Value::Null, &Value::Bool(false)], "{db:#}");
    // On the bus and in the metrics, too.
    let health = "busctl get-property io.wharf.Supervisor1 /io/wharf/Supervisor1/container/shop_2ddb_2eservice \
                  io.wharf.Supervisor1.Container Health";
    host.wait_for("its health is unknown", || host.sh(health).ok().stdout.trim() == "s \"unknown\"");
    let metrics =
        host.sh("curl --silent --fail --unix-socket /run/wharf/metrics.sock http://wharfd/metrics").ok().stdout;
    for (word, value) in [("unknown", 1), ("healthy", 0)] {
        let is_it = |line: &&str| line.contains("_health{") && line.contains(&format!("health=\"{word}\""));
        let line = metrics.lines().find(|line| is_it(line) && line.contains("shop-db.service"));
        assert!(line.is_some_and(|line| line.ends_with(&format!(" {value}.0"))), "{word}: {metrics}");
    }
    // A new wharfd knows nothing of containers.
    host.sh("systemctl restart wharfd").ok();
    let new = host.sh("wharf status");
    assert_eq!((new.status, new.stderr), (6, away("only what systemd knows is shown")));
    assert!(squeezed(&new.stdout).contains(ended), "{}", new.stdout);

    host.sh("systemctl start docker.socket docker").ok();
    host.wait_for("all is well again", || unit(&status(&host), "shop-db.service")["health"] == "healthy");
    let picture = status(&host);
    let db = unit(&picture, "shop-db.service");
    assert_eq!(db["has_processes"], Value::Null);
    assert_eq!(host.sh(health).ok().stdout.trim(), "s \"healthy\"");
    // The engine was away: that is no crash.
    assert_eq!(db["last_restart_reason"], "unavailable", "{db:#}");
    let away = "the engine was away, or a container ended whose namespace it shares";
    let tree = host.sh("wharf status").ok().stdout;
    assert!(tree.contains(&format!(" ago: {away}\n")), "{tree}");
    let history = host.sh("wharf history shop db").ok().stdout;
    assert!(
        history.contains("unavailable: the engine or a registry was away, ") && !history.contains("crashed"),
        "{history}"
    );
}

#[test]
fn containers_that_outlive_the_engine_are_shown_as_they_were_known_last() {
    let host = Host::builder().live_restore().boot("outlived");
    host.generate("shop", QUIET_AND_HEALTHY);
    host.sh("systemctl start shop-db wharfd").ok();
    host.wait_for("health is known", || squeezed(&host.sh("wharf status").stdout).contains("(running) healthy"));
    host.sh("systemctl stop docker.socket docker").ok();
    wait_for_lines(&host, "wharf status", &["shop-db.service active (running) healthy (last known)"]);
    let said = host.sh("wharf status").ok();
    assert!(
        said.stderr.contains("the last known state is shown") && !said.stdout.contains("does not answer"),
        "{said:?}"
    );
    let db = unit(&status(&host), "shop-db.service").clone();
    assert_eq!([&db["health"], &db["has_processes"]], [&Value::from("healthy"), &Value::Bool(true)], "{db:#}");
    host.sh(
        "kill -KILL $(cat /sys/fs/cgroup/wharf.slice/wharf-shop.slice/wharf-shop-db.slice/docker-*.scope/cgroup.procs)",
    )
    .ok();
    let ended = "the engine does not answer, and the container has no process";
    wait_for_lines(&host, "wharf status", &["shop-db.service active (running) unknown", ended]);
    assert_eq!(host.sh("wharf status").status, 6);
}

#[test]
fn a_diff_names_the_drift_and_what_was_written_and_exits_with_4_for_drift_alone() {
    let host = host_with("diff", QUIET);
    let fresh = host.sh("wharf diff shop").ok();
    assert_eq!((fresh.stdout.as_str(), fresh.stderr.as_str()), ("", ""));
    host.sh("docker exec shop-db sh -c 'echo x >/root-was-here; rm /etc/passwd || true'").ok();
    let written = host.sh("wharf diff shop").ok();
    assert!(written.stdout.starts_with("shop-db.service\n"), "{written:?}");
    assert!(written.stdout.contains("\n  A /root-was-here\n"), "{written:?}");
    assert!(!written.stdout.contains("shop-web"), "{written:?}");

    host.sh("docker rename shop-web other").ok();
    let drift = "shop-web.service\n  drift: it is named other, not shop-web\n";
    host.wait_for("drift is seen", || host.sh("wharf diff").stdout.contains(drift));
    let both = host.sh("wharf diff");
    assert_eq!((both.status, both.stderr.as_str()), (4, ""), "{both:?}");
    let json: Value = serde_json::from_str(&host.sh("wharf diff --json").stdout).expect("JSON");
    let of = |name: &str| json["containers"].as_array().and_then(|all| all.iter().find(|it| it["unit"] == name));
    let db = of("shop-db.service").expect("db");
    let file = serde_json::json!({"change": "A", "path": "/root-was-here"});
    assert!(db["files"].as_array().is_some_and(|files| files.contains(&file)), "{db:#}");
    assert_eq!([&db["project"], &db["service"], &db["container"]], ["shop", "db", "shop-db"]);
    assert_eq!(of("shop-web.service").expect("web")["drift"][0]["aspect"], "name");

    // Files are root's affair; drift is everybody's.
    let joe = as_joe(&host, "wharf diff");
    assert_eq!((joe.status, joe.stdout.as_str()), (4, drift), "{joe:?}");
    for unit in ["shop-db.service", "shop-web.service"] {
        assert!(
            joe.stderr.contains(&format!("wharf: {unit}: cannot list what changed in its file system: ")),
            "{joe:?}"
        );
    }
    assert!(joe.stderr.contains("io.wharf.manage-containers"), "{joe:?}");
    let json = as_joe(&host, "wharf diff --json 2>/dev/null").stdout;
    assert!(json.contains(r#""files": null"#), "{json}");

    // The registry has a newer one under the name; this host does not.
    host.sh("docker rename other shop-web").ok();
    let image = "127.0.0.1:5000/busybox";
    host.sh(&format!(
        "docker pull -q {image}:2; docker tag {image}:1 kept; docker tag {image}:2 {image}:1; docker push -q {image}:1; docker tag kept {image}:1"
    ))
    .ok();
    host.wait_for("no drift is seen", || host.sh("wharf diff").status == 0);
    let refused = as_joe(&host, "wharf diff --registry");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("wharf: shop-web.service: cannot ask the registry: "), "{refused:?}");
    let newer = host.sh("wharf diff --registry shop");
    assert_eq!(newer.status, 4, "{newer:?}");
    assert_eq!(newer.stdout.matches("in its registry").count(), 2, "{newer:?}");
    host.sh("systemctl stop docker-registry").ok();
    let away = host.sh("wharf diff --registry shop");
    assert_eq!(away.status, 4, "{away:?}");
    assert!(away.stderr.contains("shop-web.service: cannot ask the registry: "), "{away:?}");
}

/// What a command prints on a terminal of 24 lines and 80 columns, as it comes.
fn on_terminal(host: &Host, command: &str) -> String {
    host.sh(&format!(
        "script --quiet --command 'stty rows 24 cols 80; {command}' /root/terminal </dev/null >/dev/null || true"
    ))
    .ok();
    host.sh("sed '1d;$d' /root/terminal").ok().stdout
}

/// What a registry, an image or a container writes to steer a terminal.
const STEERING: [&str; 5] = ["\u{7}", "\u{1b}]", "\u{1b}[2J\u{9b}", "\u{9b}", "\u{202e}"];

#[test]
fn status_that_is_watched_as_json_does_not_steer_the_terminal() {
    let stack = "[services.db]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\non_unhealthy = \"none\"\n\
                 healthcheck = { test = \"printf 'seen \\\\302\\\\233 31m\\\\342\\\\200\\\\256'; false\", interval = \"300ms\", retries = 1 }\n";
    let host = Host::boot("watch-json");
    host.generate("shop", stack);
    host.sh("systemctl start shop-db wharfd").ok();
    let raw = || host.sh("wharf status --json").stdout;
    host.wait_for("the healthcheck has printed", || raw().contains("seen \u{9b} 31m\u{202e}"));
    host.sh("script --quiet --command 'wharf status --watch --json' --flush /root/terminal </dev/null >/dev/null 2>&1 & disown; echo $! >/root/pid").ok();
    let shown = || host.sh("cat /root/terminal || true").ok().stdout;
    host.wait_for("it is shown", || shown().contains("seen "));
    host.sh("kill $(cat /root/pid)").ok();
    let shown = shown();
    assert!(shown.contains("seen   31m ") && !STEERING.iter().any(|text| shown.contains(text)), "{shown:?}");
}

#[test]
fn a_registry_neither_hides_its_failure_nor_steers_the_terminal() {
    let host = Host::boot("refusal");
    host.write("/tmp/registry.py", include_str!("support/registry.py"));
    host.sh("python3 /tmp/registry.py >/root/registry 2>&1 & disown").ok();
    host.wait_for("the registry", || host.read("/root/registry").contains("ready"));
    host.write("/root/shop.toml", "[services.web]\nimage = \"127.0.0.1:5999/web:1\"\nrestart = \"no\"\n");
    let is_clean = |shown: &str| {
        !STEERING.iter().any(|text| shown.contains(text)) && !shown.lines().any(|line| line.starts_with("forged"))
    };
    let pulled = on_terminal(&host, "wharf pull shop.toml; echo status $?");
    assert!(pulled.contains("127.0.0.1:5999/web:1: failed: ") && pulled.contains("sorry ]0;owned"), "{pulled:?}");
    assert!(pulled.contains("status 1") && is_clean(&pulled), "{pulled:?}");
    let started = on_terminal(&host, "wharf generate --now shop.toml; echo status $?");
    assert!(started.contains("sorry") && started.contains("status 1") && is_clean(&started), "{started:?}");
    // A name longer than the terminal is no reason not to show anything.
    let long = format!("127.0.0.1:5999/{}:1", "web/".repeat(50) + "web");
    host.write("/root/shop.toml", &format!("[services.web]\nimage = \"{long}\"\n"));
    let pulled = on_terminal(&host, "wharf pull shop.toml");
    assert!(pulled.replace("\r\n", "").contains(&format!("{long}: failed: ")) && is_clean(&pulled), "{pulled:?}");
}

#[test]
fn entries_of_other_users_do_not_break_the_history_of_replicas() {
    const FORGE: &str = r#"
import socket
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for number in range(9000):
    text = f"MESSAGE=x\nMESSAGE_ID=39f53479d3a045ac8e11786248231fbf\nJOB_RESULT=done\nUNIT=shop-web@{'a' * 200}{number}.service\n"
    journal.sendto(text.encode(), "/run/systemd/journal/socket")
"#;
    let host = host_with("forged-units", STACK);
    host.write("/tmp/forge.py", FORGE);
    as_joe(&host, "python3 /tmp/forge.py").ok();
    // journald may hold some of them back, but all these names are far more than one command line takes.
    let names = host.sh("journalctl --sync; journalctl --field UNIT | wc --bytes").ok().stdout;
    assert!(names.trim().parse::<u32>().is_ok_and(|bytes| bytes > 1_800_000), "{names}");
    let history = host.sh("wharf history shop").ok().stdout;
    assert!(!history.contains("aaaa"), "{}", &history[..1000]);
    for unit in ["shop-web@1.service", "shop-web@2.service", "shop-db.service"] {
        assert!(history.lines().any(|line| line.contains(unit) && line.contains("started")), "{history}");
    }
    assert_eq!(as_joe(&host, "wharf history shop").stdout, "");
}

const TROUBLED: &str = r#"
[services.db]
image = "IMAGE"
command = ["sh", "-c", "printf 'no such \\033[31m table\\n' >&2; echo bye; exit 3"]
restart = "no"
ready = "healthy"
healthcheck = { test = "true", interval = "60s", start_interval = "60s", start_period = "60s" }

[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
depends_on.db.condition = "service_healthy"

[services.worker]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
init = true
volumes = ["data:/srv/data", "/etc/hostname:/etc/app/name:ro"]

[services.backup]
image = "IMAGE"
command = "true"
schedule = "daily"

[volumes.data]
"#;

#[test]
fn status_says_why_a_unit_is_dead_or_not_what_was_generated() {
    let host = Host::boot("troubled");
    host.generate("shop", TROUBLED);
    host.write("/etc/wharf/blog.toml", "[services.web]\nimgae = \"a\"\n");
    host.sh("systemctl start shop-worker shop-backup.timer; ! systemctl start shop-web; useradd joe").ok();
    // Untouched: what init and mounts made is no change.
    assert!(host.sh("docker diff shop-worker").ok().stdout.contains("A /srv/data\n"));
    let untouched = host.sh("wharf diff").ok();
    assert_eq!((untouched.stdout.as_str(), untouched.stderr.as_str()), ("", ""));
    // Who may not look has not seen that nothing differs.
    let joe = as_joe(&host, "wharf diff");
    assert_eq!((joe.status, joe.stdout.as_str()), (1, ""), "{joe:?}");

    let limit = "/etc/systemd/system/shop-worker.service.d/limit.conf";
    host.write(limit, "[Service]\nMemoryMax=1G\n");
    host.sh("sed -i 's/^Restart=.*/Restart=no/' /etc/systemd/system/shop-worker.service; systemctl daemon-reload").ok();
    host.sh("docker pause shop-worker").ok();
    let limited =
        format!("MemoryMax= limits wharf-run, not the container: systemctl edit wharf-shop-worker.slice; {limit}");
    let edited = "edited by hand: the next `wharf generate` overwrites it";
    wait_for_lines(
        &host,
        "wharf status",
        &[
            "UNIT STATE HEALTH UPTIME RESTARTS CPU MEMORY IMAGE PORTS\nshop.target inactive (dead)\n├─ shop-db.service failed",
            "│ failed: exit-code 3",
            "│ last output: no such [31m table",
            "├─ shop-web.service inactive (dead)",
            "│ dependency shop-db.service failed",
            "├─ shop-worker.service active (paused)",
            &limited,
            edited,
            "├─ shop-backup.timer active (waiting)",
            "│ next: 20",
            "Invalid stack files:\n/etc/wharf/blog.toml:1:11: service `web` has no image (and 1 more error; ",
        ],
    );
    let picture = status(&host);
    assert_eq!(unit(&picture, "shop-web.service")["failed_dependency"], "shop-db.service");
    assert_eq!(unit(&picture, "shop-db.service")["last_output"], "no such [31m table");
    // Of what a container printed, others see nothing.
    assert!(!as_joe(&host, "wharf status").stdout.contains("table"));
    assert!(!host.sh("systemctl show shop-db").ok().stdout.contains("table"));
    host.sh("usermod --append --groups systemd-journal joe").ok();
    assert!(as_joe(&host, "wharf status").stdout.contains("last output: no such"));
    let worker = unit(&picture, "shop-worker.service");
    assert_eq!(worker["edited"], true);
    assert_eq!(worker["misplaced_limits"][0]["directive"], "MemoryMax");
    let timer = unit(&picture, "shop-backup.timer");
    assert!(timer["next_elapse"].as_str().is_some_and(|time| time.ends_with('Z')), "{timer:#}");
    assert_eq!(picture["broken"][0]["file"], "/etc/wharf/blog.toml");
    let of_joe: Value = serde_json::from_str(&as_joe(&host, "wharf status --json").stdout).expect("JSON");
    assert_eq!(of_joe["broken"], Value::Null);

    let narrow = host.sh("TERM=xterm script -qec 'stty cols 60; wharf status shop' /dev/null </dev/null").stdout;
    assert!(narrow.contains("UNIT") && !narrow.contains("RESTARTS"), "{narrow}");
    let diff = host.sh("wharf diff");
    assert_eq!(diff.status, 4);
    let named = "shop-worker.service\n  the unit file was edited or deleted by hand: the next `wharf generate` writes it again\n";
    assert!(diff.stdout.contains(named), "{diff:?}");
    for command in ["status", "diff", "history", "logs shop", "status --json"] {
        let full = host.sh(&format!("wharf {command} >/dev/full"));
        assert_eq!(full.status, 1, "{command}: {full:?}");
        assert!(full.stderr.contains("cannot write to standard output: No space left on device"), "{full:?}");
    }
}

#[test]
fn several_stacks_are_shown_and_one_that_is_unknown_is_an_error() {
    let host = host_with("several", QUIET);
    for name in ["blog", "cart"] {
        host.write(&format!("/srv/{name}.toml"), &QUIET.replace("IMAGE", support::IMAGE));
        host.sh(&format!("wharf generate /srv/{name}.toml")).ok();
    }
    let targets = |arguments: &str| {
        let shown = host.sh(&format!("wharf status {arguments}")).ok().stdout;
        let units = shown.lines().filter_map(|line| line.split(' ').next()).filter(|unit| unit.ends_with(".target"));
        units.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(targets("shop blog"), ["blog.target", "shop.target"]);
    assert_eq!(targets("/srv/cart.toml blog cart"), ["blog.target", "cart.target"]);
    assert_eq!(targets(""), ["blog.target", "cart.target", "shop.target"]);
    // Services alone.
    let units = |arguments: &str| {
        let json = host.sh(&format!("wharf status --json {arguments}")).ok().stdout;
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let rows = json["projects"].as_array().into_iter().flatten().flat_map(|it| it["units"].as_array().cloned());
        rows.flatten().map(|row| row["unit"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(units("shop web"), ["shop-web.service"]);
    assert_eq!(units("shop-web shop-db.service"), ["shop-db.service", "shop-web.service"]);
    assert_eq!(units("blog db cart web"), ["blog-db.service", "cart-web.service"]);
    let shown = host.sh("wharf status shop-web").ok().stdout;
    assert!(squeezed(&shown).contains("PORTS\nshop-web.service active (running)"), "{shown}");
    let ambiguous = host.sh("wharf status web");
    assert!(ambiguous.status == 1 && ambiguous.stderr.contains("several stacks have a service `web`"), "{ambiguous:?}");
    let unknown = host.sh("wharf status shop stall");
    assert!(
        unknown.status == 1 && unknown.stderr.contains("`stall`; installed projects: blog, cart, shop"),
        "{unknown:?}"
    );
}

#[test]
fn a_stack_whose_file_was_deleted_is_named_while_its_units_are_there() {
    let host = Host::boot("deleted");
    host.write("/etc/wharf/shop.toml", &QUIET.replace("IMAGE", support::IMAGE));
    host.sh("wharf generate --now && useradd joe").ok();
    let (gone, check) =
        ("its stack file /etc/wharf/shop.toml is gone", "their stack file /etc/wharf/shop.toml is gone");
    assert!(!host.sh("wharf status").ok().stdout.contains("stack file"));
    assert!(!host.sh("wharf doctor").stdout.contains(check));
    assert_eq!(status(&host)["projects"][0]["missing_source"], Value::Null);

    host.sh("rm /etc/wharf/shop.toml").ok();
    for said in [host.sh("wharf status").ok(), as_joe(&host, "wharf status").ok()] {
        assert!(said.stdout.contains(gone) && said.stdout.contains("`wharf remove shop`"), "{said:?}");
    }
    assert_eq!(status(&host)["projects"][0]["missing_source"], "/etc/wharf/shop.toml");
    let doctor = host.sh("wharf doctor").stdout;
    assert!(doctor.contains(check) && doctor.contains("`wharf remove shop`"), "{doctor}");
    host.sh("wharf remove shop").ok();
    assert!(!host.sh("wharf doctor").stdout.contains(check));
}

#[test]
fn a_stack_file_that_says_something_else_than_its_units_is_named_with_the_command() {
    let host = Host::boot("changed");
    host.write("/etc/wharf/shop.toml", &QUIET.replace("IMAGE", support::IMAGE));
    host.write("/srv/blog.toml", &support::sleeper("web", "env_file = \"blog.env\""));
    host.write("/srv/blog.env", "COLOUR=red\n");
    host.write("/srv/cart.toml", &support::sleeper("web", "environment = [\"TAG\"]"));
    host.sh("export TAG=1; wharf generate; wharf generate /srv/blog.toml /srv/cart.toml; systemctl start wharfd; useradd joe").ok();
    let said = |shown: &Out| shown.stdout.matches("its units are not what").count();
    assert_eq!(said(&host.sh("TAG=1 wharf status").ok()), 0);
    // Written again, the file says the same.
    host.sh("touch -d 2001-01-01 /etc/wharf/shop.toml; sed -i 's/^image/# The image\\nimage/' /srv/blog.toml").ok();
    assert_eq!(said(&host.sh("TAG=1 wharf status").ok()), 0);

    host.sh(
        "sed -i 's/^\\[services.db\\]/&\\nhostname = \"x\"/' /etc/wharf/shop.toml; echo COLOUR=blue >/srv/blog.env",
    )
    .ok();
    let shown = host.sh("wharf status").ok();
    let text = squeezed(&shown.stdout);
    let of_shop = "its units are not what /etc/wharf/shop.toml says now: `wharf generate --now shop`";
    let of_cart = "its units are not what /srv/cart.toml says now (with the variables of this shell): `wharf generate --now cart`";
    for (project, line) in
        [("shop", of_shop), ("blog", "its units are not what /srv/blog.toml says now: "), ("cart", of_cart)]
    {
        assert!(text.contains(&format!("{project}.target inactive (dead)\n│ {line}")), "{text}");
    }
    let json = status(&host);
    let source = &json["projects"][2]["changed_source"];
    assert_eq!(*source, serde_json::json!({"file": "/etc/wharf/shop.toml", "command": "wharf generate --now shop"}));
    let joe = as_joe(&host, "wharf status").ok();
    assert_eq!(said(&joe), 0, "others cannot read all that stack files name");
    let diff = host.sh("TAG=1 wharf diff shop").ok();
    assert_eq!((diff.stdout.as_str(), diff.stderr), ("", format!("wharf: shop: {of_shop}\n")));
    host.sh("wharf generate --now shop; wharf generate /srv/blog.toml").ok();
    assert_eq!(said(&host.sh("TAG=1 wharf status").ok()), 0);

    // What was changed by hand or masked is not a change of the file; a service less is.
    host.sh("echo '# x' >>/etc/systemd/system/shop-web.service; systemctl mask blog-web.service --runtime").ok();
    assert_eq!(said(&host.sh("TAG=1 wharf status").ok()), 0);
    host.sh("sed -i '/^\\[services.web\\]/,/^$/d' /etc/wharf/shop.toml").ok();
    assert_eq!(said(&host.sh("TAG=1 wharf status shop")), 1);

    // The generator's units are made at a reload.
    host.sh("wharf remove shop; systemctl daemon-reload").ok();
    assert_eq!(said(&host.sh("wharf status shop").ok()), 0);
    host.sh("sed -i 's/\"x\"/\"y\"/' /etc/wharf/shop.toml").ok();
    assert!(host.sh("wharf status shop").ok().stdout.contains("shop.toml says now: `systemctl daemon-reload`"));
    host.sh("systemctl daemon-reload").ok();
    assert_eq!(said(&host.sh("wharf status shop").ok()), 0);
}

#[test]
fn an_invalid_stack_file_is_named_wherever_it_lies() {
    let host = Host::boot("invalid");
    host.generate("shop", QUIET);
    host.write("/srv/cart.toml", &support::sleeper("web", "hostname = \"${NAME:?is not set}\""));
    host.sh("NAME=x wharf generate /srv/cart.toml; echo broken >>shop.toml").ok();
    let shown = host.sh("NAME=x wharf status").ok().stdout;
    assert!(shown.contains("\nInvalid stack files:\n  /root/shop.toml:"), "{shown}");
    assert!(!shown.contains("cart.toml"), "{shown}");
    // One that lacks its variables may be valid for whoever generated it.
    let shown = host.sh("wharf status").ok().stdout;
    let cart = shown.lines().find(|line| line.contains("/srv/cart.toml")).unwrap_or_default();
    assert!(cart.ends_with(" (with the variables of this shell)"), "{shown}");
}

#[test]
fn a_timer_shows_the_last_run_of_its_job_and_no_run_that_never_was() {
    let host = Host::boot("last-run");
    let job = |name: &str, command: &str| {
        format!(
            "[services.{name}]\nimage = \"{}\"\ncommand = [\"sh\", \"-c\", \"{command}\"]\nschedule = \"daily\"\nstop_signal = \"SIGKILL\"\n",
            support::IMAGE
        )
    };
    host.write(
        "/root/shop.toml",
        &[job("backup", "true"), job("report", "exit 3"), job("slow", "sleep 100000")].concat(),
    );
    host.sh("wharf generate --now shop.toml && systemctl restart 'shop-*.timer'").ok();
    // What `Persistent=` stamps when a timer is started for the first time.
    assert!(host.property("shop-backup.timer", "LastTriggerUSec").contains("20"));
    let shown = host.sh("wharf status").ok().stdout;
    assert!(shown.contains("next: ") && !shown.contains("last: "), "{shown}");
    assert_eq!(unit(&status(&host), "shop-backup.timer")["last_run"], Value::Null);

    host.sh("systemctl start shop-backup; systemctl start --no-block shop-slow; ! systemctl start shop-report").ok();
    let last = |timer: &str| {
        let shown = host.sh("wharf status").stdout;
        let below = shown.split(timer).nth(1).unwrap_or_default().lines().skip(1);
        let last = below.take_while(|line| !line.contains("─ ")).find_map(|line| line.split_once("last: "));
        last.map(|(_, last)| last.split_once(" ago: ").unwrap_or_default().1.to_owned())
    };
    assert_eq!(last("shop-backup.timer").as_deref(), Some("success"));
    assert_eq!(last("shop-report.timer").as_deref(), Some("failed: exit-code 3"));
    host.wait_for("the third job runs", || last("shop-slow.timer").as_deref() == Some("running"));
    let run = unit(&status(&host), "shop-report.timer")["last_run"].clone();
    assert_eq!([&run["result"], &run["exit_status"]], [&Value::from("exit-code"), &Value::from(3)], "{run}");
    assert!(run["started"].as_str().is_some_and(|time| time.ends_with('Z')), "{run}");
}

#[test]
fn a_crash_loop_shows_what_the_container_printed_last() {
    let host = Host::boot("loop");
    let number = "test -e /data/n || echo 0 >/data/n; n=$(($(cat /data/n) + 1)); echo $n >/data/n; echo started; echo no disk $n >&2; exit 3";
    let loops = format!(
        "command = [\"sh\", \"-c\", \"{}\"]\nrestart = \"always\"\nvolumes = [\"data:/data\"]",
        number.replace('$', "$$")
    );
    host.generate("shop", &format!("[services.web]\nimage = \"IMAGE\"\n{loops}\n[volumes.data]\n"));
    host.sh("systemctl start wharfd shop.target").ok();
    let last = |host: &Host| -> Option<u32> {
        let shown: Value = serde_json::from_str(&host.sh("wharf status --json shop").stdout).expect("JSON");
        let web = unit(&shown, "shop-web.service");
        let line = web["last_output"].as_str().filter(|_| web["crash_loop"] == true)?;
        line.strip_prefix("no disk ")?.parse().ok()
    };
    host.wait_for("the loop", || last(&host).is_some());
    let first = last(&host).expect("it does not end");
    host.wait_for("the output of a later run", || last(&host).is_some_and(|number| number > first));
    let shown = host.sh("wharf status shop").stdout;
    assert!(shown.contains("last output: no disk "), "{shown}");
}
