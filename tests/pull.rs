//! When an image is fetched again, on a real host with a real registry.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// `app:1` and `app:2` at the registry; `release` makes `app:1` there what `app:2` is.
const PUBLISH: &str = r#"
for tag in 1 2; do
    docker pull -q 127.0.0.1:5000/busybox:$tag >/dev/null
    docker tag 127.0.0.1:5000/busybox:$tag 127.0.0.1:5000/app:$tag
    docker push -q 127.0.0.1:5000/app:$tag >/dev/null
    docker rmi 127.0.0.1:5000/app:$tag >/dev/null
done
"#;
const RELEASE: &str = r#"
type=application/vnd.docker.distribution.manifest.v2+json
manifests=http://127.0.0.1:5000/v2/app/manifests
curl -sf -H "Accept: $type" $manifests/2 >manifest
curl -sf -X PUT -H "Content-Type: $type" --data-binary @manifest $manifests/1
"#;

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
