//! One string as every short syntax there is: an image, a port, a mount, a device, a duration, a size and so on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_fuzz::{quoted, stack_of};

/// Keys of a service, `@` for the string.
const KEYS: &[&str] = &[
    "build = @",
    "command = @",
    "configs = [@]",
    "cpus = @",
    "cpuset = @",
    "device_cgroup_rules = [@]",
    "devices = [@]",
    "environment = [@]",
    "expose = [@]",
    "extra_hosts = [@]",
    "healthcheck = { test = 'x', interval = @ }",
    "hostname = @",
    "ipc = @",
    "links = [@]",
    "mem_limit = @",
    "network_mode = @",
    "networks.default = { ipv4_address = @, mac_address = @ }",
    "platform = @",
    "ports = [@]",
    "pull_policy = @",
    "restart = @",
    "schedule = @",
    "secrets = [@]",
    "security_opt = [@]",
    "shm_size = @",
    "stop_grace_period = @",
    "stop_signal = @",
    "sysctls = [@]",
    "tmpfs = @",
    "ulimits.nofile = @",
    "user = @",
    "volumes = [@]",
    "volumes_from = [@]",
    "working_dir = @",
];

fuzz_target!(|text: &str| {
    // A profile of `seccomp` is a file, and a bind source is looked for: neither may be a device.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let value = quoted(&text.replace('$', "$$"));
    let _valid_or_not = stack_of(&format!("[services.web]\nimage = {value}\n"));
    for key in KEYS {
        let _valid_or_not = stack_of(&format!("[services.web]\nimage = \"a\"\n{}\n", key.replace('@', &value)));
    }
});
