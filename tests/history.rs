//! `wharf history` on a real host: what happened to a stack, why, and who did it, read back from the journal.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use serde_json::Value;
use support::Host;

const STACK: &str = r#"
[services.web]
image = "127.0.0.1:5000/busybox:1"
command = ["sh", "-c", "trap 'exit 3' USR1; while :; do sleep 0.1; done"]
stop_signal = "SIGKILL"

[services.db]
image = "127.0.0.1:5000/busybox:1"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
healthcheck = { test = "cat /tmp/ok", interval = "300ms", retries = 1 }
ready = "healthy"

[services.once]
image = "127.0.0.1:5000/busybox:1"
command = ["sh", "-c", "exit 7"]
restart = "on-failure:2"
depends_on.db.condition = "service_healthy"

[services.job]
image = "127.0.0.1:5000/busybox:1"
command = ["true"]
schedule = "03:30"
"#;

/// The events as `wharf history --json` tells them, oldest first.
fn events(host: &Host, arguments: &str) -> Vec<Value> {
    let said = host.sh(&format!("journalctl --sync; wharf history --json {arguments}")).ok();
    assert_eq!(said.stderr, "", "nothing is amiss");
    let all: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let events = all["events"].as_array().expect("an array of events").clone();
    let times: Vec<&str> = events.iter().map(|event| event["time"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    events
}

/// `event reason` of each of a unit's events.
fn course(events: &[Value], unit: &str) -> Vec<String> {
    let of_unit = events.iter().filter(|event| event["unit"] == unit);
    of_unit.map(|event| [&event["event"], &event["reason"]].map(word).join(" ").trim().to_owned()).collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn last<'a>(events: &'a [Value], unit: &str, event: &str) -> &'a Value {
    let found = events.iter().rfind(|it| it["unit"] == unit && it["event"] == event);
    found.unwrap_or_else(|| panic!("{unit} {event}: {events:#?}"))
}

#[track_caller]
fn wait_for_course(host: &Host, unit: &str, expected: &[&str]) {
    host.wait_to_see(&format!("{expected:?} of {unit}"), || {
        let found = course(&events(host, "shop"), unit);
        if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

#[test]
fn what_happened_to_a_stack_can_be_read_back_why_and_by_whom() {
    let host = Host::boot("history");
    let unknown = host.sh("wharf history shop");
    assert_eq!((unknown.status, unknown.stdout.as_str()), (1, ""), "{unknown:?}");
    assert_eq!(unknown.stderr, host.sh("wharf status shop").stderr, "as status says it");

    // Written, by whom, from which file. Neither a check nor a run that changes nothing is an event.
    host.write("/root/shop.toml", STACK);
    assert_eq!(host.sh("wharf generate --check shop.toml").status, 4);
    host.sh("wharf generate --output /tmp/x shop.toml; wharf generate --dry-run shop.toml >/dev/null").ok();
    assert_eq!(host.sh("wharf history shop").status, 1);
    host.sh("wharf generate shop.toml && wharf generate shop.toml && wharf generate --check shop.toml").ok();
    let generated = events(&host, "shop");
    assert_eq!(generated.len(), 1, "{generated:#?}");
    let generated = &generated[0];
    assert_eq!([&generated["project"], &generated["event"]], ["shop", "generated"]);
    assert_eq!([&generated["unit"], &generated["service"]], [&Value::Null, &Value::Null]);
    assert!(word(&generated["detail"]).contains("/root/shop.toml"), "{generated:#?}");
    assert!(word(&generated["detail"]).contains("shop-web.service"), "{generated:#?}");
    let by = &generated["by"];
    assert_eq!([&by["comm"], &by["user"]], ["wharf", "root"]);
    assert_eq!(by["uid"], 0);
    assert!(by["pid"].as_u64() > Some(1), "{by}");
    assert!(word(&generated["time"]).ends_with('Z'), "{generated:#?}");

    // Started by systemctl, of which systemd does not say who it was.
    host.sh("systemctl start --no-block shop.target; systemctl start wharfd shop-web shop-db").ok();
    let started = events(&host, "shop");
    assert_eq!(course(&started, "shop-web.service"), ["started"]);
    assert_eq!(last(&started, "shop-web.service", "started")["by"], Value::Null);
    assert_eq!(last(&started, "shop-web.service", "started")["service"], "web");

    // A service that gives up.
    wait_for_course(
        &host,
        "shop-once.service",
        &["started", "restarted crashed", "restarted crashed", "failed start-limit"],
    );

    // A crash is a restart by systemd, with the exit status; a container that hangs one by wharfd, with what its healthcheck said.
    host.sh("docker kill --signal USR1 shop-web").ok();
    wait_for_course(&host, "shop-web.service", &["started", "restarted crashed"]);
    let all = events(&host, "shop");
    assert_eq!(last(&all, "shop-web.service", "restarted")["exit_status"], 3);
    host.sh("docker exec shop-db rm /tmp/ok").ok();
    wait_for_course(&host, "shop-db.service", &["started", "restarted unhealthy"]);
    let all = events(&host, "shop");
    let unhealthy = last(&all, "shop-db.service", "restarted");
    assert!(word(&unhealthy["detail"]).contains("can't open '/tmp/ok'"), "{unhealthy:#?}");
    assert_eq!([&unhealthy["by"]["comm"], &unhealthy["by"]["unit"]], ["wharfd", "wharfd.service"]);

    // By hand.
    host.sh("systemctl stop shop-web; systemctl start shop-web; systemctl restart shop-web; systemctl start shop-job")
        .ok();
    let web = ["started", "restarted crashed", "stopped", "started", "restarted"];
    wait_for_course(&host, "shop-web.service", &web);
    wait_for_course(&host, "shop-job.service", &["finished"]);

    // Another stack file: what it changes is restarted, and the history says why and by whom.
    host.sh("sed -i '/^\\[services.once/,/^$/d; s/sleep 0.1/sleep 0.2/' shop.toml").ok();
    // In joe's session, as systemd-logind would make it.
    let session = "systemd-run --quiet --scope --slice user-$(id -u joe).slice --unit session-3";
    host.sh(&format!("useradd joe; {session} wharf generate --now shop.toml")).ok();
    wait_for_course(&host, "shop-web.service", &[&web[..], &["restarted changed"]].concat());
    let all = events(&host, "shop");
    let changed = last(&all, "shop-web.service", "restarted");
    let by = &changed["by"];
    assert_eq!([&by["comm"], &by["user"], &by["unit"]], ["wharf", "joe", "session-3.scope"], "{changed:#?}");
    assert_eq!(course(&all, "shop-db.service"), ["started", "restarted unhealthy"], "its neighbour noticed nothing");
    let before = all.len();
    host.sh("wharf generate --now shop.toml").ok();
    assert_eq!(events(&host, "shop").len(), before, "nothing changed, nothing is added");

    // Somebody asks wharfd over D-Bus.
    let restart = "busctl call io.wharf.Supervisor1 /io/wharf/Supervisor1/container/shop_2ddb_2eservice io.wharf.Supervisor1.Container Restart";
    host.sh(&format!("systemd-run --quiet --wait --unit=caller {restart}")).ok();
    wait_for_course(&host, "shop-db.service", &["started", "restarted unhealthy", "restarted requested"]);
    let all = events(&host, "shop");
    let by = &last(&all, "shop-db.service", "restarted")["by"];
    assert_eq!([&by["comm"], &by["unit"], &by["user"]], ["busctl", "caller.service", "root"]);
    assert!(by["uid"] == 0 && by["pid"].as_u64() > Some(1), "{by}");

    // A service alone.
    let all = events(&host, "shop");
    let of_web: Vec<Value> = all.iter().filter(|event| event["unit"] == "shop-web.service").cloned().collect();
    assert!(!of_web.is_empty());
    for words in ["web", "shop web", "shop-web", "shop-web.service"] {
        assert_eq!(events(&host, words), of_web, "{words}");
    }

    // Removed, and still known: by its name and by its file.
    host.sh("wharf remove shop").ok();
    let all = events(&host, "shop");
    assert_eq!(all, events(&host, "/root/shop.toml"));
    assert_eq!(course(&all, "shop-db.service").last().unwrap(), "stopped removed");
    assert_eq!(last(&all, "shop-db.service", "stopped")["by"]["comm"], "wharf");
    assert_eq!(all.last().unwrap()["event"], "removed", "{all:#?}");
    assert_eq!(all, events(&host, ""), "there is no other stack");
    assert!(events(&host, "shop-web").iter().all(|event| event["unit"] == "shop-web.service"));

    what_is_shown(&host, &all);
    who_may_read(&host);
    the_catalog_explains(&host);
}

fn what_is_shown(host: &Host, all: &[Value]) {
    let said = host.sh("wharf history shop").ok().stdout;
    assert_eq!(said.lines().count(), all.len() + 1, "a line for each event, below the headings:\n{said}");
    let line = |words: &[&str]| {
        let found = said.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "{words:?} in\n{said}");
    };
    line(&["TIME", "UNIT", "EVENT", "BY"]);
    line(&["shop-web.service", "restarted", "crashed: exit status 3"]);
    line(&["shop-db.service", "restarted", "unhealthy: cat: can't open '/tmp/ok'", "wharfd"]);
    line(&["shop-once.service", "failed", "start limit"]);
    line(&["shop", "generated", "/root/shop.toml", "joe (wharf["]);
    line(&["shop", "removed", "root (wharf["]);

    let narrow = host.sh("TERM=xterm script -qec 'stty cols 70; wharf history shop' /dev/null </dev/null").stdout;
    assert!(narrow.lines().all(|line| line.trim_end().chars().count() <= 70), "{narrow}");
    assert!(narrow.contains("shop-web.service") && !narrow.contains("BY"), "{narrow}");

    let newest = host.sh("wharf history shop --lines 2").ok().stdout;
    let last_two = |said: &str| -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        said.lines().rev().take(2).map(words).collect()
    };
    assert_eq!((newest.lines().count(), last_two(&newest)), (3, last_two(&said)));
    assert_eq!(events(host, "shop --since -1d --until +1min").len(), all.len());
    assert_eq!(events(host, "shop --until -1d").len(), 0);
    let wrong = host.sh("wharf history shop --since nonsense").fails();
    assert!(wrong.stderr.contains("nonsense"), "{wrong:?}");
    assert_eq!(host.sh("wharf history shop --until -1d").ok().stderr, "wharf: no matching events in the journal\n");
}

fn who_may_read(host: &Host) {
    // Who is not root cannot make history.
    let before = host.sh("wharf history shop").ok().stdout;
    let forged = [
        "MESSAGE_ID=b1aee21d9f4b458b9aaed4b6cf25a610 WHARF_PROJECT=shop WHARF_REMOVED=shop.target",
        "MESSAGE_ID=44ca5e3cc79445d584a44252403a79ad OBJECT_SYSTEMD_UNIT=shop-web.service WHARF_ACT=restart",
        "MESSAGE_ID=9d1aaa27d60140bd96365438aad20286 UNIT=shop-web.service JOB_TYPE=stop",
    ];
    for entry in forged {
        host.sh(&format!("printf '%s\\n' MESSAGE=x {entry} | setpriv --reuid joe logger --journald")).ok();
    }
    host.sh("journalctl --sync; journalctl MESSAGE=x _UID=$(id -u joe) | wc -l | grep -x 3").ok();
    assert_eq!(host.sh("wharf history shop").ok().stdout, before);

    let stranger = host.sh("setpriv --reuid joe --regid joe --clear-groups wharf history shop");
    assert!(stranger.stderr.contains("group systemd-journal"), "{stranger:?}");
    let reader = host.sh("usermod --append --groups systemd-journal joe; setpriv --reuid joe --regid joe --init-groups wharf history shop");
    assert_eq!(reader.ok().stdout, host.sh("wharf history shop").ok().stdout);
}

fn the_catalog_explains(host: &Host) {
    host.sh("journalctl --update-catalog").ok();
    let explained = host.sh("journalctl --no-pager --catalog SYSLOG_IDENTIFIER=wharf").ok().stdout;
    assert!(explained.contains("Subject: The units of the project shop have been generated"), "{explained}");
    assert!(explained.contains("Subject: The project shop has been removed"), "{explained}");
}

/// The journal is a courtesy, not a condition.
#[test]
fn without_a_journal_stacks_are_generated_and_removed_all_the_same() {
    let host = Host::boot("mute");
    host.write("/root/shop.toml", STACK);
    let unrecorded = |command: &str| {
        let said = host.sh(&format!("timeout 20 {command}")).ok();
        assert!(said.stderr.contains("not in the journal"), "{said:?}");
    };

    // It takes nothing any more: it is stopped, and its queue is full.
    host.sh("kill -STOP $(systemctl show -P MainPID systemd-journald)").ok();
    host.sh("while echo MESSAGE=x | timeout 0.3 logger --journald; do true; done").ok();
    unrecorded("wharf generate shop.toml");
    unrecorded("wharf remove shop");
    host.sh("kill -CONT $(systemctl show -P MainPID systemd-journald); journalctl --sync").ok();

    // It is not there at all.
    host.sh("rm /run/systemd/journal/socket").ok();
    unrecorded("wharf generate shop.toml");
    unrecorded("wharf remove shop");
}

const HOPELESS: &str = r#"
[services.web]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
ready = "healthy"
healthcheck = { test = "test -e /tmp/ok", interval = "300ms", start_interval = "300ms", start_period = "1h" }

[services.fails]
image = "127.0.0.1:5000/busybox:1"
command = "false"
ready = "healthy"
healthcheck = { test = "true", interval = "1h", start_interval = "1h", start_period = "1h" }
"#;

#[test]
fn a_start_is_one_event_however_often_it_was_tried_and_begun_again() {
    let host = Host::boot("attempts");
    host.write("/root/shop.toml", HOPELESS);
    host.sh("wharf generate shop.toml; ! systemctl start shop-fails; systemctl start --no-block shop-web").ok();
    host.wait_for("the container runs", || host.sh("docker top shop-web").status == 0);
    host.sh("systemctl restart --no-block shop-web").ok();
    host.wait_for("the next one is there", || {
        host.sh("docker exec shop-web touch /tmp/ok").status == 0 && {
            host.property("shop-web", "ActiveState") == "active"
        }
    });
    let all = events(&host, "shop");
    assert_eq!(course(&all, "shop-fails.service"), ["failed exit-code"]);
    assert_eq!(last(&all, "shop-fails.service", "failed")["attempts"], 3);
    assert_eq!(course(&all, "shop-web.service"), ["started"]);
    let text = host.sh("wharf history shop").ok().stdout;
    assert!(
        text.contains("3 attempts: exit-code 252: the container exited with status 1 before it was healthy\n"),
        "{text}"
    );
}
