//! `wharf-generator`: generates units at boot and daemon-reload, systemd.generator(7).

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use wharf::install::{Generator, STACK_DIRECTORY};

/// It asks the kernel for memory in large pieces: of 1,000 services, half of the time went into faults of single pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exits with 1 if a stack is invalid: systemd logs that the generator failed, and uses what was written.
fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [normal_dir, _early_dir, _late_dir] = arguments.as_slice() else {
        eprintln!("Usage: wharf-generator NORMAL-DIR EARLY-DIR LATE-DIR");
        eprintln!("Run by systemd at boot and daemon-reload, see systemd.generator(7).");
        return ExitCode::from(2);
    };
    // Each file is made with the permissions that it is to have.
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
    give_up_in_time();
    let stacks = std::env::var_os("WHARF_STACK_DIR").map_or_else(|| PathBuf::from(STACK_DIRECTORY), PathBuf::from);
    let problems: Vec<String> = match Generator::new(stacks, PathBuf::from(normal_dir)).run() {
        Ok(broken) => broken.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    };
    problems.iter().for_each(|problem| log(problem));
    ExitCode::from(u8::from(!problems.is_empty()))
}

/// Seconds: systemd waits 90 for all of its generators, and the boot waits with it.
const TIME_LIMIT: u64 = 60;

/// The last resort where a file system or another process does not answer. What has been written is whole.
fn give_up_in_time() {
    let give_up = || {
        std::thread::sleep(Duration::from_secs(TIME_LIMIT));
        log(&format!(
            "gave up after {TIME_LIMIT} s, units may be missing: look for a file system that does not answer, \
             then run `systemctl daemon-reload`"
        ));
        std::process::exit(1)
    };
    // Without the thread there is systemd's own limit.
    let _unlimited = std::thread::Builder::new().spawn(give_up);
}

/// Writes one line to the kernel's log, as an error. The journal may not run yet: systemd waits for its generators.
/// In a container /dev/kmsg may be no device; then the line goes to standard error, the console.
fn log(message: &str) {
    let line = format!("<3>wharf-generator[{}]: {message}\n", std::process::id());
    let is_device = std::fs::metadata("/dev/kmsg").is_ok_and(|kernel| kernel.file_type().is_char_device());
    let kernel = OpenOptions::new().write(true).open("/dev/kmsg");
    if !is_device || kernel.and_then(|mut log| log.write_all(line.as_bytes())).is_err() {
        eprint!("{line}");
    }
}
