//! `wharf update` and `wharf rollback`, on a real host with a real registry, tags moved under it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, Out};

/// What the shell scripts of these tests share: `image TAG COMMAND` publishes an image whose containers run a shell command, and
/// `release TAG` makes `app:stable` what `app:TAG` is.
const TOOLS: &str = r#"set -e
registry=127.0.0.1:5000
image() {
    docker pull -q $registry/busybox:1 >/dev/null
    container=$(docker create $registry/busybox:1 true)
    docker commit --change "CMD [\"sh\", \"-c\", \"$2\"]" --change "LABEL tag=$1" "$container" $registry/app:$1 >/dev/null
    docker push -q $registry/app:$1 >/dev/null
    docker rm "$container" >/dev/null
    docker rmi $registry/app:$1 >/dev/null
}
release() {
    type=application/vnd.docker.distribution.manifest.v2+json
    manifests=http://$registry/v2/app/manifests
    curl -sf -H "Accept: $type" $manifests/$1 >/tmp/manifest
    curl -sf -X PUT -H "Content-Type: $type" --data-binary @/tmp/manifest $manifests/stable
}
"$@"
"#;

/// `db`, `web` of the image whose tag moves, and `front`, which depends on it.
const STACK: &str = r#"
[services.db]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[services.web]
image = "127.0.0.1:5000/app:stable"
stop_signal = "SIGKILL"
depends_on = ["db"]
healthcheck = { test = "test -e /tmp/ok", interval = "1s", timeout = "60s", retries = 2 }
[services.web.deploy]
update_config = { monitor = "3s" }
rollback_config = { monitor = "1s" }

[services.front]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
depends_on = ["web"]
"#;

const GOOD: &str = "touch /tmp/ok; exec tail -f /dev/null";

fn boot(name: &str, images: &[(&str, &str)]) -> Host {
    let host = Host::boot(name);
    host.write("/root/tools", TOOLS);
    host.write("/root/shop.toml", STACK);
    for (tag, command) in images {
        host.sh(&format!("sh /root/tools image {tag} '{command}'")).ok();
    }
    host.sh("sh /root/tools release one; wharf lock shop.toml; wharf generate --now shop.toml").ok();
    host
}

fn release(host: &Host, tag: &str) {
    host.sh(&format!("sh /root/tools release {tag}")).ok();
}

/// Which of the images a container is made from, by its label.
fn tag_of(host: &Host, container: &str) -> String {
    host.inspect(container, "{{index .Config.Labels \"tag\"}}")
}

fn id(host: &Host, container: &str) -> String {
    host.inspect(container, "{{.Id}}")
}

fn update(host: &Host) -> Out {
    host.sh("wharf update shop")
}

#[test]
fn a_stack_is_updated_and_goes_back() {
    let host = boot("update", &[("one", GOOD), ("two", GOOD), ("three", GOOD)]);
    let lock = host.read("/root/shop.lock");
    let others = (id(&host, "shop-db"), id(&host, "shop-front"));
    assert_eq!(update(&host).ok().stderr, "project shop: nothing to change\n");

    // The tag moves: nothing happens by itself.
    release(&host, "two");
    let check = host.sh("wharf update --check shop");
    assert_eq!(check.status, 4, "{check:?}");
    assert!(check.stderr.starts_with("would update 127.0.0.1:5000/app:stable: sha256:"), "{check:?}");
    assert!(check.stderr.ends_with(": shop-web.service\n"), "{check:?}");
    assert_eq!(host.sh("wharf update --dry-run shop").ok().stderr, check.stderr);
    assert_eq!((host.read("/root/shop.lock"), tag_of(&host, "shop-web")), (lock.clone(), "one".to_owned()));

    // Only what has a new image is replaced.
    let updated = update(&host).ok().stderr;
    assert!(updated.contains("restarting shop-web.service\n"), "{updated}");
    assert!(updated.ends_with("project shop: revision 2\n"), "{updated}");
    assert_eq!(tag_of(&host, "shop-web"), "two");
    assert_eq!((id(&host, "shop-db"), id(&host, "shop-front")), others);
    assert_ne!(host.read("/root/shop.lock"), lock);
    host.sh("wharf generate --check --now shop.toml").ok();
    assert_eq!(host.sh("wharf update --check shop").status, 0);

    let revisions = host.sh("wharf history --revisions shop").ok().stdout;
    assert_eq!(revisions.lines().count(), 3, "{revisions}");
    assert!(revisions.lines().nth(1).unwrap().ends_with("generate --now"), "{revisions}");
    assert!(revisions.lines().nth(2).unwrap().ends_with("update"), "{revisions}");
    assert_eq!(host.sh("stat -c %a /var/lib/wharf/shop /var/lib/wharf/shop/2").ok().stdout, "700\n700\n");
    release(&host, "three");
    update(&host).ok();
    assert_eq!(tag_of(&host, "shop-web"), "three");

    // Back, and without a registry, and after somebody has tidied up.
    host.sh("systemctl stop docker-registry; docker image prune --all --force").ok();
    let back = host.sh("wharf rollback shop").ok().stderr;
    assert!(back.starts_with("project shop: from revision 3 back to revision 2\n"), "{back}");
    assert!(back.ends_with("project shop: revision 4\n"), "{back}");
    assert_eq!(tag_of(&host, "shop-web"), "two");
    host.sh("wharf rollback shop 1").ok();
    assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("one".to_owned(), lock));
    assert_eq!((id(&host, "shop-db"), id(&host, "shop-front")), others);
    host.sh("wharf generate --check --now shop.toml").ok();
    let unknown = host.sh("wharf rollback shop 77");
    assert!(unknown.status == 1 && unknown.stderr.contains("shop has no revision 77; "), "{unknown:?}");

    // A revision of another stack file: the file stays as it is, and what runs is the revision.
    host.sh("systemctl start docker-registry").ok();
    host.write("/root/shop.toml", &STACK.replace("tail -f /dev/null", "tail -n 1 -f /dev/null"));
    host.sh("wharf generate --now shop.toml").ok();
    assert_ne!(id(&host, "shop-db"), others.0);
    host.sh("wharf rollback shop 1; wharf rollback shop 2").ok();
    assert_eq!(
        (tag_of(&host, "shop-web"), host.inspect("shop-db", "{{.Args}}")),
        ("two".to_owned(), "[-f /dev/null]".to_owned())
    );
    let newer = update(&host);
    assert!(newer.status == 1 && newer.stderr.contains("are not what /root/shop.toml says now"), "{newer:?}");

    // Nothing stays of a project that leaves.
    host.sh("wharf remove shop").ok();
    assert_eq!(host.sh("docker ps -aq; docker images | grep kept; ls /var/lib/wharf").stdout, "");
}

#[test]
fn an_update_that_fails_is_rolled_back() {
    let bad = [
        ("crashing", "echo no table >&2; exit 3"),
        ("later", "touch /tmp/ok; sleep 4; exit 4"),
        ("never", "exec tail -f /dev/null"),
        ("sick", "touch /tmp/ok; sleep 4; rm /tmp/ok; exec tail -f /dev/null"),
    ];
    let images: Vec<(&str, &str)> = [("one", GOOD), ("two", GOOD)].into_iter().chain(bad).collect();
    let host = boot("rollback", &images);
    let lock = host.read("/root/shop.lock");
    let others = (id(&host, "shop-db"), id(&host, "shop-front"));
    let longer = STACK.replace("monitor = \"3s\"", "monitor = \"30s\"");
    host.write("/root/shop.toml", &longer);
    let reasons = [
        ("crashing", "shop-web.service: crashed: exit status 3; last output: no table"),
        ("later", "shop-web.service: crashed: exit status 4"),
        ("never", "shop-web.service: unhealthy: "),
        ("sick", "shop-web.service: "),
    ];
    for (tag, reason) in reasons {
        release(&host, tag);
        let failed = update(&host);
        assert_eq!(failed.status, 7, "{tag}: {failed:?}");
        assert!(failed.stderr.contains(&format!("wharf: {reason}")), "{tag}: {failed:?}");
        assert!(failed.stderr.ends_with("wharf: project shop: rolled back to revision 1\n"), "{tag}: {failed:?}");
        assert_eq!(tag_of(&host, "shop-web"), "one", "{tag}");
        assert_eq!((id(&host, "shop-db"), id(&host, "shop-front")), others, "{tag}");
        assert_eq!(host.read("/root/shop.lock"), lock, "{tag}");
        host.sh("wharf generate --check --now shop.toml").ok();

        // It is not tried again.
        let web = id(&host, "shop-web");
        let again = update(&host).ok().stderr;
        assert!(again.contains("127.0.0.1:5000/app:stable: not updated to sha256:"), "{tag}: {again}");
        assert!(again.ends_with("project shop: nothing to change\n"), "{tag}: {again}");
        assert_eq!(id(&host, "shop-web"), web);
    }
    // What the container said is told.
    release(&host, "crashing");
    let retried = host.sh("wharf update --retry shop");
    assert!(retried.status == 7 && retried.stderr.contains("; last output: no table\n"), "{retried:?}");
    // Until the tag moves.
    release(&host, "two");
    update(&host).ok();
    assert_eq!(tag_of(&host, "shop-web"), "two");

    // What cannot be pulled stops nothing; nor is anything else brought about that was changed.
    let web = id(&host, "shop-web");
    host.write("/root/shop.toml", &longer.replace("tail -f", "tail -n 1 -f"));
    let other = update(&host);
    assert_eq!(other.status, 1, "{other:?}");
    assert_eq!(
        other.stderr,
        "wharf: the units of shop are not what /root/shop.toml says now, so it was not updated: first `wharf generate --now shop`\n"
    );
    host.write("/root/shop.toml", &longer);
    host.sh("systemctl stop docker-registry").ok();
    assert_eq!(update(&host).status, 1);
    assert_eq!(id(&host, "shop-web"), web);
    host.sh("rm shop.lock; systemctl start docker-registry; wharf generate shop.toml").ok();
    let without = update(&host);
    assert!(without.status == 1 && without.stderr.contains("wharf: shop has no lock, so "), "{without:?}");

    // A start that others wait for fails at once, and is tried again: why, is told too.
    host.write("/root/shop.toml", &STACK.replace("[\"web\"]", "{ web = { condition = \"service_healthy\" } }"));
    host.sh("sh /root/tools release two; wharf lock shop.toml; wharf generate --now shop.toml; sh /root/tools release never").ok();
    let awaited = host.sh("wharf update --retry shop");
    assert!(
        awaited.status == 7 && awaited.stderr.contains("shop-web.service: ") && awaited.stderr.contains("unhealthy"),
        "{awaited:?}"
    );
    assert!(!awaited.stderr.contains("it was restarted"), "{awaited:?}");
    host.sh("rm shop.lock; wharf generate shop.toml").ok();

    // It does not keep other stacks from being updated.
    host.write("/root/blog.toml", &STACK.replace("127.0.0.1:5000/app:stable", "127.0.0.1:5000/busybox:1"));
    host.sh("wharf lock blog.toml; wharf generate blog.toml").ok();
    let both = host.sh("wharf update shop blog");
    assert!(both.status == 1 && both.stderr.contains("wharf: shop has no lock, so "), "{both:?}");
    assert!(both.stderr.ends_with("project blog: nothing to change\n"), "{both:?}");
}

/// Starts an update, and ends it by a signal once the new container of `web` is there.
fn interrupt(host: &Host, signal: &str) {
    host.sh(
        "systemd-run --quiet --unit=update --collect --service-type=exec --property=KillMode=process wharf update shop",
    )
    .ok();
    let new = "docker inspect --format '{{index .Config.Labels \"tag\"}}' shop-web || true";
    host.wait_for("the new container", || host.sh(new).stdout == "two\n");
    host.sh(&format!("systemctl kill --kill-whom=main --signal={signal} update")).ok();
    host.wait_for("the end of the update", || host.sh("systemctl is-active update").status != 0);
}

#[test]
fn an_update_that_is_interrupted_is_put_back() {
    let host = boot("interrupt", &[("one", GOOD), ("two", GOOD)]);
    host.write("/root/shop.toml", &STACK.replace("monitor = \"3s\"", "monitor = \"100s\""));
    let lock = host.read("/root/shop.lock");
    let others = (id(&host, "shop-db"), id(&host, "shop-front"));
    release(&host, "two");

    // At once, if the program can.
    interrupt(&host, "SIGTERM");
    assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("one".to_owned(), lock.clone()));
    host.sh("wharf generate --check --now shop.toml; test ! -e /var/lib/wharf/shop/change.json").ok();

    // By the next run, if it was killed.
    interrupt(&host, "SIGKILL");
    host.sh("test -e /var/lib/wharf/shop/change.json").ok();
    assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("two".to_owned(), lock));
    let unfinished = host.sh("wharf update --check shop");
    assert!(
        unfinished.status == 1 && unfinished.stderr.contains("`wharf update shop` first puts back"),
        "{unfinished:?}"
    );
    let status = host.sh("wharf status shop").stdout;
    assert!(status.contains(" says now: `wharf update shop`"), "{status}");
    host.sh("sed -i 's/100s/1s/' shop.toml").ok();
    let next = update(&host).ok().stderr;
    let interrupted =
        "an earlier change of shop was interrupted: going back to revision 1\nrestarting shop-web.service\n";
    assert!(next.starts_with(interrupted), "{next}");
    assert!(next.ends_with("project shop: revision 2\n"), "{next}");

    // At any moment: what is left is always finished by the next run.
    let kills = std::env::var("WHARF_TEST_KILLS").map_or(12, |kills| kills.parse().unwrap());
    for kill in 1..=kills {
        release(&host, if kill % 2 == 0 { "two" } else { "one" });
        let milliseconds = 1200 * kill / kills;
        let limit = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        host.sh(&format!("timeout --signal=KILL {limit} wharf update shop || true")).ok();
        host.sh("systemctl is-active shop-db shop-front").ok();
    }
    release(&host, "one");
    update(&host).ok();
    assert_eq!(tag_of(&host, "shop-web"), "one");
    assert_eq!((id(&host, "shop-db"), id(&host, "shop-front")), others);
    host.sh("wharf generate --check --now shop.toml; test ! -e /var/lib/wharf/shop/change.json").ok();
}

#[test]
fn replicas_are_replaced_a_few_at_a_time() {
    let host = boot("few", &[("one", GOOD), ("two", GOOD)]);
    let replicated = STACK.replace("[services.web.deploy]", "[services.web.deploy]\nreplicas = 3");
    host.write("/root/shop.toml", &replicated.replace("monitor = \"3s\"", "monitor = \"1s\""));
    host.sh("wharf generate --now shop.toml").ok();
    let healthy = "docker ps -q --filter name=shop-web --filter health=healthy | wc -l";
    host.wait_for("all replicas", || host.sh(healthy).ok().stdout == "3\n");
    release(&host, "two");
    let watch = format!("systemd-run --quiet --unit=watch bash -c 'while :; do {healthy}; done >/root/counts'");
    host.sh(&watch).ok();
    host.wait_for("the watch", || host.sh("test -s counts").status == 0);
    let updated = update(&host).ok().stderr;
    host.sh("systemctl stop watch").ok();
    for number in 1..=3 {
        assert!(updated.contains(&format!("restarting shop-web@{number}.service\n")), "{updated}");
        assert_eq!(tag_of(&host, &format!("shop-web-{number}")), "two");
    }
    let counts = host.read("/root/counts");
    assert!(counts.lines().all(|count| count == "2" || count == "3") && counts.contains('2'), "{counts}");
}

/// Jobs that are run by updates: each leaves its name in a volume.
const HOOKS: &str = r#"
[services.dump]
image = "127.0.0.1:5000/busybox:1"
update_hook = ["pre_update", "pre_rollback"]
schedule = "*-01-01 00:00"
command = ["sh", "-c", "echo dump >>/log/steps; cat /log/result; exit $$(cat /log/status)"]
volumes = ["/root/log:/log"]
depends_on = ["db"]

[services.smoke]
image = "127.0.0.1:5000/busybox:1"
update_hook = "post_update"
command = ["sh", "-c", "echo smoke >>/log/steps; exit $$(cat /log/smoke)"]
volumes = ["/root/log:/log"]
"#;

#[test]
fn jobs_run_before_and_after_an_update_and_before_a_rollback() {
    let host = boot("hooks", &[("one", GOOD), ("two", GOOD), ("three", GOOD)]);
    host.write("/root/shop.toml", &format!("{STACK}{HOOKS}"));
    host.sh("mkdir log; echo 0 >log/status; echo 0 >log/smoke; echo 'disk is full' >log/result").ok();
    host.sh("wharf generate --now shop.toml").ok();
    let steps = || host.sh("cat log/steps 2>/dev/null; rm -f log/steps").stdout;
    // The start of the stack is not one of theirs.
    assert_eq!(steps(), "");
    assert_eq!(
        host.sh("systemctl is-active shop-dump.timer shop-dump shop-smoke").stdout,
        "active\ninactive\ninactive\n"
    );

    // Nothing new: nothing to be done for.
    update(&host).ok();
    assert_eq!(steps(), "");
    release(&host, "two");
    let updated = update(&host).ok().stderr;
    let order = ["running shop-dump.service\n", "restarting shop-web.service\n", "running shop-smoke.service\n"];
    let places: Vec<usize> =
        order.iter().map(|line| updated.find(line).unwrap_or_else(|| panic!("{updated}"))).collect();
    assert!(places.is_sorted(), "{updated}");
    assert_eq!(steps(), "dump\nsmoke\n");

    // The one before gates.
    release(&host, "three");
    let web = id(&host, "shop-web");
    let lock = host.read("/root/shop.lock");
    host.sh("echo 5 >log/status").ok();
    let gated = update(&host);
    assert_eq!(gated.status, 1, "{gated:?}");
    let why =
        "wharf: pre_update: shop-dump.service: failed: exit status 5; last output: disk is full; nothing was changed\n";
    assert!(gated.stderr.ends_with(why), "{gated:?}");
    assert_eq!(
        (id(&host, "shop-web"), host.read("/root/shop.lock"), steps()),
        (web, lock.clone(), "dump\n".to_owned())
    );
    // The one after, too: then all is put back, which is another step.
    host.sh("echo 0 >log/status; echo 6 >log/smoke; systemctl reset-failed").ok();
    let failed = update(&host);
    assert_eq!(failed.status, 7, "{failed:?}");
    assert!(failed.stderr.contains("shop-smoke.service: failed: exit status 6"), "{failed:?}");
    assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("two".to_owned(), lock));
    assert_eq!(steps(), "dump\nsmoke\ndump\n");
    // By hand: the one before a rollback gates.
    host.sh("echo 5 >log/status").ok();
    let back = host.sh("wharf rollback shop");
    assert!(back.status == 1 && back.stderr.contains("wharf: pre_rollback: shop-dump.service: failed"), "{back:?}");
    assert_eq!(tag_of(&host, "shop-web"), "two");
    host.sh("echo 0 >log/status; systemctl reset-failed; wharf rollback shop").ok();
    assert_eq!((tag_of(&host, "shop-web"), steps()), ("one".to_owned(), "dump\ndump\n".to_owned()));

    // Interrupted, the job ends, too.
    host.sh("sed -i 's#echo dump#tail -f /dev/null; echo dump#' shop.toml; wharf generate --now shop.toml").ok();
    host.sh("systemd-run --quiet --unit=update --service-type=exec wharf update --retry shop").ok();
    host.wait_for("the job", || host.sh("systemctl is-active shop-dump").stdout == "activating\n");
    host.sh("systemctl stop update").ok();
    assert_eq!(host.property("shop-dump", "ActiveState"), "inactive");
    assert_eq!(tag_of(&host, "shop-web"), "one");
}

#[test]
fn a_host_follows_its_lock() {
    let bad = "echo no table; exit 3";
    let host = boot("follow", &[("one", GOOD), ("two", GOOD), ("bad", bad)]);
    let follow = || host.sh("wharf update --locked shop");
    let others = (id(&host, "shop-db"), id(&host, "shop-front"));
    assert_eq!(follow().ok().stderr, "project shop: nothing to change\n");
    // Somebody else has found the new digest.
    let first = host.read("/root/shop.lock");
    release(&host, "two");
    host.sh("wharf lock shop.toml").ok();
    let second = host.read("/root/shop.lock");
    let asked = update(&host);
    assert!(asked.status == 1 && asked.stderr.contains("`wharf update --locked shop` brings them about"), "{asked:?}");
    let check = host.sh("wharf update --locked --check shop");
    assert!(check.status == 4 && check.stderr.starts_with("would update 127.0.0.1:5000/app:stable: "), "{check:?}");
    let unit = host.sh("wharf update --locked shop-web");
    assert!(unit.status == 1 && unit.stderr.contains("--locked brings about whole stacks"), "{unit:?}");
    assert_eq!(tag_of(&host, "shop-web"), "one");
    // What the tag has come to mean since then does not matter.
    release(&host, "bad");
    let followed = follow().ok().stderr;
    assert!(followed.ends_with("project shop: revision 2\n"), "{followed}");
    assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("two".to_owned(), second.clone()));
    assert_eq!((id(&host, "shop-db"), id(&host, "shop-front")), others);

    // A bad one: back, with the lock that was followed before; and it is not tried again.
    host.sh("wharf lock shop.toml; cp shop.lock bad.lock").ok();
    let failed = follow();
    assert_eq!(failed.status, 7, "{failed:?}");
    assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("two".to_owned(), second));
    let web = id(&host, "shop-web");
    host.sh("cp bad.lock shop.lock").ok();
    let again = follow();
    assert!(again.status == 7 && again.stderr.contains("`--retry` tries it again\n"), "{again:?}");
    assert!(again.stderr.ends_with("project shop: still revision 2\n"), "{again:?}");
    assert_eq!(id(&host, "shop-web"), web);

    // The stack file may come from there, too.
    host.write("/root/shop.lock", &first);
    host.write("/root/shop.toml", &STACK.replacen("tail -f", "tail -n 1 -f", 1));
    follow().ok();
    assert_eq!(
        (tag_of(&host, "shop-web"), host.inspect("shop-db", "{{.Args}}")),
        ("one".to_owned(), "[-n 1 -f /dev/null]".to_owned())
    );
    host.sh("wharf generate --check --now shop.toml").ok();

    // What differs between revisions.
    let diff = host.sh("wharf diff shop@2 shop@3");
    assert_eq!(diff.status, 4, "{diff:?}");
    assert!(
        diff.stdout.contains("--- shop@2/shop-web.container.json\n+++ shop@3/shop-web.container.json\n"),
        "{diff:?}"
    );
    assert!(diff.stdout.contains("+++ shop@3/shop.lock\n"), "{diff:?}");
    assert_eq!(host.sh("wharf diff shop@2").stdout, diff.stdout);
    assert_eq!(host.sh("wharf diff shop@3 shop@3").ok().stdout, "");
    assert!(host.sh("wharf diff shop@3 shop@9").fails().stderr.contains("shop has no revision 9; "));

    // Without a revision there is no way back.
    host.sh("wharf lock shop.toml; rm -r /var/lib/wharf/shop").ok();
    let unknown = follow();
    assert!(unknown.status == 1 && unknown.stderr.contains("first `wharf generate --now shop`"), "{unknown:?}");
}

#[test]
fn updates_can_be_left_to_timers_and_are_in_the_journal() {
    let host = boot("nightly", &[("one", GOOD), ("two", GOOD), ("bad", "echo no table; exit 3")]);
    let entries = |id: &str| host.sh(&format!("journalctl -o cat MESSAGE_ID={id}")).ok().stdout;
    host.sh("systemctl start wharfd wharfd-metrics.socket; useradd --create-home joe").ok();
    let project = "io.wharf.Supervisor1 /io/wharf/Supervisor1/project/shop io.wharf.Supervisor1.Project";
    let known = |property: &str| {
        host.sh(&format!("runuser -u joe -- busctl get-property {project} {property}")).ok().stdout.trim().to_owned()
    };
    let metric = |name: &str| {
        let all = host.sh("curl -sf --unix-socket /run/wharf/metrics.sock http://wharfd/metrics").ok().stdout;
        let line = all.lines().find(|line| line.starts_with(&format!("wharf_project_{name}{{project=\"shop\"}} ")));
        line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    host.wait_for("wharfd knows the stack", || host.sh(&format!("busctl get-property {project} Name")).status == 0);
    assert_eq!(
        (known("Revision"), known("UpdateAvailable"), known("LastUpdate")),
        ("u 1".to_owned(), "a(ss) 0".to_owned(), "t 0".to_owned())
    );
    let (available, updated, rolled_back) =
        ("fd57ece934fd46168657e1f704d3be1d", "5bc535bdaed743ae955361fbe591f718", "aa5f18b8f4154125972569249c416f5a");
    host.sh("systemctl enable --now wharf-update@shop.timer wharf-update-check@shop.timer").ok();
    host.sh("systemd-analyze verify --man=no wharf-update@shop.timer wharf-update-check@shop.timer").ok();
    release(&host, "two");
    // Each is told of once.
    host.sh("systemctl start wharf-update-check@shop; systemctl start wharf-update-check@shop").ok();
    let found = entries(available);
    assert!(found.starts_with("shop: there are new images: 127.0.0.1:5000/app:stable: sha256:"), "{found}");
    assert_eq!((found.lines().count(), tag_of(&host, "shop-web")), (1, "one".to_owned()));
    let seen = known("UpdateAvailable");
    assert!(seen.starts_with("a(ss) 1 \"127.0.0.1:5000/app:stable\" \"sha256:"), "{seen}");
    assert_eq!(metric("update_available"), "1.0");
    // By a program: only if it may.
    host.sh(&format!("runuser -u joe -- busctl call {project} Update")).fails();
    assert_eq!(host.sh(&format!("busctl call {project} Update")).ok().stdout, "s \"wharf-update@shop.service\"\n");
    host.wait_for("the update", || known("Revision") == "u 2");
    host.wait_for("its end", || host.sh("systemctl is-active wharf-update@shop").stdout == "inactive\n");
    assert_eq!((known("UpdateAvailable"), known("LastUpdateSucceeded")), ("a(ss) 0".to_owned(), "b true".to_owned()));
    assert_eq!(
        (entries(updated), tag_of(&host, "shop-web")),
        ("shop: update: now revision 2\n".to_owned(), "two".to_owned())
    );

    host.write("/etc/systemd/system/wharf-update@.service.d/tell.conf", "[Unit]\nOnFailure=tell@%n.service\n");
    host.write("/etc/systemd/system/tell@.service", "[Service]\nExecStart=sh -c 'echo %i >/root/told'\n");
    release(&host, "bad");
    let failed = host.sh("systemctl daemon-reload; systemctl start wharf-update@shop");
    assert_ne!(failed.status, 0);
    assert_eq!(host.property("wharf-update@shop", "ExecMainStatus"), "7");
    host.wait_for("the message", || host.sh("cat told").stdout == "wharf-update@shop.service\n");
    assert_eq!(
        (known("LastUpdateSucceeded"), known("LastUpdateFailed")),
        ("b false".to_owned(), "as 1 \"shop-web.service\"".to_owned())
    );
    assert_eq!((metric("last_update_success"), metric("revision")), ("0.0".to_owned(), "2.0".to_owned()));
    let back = entries(rolled_back);
    assert!(back.starts_with("shop: update: rolled back to revision 2: shop-web.service: "), "{back}");
    assert_eq!(tag_of(&host, "shop-web"), "two");
    let history = host.sh("wharf history shop").ok().stdout;
    let line = |event: &str| history.lines().find(|line| line.contains(event)).map(str::to_owned);
    let (done, undone) = (line(" updated "), line(" rolled-back "));
    assert!(done.is_some_and(|line| line.contains("update: now revision 2")), "{history}");
    assert!(undone.is_some_and(|line| line.contains("rolled back to revision 2: shop-web.service")), "{history}");

    // Stopped in the middle, it puts back what ran before.
    release(&host, "one");
    host.sh("sed -i 's/monitor = \"3s\"/monitor = \"1000s\"/' shop.toml; systemctl start --no-block wharf-update@shop")
        .ok();
    let new = "docker inspect --format '{{index .Config.Labels \"tag\"}}' shop-web || true";
    host.wait_for("the new container", || host.sh(new).stdout == "one\n");
    host.sh("systemctl stop wharf-update@shop").ok();
    assert_eq!(tag_of(&host, "shop-web"), "two");
    assert!(entries(rolled_back).ends_with("shop: update: rolled back to revision 2: interrupted\n"));
    let back = host.sh(&format!("busctl call {project} Rollback u 1")).ok().stdout;
    assert_eq!(back, "s \"wharf-rollback@shop@1.service\"\n");
    host.wait_for("the rollback", || known("Revision") == "u 3");
    assert_eq!(tag_of(&host, "shop-web"), "one");
}

#[test]
fn an_update_over_a_power_cut_or_a_reboot_is_put_back_by_the_next_one() {
    let host = boot("cut", &[("one", GOOD), ("two", GOOD)]);
    host.write("/root/shop.toml", &STACK.replace("monitor = \"3s\"", "monitor = \"1000s\""));
    host.sh("wharf generate --now --enable shop.toml").ok();
    let lock = host.read("/root/shop.lock");
    release(&host, "two");
    for end in [Host::cut_power, Host::poweroff] {
        host.sh("systemd-run --quiet --unit=update --service-type=exec wharf update --retry shop").ok();
        let new = "docker inspect --format '{{index .Config.Labels \"tag\"}}' shop-web || true";
        host.wait_for("the new container", || host.sh(new).stdout == "two\n");
        end(&host);
        host.boot_again();
        host.wait_active("shop-front.service");
        assert_eq!(host.read("/root/shop.lock"), lock);
        // Without a registry: what ran before is all here.
        host.sh("systemctl stop docker-registry").ok();
        assert_eq!(update(&host).status, 1);
        host.sh("systemctl start docker-registry").ok();
        assert_eq!((tag_of(&host, "shop-web"), host.read("/root/shop.lock")), ("one".to_owned(), lock.clone()));
        host.sh("wharf generate --check --now shop.toml; test ! -e /var/lib/wharf/shop/change.json").ok();
    }
    host.sh("sed -i 's/1000s/1s/' shop.toml").ok();
    let updated = update(&host).ok().stderr;
    assert!(updated.ends_with("project shop: revision 2\n"), "{updated}");
    assert_eq!(tag_of(&host, "shop-web"), "two");
}

#[test]
fn a_revision_is_stable_once_it_was_seen_to_work() {
    let host = Host::boot("stable");
    let job = "\n[services.job]\nimage = \"127.0.0.1:5000/busybox:1\"\ncommand = \"true\"\n";
    let web = support::sleeper("web", "depends_on = { job = { condition = \"service_completed_successfully\" } }");
    host.write("/root/shop.toml", &format!("{web}{job}"));
    host.sh("wharf generate --now shop.toml").ok();
    let stable = || host.sh("jq -r .stable /var/lib/wharf/shop/1/revision.json").ok().stdout != "null\n";
    // Not at once, and without an update.
    host.wait_for("the next generate sees it", || {
        host.sh("wharf generate --now shop.toml").ok();
        stable()
    });
    host.sh("sed -i 's/true/false/' shop.toml; wharf generate --now shop.toml").fails();
    let back = host.sh("wharf rollback shop").ok().stderr;
    assert!(back.contains("back to revision 1\n"), "{back}");
}

/// A web server whose image moves, and another one that has nothing to do with it.
const SERVERS: &str = r#"
[services.web]
image = "127.0.0.1:5000/app:stable"
stop_grace_period = "1s"
ports = ["127.0.0.1:8081:80"]
healthcheck = { test = "test -e /tmp/ok", interval = "1s", timeout = "60s", retries = 2 }
[services.web.deploy]
update_config = { monitor = "1s" }

[services.other]
image = "127.0.0.1:5000/busybox:1"
command = "httpd -f -p 80"
stop_signal = "SIGKILL"
ports = ["127.0.0.1:8082:80"]
depends_on = ["web"]
"#;

/// Requests of both servers, until it is stopped: a line for each, `8081 0` if it was answered.
const CLIENT: &str = r#"
while :; do
    for port in 8081 8082; do
        status=0
        curl -s -m 5 -o /dev/null http://127.0.0.1:$port/ || status=$?
        echo $port $status
    done
done >/root/answers
"#;

#[test]
fn requests_fail_only_while_the_one_service_is_replaced() {
    // They do not stop when they are asked to.
    let server = "touch /tmp/ok; exec httpd -f -p 80";
    let stubborn = "trap : TERM; httpd -f -p 80 & while :; do sleep 1; done";
    let host = boot("clients", &[("one", server), ("two", server), ("never", stubborn)]);
    host.sh("wharf remove shop").ok();
    host.write("/root/shop.toml", SERVERS);
    host.write("/root/client", CLIENT);
    host.sh("wharf lock shop.toml; wharf generate --now shop.toml").ok();
    let other = id(&host, "shop-other");
    for (tag, status, replaced) in [("two", 0, 1), ("never", 7, 2)] {
        release(&host, tag);
        host.wait_for("the server", || host.sh("curl -s -o /dev/null http://127.0.0.1:8081/").status == 0);
        host.sh("rm -f answers; systemd-run --quiet --unit=client --collect sh /root/client").ok();
        let answered = || host.sh("tail -n 2 answers").stdout == "8081 0\n8082 0\n";
        host.wait_for("the client", answered);
        let updated = update(&host);
        assert_eq!(updated.status, status, "{updated:?}");
        host.wait_for("an answer", answered);
        host.sh("systemctl stop client").ok();
        let answers = host.read("/root/answers");
        let of = |port: &str| answers.lines().filter_map(|line| line.strip_prefix(port)).collect::<Vec<_>>();
        assert!(of("8082 ").iter().all(|status| *status == "0"), "{answers}");
        let web = of("8081 ");
        let gaps = web.windows(2).filter(|pair| pair[0] == "0" && pair[1] != "0").count();
        assert!((1..=replaced).contains(&gaps), "{tag}: {gaps} times without an answer: {web:?}");
        println!("{tag}: {} of {} requests failed", web.iter().filter(|status| **status != "0").count(), web.len());
    }
    assert_eq!((tag_of(&host, "shop-web"), id(&host, "shop-other")), ("two".to_owned(), other));
}

#[test]
fn an_image_that_is_gone_or_for_another_processor_stops_nothing() {
    let host = boot("unfit", &[("one", GOOD)]);
    let before = [id(&host, "shop-db"), id(&host, "shop-web"), id(&host, "shop-front")];
    let lock = host.read("/root/shop.lock");
    // The tag refers to an image of another processor.
    host.sh("set -e; docker export shop-db | docker import --platform linux/s390x --change 'CMD [\"true\"]' - 127.0.0.1:5000/app:far").ok();
    host.sh("docker push -q 127.0.0.1:5000/app:far; docker rmi 127.0.0.1:5000/app:far; sh /root/tools release far")
        .ok();
    let far = update(&host);
    assert!(far.status == 1 && far.stderr.contains("is for linux/s390x, "), "{far:?}");
    // The tag is gone; the lock names an image that is.
    host.sh("curl -sf -X DELETE http://127.0.0.1:5000/v2/app/manifests/$(sed -n 's/^digest = \"\\(.*\\)\"/\\1/p' shop.lock | head -n 1)").ok();
    let digest = format!("sha256:{}", "0".repeat(64));
    let gone = lock
        .lines()
        .map(|line| if line.starts_with("digest") { format!("digest = \"{digest}\"\n") } else { format!("{line}\n") });
    host.write("/root/shop.lock", &gone.collect::<String>());
    let gone = host.sh("wharf update --locked shop");
    assert!(
        gone.status == 1 && gone.stderr.contains("its image cannot be pulled: 127.0.0.1:5000/app:stable"),
        "{gone:?}"
    );
    host.write("/root/shop.lock", &lock);
    assert_eq!([id(&host, "shop-db"), id(&host, "shop-web"), id(&host, "shop-front")], before);
    host.sh("wharf generate --check --now shop.toml").ok();
}

/// The same stack as Quadlet's files, for Podman's own updates. A test host has no pids controller and no nftables.
const QUADLET: &str = r#"
printf '[containers]\npids_limit = 0\n' >/etc/containers/containers.conf
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/docker/podman"\n' >/etc/containers/storage.conf
mkdir -p /etc/containers/systemd /etc/containers/registries.conf.d
printf '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n' >/etc/containers/registries.conf.d/host.conf
cat >/etc/containers/systemd/pod-web.container <<'UNIT'
[Container]
Image=127.0.0.1:5000/app:stable
ContainerName=pod-web
AutoUpdate=registry
Network=none
StopTimeout=1
HealthCmd=test -e /tmp/ok
HealthInterval=1s
Notify=healthy
[Service]
Restart=always
UNIT
cat >/etc/containers/systemd/pod-front.container <<'UNIT'
[Unit]
Requires=pod-web.service
After=pod-web.service
[Container]
Image=127.0.0.1:5000/busybox:1
ContainerName=pod-front
Exec=tail -f /dev/null
Network=none
StopTimeout=1
[Service]
Restart=always
UNIT
systemctl daemon-reload && systemctl start pod-front
"#;

/// What the manual's page says of both, on the same host with the same image.
#[test]
fn beside_podmans_updates() {
    let host = boot("beside", &[("one", GOOD), ("bad", "echo no table; exit 3")]);
    host.sh(QUADLET).ok();
    let state = || {
        let ids = "podman inspect --format '{{.Id}}' pod-web; docker inspect --format '{{.Id}}' shop-web shop-front";
        let units = "systemctl is-active pod-web pod-front shop-web shop-front | paste -s -d ' '";
        let said = host.sh(&format!("{ids}; {units}")).stdout;
        said.lines().map(str::to_owned).collect::<Vec<String>>()
    };
    let before = state();
    assert_eq!(before[3], "active active active active");
    release(&host, "bad");
    let run = |command: &str| {
        let Out { status, stdout, stderr } = host.sh(command);
        println!("# {command}\n{stdout}{stderr}-- exit status {status}\n{}\n", state().join("\n"));
        status
    };
    // Podman's: the old image is back, but not what depends on it; success; and the next run does it again.
    assert_eq!(run("podman auto-update"), 0);
    let first = state();
    assert!(first[3].starts_with("active ") && !first[3].starts_with("active active"), "{first:?}");
    assert_eq!(run("podman auto-update"), 0);
    assert_ne!(state()[0], first[0]);
    // Wharf's.
    assert_eq!(run("wharf update shop"), 7);
    let rolled_back = state();
    assert!(rolled_back[3].ends_with(" active active") && rolled_back[2] == before[2], "{rolled_back:?}");
    assert_eq!(run("wharf update shop"), 0);
    assert_eq!(state(), rolled_back);
}
