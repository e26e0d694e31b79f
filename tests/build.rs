//! Images that are built, on a real host.

mod support;

use std::time::Duration;

use support::Host;

fn property(host: &Host, unit: &str, name: &str) -> String {
    host.sh(&format!("systemctl show --property={name} --value {unit}")).ok().stdout.trim().to_owned()
}

fn image(host: &Host) -> String {
    host.sh("docker image inspect --format '{{.Id}}' shop-web").ok().stdout
}

fn journal(host: &Host, unit: &str) -> String {
    host.sh(&format!("journalctl -u {unit} -o cat")).ok().stdout
}

/// What the container prints comes to the journal a moment after its unit is ready.
fn wait_for_line(host: &Host, line: &str) {
    host.wait_for(line, Duration::from_secs(10), || journal(host, "shop-web").lines().any(|said| said == line));
}

const STACK: &str = r#"
[services.web]
command = "cat /srv/page /version"
restart = "no"
ready = "started"
[services.web.build]
context = "web"
args = { VERSION = "one" }
tags = ["shop/web:extra"]
"#;

const DOCKERFILE: &str = "FROM 127.0.0.1:5000/busybox:1
ARG VERSION
RUN echo version $VERSION >/version; echo from-the-step >&2
COPY . /srv
";

fn prepared(hint: &str) -> Host {
    let host = Host::boot(hint);
    host.write("/root/shop.toml", STACK);
    host.write("/root/web/Dockerfile", DOCKERFILE);
    host.write("/root/web/page", "welcome\n");
    host.write("/root/web/notes/private", "secret\n");
    host.write("/root/web/.dockerignore", "notes\n");
    host
}

#[test]
fn an_image_is_built_before_its_container_and_again_only_when_something_changed() {
    let host = prepared("build");
    host.sh("wharf generate shop.toml; systemctl start shop-web").ok();
    wait_for_line(&host, "welcome");
    wait_for_line(&host, "version one");
    let log = journal(&host, "shop-web-build");
    assert!(log.contains(" : COPY . /srv") && log.contains("\nfrom-the-step"), "{log}");
    assert_eq!(property(&host, "shop-web-build", "StatusText"), "Image shop-web is built");
    let first = image(&host);
    let files = host.sh("docker run --rm shop-web find /srv").ok().stdout;
    assert!(files.contains("/srv/page") && !files.contains("notes"), "{files}");
    assert_eq!(host.sh("docker image inspect --format '{{.Id}}' shop/web:extra").ok().stdout, first);

    // Times and what is not sent do not count.
    host.sh("touch web/page; echo more >web/notes/private; systemctl restart shop-web-build").ok();
    assert_eq!(property(&host, "shop-web-build", "StatusText"), "Image shop-web is up to date");
    assert_eq!(image(&host), first);

    // A reload builds without touching what runs.
    host.sh("echo changed >web/page; systemctl reload shop-web-build").ok();
    let second = image(&host);
    assert_ne!(second, first);
    host.sh("systemctl restart shop-web").ok();
    wait_for_line(&host, "changed");

    host.sh("sed -i s/one/two/ shop.toml; wharf generate shop.toml; systemctl reload shop-web-build").ok();
    assert_ne!(image(&host), second);
    host.sh("wharf pull shop.toml").ok();
    assert_eq!(host.sh("wharf generate --check shop.toml").ok().stdout, "");
}

#[test]
fn a_build_that_fails_says_why_and_keeps_its_container_down() {
    let host = prepared("badbuild");
    host.write("/root/web/Dockerfile", "FROM 127.0.0.1:5000/busybox:1\nRUN echo no compiler; exit 3\n");
    host.sh("wharf generate shop.toml").ok();
    let said = host.sh("systemctl start shop-web").fails();
    assert!(said.stderr.contains("dependency"), "{said:?}");
    let log = journal(&host, "shop-web-build");
    assert!(log.contains("no compiler"), "{log}");
    let status = property(&host, "shop-web-build", "StatusText");
    assert!(status.starts_with("cannot build image shop-web: the builder failed: "), "{status}");
    assert!(status.contains("returned a non-zero code: 3"), "{status}");
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");

    host.sh("rm web/Dockerfile; systemctl start shop-web-build").fails();
    let status = property(&host, "shop-web-build", "StatusText");
    assert!(status.contains("there is no Dockerfile /root/web/Dockerfile"), "{status}");

    host.write("/root/web/Dockerfile", DOCKERFILE);
    host.sh("systemctl start shop-web").ok();
    // An image that somebody removed is asked for by the name of its unit.
    host.sh("systemctl stop shop-web; docker rmi --force shop-web; systemctl start shop-web").fails();
    let status = property(&host, "shop-web", "StatusText");
    assert!(status.contains("systemctl restart shop-web-build.service"), "{status}");
    host.sh("systemctl restart shop-web-build && systemctl start shop-web").ok();
}

#[test]
fn a_dockerfile_from_elsewhere_stays_out_of_the_image_and_every_kind_of_file_arrives() {
    let host = prepared("kinds");
    host.write(
        "/root/kinds.toml",
        r#"
        [services.inline]
        command = "true"
        restart = "no"
        [services.inline.build]
        context = "kinds"
        dockerfile_inline = """
        FROM 127.0.0.1:5000/busybox:1
        COPY . /srv
        """
        [services.outside]
        command = "true"
        restart = "no"
        build = { context = "kinds", dockerfile = "../outside.Dockerfile" }
        "#,
    );
    host.write("/root/outside.Dockerfile", "FROM 127.0.0.1:5000/busybox:1\nCOPY . /srv\n");
    let long = "n".repeat(150);
    host.sh(&format!(
        "mkdir -p kinds/empty kinds/deep/{long}; cd kinds; echo x >deep/{long}/file; install -m 700 /bin/true tool
         ln -s ../tool deep/link; ln -s /nowhere dangling; mkfifo pipe; truncate -s 20M large
         cd ..; wharf generate kinds.toml; systemctl start kinds.target"
    ))
    .ok();
    for service in ["inline", "outside"] {
        host.sh(&format!("systemctl start kinds-{service}-build")).ok();
        let list = host.sh(&format!("docker run --rm kinds-{service} find /srv | sort")).ok().stdout;
        let expected = format!(
            "/srv\n/srv/dangling\n/srv/deep\n/srv/deep/link\n/srv/deep/{long}\n/srv/deep/{long}/file\n/srv/empty\n/srv/large\n/srv/tool\n"
        );
        assert_eq!(list, expected);
        let tool = host.sh(&format!("docker run --rm kinds-{service} stat -c '%a %u' /srv/deep/link /srv/tool")).ok();
        assert_eq!(tool.stdout, "777 0\n700 0\n");
    }
    assert!(journal(&host, "kinds-inline-build").contains("/root/kinds/pipe is no file, directory or link"));
}
