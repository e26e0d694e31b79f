//! io.wharf.Supervisor1 on the bus of a real host: who may read, who may act, what is told.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::fs;
use std::path::Path;

use support::cases::update;
use support::{Host, IMAGE};

const STACK: &str = r#"
[services.db]
image = "IMAGE"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
ports = ["8080:80"]
healthcheck = { test = "cat /tmp/ok", interval = "300ms", retries = 1 }

[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
scale = 2
depends_on.db.condition = "service_healthy"
"#;

const DB: &str = "/io/wharf/Supervisor1/container/shop_2ddb_2eservice";

/// The names of the containers that no stack declares.
const UNDECLARED: &str = "busctl --json=short call io.wharf.Supervisor1 /io/wharf/Supervisor1 \
    io.wharf.Supervisor1.Manager ListUndeclaredContainers | jq -r '.data[0][][0]'";

fn property(host: &Host, path: &str, name: &str) -> String {
    let script = format!("busctl get-property io.wharf.Supervisor1 {path} io.wharf.Supervisor1.Container {name}");
    host.sh(&script).ok().stdout.trim().to_owned()
}

fn call(path: &str, method: &str) -> String {
    format!("busctl call io.wharf.Supervisor1 {path} io.wharf.Supervisor1.Container {method}")
}

/// An object of the bus, by the unit of the container.
fn path_of(host: &Host, unit: &str) -> String {
    let script = format!(
        "busctl --json=short call io.wharf.Supervisor1 /io/wharf/Supervisor1 io.wharf.Supervisor1.Manager GetContainer s {unit} \
         | jq -r '.data[0]'"
    );
    host.sh(&script).ok().stdout.trim().to_owned()
}

fn wait_property(host: &Host, path: &str, name: &str, value: &str) {
    host.wait_for(&format!("{name} is {value}"), || {
        let script =
            format!("busctl get-property io.wharf.Supervisor1 {path} io.wharf.Supervisor1.Container {name} || true");
        host.sh(&script).ok().stdout.trim() == value
    });
}

/// Identifiers, times and processes, which are others each time, in their width.
fn normalised(text: &str) -> String {
    const HEX: &str = "0123456789abcdef";
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest, |end| &rest[..end]);
        let is_number = word.chars().all(|c| c.is_ascii_digit());
        let is_id = word.len() >= 12 && !is_number && word.chars().all(|c| c.is_ascii_hexdigit());
        result.push_str(&if is_id { HEX.repeat(4)[..word.len()].to_owned() } else { word.to_owned() });
        rest = &rest[word.len()..];
    }
    result + rest
}

#[test]
fn everybody_reads_and_those_that_polkit_authorises_act_and_the_journal_says_who() {
    let host = Host::boot("bus");
    host.generate("shop", STACK);
    host.sh("useradd --create-home ada; useradd --create-home --groups operators --user-group bob || { groupadd operators; useradd --create-home --groups operators bob; }")
        .ok();
    host.sh("systemctl start shop.target").ok();
    // Nobody has started wharfd: the bus does.
    assert_eq!(host.property("wharfd", "ActiveState"), "inactive");
    let health = call_as(
        &host,
        "ada",
        &format!("busctl get-property io.wharf.Supervisor1 {DB} io.wharf.Supervisor1.Container Health"),
    );
    assert_eq!(health.ok().stdout.trim(), "s \"healthy\"");
    let before = host.inspect("shop-db", "{{.Id}}");

    for method in ["Restart", "Stop", "Start", "GetFileChanges", "CheckImage", "GetHealthOutput"] {
        let refused = call_as(&host, "ada", &call(DB, method)).fails();
        assert!(
            refused.stderr.contains("nteractive authentication required") || refused.stderr.contains("authenticate"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(host.inspect("shop-db", "{{.Id}}"), before);

    host.write(
        "/etc/polkit-1/rules.d/50-wharf.rules",
        r#"polkit.addRule(function(action, subject) {
    if (action.id == "io.wharf.manage-containers" && subject.isInGroup("operators")) {
        return polkit.Result.YES;
    }
    if (action.lookup("unit") == "shop-db.service" && subject.user == "ada"
            && (action.lookup("verb") == "stop" || action.lookup("verb") == "get-health-output")) {
        return polkit.Result.YES;
    }
});
"#,
    );
    host.sh("chmod 644 /etc/polkit-1/rules.d/50-wharf.rules; systemctl try-restart polkit").ok();
    call_as(&host, "ada", &call(DB, "Restart")).fails();
    call_as(&host, "bob", &call(DB, "GetHealthOutput")).fails();
    call_as(&host, "ada", &call(DB, "GetHealthOutput")).ok();
    // A rule may decide by the unit and the verb.
    let web = path_of(&host, "shop-web@1.service");
    call_as(&host, "ada", &call(&web, "Stop")).fails();
    call_as(&host, "ada", &call(&web, "GetHealthOutput")).fails();
    call_as(&host, "bob", &call(DB, "Restart")).ok();
    let after = host.inspect("shop-db", "{{.Id}}");
    assert_ne!(after, before);
    host.sh(&call(DB, "Stop")).ok();
    assert_eq!(host.property("shop-db", "ActiveState"), "inactive");
    host.sh(&call(DB, "Start")).ok();
    assert_eq!(host.property("shop-db", "ActiveState"), "active");
    // Who was answered finds the properties as they are now.
    assert_eq!(property(&host, DB, "State"), "s \"active\"");
    assert_eq!(property(&host, DB, "ContainerId"), format!("s \"{}\"", host.inspect("shop-db", "{{.Id}}")));
    assert_eq!(property(&host, DB, "LastRestartReason"), "s \"requested\"");

    let fields = "journalctl --output=json MESSAGE_ID=2f1d7b1b0d6b4a2cb6f0d4b1a3c5e7f9 SYSLOG_IDENTIFIER=wharfd \
                  | jq -r '[.OBJECT_SYSTEMD_UNIT, .WHARF_ACT, .WHARF_REASON, .WHARF_CALLER_UID, .WHARF_CALLER_COMM] | join(\" \")'";
    let bob = host.sh("id --user bob").ok().stdout.trim().to_owned();
    assert_eq!(
        host.sh(fields).ok().stdout.lines().collect::<Vec<_>>(),
        [
            format!("shop-db.service restart requested {bob} busctl"),
            "shop-db.service stop requested 0 busctl".to_owned(),
            "shop-db.service start requested 0 busctl".to_owned()
        ]
    );
    let history = host.sh("wharf history shop").ok().stdout;
    let is_told =
        |line: &&str| line.contains("shop-db.service") && line.contains("restarted") && line.contains("bob (busctl[");
    assert_eq!(history.lines().filter(is_told).count(), 1, "{history}");
    let catalog = host
        .sh("journalctl --update-catalog; journalctl --catalog MESSAGE_ID=2f1d7b1b0d6b4a2cb6f0d4b1a3c5e7f9 | cat")
        .ok()
        .stdout;
    assert!(catalog.contains("A client asked wharfd to restart the unit shop-db.service"), "{catalog}");

    // What was changed in its files, and the image at its registry.
    host.sh("docker exec shop-db sh -c 'echo x >/root/x'").ok();
    let changes = host.sh(&call(DB, "GetFileChanges")).ok().stdout;
    assert!(changes.contains("\"A\" \"/root/x\"") && changes.ends_with(" false\n"), "{changes}");
    // A container may make more files than anybody wants to be told of.
    host.sh("docker exec shop-db sh -c 'mkdir /many; cd /many; seq 12000 | xargs touch'").ok();
    let changes = host.sh(&call(DB, "GetFileChanges")).ok().stdout;
    assert!(changes.starts_with("a(ss)b 10000 ") && changes.ends_with(" true\n"), "{}", &changes[..100]);
    let diff = host.sh("wharf diff shop");
    assert!(
        diff.stderr.contains("shop-db.service: more has changed in its file system than the 10000 paths shown"),
        "{}",
        diff.stderr
    );

    // Without polkit, root alone acts.
    host.sh("systemctl mask --runtime --now polkit").ok();
    call_as(&host, "bob", &call(DB, "Restart")).fails();
    host.sh(&call(DB, "Restart")).ok();
}

fn call_as(host: &Host, user: &str, script: &str) -> support::Out {
    host.sh(&format!("runuser --user {user} -- {script}"))
}

#[test]
fn the_interface_is_as_its_xml_says_and_as_the_manual_shows() {
    let host = Host::boot("interface");
    host.generate("shop", STACK);
    host.sh("systemctl start shop.target wharfd").ok();
    let show = |path: &str| {
        let xml = format!(
            "busctl --json=short call io.wharf.Supervisor1 {path} org.freedesktop.DBus.Introspectable Introspect | jq -r '.data[0]'"
        );
        host.sh(&xml).ok().stdout
    };
    let mut wrong = Vec::new();
    let xml = [
        interface(&show("/io/wharf/Supervisor1"), "Manager"),
        interface(&show(DB), "Container"),
        interface(&show("/io/wharf/Supervisor1/project/shop"), "Project"),
    ]
    .join("\n");
    let file = format!(
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n \
         \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n{xml}\n</node>\n"
    );
    wrong.extend(compare("packaging/dbus/io.wharf.Supervisor1.xml", &file));

    let introspected =
        host.sh(&format!("busctl introspect io.wharf.Supervisor1 {DB} io.wharf.Supervisor1.Container")).ok();
    let introspected = normalised_times(&normalised(&introspected.stdout));
    host.sh(
        "busctl monitor --match=\"type='signal',interface='io.wharf.Supervisor1.Container',member='Restarted'\" >/root/monitor 2>/root/monitor-error & echo $! >/root/pid",
    )
    .ok();
    host.wait_for("the monitor listens", || host.sh("test -s /root/monitor-error").status == 0);
    host.sh("docker exec shop-db rm /tmp/ok").ok();
    host.wait_for("the signal", || {
        let monitored = host.read("/root/monitor");
        monitored.contains("Restarted") && monitored.ends_with("};\n\n")
    });
    host.sh("kill $(cat /root/pid)").ok();
    let monitored = host.read("/root/monitor");
    let monitored: Vec<&str> = monitored.lines().skip_while(|line| !line.starts_with('‣')).collect();
    let monitored = normalised_times(monitored.join("\n").trim_end());
    let manual = "packaging/manual/dbus.md";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manual)).expect("the manual");
    let text = with_output(
        &text,
        &format!("# busctl introspect io.wharf.Supervisor1 {DB} io.wharf.Supervisor1.Container"),
        &introspected,
    );
    let text = with_output(
        &text,
        "# busctl monitor --match=\"type='signal',interface='io.wharf.Supervisor1.Container',member='Restarted'\"",
        &monitored,
    );
    wrong.extend(compare(manual, &text));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One of our interfaces of an introspection.
fn interface(xml: &str, name: &str) -> String {
    let start = xml.find(&format!("  <interface name=\"io.wharf.Supervisor1.{name}\">")).expect("the interface");
    let end = start + xml[start..].find("</interface>").expect("its end") + "</interface>".len();
    xml[start..end].to_owned()
}

/// The difference, after `UPDATE=1` none.
fn compare(file: &str, text: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if update() {
        fs::write(&path, text).expect("writable");
    }
    support::cases::difference(file, &fs::read_to_string(&path).unwrap_or_default(), text)
}

/// The manual with this output after the command, up to the end of the block.
fn with_output(manual: &str, command: &str, output: &str) -> String {
    let start = manual.find(command).unwrap_or_else(|| panic!("the manual shows {command}")) + command.len();
    let end = start + manual[start..].find("\n```").expect("the end of the block");
    // The width of columns is that of one version of busctl.
    if manual[start..end].split_whitespace().eq(output.split_whitespace()) {
        return manual.to_owned();
    }
    format!("{}\n{}{}", &manual[..start], output.trim_end(), &manual[end..])
}

/// Times, serial numbers and names on the bus.
fn normalised_times(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words = Vec::new();
        for word in line.split(' ') {
            let digits = word.len() == 16 && word.chars().all(|c| c.is_ascii_digit());
            words.push(match word {
                _ if digits => "1795285542267607".to_owned(),
                _ if word.starts_with("Cookie=") => "Cookie=75".to_owned(),
                _ if word.starts_with("Sender=") => "Sender=:1.10".to_owned(),
                _ if word.trim_start().starts_with("UniqueName=") => "UniqueName=:1.10".to_owned(),
                other => other.to_owned(),
            });
        }
        let line = words.join(" ");
        lines.push(match line.find("Timestamp=") {
            Some(at) => format!("{}Timestamp=\"Sat 2026-01-31 12:25:46.657382 UTC\"", &line[..at]),
            None => line,
        });
    }
    lines.join("\n")
}

#[test]
fn what_is_changed_behind_wharfs_back_is_seen_and_named() {
    let host = Host::boot("drift");
    host.generate("shop", STACK);
    host.sh("systemctl start shop.target wharfd").ok();
    let web = |instance: u32| path_of(&host, &format!("shop-web@{instance}.service"));
    for path in [DB.to_owned(), web(1), web(2)] {
        assert_eq!(property(&host, &path, "Drift"), "a(ss) 0", "of {path}");
    }
    host.sh("docker rename shop-db other").ok();
    wait_property(&host, DB, "Drift", "a(ss) 1 \"name\" \"it is named other, not shop-db\"");
    host.sh("docker network disconnect shop_default shop-web-1").ok();
    wait_property(&host, &web(1), "Drift", "a(ss) 1 \"networks\" \"it is not connected to shop_default\"");
    host.sh("docker update --restart always shop-web-2").ok();
    wait_property(
        &host,
        &web(2),
        "Drift",
        "a(ss) 1 \"resources\" \"RestartPolicy is always, not no: the engine restarts it beside systemd\"",
    );
    // A new container is as it should be; a network that is back, too.
    host.sh("docker network connect shop_default shop-web-1").ok();
    wait_property(&host, &web(1), "Drift", "a(ss) 1 \"networks\" \"it lacks the alias web on shop_default\"");
    host.sh(
        "docker network disconnect shop_default shop-web-1; docker network connect --alias web shop_default shop-web-1",
    )
    .ok();
    wait_property(&host, &web(1), "Drift", "a(ss) 0");
    host.sh("docker pause shop-web-1").ok();
    wait_property(
        &host,
        &web(1),
        "Drift",
        "a(ss) 1 \"paused\" \"its processes are frozen: docker unpause shop-web-1\"",
    );
    host.sh("docker unpause shop-web-1").ok();
    wait_property(&host, &web(1), "Drift", "a(ss) 0");

    // A copy has the labels of the original, and is nevertheless another.
    let original = host.inspect("shop-web-1", "{{.Id}}");
    host.sh("docker commit shop-web-1 copy:1; docker run --detach --name copy --health-cmd false --health-interval 200ms --health-retries 1 copy:1")
        .ok();
    host.wait_for("the copy to be unhealthy", || host.inspect("copy", "{{.State.Health.Status}}") == "unhealthy");
    assert_eq!(host.inspect("shop-web-1", "{{.Id}}"), original);
    assert_eq!(property(&host, &web(1), "Drift"), "a(ss) 0");
    assert_eq!(property(&host, &web(1), "ContainerId"), format!("s \"{original}\""));
    assert!(host.sh(UNDECLARED).ok().stdout.contains("copy"));
    host.sh("docker rm --force copy").ok();
    // So is one that even has the name of the original, as the original is not there.
    host.sh("systemctl stop shop-web@1; docker run --detach --name shop-web-1 --health-cmd false --health-interval 200ms --health-retries 1 copy:1")
        .ok();
    host.wait_for("the copy is seen", || host.sh(UNDECLARED).ok().stdout.trim() == "shop-web-1");
    assert_eq!(property(&host, &web(1), "ContainerId"), "s \"\"");
    assert_eq!(property(&host, &web(1), "Health"), "s \"\"");
    host.sh("docker rm --force shop-web-1; systemctl start shop-web@1").ok();
    wait_property(&host, &web(1), "Drift", "a(ss) 0");
    assert_eq!(property(&host, &web(1), "ContainerId"), format!("s \"{}\"", host.inspect("shop-web-1", "{{.Id}}")));
    host.sh("systemctl restart shop-db").ok();
    wait_property(&host, DB, "Drift", "a(ss) 0");

    host.sh("docker run --detach --name stray 127.0.0.1:5000/busybox:1 tail -f /dev/null").ok();
    host.wait_for("the stray is seen", || host.sh(UNDECLARED).ok().stdout.trim() == "stray");
    host.sh("docker rm --force stray").ok();
    host.wait_for("the stray is gone", || host.sh(UNDECLARED).ok().stdout.trim().is_empty());

    // The tag is moved in the registry, then on this host.
    host.sh("docker pull --quiet 127.0.0.1:5000/busybox:2 && docker tag 127.0.0.1:5000/busybox:2 127.0.0.1:5000/new:1 \
             && docker pull --quiet 127.0.0.1:5000/busybox:1 >/root/x; docker tag 127.0.0.1:5000/busybox:1 127.0.0.1:5000/kept:1; \
             docker tag 127.0.0.1:5000/busybox:2 127.0.0.1:5000/busybox:1 && docker push --quiet 127.0.0.1:5000/busybox:1 \
             && docker tag 127.0.0.1:5000/kept:1 127.0.0.1:5000/busybox:1")
        .ok();
    assert_eq!(property(&host, DB, "Drift"), "a(ss) 0", "nobody has asked the registry");
    host.sh(&call(DB, "CheckImage")).ok();
    let drift = property(&host, DB, "Drift");
    assert!(drift.starts_with(&format!("a(ss) 1 \"registry\" \"{IMAGE} is sha256:")), "{drift}");
    assert!(drift.contains(" in its registry, and sha256:"), "{drift}");
    host.sh(&format!("docker pull --quiet {IMAGE}")).ok();
    host.wait_for("what this host has is seen", || {
        property(&host, DB, "Drift").starts_with(&format!("a(ss) 1 \"image\" \"{IMAGE} is sha256:"))
    });
    host.sh("systemctl restart shop-db").ok();
    wait_property(&host, DB, "Drift", "a(ss) 0");
    // wharfd may be told to ask by itself.
    host.sh("docker push --quiet 127.0.0.1:5000/kept:1; docker tag 127.0.0.1:5000/busybox:1 127.0.0.1:5000/last:1
             docker tag 127.0.0.1:5000/kept:1 127.0.0.1:5000/busybox:1 && docker push --quiet 127.0.0.1:5000/busybox:1
             docker tag 127.0.0.1:5000/last:1 127.0.0.1:5000/busybox:1
             mkdir -p /etc/wharf; echo 'check_images_sec = \"1s\"' >/etc/wharf/wharfd.toml; systemctl reload wharfd")
        .ok();
    host.wait_for("the registry is asked", || {
        property(&host, DB, "Drift").starts_with(&format!("a(ss) 1 \"registry\" \"{IMAGE} is sha256:"))
    });
    host.sh("rm /etc/wharf/wharfd.toml; systemctl reload wharfd; docker push --quiet 127.0.0.1:5000/busybox:1").ok();
    host.sh(&call(DB, "CheckImage")).ok();
    wait_property(&host, DB, "Drift", "a(ss) 0");

    // The stack was changed, and not brought to what runs.
    host.sh("sed -i 's/8080:80/8081:80/' shop.toml && wharf generate shop.toml").ok();
    wait_property(&host, DB, "Drift", "a(ss) 1 \"definition\" \"the stack was changed since the container was made\"");
    let log = host.sh("journalctl --output=cat --unit=shop-db").ok().stdout;
    assert_eq!(log.matches("differs from its definition: it is named other").count(), 1, "{log}");

    host.sh("wharf remove shop").ok();
    host.wait_for("the objects are gone", || !host.sh("busctl tree io.wharf.Supervisor1").ok().stdout.contains("shop"));
}

/// Sends a signal to each connection of wharfd, as a user without privileges.
fn forge(host: &Host, path: &str, signal: &str) {
    let script = format!(
        "for name in $(busctl list --unique --no-legend | awk -v pid=$(systemctl show -P MainPID wharfd) '$2 == pid {{ print $1 }}')
         do runuser --user ada -- busctl emit --destination=$name {path} {signal}; done"
    );
    host.sh(&script).ok();
}

/// Has systemd announce something true, and waits until wharfd knows it: what was sent before has then been dealt with.
fn follows_systemd(host: &Host, path: &str, unit: &str) {
    for (verb, state) in [("stop", "inactive"), ("start", "active")] {
        host.sh(&format!("systemctl {verb} {unit}")).ok();
        wait_property(host, path, "State", &format!("s \"{state}\""));
    }
}

#[test]
fn what_others_send_in_systemds_name_is_not_believed() {
    const UNITS: &str = "/org/freedesktop/systemd1/unit";
    const SLOW: &str = "/io/wharf/Supervisor1/container/shop_2dslow_2eservice";
    let host = Host::boot("forged");
    let slow = "[services.slow]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\nready = \"healthy\"
                healthcheck = { test = \"test -e /tmp/go\", interval = \"300ms\", start_period = \"1h\" }\n";
    host.generate("shop", &format!("{STACK}{slow}"));
    host.sh("useradd --create-home ada; systemctl start shop-db shop-web@1 shop-web@2 wharfd").ok();
    let web = path_of(&host, "shop-web@1.service");
    wait_property(&host, DB, "State", "s \"active\"");
    let before = host.inspect("shop-db", "{{.Id}}");
    // What a slice named so would have wharfd read: opening a FIFO waits for a writer.
    host.sh("for d in /dev/shm/x.slice /dev/shm/x.slice.slice; do mkdir $d; mkfifo $d/cpu.stat $d/memory.current $d/io.stat; done")
        .ok();
    let db = format!("{UNITS}/shop_2ddb_2eservice");
    forge(
        &host,
        &db,
        "org.freedesktop.DBus.Properties PropertiesChanged 'sa{sv}as' org.freedesktop.systemd1.Service 6 ActiveState s failed \
         SubState s failed Result s exit-code NRestarts u 99 StatusText s lies Slice s /dev/shm/x.slice 0",
    );
    follows_systemd(&host, &web, "shop-web@1");
    let shown = |name: &str| property(&host, DB, name);
    assert_eq!(shown("State"), "s \"active\"");
    assert_eq!(
        (shown("StatusText").contains("lies"), shown("Result"), shown("RestartCount")),
        (false, "s \"success\"".into(), "u 0".into())
    );
    let metrics =
        host.sh("curl --silent --max-time 30 --unix-socket /run/wharf/metrics.sock http://x/metrics").ok().stdout;
    let is_active = |line: &str| {
        line.starts_with("wharf_container_state{")
            && line.contains("\"db\"")
            && line.contains("\"active\"")
            && line.ends_with(" 1.0")
    };
    assert!(metrics.lines().any(is_active), "{metrics}");

    // The end of a job that goes on.
    host.sh(&format!("{{ {}; echo $? >/root/ended; }} >/root/started 2>&1 & disown", call(SLOW, "Start"))).ok();
    let job = || host.sh("systemctl show -P Job shop-slow").ok().stdout.trim().to_owned();
    host.wait_for("a job is under way", || !["", "0"].contains(&job().as_str()));
    let job = job();
    forge(
        &host,
        "/org/freedesktop/systemd1",
        &format!(
            "org.freedesktop.systemd1.Manager JobRemoved uoss {job} /org/freedesktop/systemd1/job/{job} shop-slow.service failed"
        ),
    );
    follows_systemd(&host, &web, "shop-web@1");
    assert_eq!(host.sh("ls /root/ended 2>/dev/null || true").ok().stdout, "", "{}", host.read("/root/started"));
    host.wait_for("the container is there", || {
        host.sh("docker exec shop-slow touch /tmp/go 2>/dev/null && echo made || true").ok().stdout == "made\n"
    });
    host.wait_for("the call returns", || host.sh("cat /root/ended || true").ok().stdout == "0\n");

    // Nor does anybody but the bus say who systemd is.
    for owner in ["\"\"", ":1.999999"] {
        forge(
            &host,
            "/org/freedesktop/DBus",
            &format!("org.freedesktop.DBus NameOwnerChanged sss org.freedesktop.systemd1 :1.0 {owner}"),
        );
        follows_systemd(&host, &web, "shop-web@1");
    }
    // systemd that is executed again has another name on the bus.
    host.sh("systemctl daemon-reexec").ok();
    follows_systemd(&host, &web, "shop-web@1");
    host.sh(&call(DB, "Restart")).ok();
    assert_ne!(host.inspect("shop-db", "{{.Id}}"), before);
    assert_eq!(host.property("wharfd", "NRestarts"), "0");
}

#[test]
fn a_flood_of_calls_delays_no_restart() {
    let host = Host::boot("flood");
    host.generate("shop", STACK);
    host.sh("systemctl start shop.target wharfd; useradd --create-home ada").ok();
    host.write("/tmp/flood.py", include_str!("support/flood.py"));
    host.sh("chmod 644 /tmp/flood.py; touch /tmp/flood").ok();
    let before = host.inspect("shop-db", "{{.Id}}");
    let flood = |name: &str, path: &str, interface: &str, member: &str| {
        host.sh(&format!(
            "runuser --user ada -- python3 /tmp/flood.py /tmp/flood {path} {interface} {member} >/root/{name} 2>&1 & disown"
        ))
        .ok();
    };
    flood("acts", DB, "io.wharf.Supervisor1.Container", "Restart");
    flood("reads", "/io/wharf/Supervisor1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    let both = |word: &str| ["acts", "reads"].iter().all(|name| host.read(&format!("/root/{name}")).contains(word));
    host.wait_for("the floods have begun", || both("begun"));
    host.sh("docker exec shop-db rm /tmp/ok").ok();
    host.wait_for("the container was restarted", || {
        let now = host.sh("docker inspect --format '{{.Id}}' shop-db || true").ok().stdout.trim().to_owned();
        !now.is_empty() && now != before
    });
    assert!(!host.read("/root/acts").contains("calls"), "the flood was still on");
    host.sh("rm /tmp/flood").ok();
    host.wait_for("the floods end", || both("calls"));
    // It serves again, the same process, and nobody was let in.
    wait_property(&host, DB, "Health", "s \"healthy\"");
    assert_eq!(host.property("wharfd", "NRestarts"), "0");
    let requested = host.sh("journalctl --quiet MESSAGE_ID=2f1d7b1b0d6b4a2cb6f0d4b1a3c5e7f9").ok().stdout;
    assert_eq!(requested, "");
    eprintln!("{}{}", host.read("/root/acts"), host.read("/root/reads"));
    let peak = peak_kb(&host, &host.property("wharfd", "MainPID"));
    assert!(peak < 100_000, "{peak} kB");
    eprintln!("{peak} kB");
}

/// The memory that a process has taken at most, in kB: proc_pid_status(5).
fn peak_kb(host: &Host, pid: &str) -> u64 {
    let peak = host.sh(&format!("awk '/^VmHWM/ {{ print $2 }}' /proc/{pid}/status")).ok().stdout;
    peak.trim().parse().expect("a number")
}

#[test]
fn large_calls_do_not_make_wharfd_grow() {
    let host = Host::boot("large");
    host.generate("shop", STACK);
    host.sh("systemctl start shop.target wharfd; useradd --create-home ada").ok();
    host.write("/tmp/flood.py", include_str!("support/flood.py"));
    host.sh("chmod 644 /tmp/flood.py").ok();
    let pid = host.property("wharfd", "MainPID");
    // A name, a property, an argument where none belongs, and a call without an object.
    let calls = [
        ("/io/wharf/Supervisor1", "io.wharf.Supervisor1.Manager", "GetContainer"),
        (DB, "org.freedesktop.DBus.Properties", "GetAll"),
        (DB, "io.wharf.Supervisor1.Container", "Restart"),
        ("/none", "io.wharf.Supervisor1.Manager", "GetContainer"),
    ];
    let floods = calls.map(|(path, interface, member)| {
        format!("runuser --user ada -- python3 /tmp/flood.py --large 20 16777216 {path} {interface} {member} &")
    });
    let answers = host.sh(&format!("{}\nwait", floods.join("\n"))).ok().stdout;
    assert_eq!(answers, "20 calls, 20 answers\n".repeat(4));
    let peak = peak_kb(&host, &pid);
    assert!(peak < 100_000, "{peak} kB");
    eprintln!("{peak} kB");
    // The same process answers, and says what was wrong in a few words.
    assert_eq!(host.property("wharfd", "MainPID"), pid);
    let refused = host.sh("name=$(head --bytes 5000 /dev/zero | tr '\\0' x)
         busctl call io.wharf.Supervisor1 /io/wharf/Supervisor1 io.wharf.Supervisor1.Manager GetContainer s $name");
    let said = refused.fails().stderr;
    assert!(said.contains("no stack of this host has a container `xxx") && said.len() < 400, "{said}");
    // A call that wants no answer is a call. Whose caller has gone before wharfd asks the bus who he is, is not.
    let before = host.inspect("shop-db", "{{.Id}}");
    host.wait_for("the container was restarted", || {
        host.sh(&call(DB, "Restart").replace("busctl", "busctl --expect-reply=no")).ok();
        let now = host.sh("docker inspect --format '{{.Id}}' shop-db || true").ok().stdout.trim().to_owned();
        !now.is_empty() && now != before
    });
    let written = host.sh("journalctl --quiet --boot _COMM=dbus-daemon | grep -E 'type=.(method_return|error).*sender=.*wharfd' || true").ok().stdout;
    assert_eq!(written, "");
}

#[test]
fn the_labels_of_an_image_do_not_make_wharfd_and_wharf_run_grow() {
    let service = |name: &str, image: &str, scale: u32| {
        format!(
            "[services.{name}]\nimage = \"{image}\"\ncommand = [\"sh\", \"-c\", \"touch /tmp/ok; exec tail -f /dev/null\"]\nscale = {scale}\n\
             pull_policy = \"never\"\nstop_signal = \"SIGKILL\"\nhealthcheck = {{ test = \"cat /tmp/ok\", interval = \"300ms\", retries = 1 }}\n"
        )
    };
    let host = Host::boot("labels");
    let stack = service("some", "some:1", 3) + &service("many", "many:1", 1) + &service("huge", "huge:1", 3);
    host.generate("shop", &stack);
    host.write("/tmp/labelled.py", include_str!("support/labelled.py"));
    host.sh(&format!("docker pull --quiet {IMAGE}")).ok();
    host.sh("systemctl start wharfd").ok();
    let pid = host.property("wharfd", "MainPID");
    for (name, size) in [("some", 900_000), ("many", 2_000_000), ("huge", 50_000_000)] {
        host.sh(&format!("python3 /tmp/labelled.py {IMAGE} {name}:1 {size}")).ok();
    }
    for unit in ["shop-many@1", "shop-huge@1", "shop-huge@2", "shop-huge@3"] {
        let started = host.sh(&format!("systemctl start {unit} 2>&1; journalctl --output=cat --unit={unit}"));
        let why = "has more than 1 MiB of labels, which each of its containers would have: build it with fewer";
        let said = host.sh(&format!("journalctl --output=cat --unit={unit}")).ok().stdout;
        assert!(said.contains(why), "{said}{}", started.stdout);
        assert_eq!(host.property(unit, "ActiveState"), "failed");
    }
    host.sh("systemctl start shop-some@1 shop-some@2 shop-some@3").ok();
    let some = |instance: u32| path_of(&host, &format!("shop-some@{instance}.service"));
    for instance in 1..=3 {
        wait_property(&host, &some(instance), "Health", "s \"healthy\"");
        assert_eq!(property(&host, &some(instance), "Drift"), "a(ss) 0");
    }
    host.sh("docker exec shop-some-1 rm /tmp/ok").ok();
    let reason = "s \"unhealthy\"";
    wait_property(&host, &some(1), "LastRestartReason", reason);
    wait_property(&host, &some(1), "Health", "s \"healthy\"");
    assert_eq!(host.property("wharfd", "MainPID"), pid);
    let (wharfd, follower) = (peak_kb(&host, &pid), peak_kb(&host, &host.property("shop-some@2", "MainPID")));
    eprintln!("wharfd {wharfd} kB, wharf-run {follower} kB");
    assert!(wharfd < 100_000 && follower < 30_000, "wharfd {wharfd} kB, wharf-run {follower} kB");
}
