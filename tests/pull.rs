//! When an image is fetched again, on a real host with a real registry.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, PUBLISH, RELEASE};

fn id_of(host: &Host, image: &str) -> String {
    let format = "{{.Id}}";
    host.sh(&format!("docker image inspect --format '{format}' 127.0.0.1:5000/{image}")).ok().stdout
}

fn id_run(host: &Host) -> String {
    host.sh("docker inspect --format '{{.Image}}' shop-web").ok().stdout
}

#[test]
fn an_image_is_refreshed_when_its_last_pull_is_old_and_not_before() {
    let host = Host::boot("refresh");
    host.write(
        "/root/shop.toml",
        "[services.web]\nimage = \"127.0.0.1:5000/app:1\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n\
         pull_policy = \"every_1h\"\n",
    );
    host.sh(&format!("{PUBLISH} wharf generate shop.toml; systemctl start shop-web")).ok();
    let (first, second) = (id_of(&host, "busybox:1"), id_of(&host, "busybox:2"));
    assert_ne!(first, second);

    // There is another one, but the last pull was just now.
    host.sh(&format!("{RELEASE} systemctl restart shop-web")).ok();
    assert_eq!(id_run(&host), first);
    host.sh("sed -i 's/every_1h/every_1s/' shop.toml; wharf generate shop.toml").ok();
    let restart = || host.sh("systemctl restart shop-web").ok();
    host.wait_for("the other one", || {
        restart();
        id_run(&host) == second
    });

    // Unchanged at the registry, it is still fetched, and that is noted.
    let noted = |host: &Host| {
        host.sh("docker image inspect --format '{{.Metadata.LastTagTime}}' 127.0.0.1:5000/app:1").ok().stdout
    };
    let before = noted(&host);
    host.wait_for("it is fetched again", || {
        restart();
        noted(&host) != before
    });

    // Without its registry, the one that is there does.
    host.sh("systemctl stop docker-registry").ok();
    host.wait_for("it cannot be fetched", || {
        restart();
        let log = host.sh("journalctl -u shop-web -o cat").ok().stdout;
        log.contains("cannot refresh image 127.0.0.1:5000/app:1, using the one on this host")
    });
    assert_eq!(id_run(&host), second);
}

/// Whether units and containers are as they were.
fn traces(host: &Host) -> String {
    let script = "docker ps --no-trunc --format '{{.ID}} {{.Names}}' | sort; sha256sum /etc/systemd/system/shop*";
    host.sh(script).ok().stdout
}

/// `api` goes down with `db`, whose definition has a number to change.
const THREE: &str = r#"
[services.web]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
[services.db]
image = "127.0.0.1:5000/busybox:1"
command = "sleep 100000"
stop_signal = "SIGKILL"
[services.api]
image = "127.0.0.1:5000/app:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
pull_policy = "always"
depends_on = ["db"]
"#;

#[test]
fn no_container_is_stopped_before_the_next_one_can_have_all_that_it_needs() {
    let host = Host::boot("before");
    host.write("/root/shop.toml", THREE);
    host.sh(&format!("{PUBLISH} wharf generate --now shop.toml")).ok();
    let refused_with = |stack: &str, reasons: &[&str], before: &str| {
        host.write("/root/shop.toml", stack);
        let out = host.sh("wharf generate --now shop.toml");
        assert_eq!(out.status, 1, "{out:?}");
        assert!(reasons.iter().all(|reason| out.stderr.contains(reason)), "{reasons:?}: {out:?}");
        assert!(out.stderr.contains("wharf: nothing was written and nothing was stopped"), "{out:?}");
        assert_eq!(traces(&host), *before, "{out:?}");
    };
    let before = traces(&host);
    let refused = |stack: &str, reasons: &[&str]| refused_with(stack, reasons, &before);
    let web = |from: &str, to: &str| THREE.replacen(from, to, 1);
    let image = "image = \"127.0.0.1:5000/busybox:1\"";
    refused(
        &web("busybox:1", "nowhere:1"),
        &[
            "127.0.0.1:5000/nowhere:1: failed: ",
            "wharf: shop-web.service: its image cannot be pulled: 127.0.0.1:5000/nowhere:1\n",
        ],
    );
    refused(
        &web(image, "image = \"here/only:1\"\npull_policy = \"never\""),
        &[
            "wharf: shop-web.service: its image is not on this host, and `pull_policy = \"never\"` does not pull it: here/only:1\n",
        ],
    );
    // A new service, of which nothing runs, beside one that is to be restarted.
    refused(
        &format!("{}[services.new]\nimage = \"127.0.0.1:5000/nowhere:2\"\n", THREE.replace("100000", "200000")),
        &["shop-new.service: its image cannot be pulled: 127.0.0.1:5000/nowhere:2"],
    );
    host.sh(
        "docker commit shop-web copy:1; docker create --name bare 127.0.0.1:5000/busybox:1 true; docker export bare >bare.tar; \
         docker import bare.tar none:1; docker import --platform linux/arm64 bare.tar arm:1; docker rm bare",
    )
    .ok();
    refused(
        &web("127.0.0.1:5000/busybox:1", "copy:1"),
        &["wharf: shop-web.service: image copy:1 has labels of a container of Wharf: "],
    );
    refused(
        &web("image = \"127.0.0.1:5000/busybox:1\"\ncommand = \"tail -f /dev/null\"", "image = \"none:1\""),
        &[
            "wharf: shop-web.service: image none:1 has no command, and the service has none: set its `command` or `entrypoint`\n",
        ],
    );
    refused(
        &web("127.0.0.1:5000/busybox:1", "arm:1"),
        &[
            "wharf: shop-web.service: image arm:1 is for linux/arm64, and this host is linux/amd64: use an image for this one, or set \
             the service's `platform` if it runs\n",
        ],
    );
    refused(
        &web(image, &format!("{image}\npull_policy = \"never\"\nplatform = \"linux/arm64\"")),
        &[
            "wharf: shop-web.service: image 127.0.0.1:5000/busybox:1 is for linux/amd64, and the service's `platform` is linux/arm64: \
             use another tag, or change `platform`\n",
        ],
    );
    let secret = |source: &str| web(image, &format!("{image}\nsecrets = [\"key\"]")) + "[secrets]\nkey." + source;
    refused(&secret("file = \"/root/key\""), &["wharf: shop-web.service: secret key: /root/key does not exist\n"]);
    refused(
        &secret("credential = \"shop.key\""),
        &["wharf: shop-web.service: secret key: this host has no credential named shop.key"],
    );
    let lists =
        web(image, &format!("{image}\nvolumes = [\"old:/a\", \"far:/b:Z\", \"made:/c\"]\nnetworks = [\"lan\"]"));
    let external = "[volumes]\nold.external = true\nfar.external = true\nmade = {}\n[networks]\nlan.external = true\n";
    refused(
        &(lists.clone() + external),
        &[
            "wharf: shop-web.service: there is no volume old, and the stack does not make it (`external`): create it (docker volume \
             create old), or remove `external`\n",
            "there is no volume far, ",
            "there is no network lan, and the stack does not make it (`external`): create it (docker network create lan)",
        ],
    );
    let ports = |list: &str| web(image, &format!("{image}\nports = [{list}]"));
    host.sh("docker run -d --name foreign -p 8099:80 -p 8097:80/udp 127.0.0.1:5000/busybox:1 tail -f /dev/null").ok();
    let before = traces(&host);
    let refused = |stack: &str, reasons: &[&str]| refused_with(stack, reasons, &before);
    refused(
        &ports("\"127.0.0.1:8099:80\", \"8098:80\", \"8097:80/udp\", \"5000:80\""),
        &[
            "wharf: shop-web.service: port 127.0.0.1:8099 of this host is published by the container foreign\n",
            "port 0.0.0.0:8097 of this host is published by the container foreign\n",
            "port 0.0.0.0:5000 of this host is in use by a program: `ss --listening --processes --numeric 'sport = :5000'` shows which\n",
        ],
    );
    host.sh("docker rm -f foreign; docker volume create old; docker volume create far; docker network create lan").ok();
    let before = traces(&host);
    let refused = |stack: &str, reasons: &[&str]| refused_with(stack, reasons, &before);
    // A unit that is not changed itself, but goes down with another one.
    host.sh("systemctl stop docker-registry").ok();
    refused(
        &THREE.replace("100000", "200000"),
        &["wharf: shop-api.service: its image cannot be pulled: 127.0.0.1:5000/app:1\n"],
    );
    host.sh("systemctl start docker-registry").ok();

    // What a container of the same project publishes may be about to become free.
    let moved = ports("\"8098:80\"");
    host.write("/root/shop.toml", &(lists.replacen(image, &format!("{image}\nports = [\"8098:80\"]"), 1) + external));
    host.sh("wharf generate --now shop.toml").ok();
    host.write("/root/shop.toml", &moved.replacen("[services.web]", "[services.web2]", 1));
    host.sh("wharf generate --now shop.toml").ok();
    assert_eq!(host.inspect("shop-web2", "{{json .NetworkSettings.Ports}}").matches("8098").count(), 2);

    // Once all can be had, the image is there before anything is stopped.
    host.sh("mkdir -p /etc/credstore; printf s >/etc/credstore/shop.key; docker rmi 127.0.0.1:5000/busybox:2").ok();
    host.write("/root/shop.toml", &secret("credential = \"shop.key\"").replace("busybox:1", "busybox:2"));
    let out = host.sh("wharf generate --now shop.toml").ok().stderr;
    let at = |line: &str| out.lines().position(|it| it == line).unwrap_or_else(|| panic!("{line}: {out}"));
    assert!(at("127.0.0.1:5000/busybox:2: pulling") < at("127.0.0.1:5000/busybox:2: done"), "{out}");
    assert!(at("127.0.0.1:5000/busybox:2: done") < at("started shop-web.service"), "{out}");
    assert_eq!(id_run(&host), id_of(&host, "busybox:2"));
    let again = host.sh("wharf generate --now shop.toml").ok().stderr;
    assert_eq!(again, "project shop: nothing changed\n");
}

/// `web` and both of `many` have an image that is released again; `once` has ended, `other` has another image.
const RELEASED: &str = r#"
[services.web]
image = "127.0.0.1:5000/app:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
[services.many]
image = "127.0.0.1:5000/app:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
scale = 2
[services.once]
image = "127.0.0.1:5000/app:1"
command = "true"
restart = "no"
[services.other]
image = "127.0.0.1:5000/busybox:1"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
"#;

#[test]
fn a_pull_names_what_still_runs_with_the_image_before() {
    let host = Host::boot("older");
    host.write("/root/shop.toml", RELEASED);
    host.sh(&format!("{PUBLISH} wharf generate shop.toml; systemctl start shop.target")).ok();
    let before = host.sh("wharf pull shop.toml").ok().stderr;
    assert!(!before.contains("older image"), "{before}");

    let pulled = host.sh(&format!("{RELEASE} wharf pull shop.toml")).ok().stderr;
    let units = ["shop-many@1.service", "shop-many@2.service", "shop-web.service"];
    let list = format!(
        "wharf: pulled, but running with an older image: {}; to restart them: `systemctl restart {}`\n",
        units.join(", "),
        units.join(" ")
    );
    assert!(pulled.ends_with(&list), "{pulled}");
    host.sh("systemctl restart shop-web.service shop-many@1.service").ok();
    let left = host.sh("wharf pull shop.toml").ok().stderr;
    assert!(
        left.ends_with(
            "wharf: pulled, but running with an older image: shop-many@2.service; to restart it: \
             `systemctl restart shop-many@2.service`\n"
        ),
        "{left}"
    );
    host.sh("systemctl restart shop-many@2.service").ok();
    assert!(!host.sh("wharf pull shop.toml").ok().stderr.contains("older image"));
}
