//! The test host itself: before anything of Wharf is tested on it, it must be a host.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::thread;

use support::Host;

const SLEEPER: &str =
    "docker run --quiet --detach --stop-signal KILL --name sleeper 127.0.0.1:5000/busybox:1 sleep 1000";
const SLEEPER_PID: &str = "docker inspect --format '{{.State.Pid}}' sleeper";

#[test]
fn two_hosts_run_side_by_side_and_pull_from_their_own_registries() {
    thread::scope(|scope| {
        for hint in ["left", "right"] {
            scope.spawn(move || {
                let host = Host::builder().bare().boot(hint);
                let said = host.sh("docker run --quiet --rm 127.0.0.1:5000/busybox:1 echo $(hostname)").ok().stdout;
                assert!(said.starts_with(&format!("wharf-test-{hint}-")), "{said}");

                host.sh("docker tag 127.0.0.1:5000/busybox:1 127.0.0.1:5000/mine:1").ok();
                host.sh("docker push 127.0.0.1:5000/mine:1").ok();
            });
        }
    });

    let host = Host::builder().bare().boot("later");
    host.sh("docker pull 127.0.0.1:5000/mine:1").fails();
    host.sh("docker pull 127.0.0.1:5000/busybox:2").ok();
}

#[test]
fn a_host_is_recent_and_healthy() {
    let host = Host::builder().bare().boot("healthy");
    let version = host.sh("systemctl --version | awk 'NR == 1 { print $2 }'").ok().stdout;
    assert!(version.trim().parse::<u32>().expect("a number") >= 257, "{version}");
    assert_eq!(host.sh("systemctl is-system-running --wait").ok().stdout.trim(), "running");
    assert_eq!(host.sh("systemctl is-active polkit dbus network-online.target").stdout, "inactive\nactive\nactive\n");
    host.sh("busctl call org.freedesktop.PolicyKit1 / org.freedesktop.DBus.Peer Ping").ok();
}

#[test]
fn commands_keep_their_exit_code_output_and_input() {
    let host = Host::builder().bare().boot("exec");
    let out = host.sh("echo said; echo complained >&2; exit 7").fails();
    assert_eq!((out.status, out.stdout.as_str(), out.stderr.as_str()), (7, "said\n", "complained\n"));
    assert_eq!(host.sh("false; true").status, 1);

    host.write("/run/deep/file", "two\nlines\n");
    assert_eq!(host.read("/run/deep/file"), "two\nlines\n");
}

#[test]
fn files_and_images_outlive_a_reboot_and_a_power_cut() {
    let host = Host::builder().bare().boot("reboot");
    host.sh("docker pull --quiet 127.0.0.1:5000/busybox:1").ok();
    host.write("/etc/kept", "yes");
    let first_boot = host.read("/proc/sys/kernel/random/boot_id");

    host.poweroff();
    host.sh("true").fails();
    host.boot_again();
    assert_ne!(host.read("/proc/sys/kernel/random/boot_id"), first_boot);
    assert_eq!(host.read("/etc/kept"), "yes");

    host.cut_power();
    host.boot_again();
    assert_eq!(host.read("/etc/kept"), "yes");
    host.sh("docker image inspect 127.0.0.1:5000/busybox:1").ok();
}

#[test]
fn with_live_restore_a_container_outlives_the_engine() {
    let host = Host::builder().bare().live_restore().boot("live");
    host.sh(SLEEPER).ok();
    let before = host.sh(SLEEPER_PID).ok().stdout;
    host.sh("systemctl restart docker").ok();
    assert_eq!(host.sh(SLEEPER_PID).ok().stdout, before);
}

#[test]
fn without_live_restore_it_does_not() {
    let host = Host::builder().bare().boot("plain");
    host.sh(SLEEPER).ok();
    host.sh("systemctl restart docker").ok();
    host.wait_for("the container to be stopped", || host.sh(SLEEPER_PID).ok().stdout.trim() == "0");
}
