//! A container's output reaches the journal whole: at any rate, and whatever happens to wharf-run, the engine and journald meanwhile.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// Megabytes that the flood writes. `make test-full` lets it write a gigabyte.
const MEGABYTES: Option<&str> = option_env!("WHARF_TEST_FLOOD");

/// Numbered lines of a kilobyte, as fast as they are taken.
fn flood(megabytes: u64) -> String {
    let rest = "x".repeat(1015);
    format!(
        "[services.flood]\nimage = \"IMAGE\"\nrestart = \"no\"\n\
         command = [\"sh\", \"-c\", \"seq 10000001 {} | sed s/$/{rest}/; echo end >&2\"]\n",
        10_000_000 + megabytes * 1024
    )
}

/// The journal takes as much as it is given.
fn with_room_for_output(hint: &str) -> Host {
    let host = Host::boot(hint);
    let settings = "[Journal]\nStorage=persistent\nSystemMaxUse=8G\nSystemKeepFree=1M\n";
    host.write("/etc/systemd/journald.conf.d/zz.conf", settings);
    host.sh("systemctl restart systemd-journald").ok();
    host
}

/// `lines`, lines that stand there twice, and bytes.
fn relayed(host: &Host, unit: &str) -> String {
    host.sh("journalctl --sync").ok();
    let lines =
        format!("journalctl --unit {unit} --output cat --no-pager SYSLOG_IDENTIFIER={unit} WHARF_STREAM=stdout");
    let count = "cut -c -8 | sort | uniq -c | awk '{ n++; if ($1 > 1) twice++ } END { print n + 0, twice + 0 }'";
    host.sh(&format!("{lines} | {count}")).ok().stdout.trim().to_owned()
}

#[test]
fn every_line_of_a_flood_is_there_once_though_wharf_run_is_killed_three_times() {
    let megabytes: u64 = MEGABYTES.unwrap_or("150").parse().unwrap();
    let host = with_room_for_output("flood");
    host.generate("shop", &flood(megabytes));
    host.sh("systemctl start shop-flood").ok();
    for round in 1..=3 {
        let pid = host.property("shop-flood", "MainPID");
        let stored = || {
            host.sh("journalctl --unit shop-flood --lines 1 --output cat WHARF_STREAM=stdout | cut -c -8").ok().stdout
        };
        let before = stored();
        host.wait_for("more of the flood", || stored() != before);
        host.sh(&format!("kill -9 {pid}")).ok();
        host.wait_for("another wharf-run", || {
            host.property("shop-flood", "NRestarts") == round.to_string()
                && host.property("shop-flood", "ActiveState") == "active"
        });
    }
    let peak = format!("grep VmHWM /proc/{}/status", host.property("shop-flood", "MainPID"));
    println!("wharf-run: {}", host.sh(&peak).ok().stdout.trim());
    host.wait_for("the end", || host.property("shop-flood", "ActiveState") == "inactive");
    assert_eq!(relayed(&host, "shop-flood"), format!("{} 0", megabytes * 1024));
    let of =
        |fields: &str| host.sh(&format!("journalctl --unit shop-flood --output cat --no-pager {fields}")).ok().stdout;
    assert_eq!(of("WHARF_STREAM=stderr SYSLOG_IDENTIFIER=shop-flood"), "end\n");
    let said = of("SYSLOG_IDENTIFIER=wharf-run");
    assert!(said.contains("adopting it") && !said.contains("lost"), "{said}");
}

/// Counts to END, odd numbers on stderr.
const COUNTER: &str = r#"
[services.counter]
image = "IMAGE"
command = ["sh", "-c", "i=0; while [ $$i -lt END ]; do i=$$((i + 2)); echo $$i; echo $$((i + 1)) >&2; done; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
"#;

/// All numbers from 2 on stand in the journal once, each stream in its order; how many.
fn assert_counted(host: &Host) -> usize {
    host.sh("docker pause shop-counter").ok();
    let last = |stream: &str| -> u64 {
        let line = format!(
            "journalctl --sync; journalctl --unit shop-counter --output cat --lines 1 WHARF_STREAM={stream} SYSLOG_IDENTIFIER=shop-counter"
        );
        host.sh(&line).ok().stdout.trim().parse().unwrap()
    };
    // The container may be stopped between the two lines of a pair.
    // While lines still come, the two may be as close by chance, but do not stay so.
    host.wait_for("the last lines", || {
        let (out, err) = (last("stdout"), last("stderr"));
        out.abs_diff(err) == 1 && (last("stdout"), last("stderr")) == (out, err)
    });
    let lines = "journalctl --unit shop-counter --output cat --no-pager SYSLOG_IDENTIFIER=shop-counter";
    let mut numbers: Vec<u64> =
        host.sh(lines).ok().stdout.lines().map(|line| line.parse().expect("a number")).collect();
    for parity in 0..2 {
        assert!(numbers.iter().filter(|number| *number % 2 == parity).is_sorted(), "a stream is out of order");
    }
    numbers.sort_unstable();
    let (first, count) = (numbers[0], numbers.len());
    let expected: Vec<u64> = (first..).take(count).collect();
    assert!(first == 2 && numbers == expected, "of {count}: {:?}", numbers.iter().zip(&expected).find(|(a, b)| a != b));
    host.sh("docker unpause shop-counter").ok();
    count
}

#[test]
fn a_container_waits_while_journald_stands_still_and_goes_on_with_it() {
    let host = with_room_for_output("still");
    host.generate("shop", &COUNTER.replace("END", "100000000"));
    host.sh("systemctl start shop-counter").ok();
    let written = || host.sh("docker top shop-counter -o pid,state | tail -n 1 | awk '{ print $2 }'").ok().stdout;
    let busy = "grep -h ctxt_switches /proc/$(systemctl show --value --property MainPID shop-counter)/status";
    host.sh("kill -STOP $(systemctl show --value --property MainPID systemd-journald)").ok();
    host.wait_for("the container to wait for its output", || (0..5).all(|_| written() == "S\n"));
    // Neither does wharf-run turn in circles meanwhile.
    host.wait_for("wharf-run to wait", || {
        let before = host.sh(busy).ok().stdout;
        host.sh("sleep 1").ok();
        host.sh(busy).ok().stdout == before
    });
    host.sh("kill -CONT $(systemctl show --value --property MainPID systemd-journald)").ok();
    host.wait_for("the container to go on", || written() == "R\n");
    let count = assert_counted(&host);
    assert!(count > 10_000, "{count}");
}

#[test]
fn what_a_closed_socket_of_journald_took_along_is_written_again() {
    let host = with_room_for_output("closed");
    host.generate("shop", &COUNTER.replace("END", "100000"));
    host.sh("systemctl start shop-counter").ok();
    let all = "systemd-journald systemd-journald.socket systemd-journald-dev-log.socket";
    for _ in 0..3 {
        // What it has not read by then is lost with the sockets.
        host.sh(&format!("systemctl stop {all}; systemctl reset-failed {all}; systemctl start {all}")).ok();
        let last = || host.sh("journalctl --lines 1 --output cat SYSLOG_IDENTIFIER=shop-counter").ok().stdout;
        let before = last();
        host.wait_for("more lines", || last() != before || last().starts_with("10000"));
    }
    assert_counted(&host);
    assert_eq!(host.property("shop-counter", "NRestarts"), "0");
}

#[test]
fn both_streams_are_in_the_order_of_the_engine() {
    let host = with_room_for_output("order");
    host.generate("shop", &COUNTER.replace("END", "20000"));
    host.sh("systemctl start shop-counter").ok();
    assert_counted(&host);
    host.sh("docker unpause shop-counter || true").ok();
    let last = "journalctl --sync; journalctl --unit shop-counter --lines 1 --output cat WHARF_STREAM=stderr SYSLOG_IDENTIFIER=shop-counter";
    host.wait_for("the last line", || host.sh(last).ok().stdout == "20001\n");
    let journal = "journalctl --unit shop-counter --output cat --no-pager SYSLOG_IDENTIFIER=shop-counter";
    host.sh(&format!("diff <(docker logs shop-counter 2>&1) <({journal}) | head -n 5; test ${{PIPESTATUS[0]}} = 0"))
        .ok();
}

/// The engine keeps lines of up to 16 KiB, and a terminal's without saying where one ends.
#[test]
fn a_terminal_that_never_ends_its_line_takes_no_memory_and_is_in_the_journal() {
    let host = with_room_for_output("terminal");
    let stack = "[services.tty]\nimage = \"IMAGE\"\ntty = true\nrestart = \"no\"\n\
                 command = [\"sh\", \"-c\", \"yes abcdefg | tr -d '\\\\n' | head -c 20000000; echo; echo 'a b'; until test -e /go; do sleep 0.1; done; printf end\"]\n";
    host.generate("shop", stack);
    host.sh("systemctl start shop-tty").ok();
    let last = "journalctl --sync; journalctl --unit shop-tty --output cat --lines 1 SYSLOG_IDENTIFIER=shop-tty";
    host.wait_for("the last whole line", || host.sh(last).ok().stdout == "a b\n");
    let peak = host.sh(&format!("grep VmHWM /proc/{}/status", host.property("shop-tty", "MainPID"))).ok().stdout;
    host.sh("docker exec shop-tty touch /go").ok();
    host.wait_for("the end", || host.property("shop-tty", "ActiveState") == "inactive");
    println!("{}", peak.trim());
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 20_000, "{peak}");
    let journal =
        "journalctl --sync; journalctl --unit shop-tty --all --output cat --no-pager SYSLOG_IDENTIFIER=shop-tty";
    let shape = "awk '{ print length($0) }' | uniq --count | awk '{ print $1 \"x\" $2 }'";
    let lines = host.sh(&format!("{journal} | {shape}; {journal} | tr -d '\\n' | md5sum")).ok().stdout;
    let sum = host
        .sh("set +o pipefail; (yes abcdefg | tr -d '\\n' | head -c 20000000; printf 'a bend') | md5sum")
        .ok()
        .stdout;
    assert_eq!(lines, format!("19x1048576\n1x77056\n1x3\n1x3\n{sum}").replace("1x3\n1x3", "2x3"));
}

#[test]
fn each_stream_has_its_level_and_a_line_its_own() {
    let host = Host::boot("levels");
    host.generate(
        "shop",
        r#"
        [services.plain]
        image = "127.0.0.1:5000/busybox:1"
        command = ["sh", "-c", "echo out; echo '<3>as it is' >&2; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"

        [services.levels]
        image = "127.0.0.1:5000/busybox:1"
        command = ["sh", "-c", "echo out; echo '<7>detail'; echo err >&2; echo '<4>full' >&2; echo '<9>no level'; exec tail -f /dev/null"]
        stop_signal = "SIGKILL"
        stdout_level = "info"
        stderr_level = "info"
        level_prefix = true
        "#,
    );
    host.sh("systemctl start shop.target").ok();
    let printed = |unit: &str| {
        let entries = format!("journalctl --sync; journalctl --unit {unit} SYSLOG_IDENTIFIER={unit} --output json");
        let lines = format!("{entries} | jq --raw-output '[.WHARF_STREAM, .PRIORITY, .MESSAGE] | join(\" \")' | sort");
        host.sh(&lines).ok().stdout
    };
    host.wait_for("all lines", || {
        printed("shop-plain").lines().count() == 2 && printed("shop-levels").lines().count() == 5
    });
    assert_eq!(printed("shop-plain"), "stderr 5 <3>as it is\nstdout 6 out\n");
    let expected = "stderr 4 full\nstderr 6 err\nstdout 6 <9>no level\nstdout 6 out\nstdout 7 detail\n";
    assert_eq!(printed("shop-levels"), expected);

    // A new wharf-run knows the lines of each stream, though their levels are the same.
    for kill in 1..=2 {
        host.sh("kill -KILL $(systemctl show --property=MainPID --value shop-levels)").ok();
        host.wait_for("the next wharf-run", || host.property("shop-levels", "NRestarts") == kill.to_string());
        host.wait_active("shop-levels");
    }
    host.sh("docker kill --signal=KILL shop-levels; true").ok();
    host.wait_for("another container", || printed("shop-levels").lines().count() == 10);
    assert_eq!(
        printed("shop-levels").lines().filter(|line| *line == "stderr 4 full").count(),
        2,
        "once for each container"
    );
}
