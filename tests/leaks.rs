//! What runs for months must not grow: open files and memory of wharf-run and wharfd after much work.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// Prints a thousand lines, and many more once `/go` is there. Each probe counts itself and reports the opposite of the last one.
const STACK: &str = r#"
[services.web]
image = "IMAGE"
command = ["sh", "-c", "seq 1000; until test -e /go; do sleep 0.1; done; seq 100000; echo end; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
on_unhealthy = "none"
healthcheck = { test = "echo >>/probes; if test -e /well; then rm /well; else touch /well; false; fi", interval = "100ms", retries = 1 }
"#;

/// A process as /proc describes it.
#[derive(Debug)]
struct Size {
    /// Two names for one process would compare nothing.
    pid: u32,
    files: u32,
    /// Its own memory, without what it maps of files, in KiB.
    memory: u64,
}

impl Size {
    fn of(host: &Host, unit: &str) -> Self {
        let pid = host.property(unit, "MainPID");
        let script = format!("ls /proc/{pid}/fd | wc -l; awk '$1 == \"RssAnon:\" {{ print $2 }}' /proc/{pid}/status");
        let shown = host.sh(&script).ok().stdout;
        let mut numbers = shown.lines();
        let mut next = || numbers.next().expect("two numbers").parse().expect("a number");
        Self { pid: pid.parse().unwrap(), files: u32::try_from(next()).unwrap(), memory: next() }
    }

    /// For a moment it may have more: it may be asking the engine something.
    fn assert_kept(&self, host: &Host, unit: &str, more: u64) {
        host.wait_to_see(&format!("{unit} has no more than at first"), || {
            let now = Self::of(host, unit);
            assert_eq!(now.pid, self.pid, "{unit} was restarted");
            let is_kept = now.files <= self.files && now.memory <= self.memory + more;
            if is_kept { Ok(()) } else { Err(format!("{self:?}, now {now:?}")) }
        });
    }
}

fn probes(host: &Host) -> u32 {
    host.sh("docker exec shop-web wc -l /probes").ok().stdout.split(' ').next().unwrap().parse().unwrap()
}

fn last_line(host: &Host) -> String {
    host.sh("journalctl --sync; journalctl --lines 1 --output cat SYSLOG_IDENTIFIER=shop-web").ok().stdout
}

/// wharfd is told of each change of a container's health.
fn wait_for_both_healths(host: &Host) {
    for health in ["unhealthy", "healthy"] {
        host.wait_for(&format!("wharfd knows that it is {health}"), || {
            let status =
                "(wharf status --json shop || true) | jq -r '.projects[].units[] | select(.service == \"web\") | .health'";
            host.sh(status).ok().stdout.trim() == health
        });
    }
}

#[test]
fn a_hundred_thousand_lines_and_two_hundred_probes_leave_no_file_open_and_no_memory_behind() {
    let host = Host::boot("leaks");
    // The journal keeps all lines.
    host.write("/etc/systemd/journald.conf.d/zz.conf", "[Journal]\nSystemMaxUse=1G\nSystemKeepFree=1M\n");
    host.sh("systemctl restart systemd-journald").ok();
    host.generate("shop", STACK);
    host.sh("systemctl start wharfd shop.target").ok();
    host.wait_for("the first lines", || last_line(&host) == "1000\n");
    wait_for_both_healths(&host);
    host.wait_for("the first probes", || probes(&host) >= 30);
    let before = probes(&host);
    let [wharf_run, wharfd] = ["shop-web", "wharfd"].map(|unit| Size::of(&host, unit));

    host.sh("docker exec shop-web touch /go").ok();
    host.wait_for("the last line", || last_line(&host) == "end\n");
    host.wait_for("two hundred probes", || probes(&host) >= before + 200);
    wait_for_both_healths(&host);

    // Five bytes for each line would be 500 KiB, a kilobyte for each probe 200 KiB.
    wharf_run.assert_kept(&host, "shop-web", 450);
    wharfd.assert_kept(&host, "wharfd", 150);
    let lines = "journalctl --output cat --no-pager SYSLOG_IDENTIFIER=shop-web | wc -l";
    assert_eq!(host.sh(lines).ok().stdout, "101001\n");
}
