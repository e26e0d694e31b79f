//! What only a kernel, a clock and a disk of its own can show. One virtual machine serves all of it, as it boots slowly. Without
//! WHARF_TEST_VM=1, which `make test-full` sets, nothing of it runs.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, IMAGE, sleeper};

#[test]
fn a_virtual_machine() {
    if std::env::var_os("WHARF_TEST_VM").is_none_or(|value| value != "1") {
        println!("skipped: set WHARF_TEST_VM=1 to boot a virtual machine");
        return;
    }
    let host = Host::builder().virtual_machine().boot("vm");
    limits_are_enforced_and_a_kill_for_want_of_memory_is_named(&host);
    a_clock_that_is_set_loses_and_repeats_no_line_and_stops_no_probe(&host);
    a_container_that_has_ended_stays_ended_after_the_clock_was_set_back(&host);
    a_reboot_stops_the_stack_in_reverse_and_starts_it_in_order(&host);
    a_pull_that_a_power_cut_ended_is_made_again(&host);
    a_power_cut_during_generate_leaves_each_file_old_or_new(&host);
}

fn forget(host: &Host) {
    host.sh("wharf remove shop").ok();
}

/// Those of the service's slice and of its container's control group.
fn of_both_groups(host: &Host, service: &str, file: &str) -> Vec<String> {
    let slice = format!("/sys/fs/cgroup/wharf.slice/wharf-shop.slice/wharf-shop-{service}.slice");
    let shown = host.sh(&format!("cat {slice}/{file} {slice}/docker-*.scope/{file}")).ok().stdout;
    shown.lines().map(str::to_owned).collect()
}

/// Each does what it is limited in once `/go` is there.
const LIMITED: &str = r#"
[services.memory]
image = "IMAGE"
command = ["sh", "-c", "until test -e /go; do sleep 0.2; done; tail /dev/zero"]
stop_signal = "SIGKILL"
mem_limit = "64m"
memswap_limit = "64m"
restart = "on-failure"

[services.cpu]
image = "IMAGE"
command = ["sh", "-c", "until test -e /go; do sleep 0.2; done; while :; do :; done"]
stop_signal = "SIGKILL"
cpus = 0.2

[services.pids]
image = "IMAGE"
command = ["sh", "-c", "until test -e /go; do sleep 0.2; done; for n in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; wait"]
stop_signal = "SIGKILL"
pids_limit = 8
restart = "no"
"#;

fn limits_are_enforced_and_a_kill_for_want_of_memory_is_named(host: &Host) {
    host.generate("shop", LIMITED);
    host.sh("systemctl start wharfd shop.target").ok();
    ["shop-memory", "shop-cpu", "shop-pids"].iter().for_each(|unit| host.wait_active(unit));
    assert_eq!(of_both_groups(host, "memory", "memory.max"), ["67108864"; 2]);
    assert_eq!(of_both_groups(host, "memory", "memory.swap.max"), ["0"; 2]);
    assert_eq!(of_both_groups(host, "cpu", "cpu.max"), ["20000 100000"; 2]);
    assert_eq!(of_both_groups(host, "pids", "pids.max"), ["12", "8"]);

    host.sh("docker exec shop-pids touch /go").ok();
    host.wait_for("no more processes", || host.property("shop-pids", "ActiveState") == "failed");
    let log = host.sh("journalctl --sync; journalctl --output=cat --unit=shop-pids").ok().stdout;
    assert!(log.contains("sh: can't fork: Resource temporarily unavailable"), "{log}");

    host.sh("docker exec shop-cpu touch /go").ok();
    let slice = "/sys/fs/cgroup/wharf.slice/wharf-shop.slice/wharf-shop-cpu.slice";
    let throttled = || host.sh(&format!("awk '/^nr_throttled/ {{ print $2 }}' {slice}/cpu.stat")).ok().stdout;
    host.wait_for("the processor is held back", || throttled().trim().parse::<u32>().unwrap() > 10);

    host.sh("docker exec shop-memory touch /go").ok();
    host.wait_for("it was restarted", || host.property("shop-memory", "NRestarts") == "1");
    host.wait_active("shop-memory");
    let log = host.sh("journalctl --sync; journalctl --output=cat --unit=shop-memory").ok().stdout;
    assert!(log.contains("Container was killed: out of memory, status 137"), "{log}");
    assert!(log.contains("Failed with result 'oom-kill'"), "{log}");
    let history = host.sh("wharf history shop").ok().stdout;
    assert!(history.contains("oom-kill: exit status 137"), "{history}");
    host.wait_to_see("the status names it", || {
        let status = host.sh("wharf status shop").stdout;
        if status.contains("oom-kill") { Ok(()) } else { Err(status) }
    });
    forget(host);
}

const COUNTER: &str = r#"
[services.web]
image = "IMAGE"
command = ["sh", "-c", "i=0; while :; do i=$$((i + 1)); echo $$i; echo $$i >&2; sleep 0.3; done"]
stop_signal = "SIGKILL"
healthcheck = { test = "echo >>/probes", interval = "1s" }

[services.crash]
image = "IMAGE"
command = ["sh", "-c", "sleep 1; exit 1"]
stop_signal = "SIGKILL"
network_mode = "none"
restart = "always"
"#;

/// The numbers in the journal of one stream of the counter: 1, 2, 3…
fn counted(host: &Host, stream: &str) -> usize {
    let lines = format!(
        "journalctl --sync; journalctl --output=cat --no-pager _SYSTEMD_UNIT=shop-web.service SYSLOG_IDENTIFIER=shop-web WHARF_STREAM={stream}"
    );
    let mut numbers: Vec<usize> =
        host.sh(&lines).ok().stdout.lines().map(|line| line.parse().expect("a number")).collect();
    // journalctl may show what was written after the clock was set back first.
    numbers.sort_unstable();
    let wrong = numbers.iter().zip(1..).find(|(number, expected)| *number != expected);
    assert_eq!(wrong, None, "of {}", numbers.len());
    numbers.len()
}

fn goes_on(host: &Host, when: &str) {
    let number = |text: String| text.trim().parse::<u32>().unwrap();
    let restarts = || number(host.property("shop-crash", "NRestarts"));
    let probes = || number(host.sh("docker exec shop-web sh -c 'wc -l </probes'").ok().stdout);
    let (lines, restarts_before, probes_before) = (counted(host, "stdout"), restarts(), probes());
    host.wait_for(&format!("lines {when}"), || {
        counted(host, "stdout") > lines + 3 && counted(host, "stderr") > lines + 3
    });
    host.wait_for(&format!("probes {when}"), || probes() > probes_before + 2);
    host.wait_for(&format!("restarts {when}"), || restarts() > restarts_before);
    is_not_busy(host, when);
}

/// Neither wharf-run nor wharfd takes half of a processor.
fn is_not_busy(host: &Host, when: &str) {
    let script = "for unit in shop-web wharfd; do cut -d' ' -f14,15 /proc/$(systemctl show -P MainPID $unit)/stat; done
        cut -d. -f1 /proc/uptime";
    let look = || -> (u64, u64) {
        let shown = host.sh(script).ok().stdout;
        let numbers: Vec<u64> = shown.split_whitespace().map(|word| word.parse().unwrap()).collect();
        (numbers[..4].iter().sum(), numbers[4])
    };
    let (busy, begin) = look();
    host.wait_for("five seconds of the machine", || look().1 >= begin + 5);
    let (busy_after, end) = look();
    let (hundredths, seconds) = (busy_after - busy, end - begin);
    assert!(hundredths < seconds * 50, "{hundredths} hundredths of a second in {seconds} s {when}");
}

fn a_clock_that_is_set_loses_and_repeats_no_line_and_stops_no_probe(host: &Host) {
    host.generate("shop", COUNTER);
    host.sh("systemctl start wharfd shop.target").ok();
    host.wait_active("shop-web");
    host.wait_for("the first lines", || counted(host, "stdout") > 3);
    for step in ["+1 day", "-2 days"] {
        host.sh(&format!("date --set '{step}'")).ok();
        goes_on(host, step);
    }
    // The next wharf-run finds its place in the log, although stamps before it are later ones.
    host.sh("kill -9 $(systemctl show -P MainPID shop-web)").ok();
    host.wait_for("another wharf-run", || host.property("shop-web", "NRestarts") == "1");
    host.wait_active("shop-web");
    goes_on(host, "with another wharf-run");
    let log = host.sh("journalctl --output=cat --unit=shop-web SYSLOG_IDENTIFIER=wharf-run").ok().stdout;
    assert!(log.contains("adopting it") && !log.contains("lost"), "{log}");
    assert_eq!(host.sh("docker inspect --format '{{.State.Health.Status}}' shop-web").ok().stdout, "healthy\n");
    forget(host);
    host.sh("date --set '+1 day'").ok();
}

fn a_container_that_has_ended_stays_ended_after_the_clock_was_set_back(host: &Host) {
    let stack =
        "[services.job]\nimage = \"IMAGE\"\ncommand = \"echo ran\"\nrestart = \"no\"\nnetwork_mode = \"none\"\n";
    host.generate("shop", stack);
    host.sh("date --set '-1 day'").ok();
    host.sh("systemctl start shop-job").ok();
    host.wait_for("its end", || host.property("shop-job", "ActiveState") == "inactive");
    assert_eq!(host.property("shop-job", "Result"), "success");
    assert_eq!(host.property("shop-job", "NRestarts"), "0");
    forget(host);
    host.sh("date --set '+1 day'").ok();
}

/// The units of a boot that systemd reported with this message, in its order.
fn reported(host: &Host, boot: &str, message: &str) -> Vec<String> {
    let entries = format!("journalctl --boot={boot} --output=json _PID=1 MESSAGE_ID={message}");
    let units = host.sh(&format!("{entries} | jq -r 'select(.UNIT | startswith(\"shop-\")) | .UNIT'")).ok().stdout;
    units.lines().filter(|unit| unit.ends_with(".service")).map(str::to_owned).collect()
}

fn a_reboot_stops_the_stack_in_reverse_and_starts_it_in_order(host: &Host) {
    const STARTED: &str = "39f53479d3a045ac8e11786248231fbf";
    const STOPPED: &str = "9d1aaa27d60140bd96365438aad20286";
    let stack = [
        sleeper("a", "healthcheck = { test = \"true\", interval = \"1s\" }"),
        sleeper("b", "depends_on.a = { condition = \"service_healthy\" }"),
        sleeper("c", "depends_on = [\"b\"]"),
    ];
    host.generate("shop", &stack.concat());
    host.sh("systemctl enable --now shop.target").ok();
    host.wait_active("shop-c");
    let boot = || host.sh("tr -d - </proc/sys/kernel/random/boot_id").ok().stdout.trim().to_owned();
    let before = boot();
    host.reboot();
    host.wait_active("shop-c");
    let order = ["shop-default-network.service", "shop-a.service", "shop-b.service", "shop-c.service"];
    assert_eq!(reported(host, &boot(), STARTED), order);
    let stopped = reported(host, &before, STOPPED);
    let last: Vec<&String> = stopped.iter().rev().take(order.len()).collect();
    assert_eq!(last, order);
    forget(host);
}

fn a_pull_that_a_power_cut_ended_is_made_again(host: &Host) {
    let stack = "[services.web]\nimage = \"127.0.0.1:5000/wordpress:1\"\ncommand = \"sleep 100000\"\nentrypoint = []\n\
                 stop_signal = \"SIGKILL\"\nhealthcheck = { disable = true }\n";
    host.generate("shop", stack);
    host.sh("systemctl enable --now --no-block shop.target").ok();
    let received = "find /var/lib/docker/tmp -name 'GetImageBlob*' -size +1M";
    host.wait_for("a part of the image has come", || !host.sh(received).ok().stdout.is_empty());
    host.sh("docker image inspect 127.0.0.1:5000/wordpress:1").fails();
    host.cut_power();
    host.boot_again();
    host.wait_active("shop-web");
    host.sh("docker exec shop-web true").ok();
    forget(host);
}

/// A service that runs, and files of others that only a timer would start.
fn variant(value: &str) -> String {
    let jobs: String = (0..20)
        .map(|number| {
            format!(
                "[services.job{number}]\nimage = \"{IMAGE}\"\nschedule = \"yearly\"\nenvironment.VALUE = \"{value}\"\n\
                 systemd.Service.Environment = \"VALUE={value}\"\n"
            )
        })
        .collect();
    format!("{}{jobs}", sleeper("web", ""))
}

/// The power goes while the files of one variant replace those of the other: while the new ones are written beside them, and while they
/// are renamed. strace holds up each such call for a second, so that the power goes between two of them;
/// what was done before is on the disk.
fn a_power_cut_during_generate_leaves_each_file_old_or_new(host: &Host) {
    const SYNC: &str = "fsync,fdatasync,syncfs";
    const RENAME: &str = "rename,renameat,renameat2";
    for name in ["a", "b"] {
        host.generate("shop", &variant(name));
        host.sh(&format!(
            "mkdir /root/{name}; cp -a /etc/systemd/system/*shop* /root/{name}; cp shop.toml {name}.toml"
        ))
        .ok();
    }
    host.sh("systemctl enable --now shop.target; sync").ok();
    host.wait_active("shop-web");
    let replaced = |job: usize, new: &str| {
        format!("cmp -s /root/{new}/shop-job{job}.service /etc/systemd/system/shop-job{job}.service")
    };
    let written = |files: usize| format!("test $(ls -A /etc/systemd/system | grep -c '\\.tmp$') -ge {files}");
    for (new, calls, seen, is_cut_short) in [
        ("a", SYNC, written(1), false),
        ("b", RENAME, replaced(0, "b"), true),
        ("a", RENAME, replaced(1, "a"), true),
        ("b", RENAME, replaced(12, "b"), true),
        ("a", SYNC, written(20), false),
    ] {
        host.sh(&format!(
            "cp {new}.toml shop.toml; sync
             systemd-run --quiet --collect strace --follow-forks --output=/dev/null --trace={calls} \
                 --inject={calls}:delay_enter=1000000 wharf generate /root/shop.toml
             until {seen}; do :; done; sync"
        ))
        .ok();
        host.cut_power();
        host.boot_again();
        host.wait_active("shop-web");
        let whole = "for f in /etc/systemd/system/*shop*; do
            test -d $f || cmp -s $f /root/a/${f##*/} || cmp -s $f /root/b/${f##*/} || echo $f; done";
        assert_eq!(host.sh(whole).ok().stdout, "", "neither old nor new: {seen}");
        let new_files = "cd /root/NEW; for f in shop-job*.service; do if cmp -s $f /etc/systemd/system/$f; then echo; fi; done | wc -l";
        let new_files: u32 = host.sh(&new_files.replace("NEW", new)).ok().stdout.trim().parse().unwrap();
        assert_eq!((1..20).contains(&new_files), is_cut_short, "{new_files} of 20 are new: {seen}");
        host.sh("wharf generate /root/shop.toml && wharf generate --check /root/shop.toml").ok();
        host.sh(&format!("diff <(cd /root/{new}; cat *shop*.*) <(cd /etc/systemd/system; cat *shop*.*)")).ok();
        let left = host.sh("ls -A /etc/systemd/system | grep '\\.tmp$' || true").ok().stdout;
        assert_eq!(left, "", "left behind: {seen}");
    }
    forget(host);
}
