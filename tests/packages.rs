//! The packages of distributions: what is in them, and what becomes of a host, and of the containers that run on it, when they are
//! installed, upgraded, removed and purged. Those who say how it went write it to target/tmp/packages.txt.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use support::{Host, InstalledTree, installed_tree, profile_directory, run, sleeper};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A stack that answers on port 8080.
const SHOP: &str = r#"[services.web]
image = "IMAGE"
command = ["httpd", "-f", "-p", "80", "-h", "/etc"]
init = true
stop_signal = "SIGKILL"
ports = ["127.0.0.1:8080:80"]
volumes = ["data:/data"]

[volumes.data]
"#;

/// Paths of others, which change whatever is installed.
const NOT_COMPARED: [&str; 15] = [
    // The kernel's, and what runs; Wharf's own in /run is compared apart.
    "/dev",
    "/proc",
    "/run",
    "/sys",
    // logind and polkit, which are started when somebody asks them.
    "/tmp",
    "/var/tmp",
    "/var/lib/systemd/linger",
    // apt, dpkg and debconf.
    "/var/cache/apt",
    "/var/cache/debconf",
    "/var/lib/apt",
    "/var/lib/dpkg",
    // The engine and the registry.
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/docker-registry",
    // The journal, and apt's log.
    "/var/log",
];

#[test]
fn a_host_that_is_installed_upgraded_removed_and_purged_is_as_it_was() {
    let host = Host::builder().bare().boot("deb");
    let before = (paths(&host), run_paths(&host));
    host.copy(debian_package(), "/root");
    host.copy(&newer_debian_package(), "/root");
    let mut session = Session { host: &host, text: String::new() };

    session.run("apt-get install -y ./wharf_*-1_*.deb");
    assert_eq!(host.sh("systemctl is-active wharfd wharfd-metrics.socket").ok().stdout, "active\nactive\n");
    assert_eq!(host.sh("systemctl is-enabled wharfd wharfd-metrics.socket").ok().stdout, "enabled\nenabled\n");
    host.sh("busctl call io.wharf.Supervisor1 /io/wharf/Supervisor1 org.freedesktop.DBus.Peer Ping").ok();
    host.sh("pkaction --action-id io.wharf.manage-containers").ok();
    host.sh("journalctl --list-catalog | grep -i wharf").ok();

    // One stack by `wharf generate`, one by the generator.
    host.write("/root/shop.toml", &SHOP.replace("IMAGE", support::IMAGE));
    host.write("/etc/wharf/cron.toml", &sleeper("worker", ""));
    session.run("cat shop.toml");
    session.run("wharf generate --enable --now shop.toml");
    session.run("systemctl daemon-reload && systemctl start cron.target");
    host.wait_active("cron-worker.service");
    session.run("curl -sS -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8080/hostname");

    upgrade_while_serving(&mut session);

    session.run("apt-get remove -y wharf");
    assert_eq!(host.sh("docker ps -aq; docker network ls -q --filter label=io.wharf.project").ok().stdout, "");
    host.sh("test -e /etc/systemd/system/shop-web.service -a -e /etc/wharf/cron.toml").ok();
    assert_eq!(run_paths(&host), before.1);

    session.run("apt-get install -y ./wharf_*-2_*.deb");
    session.run("systemctl start shop.target cron.target");
    host.wait_active("shop-web.service");
    host.wait_active("cron-worker.service");
    session.run("curl -sS -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8080/hostname");

    host.write("/etc/systemd/system/mine.service", "[Service]\nExecStart=/bin/true\n");
    session.run("apt-get purge -y wharf");
    host.sh("rm /etc/systemd/system/mine.service /root/shop.toml /root/*.deb && systemctl daemon-reload").ok();
    let after = (paths(&host), run_paths(&host));
    assert_eq!(difference(&before.0, &after.0), Vec::<String>::new());
    assert_eq!(difference(&before.1, &after.1), Vec::<String>::new());
    assert_eq!(
        host.sh("systemctl list-units --all --no-legend '*wharf*' 'shop*' 'cron-*' 'cron.target'").ok().stdout,
        ""
    );
    assert_eq!(host.sh("docker volume ls -q").ok().stdout, "shop_data\n", "volumes hold data");
    let transcript = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages.txt");
    fs::write(&transcript, &session.text).unwrap();
    println!("{}", session.text);
}

/// Requests go on all the time; none fails, and neither containers nor their units notice.
fn upgrade_while_serving(session: &mut Session<'_>) {
    let host = session.host;
    let state = || {
        host.sh("for unit in shop-web cron-worker; do
    docker inspect --format '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}' $unit
    systemctl show --property=MainPID,InvocationID,NRestarts,NeedDaemonReload $unit
done")
            .ok()
            .stdout
    };
    let supervisor = host.property("wharfd.service", "InvocationID");
    let before = state();
    host.sh("touch /run/requests-good /run/requests-failed
systemd-run --quiet --unit=requests bash -c '
while :; do
    if curl -sf -o /dev/null http://127.0.0.1:8080/hostname; then echo >>/run/requests-good; else echo >>/run/requests-failed; fi
done'")
        .ok();
    let good = || host.sh("cat /run/requests-good | wc -l").ok().stdout.trim().parse::<u32>().unwrap();
    host.wait_for("requests", || good() >= 20);
    session.run("apt-get install -y ./wharf_*-2_*.deb");
    let upgraded = good();
    host.wait_for("requests after the upgrade", || good() >= upgraded + 20);
    session.run("echo $(cat /run/requests-good | wc -l) requests, $(cat /run/requests-failed | wc -l) failed");
    host.sh("test ! -s /run/requests-failed && systemctl stop requests && rm /run/requests-*").ok();
    assert_eq!(state(), before);
    assert_ne!(host.property("wharfd.service", "InvocationID"), supervisor);
    assert_eq!(host.property("wharfd.service", "ActiveState"), "active");

    // The program of a running unit was replaced below it. Killed, it is followed by the new one.
    let pid = host.property("shop-web.service", "MainPID");
    session.run("readlink /proc/$(systemctl show -P MainPID shop-web)/exe");
    let container = host.inspect("shop-web", "{{.Id}}");
    host.sh(&format!("kill -KILL {pid}")).ok();
    host.wait_for("the new wharf-run", || {
        let now = host.property("shop-web.service", "MainPID");
        now != pid && now != "0" && host.property("shop-web.service", "ActiveState") == "active"
    });
    session.run("readlink /proc/$(systemctl show -P MainPID shop-web)/exe");
    assert_eq!(host.inspect("shop-web", "{{.Id}}"), container);
}

#[test]
fn the_smoke_test_of_the_debian_package_succeeds() {
    let host = Host::builder().bare().boot("smoke");
    host.copy(debian_package(), "/root");
    host.sh("dpkg -i wharf_*.deb").ok();
    host.copy(&Path::new(REPOSITORY).join("packaging/debian/tests/smoke"), "/root");
    host.sh("./smoke").ok();
}

#[test]
fn purge_deletes_what_wharf_wrote_and_nothing_else() {
    let host = Host::builder().bare().boot("purge");
    host.copy(debian_package(), "/root");
    host.sh("dpkg -i wharf_*.deb").ok();
    host.generate("shop", SHOP);
    host.sh("systemctl enable shop.target
cd /etc/systemd/system
mkdir shop-web.service.d && echo '[Unit]' >shop-web.service.d/mine.conf
echo '{ \"wharf\": 1 }' >mine.json
printf '# [X-Wharf]\\n[Unit]\\n' >mine.target
mkdir /root/units && printf '[Unit]\\n[X-Wharf]\\nProject=a\\n' >/root/units/a.target
ln -s /root/units/a.target a.target
mkdir /run/systemd/system/b.target.wants && printf '[Unit]\\n[X-Wharf]\\nProject=b\\n' >/run/systemd/system/b.target
dpkg --purge wharf")
        .ok();
    let left = host
        .sh("cd /etc/systemd/system && ls -d shop* mine* a.target multi-user.target.wants/shop* 2>/dev/null")
        .stdout;
    assert_eq!(left, "a.target\nmine.json\nmine.target\nshop-web.service.d\n");
    host.sh("test -e /root/units/a.target -a ! -e /run/systemd/system/b.target").ok();
}

#[test]
fn the_scriptlets_of_the_rpm_do_what_they_say() {
    let scriptlets = sh(&format!("rpm -qp --scripts {}", rpm().display()));
    let part = |name: &str| {
        let start = format!("{name} scriptlet (using /bin/sh):\n");
        let text = scriptlets.split_once(&start).unwrap_or_else(|| panic!("no {name} in {scriptlets}")).1;
        text.split("\npostuninstall scriptlet")
            .next()
            .unwrap()
            .split("\npreuninstall scriptlet")
            .next()
            .unwrap()
            .to_owned()
    };
    let host = Host::boot("rpm");
    for name in ["postinstall", "preuninstall", "postuninstall"] {
        host.write(&format!("/root/{name}"), &part(name));
        host.sh(&format!("dash -n {name}")).ok();
    }
    host.sh("sh postinstall 1").ok();
    assert_eq!(host.sh("systemctl is-enabled wharfd").ok().stdout, "enabled\n");
    host.sh("systemctl start wharfd").ok();
    host.generate("shop", SHOP);
    host.sh("systemctl start shop.target").ok();
    host.wait_active("shop-web.service");
    let container = host.inspect("shop-web", "{{.Id}}");
    host.sh("sh preuninstall 1 && sh postinstall 2 && sh postuninstall 1").ok();
    assert_eq!(host.inspect("shop-web", "{{.Id}}"), container, "an upgrade restarts no container");
    host.sh("sh preuninstall 0").ok();
    assert_eq!(host.sh("docker ps -aq; systemctl is-enabled wharfd || true").ok().stdout, "disabled\n");
    assert_eq!(host.property("wharfd.service", "ActiveState"), "inactive");
    host.sh("sh postuninstall 0 && test -e /etc/systemd/system/shop-web.service").ok();
}

#[test]
fn lintian_has_nothing_to_say() {
    let said = sh(&format!("lintian --allow-root {}", debian_package().with_extension("changes").display()));
    assert_eq!(said, "");
}

#[test]
fn each_package_has_what_make_install_installs() {
    let tree = installed_tree();
    let installed = files_of(&tree);
    let compare = |kind: &str, command: &str| {
        let listing = sh(command);
        let paths = listing.lines().map(|line| line.trim_start_matches('.').trim_end_matches(".gz").to_owned());
        let packaged: BTreeSet<String> = paths.collect();
        let missing: Vec<&String> = installed.difference(&packaged).collect();
        assert!(missing.is_empty(), "the {kind} package does not have {missing:?}");
        let own = ["/usr/share/doc/wharf", "/usr/share/licenses/", "/usr/share/lintian/", "/usr/lib/.build-id/"];
        let more: Vec<&String> =
            packaged.difference(&installed).filter(|path| !own.iter().any(|own| path.starts_with(own))).collect();
        assert!(more.is_empty(), "the {kind} package has {more:?}, too");
    };
    let debian = format!("dpkg-deb --fsys-tarfile {} | tar -t | grep -v /$", debian_package().display());
    compare("Debian", &debian);
    let rpm = format!("rpm -qpl --dump {} | awk '$5 !~ /^04/ {{ print $1 }}'", rpm().display());
    compare("RPM", &rpm);

    // makepkg is Arch's: here its functions are called as it calls them.
    let arch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("arch");
    let _ = fs::remove_dir_all(&arch);
    let (directory, target) = (arch.display(), profile_directory().parent().unwrap().display());
    sh(&format!(
        "mkdir -p {directory}/src && ln -s {REPOSITORY} {directory}/src/wharf-0.1.0
bash -n {REPOSITORY}/packaging/arch/wharf.install
cd {directory}/src && source {REPOSITORY}/packaging/arch/PKGBUILD
[[ -f {REPOSITORY}/packaging/arch/$install && $pkgname-$pkgver == wharf-0.1.0 ]]
export CARGO_TARGET_DIR={target} PROFILE={} pkgdir={directory}/pkg
(package)",
        profile()
    ));
    compare("Arch", &format!("cd {directory}/pkg && find . ! -type d"));
}

/// As a distribution builds it: optimised, from the source package, without network. It takes a quarter of an hour, so nothing of it
/// runs without WHARF_TEST_PACKAGE=1, which `make test-full` sets.
#[test]
fn the_source_package_builds_without_network() {
    if std::env::var_os("WHARF_TEST_PACKAGE").is_none_or(|value| value != "1") {
        println!("skipped: set WHARF_TEST_PACKAGE=1 to build the source package");
        return;
    }
    build("deb-source");
    let directory = packages("deb-source");
    let built = sh(&format!(
        "cd {} && dpkg-source -x wharf_*.dsc source >&2 && cd source
unshare --net dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps >&2 && cd ..
rm -r source && lintian --allow-root --suppress-tags newer-standards-version *.dsc *.changes",
        directory.display()
    ));
    assert_eq!(built, "");
    let host = Host::builder().bare().boot("dsc");
    host.copy(Path::new(sh(&format!("ls {}/wharf_*.deb", directory.display())).trim()), "/root");
    host.sh("dpkg -i wharf_*.deb").ok();
    host.generate("shop", SHOP);
    host.sh("wharf generate --now shop.toml && curl -sSf -o /dev/null http://127.0.0.1:8080/hostname").ok();
}

#[test]
fn packages_authorise_nobody() {
    let tree = installed_tree();
    let tree = tree.path.display();
    assert_eq!(
        sh(&format!("find {tree} -path '*polkit*' -type f -printf '%P\\n'")),
        "usr/share/polkit-1/actions/io.wharf.policy\n"
    );
    let defaults = sh(&format!("grep -ho '<allow_.*>' {tree}/usr/share/polkit-1/actions/*"));
    let action = "<allow_any>auth_admin</allow_any>\n<allow_inactive>auth_admin</allow_inactive>\n<allow_active>auth_admin_keep</allow_active>\n";
    assert_eq!(defaults, action.repeat(2));
    assert_eq!(sh(&format!("find {tree} -perm /7000; getcap -r {tree} || true")), "");
}

#[test]
fn all_packages_have_the_version_of_wharf() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        ("packaging/debian/changelog", format!("wharf ({version}-1) ")),
        ("packaging/rpm/wharf.spec", format!("Version:        {version}\n")),
        ("packaging/arch/PKGBUILD", format!("pkgver={version}\n")),
    ] {
        let text = fs::read_to_string(Path::new(REPOSITORY).join(file)).unwrap();
        assert!(text.contains(&line), "{file} does not have: {line}");
    }
}

#[test]
fn the_copyright_file_names_every_crate() {
    let path = Path::new(REPOSITORY).join("packaging/debian/copyright");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("\nFiles: vendor/").unwrap();
    let (_, tail) = rest.split_once("\nFiles: vendor/libfuzzer-sys-*/libfuzzer/*").unwrap();
    let expected = format!("{head}\n{}Files: vendor/libfuzzer-sys-*/libfuzzer/*{tail}", crates());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert!(text == expected, "UPDATE=1 cargo test --test packages copyright");
    for license in text.lines().filter_map(|line| line.strip_prefix("License: ")).flat_map(|text| text.split(" or ")) {
        for name in license.split(" and ").map(|name| name.trim_end_matches(',')) {
            assert!(text.contains(&format!("\nLicense: {name}\n ")), "no text of the license {name}");
        }
    }
}

/// A paragraph for all crates of the same authors and license.
fn crates() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--format-version=1", "--all-features"]).current_dir(REPOSITORY);
    let metadata: Value = serde_json::from_str(&run(cargo, "").ok().stdout).unwrap();
    let mut paragraphs: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap().iter().filter(|package| package["source"].is_string()) {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let authors: Vec<&str> = package["authors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let holders =
            if authors.is_empty() { format!("the developers of {name}") } else { authors.join("\n           ") };
        let major = "?".repeat(version.find('.').unwrap());
        let license = debian_license(package["license"].as_str().unwrap());
        paragraphs.entry((holders, license)).or_default().insert(format!("vendor/{name}-{major}.*/*"));
    }
    let mut sorted: Vec<(Vec<String>, (String, String))> =
        paragraphs.into_iter().map(|(key, files)| (files.into_iter().collect(), key)).collect();
    sorted.sort();
    let paragraph = |(files, (holders, license)): (Vec<String>, (String, String))| {
        format!("Files: {}\nCopyright: {holders}\nLicense: {license}\n\n", files.join("\n       "))
    };
    sorted.into_iter().map(paragraph).collect()
}

/// An expression of SPDX in the words of Debian's machine-readable format.
fn debian_license(spdx: &str) -> String {
    let text = spdx.replace(" / ", " OR ").replace('/', " OR ").replace(") AND ", ", AND ").replace('(', "");
    let text = text.replace(" WITH LLVM-exception", " with LLVM exception").replace("-or-later", "+");
    let word = |word| match word {
        "OR" => "or",
        "AND" => "and",
        "MIT" => "Expat",
        "MIT," => "Expat,",
        other => other,
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// What is typed on a host, and what it says.
struct Session<'a> {
    host: &'a Host,
    text: String,
}

impl Session<'_> {
    fn run(&mut self, command: &str) {
        let said = self.host.sh(&format!("export DEBIAN_FRONTEND=noninteractive; {{ {command}; }} 2>&1")).ok().stdout;
        assert!(!said.contains("Could not"), "{said}");
        // What dpkg overwrites is not seen.
        let lines = said.lines().map(|line| line.rsplit('\r').next().unwrap_or_default());
        self.text.push_str(&lines.fold(format!("# {command}\n"), |text, line| text + line + "\n"));
    }
}

fn paths(host: &Host) -> BTreeSet<String> {
    let pruned = NOT_COMPARED.map(|path| format!("-path {path}")).join(" -o ");
    host.sh(&format!("find / \\( {pruned} \\) -prune -o -print")).ok().stdout.lines().map(str::to_owned).collect()
}

/// What Wharf has in /run.
fn run_paths(host: &Host) -> BTreeSet<String> {
    let found = host.sh("find /run -path /run/docker -prune -o -path '*wharf*' -print").ok().stdout;
    found.lines().map(str::to_owned).collect()
}

fn difference(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    before.symmetric_difference(after).cloned().collect()
}

fn files_of(tree: &InstalledTree) -> BTreeSet<String> {
    let found = sh(&format!("cd {} && find . ! -type d", tree.path.display()));
    found.lines().map(|line| line.trim_start_matches('.').trim_end_matches(".gz").to_owned()).collect()
}

/// The Debian package of the programs under test, made once in a process.
fn debian_package() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        build("deb");
        PathBuf::from(sh(&format!("ls {}/wharf_*-1_*.deb", packages("deb").display())).trim())
    })
}

/// The same with another version, in which every program differs.
fn newer_debian_package() -> PathBuf {
    let older = debian_package();
    let newer = older.to_str().unwrap().replace("-1_", "-2_");
    let directory = older.parent().unwrap().display();
    sh(&format!("cd {directory} && rm -rf newer && dpkg-deb -R {} newer
sed -i '/^Version: /s/-1$/-2/' newer/DEBIAN/control
for program in newer/usr/bin/* newer/usr/libexec/wharf/* newer/usr/lib/systemd/system-generators/*; do echo >>$program; done
dpkg-deb --root-owner-group -z0 -b newer {newer} && rm -rf newer", older.display()));
    PathBuf::from(newer)
}

fn rpm() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        build("rpm");
        PathBuf::from(sh(&format!("ls {}/*/wharf-0.1.0-1*.rpm", packages("rpm").display())).trim())
    })
}

fn build(kind: &str) {
    let mut build = Command::new(Path::new(REPOSITORY).join("packaging/build"));
    build.arg(kind).env("PROFILE", profile()).env("CARGO_TARGET_DIR", profile_directory().parent().unwrap());
    build.env("OUT", packages(kind)).env("DEB_BUILD_OPTIONS", "nocheck");
    run(build, "").ok();
}

fn packages(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("packages-{kind}"))
}

fn profile() -> &'static str {
    let name = profile_directory().file_name().and_then(|name| name.to_str()).expect("named after its profile");
    if name == "debug" { "dev" } else { name }
}

/// Runs a script on this machine and returns what it printed.
#[track_caller]
fn sh(script: &str) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]);
    run(bash, "").ok().stdout
}
