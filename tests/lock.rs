//! A stack's lock, on a real host with a real registry, tags moved under it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, PUBLISH, RELEASE};

/// Removes what publishing has left on the host.
const FORGET: &str = "docker rmi 127.0.0.1:5000/busybox:1 127.0.0.1:5000/busybox:2 >/dev/null;";

const STACK: &str = r#"
[services.web]
image = "127.0.0.1:5000/app:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
pull_policy = "always"
[services.db]
image = "127.0.0.1:5000/busybox:2"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
[services.debug]
image = "127.0.0.1:5000/app:2"
command = "tail -f /dev/null"
profiles = ["debug"]
[services.own]
image = "here/only:1"
pull_policy = "never"
profiles = ["debug"]
"#;

/// The digest that the registry has under a tag.
fn at_registry(host: &Host, image: &str, tag: &str) -> String {
    let script = format!(
        "curl -sf -o /dev/null -D - -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
         http://127.0.0.1:5000/v2/{image}/manifests/{tag} | tr -d '\\r' | sed -n 's/^Docker-Content-Digest: //p'"
    );
    host.sh(&script).ok().stdout.trim().to_owned()
}

fn id(host: &Host, container: &str) -> String {
    host.inspect(container, "{{.Id}}")
}

#[test]
fn containers_are_of_the_locked_images_whatever_the_tags_have_become() {
    let host = Host::boot("lock");
    host.write("/root/shop.toml", STACK);
    host.sh(&format!("{PUBLISH} {FORGET}")).ok();
    let (first, second) = (at_registry(&host, "app", "1"), at_registry(&host, "app", "2"));
    assert!(first.starts_with("sha256:") && first != second, "{first} {second}");
    let missing = host.sh("wharf lock --check shop.toml");
    assert!(missing.stderr.starts_with("/root/shop.lock: there is no lock\n"), "{missing:?}");
    assert!(missing.status == 4 && missing.stderr.contains(&format!("127.0.0.1:5000/app:1: {first}\n")), "{missing:?}");
    host.sh("test ! -e shop.lock").ok();

    // Asking fetches nothing. Images of all profiles are locked, and those that are only here are not.
    host.sh("wharf lock shop.toml").ok();
    assert_eq!(host.sh("docker images -q").ok().stdout, "");
    let lock = host.read("/root/shop.lock");
    for entry in [
        format!("[images.\"127.0.0.1:5000/app:1\"]\ndigest = \"{first}\"\nplatforms = [\"linux/amd64\"]\nlocked = 20"),
        format!("[images.\"127.0.0.1:5000/app:2\"]\ndigest = \"{second}\"\n"),
        "[images.\"127.0.0.1:5000/busybox:2\"]\n".to_owned(),
    ] {
        assert!(lock.contains(&entry), "{entry}: {lock}");
    }
    assert!(lock.starts_with("# What the images of shop.toml are, ") && !lock.contains("here/only"), "{lock}");
    let again = host.sh("wharf lock shop.toml; wharf lock --check shop.toml").ok().stderr;
    assert_eq!(again, "/root/shop.lock: nothing changed\n".repeat(2));
    assert_eq!(host.read("/root/shop.lock"), lock);
    assert_eq!(host.sh("stat -c %a shop.lock").ok().stdout, "644\n");

    // The tag moves: new containers are what they were, although every start pulls.
    host.sh("wharf generate --now shop.toml").ok();
    let runs = |host: &Host| host.inspect("shop-web", "{{.Image}} {{.Config.Image}}");
    let before = runs(&host);
    assert!(before.ends_with(&format!(" 127.0.0.1:5000/app:1@{first}")), "{before}");
    assert_eq!(host.property("shop-web", "Description"), "Container shop-web (127.0.0.1:5000/app:1)");
    host.sh(&format!("{RELEASE} docker rmi -f 127.0.0.1:5000/app@{first} >/dev/null; systemctl restart shop-web")).ok();
    assert_eq!(runs(&host), before);
    let pulled = host.sh("wharf pull shop.toml; wharf generate --check --now shop.toml").ok().stderr;
    assert!(pulled.contains(&format!("127.0.0.1:5000/app:1@{first}: done\n")), "{pulled}");
    assert!(pulled.ends_with("project shop: nothing changed\n"), "{pulled}");
    host.wait_for("wharfd sees no difference", || host.sh("wharf diff shop").status == 0);

    // It is told, and followed only when asked.
    let moved = host.sh("wharf lock --check shop.toml");
    let line = format!("127.0.0.1:5000/app:1: {second}, before {first}\n");
    assert!(moved.status == 4 && moved.stderr == format!("/root/shop.lock:\n{line}"), "{moved:?}");
    assert_eq!(host.read("/root/shop.lock"), lock);
    let db = id(&host, "shop-db");
    host.sh("chmod 640 shop.lock; wharf lock shop.toml").ok();
    let status = host.sh("wharf status").ok().stdout;
    assert!(status.contains("not what /root/shop.lock says now: `wharf generate --now shop`"), "{status}");
    host.sh("wharf generate --now shop.toml").ok();
    assert!(!host.sh("wharf status").ok().stdout.contains("says now"));
    assert!(runs(&host).ends_with(&format!(" 127.0.0.1:5000/app:1@{second}")), "{}", runs(&host));
    assert_eq!(id(&host, "shop-db"), db, "it is left alone");
    assert_eq!(host.sh("stat -c %a shop.lock").ok().stdout, "640\n");

    // A stack that asks for more than the lock has is not generated.
    host.write("/root/shop.toml", &STACK.replace("busybox:2", "busybox:1"));
    let disagrees = host.sh("wharf check shop.toml");
    assert_eq!(disagrees.status, 3);
    assert!(
        disagrees.stderr.contains("the image `127.0.0.1:5000/busybox:1` is not in /root/shop.lock"),
        "{disagrees:?}"
    );
    assert!(disagrees.stderr.contains("`wharf lock` asks its registry for the digest"), "{disagrees:?}");
    assert_eq!(host.sh("wharf generate --now shop.toml").status, 3);
    assert_eq!(id(&host, "shop-db"), db);

    // All registries answer, or nothing is written.
    host.sh("systemctl stop docker-registry").ok();
    let lock = host.read("/root/shop.lock");
    let away = host.sh("wharf lock shop.toml");
    assert!(away.status == 1 && away.stderr.contains("127.0.0.1:5000/busybox:1: "), "{away:?}");
    assert_eq!(host.read("/root/shop.lock"), lock);
    host.sh("systemctl start docker-registry").ok();
    let changes = host.sh("wharf lock shop.toml").ok().stderr;
    assert!(changes.contains("127.0.0.1:5000/busybox:2: not used any more\n"), "{changes}");
    host.sh("wharf generate --now shop.toml").ok();
    assert_ne!(id(&host, "shop-db"), db);

    // What is no lock is told with its place; without the file, tags are what they are.
    host.sh("echo 'version = 2' >shop.lock").ok();
    let newer = host.sh("wharf check shop.toml");
    assert!(newer.status == 3 && newer.stderr.contains("this lock cannot be read: its version is 2"), "{newer:?}");
    host.sh("rm shop.lock; wharf generate --now shop.toml").ok();
    assert!(runs(&host).ends_with(" 127.0.0.1:5000/app:1"), "{}", runs(&host));
}

/// The generator of the boot heeds it, too.
#[test]
fn a_stack_of_etc_wharf_is_started_as_locked() {
    let host = Host::boot("locked");
    host.write("/etc/wharf/shop.toml", STACK);
    host.sh(&format!("{PUBLISH} {FORGET} wharf lock; {RELEASE} systemctl daemon-reload; systemctl start shop.target"))
        .ok();
    let lock = host.read("/etc/wharf/shop.lock");
    let image = host.inspect("shop-web", "{{.Config.Image}}");
    let digest = image.strip_prefix("127.0.0.1:5000/app:1@").expect("the locked image");
    assert!(lock.contains(&format!("[images.\"127.0.0.1:5000/app:1\"]\ndigest = \"{digest}\"\n")), "{image}: {lock}");
    assert_ne!(digest, at_registry(&host, "app", "1"));
    host.wait_for("the status shows the tag", || {
        let status = host.sh("wharf status shop").ok().stdout;
        status.contains(" 127.0.0.1:5000/app:1") && !status.contains("sha256")
    });
}

/// A build is made of the locked images, without a change of its Dockerfile.
#[test]
fn a_build_is_made_of_the_locked_images() {
    let host = Host::boot("bases");
    host.write(
        "/root/api/Dockerfile",
        "ARG TAG=2\nFROM 127.0.0.1:5000/app:$TAG\nARG X\nCOPY --from=127.0.0.1:5000/app:2 /etc /of2\n",
    );
    host.write(
        "/root/shop.toml",
        "[services.api]\nbuild = { context = \"/root/api\", args = { TAG = \"1\" } }\ncommand = \"tail -f /dev/null\"\n\
         stop_signal = \"SIGKILL\"\n[services.odd.build]\ncontext = \"/root\"\ndockerfile_inline = \"FROM app-$$TARGETARCH\"\n",
    );
    host.sh(&format!("{PUBLISH} {FORGET}")).ok();
    let told = host.sh("wharf lock shop.toml").ok().stderr;
    let open =
        "wharf: service odd: `app-$TARGETARCH` in its Dockerfile is not locked: only the build knows what it is\n";
    assert!(told.contains(open), "{told}");
    let lock = host.read("/root/shop.lock");
    let first = at_registry(&host, "app", "1");
    assert!(lock.contains(&format!("[images.\"127.0.0.1:5000/app:1\"]\ndigest = \"{first}\"\n")), "{lock}");
    assert!(lock.matches("builds = [\"api\"]\n").count() == 2, "{lock}");

    host.sh(&format!("{RELEASE} wharf generate shop.toml && systemctl start shop-api")).ok();
    // The two differ in a label, which what is built on them has, too.
    let version = |image: &str| {
        let format = "{{index .Config.Labels \"org.opencontainers.image.version\"}}";
        host.sh(&format!("docker image inspect --format '{format}' {image}")).ok().stdout
    };
    host.sh(&format!("docker pull -q 127.0.0.1:5000/app@{first}; docker pull -q 127.0.0.1:5000/app:1")).ok();
    assert_eq!(version("shop-api"), version(&format!("127.0.0.1:5000/app@{first}")));
    assert_ne!(version("shop-api"), version("127.0.0.1:5000/app:1"));

    // Locked again, it is built again.
    let moved = host.sh("wharf lock shop.toml; wharf generate --now --diff shop.toml").ok();
    assert!(moved.stdout.contains("context:127.0.0.1:5000/app:1"), "{moved:?}");
    host.sh("wharf generate --now shop.toml || true; systemctl is-active shop-api").ok();
    host.wait_for("the build with the new base", || version("shop-api") == version("127.0.0.1:5000/app:1"));
}
