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
    assert_eq!(other.status, 1);
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
    host.sh("sed -i 's/100s/1s/' shop.toml").ok();
    let next = update(&host).ok().stderr;
    let interrupted =
        "an earlier change of shop was interrupted: going back to revision 1\nrestarting shop-web.service\n";
    assert!(next.starts_with(interrupted), "{next}");
    assert!(next.ends_with("project shop: revision 2\n"), "{next}");

    // At any moment: what is left is always finished by the next run.
    for tenths in 1..=12 {
        release(&host, if tenths % 2 == 0 { "two" } else { "one" });
        host.sh(&format!("timeout --signal=KILL {}.{} wharf update shop || true", tenths / 10, tenths % 10)).ok();
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
