//! A host to test on: a booted systemd with D-Bus, a Docker Engine and a registry, ended when it goes out of scope.
//!
//! A thin face of `tests/host/host`. It runs commands and hands back what they said; what that means is for the test to assert.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod cases;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The image of the host's own registry.
pub const IMAGE: &str = "127.0.0.1:5000/busybox:1";

/// Makes `app:1` and `app:2` at the host's registry, of the two versions of its image.
pub const PUBLISH: &str = r#"
for tag in 1 2; do
    docker pull -q 127.0.0.1:5000/busybox:$tag >/dev/null
    docker tag 127.0.0.1:5000/busybox:$tag 127.0.0.1:5000/app:$tag
    docker push -q 127.0.0.1:5000/app:$tag >/dev/null
    docker rmi 127.0.0.1:5000/app:$tag >/dev/null
done
"#;
/// Makes `app:1` there what `app:2` is.
pub const RELEASE: &str = r#"
type=application/vnd.docker.distribution.manifest.v2+json
manifests=http://127.0.0.1:5000/v2/app/manifests
curl -sf -H "Accept: $type" $manifests/2 >manifest
curl -sf -X PUT -H "Content-Type: $type" --data-binary @manifest $manifests/1
"#;

/// What has not happened after so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// The table of a service that sleeps and is stopped at once; `more` are further keys and tables.
pub fn sleeper(name: &str, more: &str) -> String {
    format!(
        "[services.{name}]\nimage = \"{IMAGE}\"\ncommand = [\"sleep\", \"100000\"]\nstop_signal = \"SIGKILL\"\n{more}\n"
    )
}

/// A running host. Dropped, it is ended; dropped by a failing test, it first prints the end of its journal.
pub struct Host {
    name: String,
    kind: Kind,
}

/// What a host is made of.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Container,
    VirtualMachine,
}

/// How a host is to be made.
#[derive(Default)]
pub struct Builder {
    live_restore: bool,
    image: Option<PathBuf>,
    bare: bool,
    kind: Kind,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Out {
    /// The exit code; -1 if a signal ended it.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Builder {
    /// The engine's containers outlive a restart of the engine.
    pub fn live_restore(mut self) -> Self {
        self.live_restore = true;
        self
    }

    /// Another tree than Wharf's own over its root file system: one of [`image`].
    pub fn image(mut self, tree: &Path) -> Self {
        self.image = Some(tree.to_owned());
        self.bare = true;
        self
    }

    /// Without Wharf.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// With a kernel, a clock and control groups of its own. It boots in a minute, and works ten times slower.
    pub fn virtual_machine(mut self) -> Self {
        self.kind = Kind::VirtualMachine;
        self
    }

    /// Boots it; `hint` is the start of its name.
    pub fn boot(self, hint: &str) -> Host {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let process = std::process::id();
        let name = format!("{hint}-{process}-{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let kind = self.kind;
        prepare(kind);

        let mut up = control(kind, &["up", &name, "--owner", &process.to_string()]);
        if self.live_restore {
            up.arg("--live-restore");
        }
        let tree = (!self.bare).then(installed_tree);
        if let Some(path) = self.image.as_ref().or(tree.as_ref().map(|tree| &tree.path)) {
            up.arg("--install").arg(path);
        }
        run(up, "").ok();
        Host { name, kind }
    }
}

impl Host {
    /// A fresh host with Wharf installed; `hint` is the start of its name.
    pub fn boot(hint: &str) -> Host {
        Host::builder().boot(hint)
    }

    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs a script of bash inside, as root in /root; it ends at its first failing command.
    pub fn sh(&self, script: &str) -> Out {
        run(self.control(&["exec", &self.name, "--", "bash", "-euo", "pipefail", "-c", script]), "")
    }

    /// Writes a file inside, and the directories above it.
    pub fn write(&self, path: &str, text: &str) {
        let script = r#"mkdir -p "$(dirname "$1")" && cat >"$1""#;
        run(self.control(&["exec", &self.name, "--", "bash", "-c", script, "write", path]), text).ok();
    }

    /// Copies a file or a directory of this machine into a directory inside.
    pub fn copy(&self, path: &Path, directory: &str) {
        let root = run(self.control(&["root", &self.name]), "").ok().stdout;
        let mut copy = Command::new("cp");
        copy.arg("--recursive").arg(path).arg(format!("{}{directory}", root.trim()));
        run(copy, "").ok();
    }

    /// Copies an example to /root.
    pub fn copy_example(&self, name: &str) {
        self.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), "/root");
    }

    /// Reads a file inside.
    pub fn read(&self, path: &str) -> String {
        run(self.control(&["exec", &self.name, "--", "cat", "--", path]), "").ok().stdout
    }

    /// Writes a stack file, in which `IMAGE` stands for [`IMAGE`], and generates its units.
    pub fn generate(&self, name: &str, stack: &str) {
        let path = format!("/root/{name}.toml");
        self.write(&path, &stack.replace("IMAGE", IMAGE));
        self.sh(&format!("wharf generate {path}")).ok();
    }

    /// A property of a unit, as `systemctl show` prints it.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.sh(&format!("systemctl show --property={name} --value {unit}")).ok().stdout.trim().to_owned()
    }

    /// What the engine says of a container, by a template of `docker inspect`.
    pub fn inspect(&self, container: &str, format: &str) -> String {
        self.sh(&format!("docker inspect --format '{format}' {container}")).ok().stdout.trim().to_owned()
    }

    /// Waits until a unit is active and not about to be restarted.
    #[track_caller]
    pub fn wait_active(&self, unit: &str) {
        self.wait_for(&format!("{unit} is active"), || {
            self.property(unit, "ActiveState") == "active" && self.property(unit, "SubState") != "auto-restart"
        });
    }

    /// Shuts it down in order. Its files stay.
    pub fn poweroff(&self) {
        run(self.control(&["poweroff", &self.name]), "").ok();
    }

    /// Reboots a virtual machine from inside.
    #[track_caller]
    pub fn reboot(&self) {
        let boot = || self.sh("cat /proc/sys/kernel/random/boot_id").stdout;
        let before = boot();
        // The connection may end before the command.
        self.sh("systemctl reboot");
        self.wait_for("another boot", || !["", &before].contains(&boot().as_str()));
        run(self.control(&["wait", &self.name]), "").ok();
    }

    fn control(&self, arguments: &[&str]) -> Command {
        control(self.kind, arguments)
    }

    /// Cuts its power. Its files stay.
    pub fn cut_power(&self) {
        run(self.control(&["kill", &self.name]), "").ok();
    }

    /// Sets the time of a file's last change, while it is off; `when` as touch(1) takes it.
    pub fn touch_outside(&self, path: &str, when: &str) {
        let root = run(self.control(&["root", &self.name]), "").ok().stdout;
        let mut touch = Command::new("touch");
        touch.arg("--no-create").arg("--date").arg(when).arg(format!("{}{path}", root.trim()));
        run(touch, "").ok();
    }

    /// Boots it again, after [`Host::poweroff`] or [`Host::cut_power`].
    pub fn boot_again(&self) {
        run(self.control(&["boot", &self.name]), "").ok();
    }

    /// As [`Host::wait_to_see`], of what is true or not.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut holds: impl FnMut() -> bool) {
        self.wait_to_see(what, || if holds() { Ok(()) } else { Err(String::new()) });
    }

    /// Looks every 50 ms until what is expected is there; panics with what was seen last when no machine, however busy, would take
    /// so long.
    #[track_caller]
    pub fn wait_to_see(&self, what: &str, mut look: impl FnMut() -> Result<(), String>) {
        let end = Instant::now() + PATIENCE;
        while let Err(seen) = look() {
            assert!(Instant::now() < end, "waited {PATIENCE:?} for: {what}\n{seen}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if thread::panicking() {
            let journal = run(self.control(&["journal", &self.name, "60"]), "");
            eprintln!("--- the end of {}'s journal\n{}{}---", self.name, journal.stdout, journal.stderr);
        }
        let down = run(self.control(&["down", &self.name]), "");
        if down.status != 0 {
            eprintln!("{down:?}");
        }
    }
}

impl Out {
    /// Panics, showing all that was said, unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Out {
        assert_eq!(self.status, 0, "the command failed\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Panics, showing all that was said, unless the command failed.
    #[track_caller]
    pub fn fails(self) -> Out {
        assert_ne!(
            self.status, 0,
            "the command did not fail\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

/// Builds what all hosts share and removes what killed test runs left, once in a process.
fn prepare(kind: Kind) {
    static PREPARED: [OnceLock<()>; 2] = [const { OnceLock::new() }; 2];
    PREPARED[kind as usize].get_or_init(|| {
        run(control(kind, &["prepare"]), "").ok();
        run(control(kind, &["prune"]), "").ok();
    });
}

/// What `make install` installs, held unchanged as long as this lives.
pub struct InstalledTree {
    pub path: PathBuf,
    _lock: File,
}

/// Where the binaries under test lie.
pub fn profile_directory() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wharf")).parent().expect("a binary lies in a directory")
}

/// Installs the binaries under test into a directory, once in a process. Other test processes share the directory.
pub fn installed_tree() -> InstalledTree {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    let profile = profile_directory().file_name().and_then(|name| name.to_str()).expect("named after its profile");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("install-{profile}"));
    let lock = File::create(path.with_extension("lock")).expect("cargo's directory for tests is writable");

    INSTALLED.get_or_init(|| {
        lock.lock().expect("a file can be locked");
        let mut make = Command::new("make");
        make.args(["-s", "-C", env!("CARGO_MANIFEST_DIR"), "install", "PREFIX=/usr"]);
        make.arg(format!("DESTDIR={}", path.display())).arg(format!("PROFILE={profile}"));
        run(make, "").ok();
        lock.unlock().expect("a file can be unlocked");
    });
    lock.lock_shared().expect("a file can be locked");
    InstalledTree { path, _lock: lock }
}

/// A copy of what `make install` installs, as the image of a host that has not booted yet.
pub fn image() -> TempDir {
    let installed = installed_tree();
    let image = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("cargo's directory for tests is writable");
    let mut copy = Command::new("cp");
    copy.args(["--archive", "--link"]).arg(installed.path.join(".")).arg(image.path());
    run(copy, "").ok();
    image
}

fn control(kind: Kind, arguments: &[&str]) -> Command {
    let mut command = Command::new(match kind {
        Kind::Container => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/host/host"),
        Kind::VirtualMachine => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/host/vm"),
    });
    command.args(arguments);
    command
}

/// Runs a command of this machine.
pub fn run(mut command: Command, input: &str) -> Out {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A command that does not read its input closes it: that is no failure.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("a child can be waited for");
    Out {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
