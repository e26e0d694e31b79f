//! The life of containers as units, on a real host: order, failure, death of the parts, and the end.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, IMAGE, sleeper};

/// One service that runs until it is stopped.
const WEB: &str = "[services.web]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n";

/// A database that is healthy only after five seconds, and an application that needs it.
const GATED: &str = r#"
[services.db]
image = "IMAGE"
command = ["sh", "-c", "sleep 5; date +%s > /tmp/ready; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
[services.db.healthcheck]
test = "test -e /tmp/ready"
interval = "500ms"
retries = 100

[services.app]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
[services.app.depends_on.db]
condition = "service_healthy"
"#;

/// The application was created after the database's probe had succeeded.
fn assert_created_after_healthy(host: &Host) {
    let healthy: u64 = host.sh("docker exec shop-db cat /tmp/ready").ok().stdout.trim().parse().unwrap();
    let seconds =
        |text: String| -> u64 { host.sh(&format!("date --date='{text}' +%s")).ok().stdout.trim().parse().unwrap() };
    let created = seconds(host.inspect("shop-app", "{{.Created}}"));
    assert!(created >= healthy, "application created at {created}, database healthy at {healthy}");
}

#[test]
fn a_dependent_is_created_after_its_dependency_is_healthy_also_at_boot() {
    let host = Host::boot("order");
    host.generate("shop", GATED);
    host.sh("systemctl start shop.target").ok();
    assert_eq!(host.property("shop-app", "ActiveState"), "active");
    assert_created_after_healthy(&host);

    host.sh("systemctl enable shop.target").ok();
    host.poweroff();
    host.boot_again();
    host.wait_active("shop-app");
    assert_created_after_healthy(&host);
}

#[test]
fn a_failed_dependency_keeps_its_dependents_down_and_says_why() {
    let host = Host::boot("failing");
    host.generate(
        "shop",
        r#"
        [services.db]
        image = "IMAGE"
        command = ["sh", "-c", "echo cannot open the data; exit 3"]
        restart = "no"
        [services.db.healthcheck]
        test = "true"
        start_period = "1m"
        [services.app]
        image = "IMAGE"
        command = "tail -f /dev/null"
        depends_on.db.condition = "service_healthy"
        "#,
    );
    host.sh("systemctl start shop-app").fails();
    assert_eq!(host.property("shop-app", "ActiveState"), "inactive");
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");

    let status = host.sh("systemctl status --lines=100 shop-db shop-app || true").ok().stdout;
    assert!(status.contains("shop-db.service"), "{status}");
    assert!(status.contains("Active: failed (Result: exit-code)"), "{status}");
    assert!(status.contains("status=3"), "{status}");
    assert!(status.contains("Container exited with status 3"), "{status}");
    assert!(status.contains("cannot open the data"), "{status}");
    assert!(status.contains("Dependency failed for shop-app.service"), "{status}");
}

#[test]
fn a_start_that_never_succeeds_is_reported_after_a_few_attempts_whatever_the_policy() {
    let host = Host::boot("giveup");
    host.generate(
        "shop",
        r#"
        [services.sick]
        image = "IMAGE"
        command = "tail -f /dev/null"
        stop_signal = "SIGKILL"
        ready = "healthy"
        healthcheck = { test = "echo no disk; false", interval = "300ms", retries = 1 }
        [services.missing]
        image = "127.0.0.1:5000/nosuchimage:1"
        [services.unprobed]
        image = "IMAGE"
        command = "tail -f /dev/null"
        ready = "healthy"
        "#,
    );
    host.sh("systemctl start shop-sick").fails();
    let status = host.property("shop-sick", "StatusText");
    assert_eq!(
        status, "the container is unhealthy: the journal has what its probe printed",
        "what a probe printed is not for everybody"
    );
    let log = host.sh("journalctl --unit shop-sick --output cat").ok().stdout;
    assert!(log.contains("the container is unhealthy: no disk"), "{log}");
    assert_eq!(host.property("shop-sick", "ExecMainStatus"), "252");
    assert_eq!(host.property("shop-sick", "NRestarts"), "2");

    host.sh("systemctl start shop-missing").fails();
    let status = host.property("shop-missing", "StatusText");
    assert!(status.contains("cannot pull image 127.0.0.1:5000/nosuchimage:1"), "{status}");
    assert_eq!(host.property("shop-missing", "NRestarts"), "0", "nothing will come of trying again");

    host.sh("systemctl start shop-unprobed").fails();
    let status = host.property("shop-unprobed", "StatusText");
    assert!(status.contains("neither the service nor the image has a healthcheck"), "{status}");
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
}

#[test]
fn a_container_killed_by_a_signal_is_restarted_and_its_end_is_seen() {
    let host = Host::boot("killed");
    host.generate(
        "shop",
        r#"
        [services.web]
        image = "IMAGE"
        command = "tail -f /dev/null"
        [services.job]
        image = "IMAGE"
        command = ["sh", "-c", "exit 3"]
        restart = "no"
        [services.once]
        image = "IMAGE"
        command = "tail -f /dev/null"
        restart = "no"
        "#,
    );
    host.sh("systemctl start shop-web shop-once").ok();
    let before = host.inspect("shop-web", "{{.Id}}");
    host.sh("kill -9 $(docker inspect --format '{{.State.Pid}}' shop-web)").ok();
    host.wait_for("shop-web has restarted", || host.property("shop-web", "NRestarts") == "1");
    host.wait_active("shop-web");
    assert_ne!(host.inspect("shop-web", "{{.Id}}"), before);
    let log = host.sh("journalctl --unit shop-web --output cat").ok().stdout;
    assert!(log.contains("Container was ended by signal 9 (SIGKILL), status 137"), "{log}");
    assert!(log.contains("status=137"), "{log}");

    // Without a restart, the properties of the unit tell.
    host.sh("kill -9 $(docker inspect --format '{{.State.Pid}}' shop-once)").ok();
    host.wait_for("shop-once has failed", || host.property("shop-once", "ActiveState") == "failed");
    assert_eq!(host.property("shop-once", "ExecMainStatus"), "137");
    assert_eq!(host.property("shop-once", "Result"), "exit-code");
    assert_eq!(host.property("shop-once", "StatusText"), "Container was ended by signal 9 (SIGKILL), status 137");

    host.sh("systemctl start shop-job || true").ok();
    host.wait_for("shop-job has failed", || host.property("shop-job", "ActiveState") == "failed");
    assert_eq!(host.property("shop-job", "ExecMainStatus"), "3");
    assert_eq!(host.property("shop-job", "NRestarts"), "0");
    assert_eq!(host.sh("docker ps --all --quiet --filter name=shop-job").ok().stdout, "");
}

/// Prints a number every ten milliseconds, on both streams in turn.
const COUNTER: &str = r#"
[services.counter]
image = "IMAGE"
command = ["sh", "-c", "i=0; while :; do echo $$i; i=$$((i+1)); echo $$i >&2; i=$$((i+1)); usleep 10000; done"]
stop_signal = "SIGKILL"
RESTART
"#;

/// Each number from 0 on stands in the journal once.
fn assert_counted(host: &Host, unit: &str) {
    host.sh("journalctl --sync").ok();
    let script = format!("journalctl --unit {unit} --output cat --no-pager SYSLOG_IDENTIFIER=shop-counter");
    let mut numbers: Vec<u64> =
        host.sh(&script).ok().stdout.lines().map(|line| line.parse().expect("a number")).collect();
    // The two streams reach the engine by two pipes: only the order within each is theirs.
    for parity in 0..2 {
        let stream: Vec<u64> = numbers.iter().copied().filter(|number| number % 2 == parity).collect();
        assert!(stream.is_sorted(), "a stream is out of order");
    }
    numbers.sort_unstable();
    let last = *numbers.last().expect("the container printed something");
    assert!(last > 200, "too few lines to mean anything: {last}");
    let gaps: Vec<u64> = (0..last).filter(|number| numbers.binary_search(number).is_err()).collect();
    assert!(gaps.len() <= 1 && gaps.iter().all(|gap| gap + 2 > last), "missing of {last}: {gaps:?}");
    numbers.dedup();
    assert_eq!(numbers.len() as u64 + gaps.len() as u64, last + 1, "a number stands there twice");
}

#[test]
fn killing_the_supervisor_costs_neither_the_container_nor_a_line_of_its_log() {
    for restart in ["", "restart = \"no\""] {
        let host = Host::boot("adopt");
        host.generate("shop", &COUNTER.replace("RESTART", restart));
        host.sh("systemctl start shop-counter").ok();
        let id = host.inspect("shop-counter", "{{.Id}}");
        for round in 1..=6 {
            let pid = host.property("shop-counter", "MainPID");
            host.sh(&format!("sleep 0.$((RANDOM % 9)); kill -9 {pid}")).ok();
            host.wait_for("another supervisor", || host.property("shop-counter", "NRestarts") == round.to_string());
            host.wait_active("shop-counter");
        }
        assert_eq!(host.inspect("shop-counter", "{{.Id}}"), id, "the same container goes on");
        assert_counted(&host, "shop-counter");
        host.sh("systemctl stop shop-counter").ok();
        assert_counted(&host, "shop-counter");
        assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
    }
}

#[test]
fn an_engine_restart_with_live_restore_is_not_noticed_by_containers_or_the_log() {
    let host = Host::builder().live_restore().boot("live");
    host.generate("shop", &COUNTER.replace("RESTART", ""));
    host.sh("systemctl start shop-counter").ok();
    let before = host.inspect("shop-counter", "{{.Id}} {{.State.Pid}}");
    let supervisor = host.property("shop-counter", "MainPID");
    let goes_on = |what: &str| {
        let last = "journalctl --unit shop-counter --output cat --lines 1 SYSLOG_IDENTIFIER=shop-counter";
        let before = host.sh(last).ok().stdout;
        host.wait_for(what, || {
            host.sh(last).ok().stdout != before
                && host.property("shop-counter", "StatusText").starts_with("Running, container ")
        });
    };
    goes_on("the first lines");
    // An engine that ends may take a line with it that it had read and not yet stored. What it has, the journal has.
    let is_what_the_engine_has = || {
        let journal = "journalctl --unit shop-counter --output cat --no-pager SYSLOG_IDENTIFIER=shop-counter";
        host.sh("docker pause shop-counter").ok();
        let difference =
            format!("journalctl --sync; diff <(docker logs shop-counter 2>&1 | sort -n) <({journal} | sort -n)");
        host.wait_for("the last lines", || host.sh(&difference).status == 0);
        host.sh("docker unpause shop-counter").ok();
    };
    host.sh("systemctl restart docker").ok();
    goes_on("lines after the restart");
    assert_eq!(host.inspect("shop-counter", "{{.Id}} {{.State.Pid}}"), before);
    assert_eq!(host.property("shop-counter", "MainPID"), supervisor);
    assert_eq!(host.property("shop-counter", "ActiveState"), "active");
    is_what_the_engine_has();

    host.sh("systemctl kill --signal KILL docker").ok();
    host.wait_for("the engine", || host.sh("docker version").status == 0);
    goes_on("lines after the kill");
    assert_eq!(host.inspect("shop-counter", "{{.Id}} {{.State.Pid}}"), before);
    assert_eq!(host.property("shop-counter", "ActiveState"), "active");
    is_what_the_engine_has();
}

#[test]
fn an_engine_restart_without_live_restore_brings_the_stack_back_in_order() {
    let host = Host::boot("engine");
    host.generate("shop", GATED);
    host.sh("systemctl start shop.target").ok();
    let before = host.inspect("shop-app", "{{.Id}}");
    host.sh("systemctl restart docker").ok();
    host.wait_for("the application is back", || {
        let id = host.sh("docker inspect --format '{{.Id}} {{.State.Running}}' shop-app || true").ok().stdout;
        id.contains("true") && !id.contains(&before) && host.property("shop-app", "ActiveState") == "active"
    });
    host.wait_active("shop-db");
    assert_created_after_healthy(&host);
}

#[test]
fn a_stop_leaves_nothing_but_the_volumes() {
    let host = Host::boot("stop");
    host.generate(
        "shop",
        r#"
        [services.polite]
        image = "IMAGE"
        command = ["sh", "-c", "trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done"]
        volumes = ["data:/data"]
        networks = ["front", "back"]
        [services.stubborn]
        image = "IMAGE"
        command = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
        stop_grace_period = "3s"
        [services.reload]
        image = "IMAGE"
        command = ["sh", "-c", "trap 'echo interrupted; exit 0' INT; while :; do sleep 0.1; done"]
        stop_signal = "SIGINT"
        [networks.front]
        [networks.back]
        [volumes.data]
        "#,
    );
    host.sh("systemctl start shop.target").ok();
    assert_eq!(host.sh("docker ps --quiet | wc -l").ok().stdout.trim(), "3");
    assert_eq!(host.inspect("shop-polite", "{{len .NetworkSettings.Networks}}"), "2");

    // Gone after the grace period.
    host.sh("systemctl stop shop-stubborn").ok();
    assert_eq!(host.sh("docker ps --all --quiet --filter name=shop-stubborn").ok().stdout, "");
    let said = host.sh("journalctl --sync; journalctl --unit shop-stubborn --output cat").ok().stdout;
    assert!(said.contains("the container did not stop within 3 s; killing it"), "{said}");
    assert_eq!(host.property("shop-stubborn", "Result"), "success");

    host.sh("systemctl stop shop.target").ok();
    host.wait_for("everything has stopped", || {
        host.sh("systemctl list-units --no-legend --state=active,deactivating 'shop*' 'wharf-*'").ok().stdout.is_empty()
    });
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");
    assert_eq!(host.sh("docker network ls --quiet --filter type=custom").ok().stdout, "");
    assert_eq!(host.sh("pgrep --exact wharf-run || true").ok().stdout, "");
    assert_eq!(host.sh("docker volume ls --quiet").ok().stdout.trim(), "shop_data");
    let log = host.sh("journalctl --output cat --unit shop-polite --unit shop-reload").ok().stdout;
    assert!(log.contains("bye") && log.contains("interrupted"), "{log}");
}

#[test]
fn the_journal_has_the_output_with_level_and_origin() {
    let host = Host::boot("journal");
    host.generate("shop",
        r#"
        [services.talk]
        image = "IMAGE"
        command = ["sh", "-c", "echo out; echo err >&2; head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\tb \\377 c\\n\\n'; printf last; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"
        "#,
    );
    host.sh("systemctl start shop-talk").ok();
    let lines = "journalctl --sync; journalctl --unit shop-talk --output json SYSLOG_IDENTIFIER=shop-talk | wc --lines";
    host.wait_for("five lines", || host.sh(lines).ok().stdout == "5\n");
    let fields = host
        .sh("journalctl --unit shop-talk --output json WHARF_STREAM=stderr SYSLOG_IDENTIFIER=shop-talk | jq --raw-output \
             '[.MESSAGE, .CONTAINER_NAME, .IMAGE, .WHARF_PROJECT, .WHARF_SERVICE, (.CONTAINER_ID | length)] | @csv'")
        .ok()
        .stdout;
    assert_eq!(fields.trim(), format!("\"err\",\"shop-talk\",\"{IMAGE}\",\"shop\",\"talk\",12"));
    let out = |select: &str| {
        let journal = "journalctl --all --unit shop-talk --output json WHARF_STREAM=stdout SYSLOG_IDENTIFIER=shop-talk";
        host.sh(&format!("{journal} | jq --compact-output --slurp '{select}'")).ok().stdout.trim().to_owned()
    };
    assert_eq!(out(".[0].MESSAGE"), "\"out\"");
    assert_eq!(out(".[1].MESSAGE | length"), "100000", "a long line is one entry");
    let bytes: Vec<String> = b"a\tb \xff c".iter().map(u8::to_string).collect();
    assert_eq!(out(".[2].MESSAGE"), format!("[{}]", bytes.join(",")), "bytes stay as they are");
    assert_eq!(out(".[3].MESSAGE"), "\"\"");
    host.sh("systemctl stop shop-talk; journalctl --sync").ok();
    assert_eq!(out(".[4].MESSAGE"), "\"last\"", "the last line needs no line break");
}

#[test]
fn a_container_of_somebody_else_is_left_alone() {
    let host = Host::boot("foreign");
    host.generate("shop", "[services.web]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\n");
    host.sh(&format!("docker run --detach --name shop-web {IMAGE} tail -f /dev/null")).ok();
    let id = host.inspect("shop-web", "{{.Id}}");
    host.sh("systemctl start shop-web").fails();
    let status = host.property("shop-web", "StatusText");
    assert!(status.contains("a container named shop-web exists that this unit did not make"), "{status}");
    assert_eq!(host.inspect("shop-web", "{{.Id}} {{.State.Running}}"), format!("{id} true"));
}

#[test]
fn a_container_removed_behind_the_units_back_comes_back() {
    let host = Host::boot("removed");
    host.generate("shop", "[services.web]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\n");
    host.sh("systemctl start shop-web").ok();
    host.sh("docker rm --force shop-web").ok();
    host.wait_for("the container is back", || {
        host.sh("docker inspect --format '{{.State.Running}}' shop-web || true").ok().stdout.trim() == "true"
    });
    host.wait_active("shop-web");
}

#[test]
fn a_container_that_somebody_else_is_removing_is_waited_for() {
    let host = Host::boot("removing");
    host.generate("shop", &sleeper("web", ""));
    host.sh("systemctl start shop-web").ok();
    for _ in 0..8 {
        host.sh("docker rm --force shop-web >/dev/null 2>&1 & systemctl restart shop-web; restarted=$?; wait; exit $restarted").ok();
        host.wait_active("shop-web");
    }
    let said = host.sh("journalctl --output=cat --unit=shop-web").ok().stdout;
    assert!(!said.contains("cannot create container"), "{said}");
}

#[test]
fn networks_and_volumes_removed_behind_the_units_back_are_made_again() {
    let host = Host::boot("pruned");
    let stack = "[services.web]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n\
                 volumes = [\"data:/data\"]\n[volumes.data]\nlabels = { kept = \"yes\" }\n";
    host.generate("shop", stack);
    host.sh("systemctl start shop-web && systemctl stop shop-web").ok();
    assert_eq!(host.property("shop-default-network", "ActiveState"), "active");
    host.sh("docker network rm shop_default && docker volume rm shop_data").ok();
    host.sh("systemctl start shop-web").ok();
    let labels = host.sh("docker volume inspect --format '{{.Labels.kept}}' shop_data").ok().stdout;
    assert_eq!(labels.trim(), "yes");
}

#[test]
fn what_an_image_declares_as_a_volume_outlives_the_container() {
    let host = Host::boot("imagevolume");
    host.sh(&format!(
        "docker run --name base {IMAGE} true; docker commit --change 'VOLUME /state' base stateful:1; docker rm base"
    ))
    .ok();
    host.generate(
        "shop",
        r#"
        [services.db]
        image = "stateful:1"
        command = ["sh", "-c", "echo x >> /state/starts; wc -l < /state/starts; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"
        "#,
    );
    host.sh("systemctl start shop-db; kill -9 $(docker inspect --format '{{.State.Pid}}' shop-db)").ok();
    host.wait_for("shop-db has restarted", || host.property("shop-db", "NRestarts") == "1");
    host.wait_active("shop-db");
    host.sh("systemctl restart shop-db").ok();
    let starts = "docker exec shop-db cat /state/starts | wc -l";
    host.wait_for("the third start", || host.sh(starts).ok().stdout == "3\n");
    assert_eq!(host.sh("docker volume ls --quiet").ok().stdout.trim(), "shop-db_state");
    host.sh("wharf remove --volumes /root/shop.toml").ok();
    assert_eq!(host.sh("docker volume ls --quiet").ok().stdout.trim(), "");
}

/// A project's volume may have the name that the volume of another one's image would get.
#[test]
fn an_image_gets_no_volume_that_was_not_made_for_it() {
    let host = Host::boot("othersvolume");
    host.sh(&format!(
        "docker run --name base {IMAGE} true; docker commit --change 'VOLUME /data' base greedy:1; docker rm base; \
         docker volume create cloud_data"
    ))
    .ok();
    let owner = "[services.db]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n\
                 volumes = [\"data:/v\"]\n[volumes.data]\n";
    let greedy = "[services.db]\nimage = \"greedy:1\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n";
    host.generate("pay-db", owner);
    host.generate("pay", greedy);
    host.generate("front", &format!("{greedy}container_name = \"cloud\"\n"));
    host.generate("late", greedy);
    host.generate("late-db", owner);
    host.sh("systemctl start pay-db-db late-db").ok();
    host.sh("systemctl start pay-db").fails();
    let status = host.property("pay-db", "StatusText");
    assert!(
        status.contains("/data") && status.contains("pay-db_data") && status.contains("not made for it"),
        "{status}"
    );
    assert_eq!(host.property("pay-db", "ExecMainStatus"), "252");
    // Neither one of which nothing is known.
    host.sh("systemctl start front-db").fails();
    // The image was first: the stack does not get it either.
    host.sh("systemctl start late-db-db").fails();
    let said = host.sh("journalctl --unit late-db-data-volume --output cat").ok().stdout;
    assert!(said.contains("was made for what the image of container late-db declares"), "{said}");
}

/// The engine refuses to send it, and would stop the container with SIGTERM itself.
#[test]
fn a_signal_that_an_image_makes_up_does_not_lengthen_a_stop() {
    let host = Host::boot("oddsignal");
    let archive = "docker pull --quiet IMAGE; mkdir odd; docker save IMAGE | tar -x -C odd; cd odd; config=$(jq -r '.[0].Config' manifest.json); \
         jq -c '.config.StopSignal = \"SIGFOO\\nX\"' $config >changed; sum=$(sha256sum changed | cut -d ' ' -f 1); \
         mkdir -p blobs/sha256; mv changed blobs/sha256/$sum; rm -f index.json oci-layout; \
         jq -c --arg config blobs/sha256/$sum '.[0].Config = $config | .[0].RepoTags = [\"odd:1\"]' manifest.json >new; \
         mv new manifest.json; tar -c . | docker load";
    host.sh(&archive.replace("IMAGE", IMAGE)).ok();
    assert_eq!(
        host.sh("docker image inspect --format '{{json .Config.StopSignal}}' odd:1").ok().stdout,
        "\"SIGFOO\\nX\"\n"
    );
    let stack = "[services.web]\nimage = \"odd:1\"\nstop_grace_period = \"300s\"\n\
                 command = [\"sh\", \"-c\", \"trap 'echo asked; exit 0' TERM; while :; do sleep 0.1; done\"]\n";
    host.generate("shop", stack);
    host.sh("systemctl start shop-web; timeout 200 systemctl stop shop-web").ok();
    assert_eq!(host.property("shop-web", "Result"), "success");
    let log = host.sh("journalctl --sync; journalctl --unit shop-web --output cat").ok().stdout;
    assert!(log.contains("\nasked\n"), "{log}");
}

#[test]
fn a_stop_while_an_image_is_being_pulled_or_a_container_created_leaves_nothing() {
    let host = Host::boot("stopstart");
    host.generate("shop", WEB);
    for pause in ["0", "0.02", "0.05", "0.1", "0.15", "0.2", "0.3"] {
        host.sh("docker rmi --force 127.0.0.1:5000/busybox:1").ok();
        host.sh(&format!("systemctl start --no-block shop-web; sleep {pause}; systemctl stop shop-web")).ok();
        assert_eq!(host.property("shop-web", "ActiveState"), "inactive", "stopped after {pause} s");
        assert_eq!(host.property("shop-web", "Result"), "success", "stopped after {pause} s");
        assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "", "stopped after {pause} s");
    }
}

#[test]
fn a_containers_own_exit_status_never_means_something_to_wharf() {
    let host = Host::boot("status");
    host.generate(
        "shop",
        r#"
        [services.no]
        image = "IMAGE"
        command = ["sh", "-c", "sleep 0.5; exit 69"]
        restart = "no"
        [services.away]
        image = "IMAGE"
        command = ["sh", "-c", "sleep 0.5; exit 250"]
        restart = "no"
        [services.hopeless]
        image = "IMAGE"
        command = ["sh", "-c", "sleep 0.5; exit 252"]
        [services.always]
        image = "IMAGE"
        command = ["sh", "-c", "sleep 0.5; exit 125"]
        "#,
    );
    host.sh("systemctl start shop-no shop-away shop-hopeless shop-always").ok();
    for unit in ["shop-hopeless", "shop-always"] {
        host.wait_for("a restart", || host.property(unit, "NRestarts") != "0");
    }
    host.wait_for("the end", || host.property("shop-away", "ActiveState") == "failed");
    assert_eq!(host.property("shop-away", "NRestarts"), "0");
    let said = host.sh("journalctl --unit shop-away --output cat").ok().stdout;
    assert!(said.contains("Container exited with status 250"), "{said}");
    assert_eq!(host.property("shop-no", "ExecMainStatus"), "69");
    assert_eq!(host.property("shop-no", "NRestarts"), "0");
}

#[test]
fn a_line_of_three_megabytes_reaches_the_journal_whole() {
    let host = Host::boot("longline");
    host.generate(
        "shop",
        r#"
        [services.talk]
        image = "IMAGE"
        command = ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' y; echo; echo after; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"
        "#,
    );
    host.sh("systemctl start shop-talk").ok();
    let out = "journalctl --all --unit shop-talk --output cat WHARF_STREAM=stdout SYSLOG_IDENTIFIER=shop-talk";
    host.wait_for("the last line", || host.sh(out).ok().stdout.ends_with("\nafter\n"));
    assert_eq!(host.sh(&format!("{out} | tr -d '\\n' | grep -o y | wc -l")).ok().stdout.trim(), "3000000");
}

#[test]
fn a_supervisor_that_finds_its_container_unhealthy_adopts_it_as_ready() {
    let host = Host::boot("adoptsick");
    host.generate(
        "shop",
        r#"
        [services.db]
        image = "IMAGE"
        command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"
        ready = "healthy"
        healthcheck = { test = "test -e /tmp/ok", interval = "300ms", retries = 1 }
        "#,
    );
    host.sh("systemctl start shop-db; docker exec shop-db rm /tmp/ok").ok();
    host.wait_for("it to be unhealthy", || host.inspect("shop-db", "{{.State.Health.Status}}") == "unhealthy");
    let id = host.inspect("shop-db", "{{.Id}}");
    host.sh("kill -9 $(systemctl show --property MainPID --value shop-db)").ok();
    host.wait_for("another supervisor", || host.property("shop-db", "NRestarts") == "1");
    host.wait_active("shop-db");
    assert_eq!(host.inspect("shop-db", "{{.Id}} {{.State.Health.Status}}"), format!("{id} unhealthy"));
}

#[test]
fn a_changed_network_leaves_what_runs_on_the_old_one_alone() {
    let host = Host::boot("netchange");
    let stack = "[services.a]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\n\
                 [services.b]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\n[networks.default]\n";
    host.generate("shop", stack);
    host.sh("systemctl start shop.target").ok();
    host.generate("shop", &format!("{stack}labels = {{ new = \"yes\" }}\n"));
    host.sh("kill -9 $(docker inspect --format '{{.State.Pid}}' shop-a)").ok();
    host.wait_for("shop-a has restarted", || host.property("shop-a", "NRestarts") == "1");
    host.wait_active("shop-a");
    host.sh("systemctl restart shop-default-network").ok();
    let label = host.sh("docker network inspect --format '{{.Labels.new}}' shop_default").ok().stdout;
    assert_eq!(label.trim(), "yes");
}

#[test]
fn an_engine_that_comes_late_finds_the_stack_waiting() {
    let host = Host::boot("late");
    host.generate("shop", WEB);
    host.sh("systemctl stop docker.socket docker; systemctl mask --runtime docker.socket docker").ok();
    host.sh("systemctl start --no-block shop-web").ok();
    host.wait_for("the start to wait", || {
        host.sh("systemctl list-jobs shop-web.service").ok().stdout.contains("waiting")
            || host.property("shop-web", "ActiveState") == "activating"
    });
    host.sh("systemctl unmask --runtime docker.socket docker; systemctl start docker").ok();
    host.wait_active("shop-web");

    // Down again, and with it the container: a stop need not wait for the engine.
    host.sh("systemctl stop docker.socket docker; systemctl mask --runtime docker.socket docker").ok();
    host.sh("systemctl stop shop-web").ok();
    assert_eq!(host.property("shop-web", "ActiveState"), "inactive");
}

/// On a request to stop, the application takes its time, and the database says at once that it was asked.
const ORDERED: &str = r#"
[services.db]
image = "IMAGE"
command = ["sh", "-c", "trap 'echo db asked >>/order/log; exit 0' TERM; while :; do sleep 0.1; done"]
volumes = ["/root/order:/order"]
[services.app]
image = "IMAGE"
command = ["sh", "-c", "trap 'echo app asked >>/order/log; sleep 3; echo app gone >>/order/log; exit 0' TERM; while :; do sleep 0.1; done"]
volumes = ["/root/order:/order"]
depends_on = ["db"]
"#;

/// One unit of each kind.
const EACH_KIND: &str = r#"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
scale = 1
volumes = ["data:/data"]
depends_on = ["db"]

[services.db]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
scale = 1

[services.made]
build = "."
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[services.sealed]
build = { context = ".", secrets = ["token"] }
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[volumes.data]

[secrets]
token.file = "./token"
"#;

#[test]
fn the_exposure_of_each_unit_is_the_one_in_the_manual_and_all_of_them_work_with_it() {
    let host = Host::boot("exposed");
    host.write("/root/Dockerfile", &format!("FROM {IMAGE}\n"));
    host.sh("umask 077; echo secret >/root/token").ok();
    host.generate("shop", EACH_KIND);
    host.sh("systemctl start shop.target").ok();
    let manual = include_str!("../packaging/manual/sandbox.md");
    let mut wrong = Vec::new();
    for (unit, in_manual) in [
        ("wharfd.service", "wharfd.service"),
        ("wharf-cleanup@shop-web@1.service.service", "wharf-cleanup@.service"),
        ("shop-web@1.service", "shop-web.service"),
        ("shop-default-network.service", "shop-default-network.service"),
        ("shop-data-volume.service", "shop-data-volume.service"),
        ("shop-db-replicas.service", "shop-web-replicas.service"),
        ("shop-made-build.service", "shop-web-build.service"),
        ("shop-sealed-build.service", "shop-web-build.service"),
    ] {
        if unit.starts_with("shop-") {
            assert_eq!(host.property(unit, "ActiveState"), "active", "{unit}");
        }
        let row = manual.lines().find(|line| line.contains(&format!("`{in_manual}`"))).unwrap();
        let expected = row.split('|').nth(2).unwrap().trim();
        let rating = host.sh(&format!("systemd-analyze security --no-pager '{unit}'")).ok().stdout;
        if !rating.contains(&format!("for {unit}: {expected} ")) {
            wrong.push(rating.lines().last().unwrap().to_owned());
        }
        let most = if ["wharfd.service", "shop-web-build.service"].contains(&in_manual) { 2.0 } else { 4.0 };
        assert!(expected.parse::<f64>().unwrap() <= most, "{unit}");
    }
    assert_eq!(wrong, [""; 0], "not as in the manual");
    host.sh("systemctl reload shop-made-build.service shop-sealed-build.service").ok();
    host.sh("systemctl stop shop.target").ok();
    assert_eq!(host.sh("systemctl list-units --failed --no-legend 'shop*'").ok().stdout, "");
}

#[test]
fn slices_without_a_file_go_with_their_last_unit_and_keep_the_order_at_shutdown() {
    let host = Host::boot("slices");
    host.sh("mkdir order").ok();
    host.generate("shop", ORDERED);
    host.sh("systemctl start shop.target").ok();
    assert_eq!(host.sh("find /etc/systemd /run/systemd -name 'wharf*.slice'").ok().stdout, "");
    for slice in ["wharf-shop.slice", "wharf-shop-app.slice", "wharf-shop-db.slice"] {
        assert_eq!(host.property(slice, "ActiveState"), "active", "{slice}");
        assert_eq!(host.property(slice, "DefaultDependencies"), "no", "{slice}");
        assert_eq!(host.property(slice, "StopWhenUnneeded"), "yes", "{slice}");
    }
    assert_eq!(host.property("shop-app", "Slice"), "wharf-shop-app.slice");
    assert_eq!(host.inspect("shop-app", "{{.HostConfig.CgroupParent}}"), "wharf-shop-app.slice");

    host.sh("systemctl stop shop.target").ok();
    host.wait_for("the slices are gone", || {
        host.sh("systemctl list-units --no-legend --plain 'wharf-shop*.slice'").ok().stdout.is_empty()
    });
    let in_order = "app asked\napp gone\ndb asked\n";
    assert_eq!(host.read("/root/order/log"), in_order);

    host.sh("rm order/log; systemctl start shop.target").ok();
    host.poweroff();
    host.boot_again();
    assert_eq!(host.read("/root/order/log"), in_order);
}

/// They were written for every slice.
#[test]
fn the_slice_files_of_an_older_version_go_and_nothing_stops() {
    let host = Host::boot("oldslices");
    host.generate("shop", "[services.web]\nimage = \"IMAGE\"\ncommand = \"tail -f /dev/null\"\n");
    let old = r"
        for slice in wharf-shop wharf-shop-web; do
            printf '[Unit]\nDescription=Old\nDefaultDependencies=no\nStopWhenUnneeded=yes\n\n[X-Wharf]\nProject=shop\n' \
                >/etc/systemd/system/$slice.slice
        done
        systemctl daemon-reload
        systemctl start shop.target
    ";
    host.sh(old).ok();
    assert_eq!(host.property("wharf-shop-web.slice", "Description"), "Old");
    let container = host.inspect("shop-web", "{{.Id}}");
    let process = host.property("shop-web", "MainPID");

    let generated = host.sh("wharf generate shop.toml").ok();
    assert_eq!(generated.stderr, "project shop:\nremove wharf-shop-web.slice\nremove wharf-shop.slice\n");
    assert_eq!(host.inspect("shop-web", "{{.Id}} {{.State.Running}}"), format!("{container} true"));
    assert_eq!(host.property("shop-web", "MainPID"), process);
    for slice in ["wharf-shop.slice", "wharf-shop-web.slice"] {
        assert_eq!(host.property(slice, "FragmentPath"), "", "{slice}");
        assert_eq!(host.property(slice, "ActiveState"), "active", "{slice}");
        assert_eq!(host.property(slice, "StopWhenUnneeded"), "yes", "{slice}");
    }
    assert_eq!(host.sh("wharf generate --now shop.toml").ok().stderr, "project shop: nothing changed\n");
    assert_eq!(host.inspect("shop-web", "{{.Id}}"), container);
}

/// The user of an image is free text, which the engine repeats in its error; so is the body of a registry's.
#[test]
fn what_an_image_says_is_one_line_of_the_status_and_of_the_journal() {
    let host = Host::boot("forged");
    let victim = host.sh("setsid sleep infinity >/dev/null 2>&1 & echo $!").ok().stdout.trim().to_owned();
    host.sh(&format!(
        "docker create --name evil --user $'nobody\\nMAINPID={victim}\\nERRNO=5\\n<0>forged\\e]0;title\\a' {IMAGE} true >/dev/null
         docker commit evil evil:1 && docker rm evil"
    ))
    .ok();
    host.generate("shop", "[services.web]\nimage = \"evil:1\"\n");
    host.sh("systemctl start --no-block shop-web").ok();
    host.wait_for("the start fails", || host.property("shop-web", "ActiveState") == "failed");
    assert_eq!(host.property("shop-web", "MainPID"), "0");
    assert_eq!(host.property("shop-web", "StatusErrno"), "0");
    host.sh(&format!("kill -0 {victim}")).ok();
    let status = host.property("shop-web", "StatusText");
    assert!(status.contains(&format!("nobody MAINPID={victim} ERRNO=5 <0>forged ]0;title")), "{status}");
    host.sh("journalctl --sync").ok();
    let emergencies = host.sh("journalctl --unit shop-web --quiet --output cat PRIORITY=0 PRIORITY=1 PRIORITY=2").ok();
    assert_eq!(emergencies.stdout, "");
    let begin = "journalctl --unit shop-web --all --output cat | grep --count --extended-regexp '^(MAINPID|ERRNO|forged)' || true";
    assert_eq!(host.sh(begin).ok().stdout.trim(), "0", "no entry is forged");
}

#[test]
fn another_users_journal_entries_do_not_silence_the_log() {
    let host = Host::boot("silence");
    host.generate("shop", &COUNTER.replace("RESTART", ""));
    host.sh("systemctl start shop-counter").ok();
    let id = host.inspect("shop-counter", "{{.Id}}");
    // The container is silent, so that the forged entries are the newest.
    host.sh("docker pause shop-counter && journalctl --sync").ok();
    for stream in ["stdout", "stderr"] {
        let entry = format!(
            "MESSAGE=x\\nWHARF_STREAM={stream}\\nCONTAINER_ID_FULL={id}\\nSYSLOG_TIMESTAMP=2099-01-01T00:00:00.000000000Z\\n"
        );
        host.sh(&format!("printf '{entry}' | runuser --user nobody -- logger --journald")).ok();
    }
    host.sh("journalctl --sync").ok();
    let pid = host.property("shop-counter", "MainPID");
    host.sh(&format!("kill -9 {pid}")).ok();
    host.wait_for("another supervisor", || host.property("shop-counter", "NRestarts") == "1");
    host.wait_active("shop-counter");
    host.sh("docker unpause shop-counter").ok();
    host.wait_for("enough lines", || {
        host.sh("docker logs shop-counter 2>&1 | wc -l").ok().stdout.trim().parse::<u32>().unwrap() > 400
    });
    host.sh("systemctl stop shop-counter").ok();
    assert_counted(&host, "shop-counter");
}

/// `docker commit` hands labels on; the slice it cannot.
#[test]
fn a_copy_of_a_container_is_not_taken_for_it() {
    let host = Host::boot("copy");
    host.generate("shop", WEB);
    host.sh("systemctl start shop-web && docker commit shop-web copy:1 && systemctl stop shop-web").ok();
    host.sh("docker run --detach --name shop-web copy:1").ok();
    let id = host.inspect("shop-web", "{{.Id}}");
    host.sh("systemctl start shop-web").fails();
    let status = host.property("shop-web", "StatusText");
    assert!(status.contains("a container named shop-web exists that this unit did not make"), "{status}");
    host.sh("wharf remove shop").ok();
    assert_eq!(host.inspect("shop-web", "{{.Id}} {{.State.Running}}"), format!("{id} true"));

    host.generate("other", "[services.web]\nimage = \"copy:1\"\n");
    host.sh("systemctl start other-web").fails();
    let status = host.property("other-web", "StatusText");
    assert!(status.contains("image copy:1 has labels of a container of Wharf"), "{status}");
    assert_eq!(host.property("other-web", "ExecMainStatus"), "252");
    host.sh("docker commit --change 'LABEL io.wharf.unit= io.wharf.project= io.wharf.service= io.wharf.instance=' shop-web copy:1 && systemctl start other-web").ok();
}

/// It does not stop for a minute.
const STUBBORN: &str = r#"
[services.web]
image = "IMAGE"
command = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
stop_grace_period = "60s"
"#;

#[test]
fn a_stop_is_a_stop_though_wharf_run_is_killed_meanwhile() {
    let host = Host::boot("killedstop");
    host.generate("shop", STUBBORN);
    for verb in ["restart", "stop"] {
        host.sh("systemctl start shop-web").ok();
        let before = host.inspect("shop-web", "{{.Id}}");
        host.sh(&format!("systemctl {verb} --no-block shop-web")).ok();
        host.wait_for("the stop to begin", || host.property("shop-web", "ActiveState") == "deactivating");
        host.sh(&format!("kill -9 {}", host.property("shop-web", "MainPID"))).ok();
        host.wait_for("the end of it", || {
            let state = host.property("shop-web", "ActiveState");
            if verb == "restart" { state == "active" } else { ["inactive", "failed"].contains(&state.as_str()) }
        });
        // After a stop, systemd removes it by a unit of its own.
        host.wait_for("the right container, or none", || {
            let now = host.sh("docker inspect --format '{{.Id}}' shop-web || true").ok().stdout;
            !now.contains(&before) && now.trim().is_empty() == (verb == "stop")
        });
    }
}

#[test]
fn a_stop_is_a_stop_though_a_new_wharf_run_still_waits_for_the_engine() {
    let host = Host::boot("killedwaits");
    host.generate("shop", &sleeper("web", ""));
    host.sh("systemctl start shop-web").ok();
    let before = host.inspect("shop-web", "{{.Id}}");
    let dockerd = host.property("docker", "MainPID");
    host.sh(&format!("kill -STOP {dockerd}; kill -9 {}", host.property("shop-web", "MainPID"))).ok();
    host.wait_for("the next wharf-run", || host.property("shop-web", "StatusText").contains("Waiting for the engine"));
    host.sh("systemctl stop shop-web").ok();
    assert_eq!(host.property("shop-web", "ActiveState"), "inactive");
    host.sh(&format!("kill -CONT {dockerd}; systemctl start shop-web")).ok();
    assert_ne!(host.inspect("shop-web", "{{.Id}}"), before);
}

#[test]
fn a_restart_while_the_engine_hangs_makes_a_new_container_later() {
    let host = Host::boot("hungrestart");
    host.generate("shop", &format!("{STUBBORN}[services.web.systemd.Service]\nTimeoutStopSec = \"1s\"\n"));
    host.sh("systemctl start shop-web").ok();
    let before = host.inspect("shop-web", "{{.Id}}");
    let dockerd = host.property("docker", "MainPID");
    host.sh(&format!("kill -STOP {dockerd}; systemctl restart --no-block shop-web")).ok();
    host.wait_for("the next start", || host.property("shop-web", "ActiveState") == "activating");
    host.sh(&format!("kill -CONT {dockerd}")).ok();
    host.wait_active("shop-web");
    assert_ne!(host.inspect("shop-web", "{{.Id}}"), before);
}

#[test]
fn a_hung_engine_shows_in_the_status_of_each_unit() {
    let host = Host::boot("hung");
    host.generate("shop", &sleeper("web", ""));
    host.sh("systemctl start shop-web wharfd").ok();
    host.wait_for("a picture of the container", || host.sh("wharf status").ok().stdout.contains("127.0.0.1"));
    let dockerd = host.property("docker", "MainPID");
    host.sh(&format!("kill -STOP {dockerd}")).ok();
    let shown = |text: &str| host.sh("systemctl status --no-pager --full shop-web").ok().stdout.contains(text);
    host.wait_for("the unit's status to say so", || shown("the engine does not answer; the container is not touched"));
    let status = host.sh("wharf status").ok();
    assert!(status.stderr.contains("the engine does not answer"), "{status:?}");
    assert_eq!(host.property("shop-web", "ActiveState"), "active");
    host.sh(&format!("kill -CONT {dockerd}")).ok();
    host.wait_for("the unit's status to say so", || shown("the engine answers again"));
    host.wait_for("wharfd to watch", || host.property("wharfd", "StatusText") == "Watching");
}

/// Services that end when the engine asks them to, and that no failure of their own would bring back.
const POLITE: &str = r#"
[services.failure]
image = "IMAGE"
command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
restart = "on-failure"
[services.never]
image = "IMAGE"
command = "sleep 100000"
restart = "no"
[services.seldom]
image = "IMAGE"
command = "sleep 100000"
restart = "on-failure:3"
"#;

#[test]
fn all_services_come_back_with_an_engine_that_was_restarted() {
    let host = Host::boot("restarted");
    host.generate("shop", POLITE);
    host.sh("systemctl start shop.target").ok();
    let units = ["shop-failure", "shop-never", "shop-seldom"];
    for round in 1..=5 {
        let before: Vec<String> = units.iter().map(|unit| host.inspect(unit, "{{.Id}}")).collect();
        host.sh("systemctl reset-failed docker.service docker.socket; systemctl restart docker").ok();
        for (unit, before) in units.iter().zip(before) {
            host.wait_for(&format!("{unit} after restart {round}"), || {
                let id = host.sh(&format!("docker inspect --format '{{{{.Id}}}}' {unit} || true")).ok().stdout;
                !id.trim().is_empty() && id.trim() != before && host.property(unit, "ActiveState") == "active"
            });
        }
    }
    // Neither does the death of a supervisor count as one of three failures.
    let container = host.inspect("shop-seldom", "{{.Id}}");
    for _ in 0..5 {
        let pid = host.property("shop-seldom", "MainPID");
        host.sh(&format!("kill -9 {pid}")).ok();
        host.wait_for("the next wharf-run", || {
            let now = host.property("shop-seldom", "MainPID");
            now != "0" && now != pid && host.property("shop-seldom", "ActiveState") == "active"
        });
    }
    assert_eq!(host.inspect("shop-seldom", "{{.Id}}"), container);
    // What ends by itself stays as its policy says.
    host.sh("docker kill shop-never").ok();
    host.wait_for("its end", || host.property("shop-never", "ActiveState") == "failed");
}

#[test]
fn without_an_engine_it_is_said_at_once_what_is_waited_for() {
    let host = Host::boot("mute");
    host.write("/root/shop.toml", &sleeper("web", ""));
    host.sh("wharf generate --now shop.toml && systemctl stop shop.target docker.socket docker.service").ok();
    host.sh("systemctl mask --runtime docker.service docker.socket; rm -f /run/docker.sock").ok();
    host.sh("systemctl start --no-block shop-web").ok();
    host.wait_for("the status", || {
        let status = host.property("shop-default-network", "StatusText");
        status.starts_with("Waiting for the engine: ") && status.contains("there is no socket /run/docker.sock")
    });
    host.sh("systemctl stop shop-web shop-default-network").ok();
    let said = host.sh("wharf generate --now shop.toml 2>&1").fails().stdout;
    let waits = "wharf: waiting for shop-default-network.service: Waiting for the engine: ";
    assert!(said.contains(waits) && said.contains("there is no socket /run/docker.sock"), "{said}");
    assert!(said.contains("shop-default-network.service failed"), "the wait has an end: {said}");
    let said = host.sh("wharf remove shop").fails().stderr;
    assert!(said.contains("there is no socket /run/docker.sock: Docker is not installed or not running"), "{said}");
}
