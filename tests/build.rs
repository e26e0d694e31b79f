//! Images that are built, on a real host.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

fn image(host: &Host) -> String {
    host.sh("docker image inspect --format '{{.Id}}' shop-web").ok().stdout
}

fn journal(host: &Host, unit: &str) -> String {
    host.sh(&format!("journalctl -u {unit} -o cat")).ok().stdout
}

/// What the container prints comes to the journal a moment after its unit is ready.
fn wait_for_line(host: &Host, line: &str) {
    host.wait_for(line, || journal(host, "shop-web").lines().any(|said| said == line));
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
    assert!(log.contains("[3/3] COPY . /srv\n") && log.contains("\nfrom-the-step\n"), "{log}");
    assert_eq!(host.property("shop-web-build", "StatusText"), "Image shop-web is built");
    let first = image(&host);
    let files = host.sh("docker run --rm shop-web find /srv").ok().stdout;
    assert!(files.contains("/srv/page") && !files.contains("notes"), "{files}");
    assert_eq!(host.sh("docker image inspect --format '{{.Id}}' shop/web:extra").ok().stdout, first);

    // Times and what is not sent do not count.
    host.sh("touch web/page; echo more >web/notes/private; systemctl restart shop-web-build").ok();
    assert_eq!(host.property("shop-web-build", "StatusText"), "Image shop-web is up to date");
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
    let status = host.property("shop-web-build", "StatusText");
    assert!(status.starts_with("cannot build image shop-web: the builder failed: "), "{status}");
    assert!(status.ends_with("did not complete successfully: exit code: 3"), "{status}");
    assert_eq!(host.property("shop-web-build", "ExecMainStatus"), "252");
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");

    host.sh("rm web/Dockerfile; systemctl start shop-web-build").fails();
    let status = host.property("shop-web-build", "StatusText");
    assert!(status.contains("there is no Dockerfile /root/web/Dockerfile"), "{status}");

    host.write("/root/web/Dockerfile", "FROM 127.0.0.1:5000/busybox:1\nRUNN echo\n");
    host.sh("systemctl start shop-web-build").fails();
    let status = host.property("shop-web-build", "StatusText");
    assert!(status.ends_with("dockerfile parse error on line 2"), "{status}");
    let log = journal(&host, "shop-web-build");
    assert!(log.contains("dockerfile parse error on line 2: unknown instruction: RUNN"), "{log}");

    host.write("/root/web/Dockerfile", DOCKERFILE);
    host.sh("systemctl start shop-web").ok();
    // An image that somebody removed is asked for by the name of its unit.
    host.sh("systemctl stop shop-web; docker rmi --force shop-web; systemctl start shop-web").fails();
    let status = host.property("shop-web", "StatusText");
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
        // On a busy machine, `docker run` now and then shows nothing of a container that ends at once.
        let prints = |command: &str, expected: &str| {
            host.wait_to_see(command, || {
                let shown = host.sh(&format!("docker run --rm kinds-{service} {command}")).ok().stdout;
                if shown == expected { Ok(()) } else { Err(shown) }
            });
        };
        let expected = format!(
            "/srv\n/srv/dangling\n/srv/deep\n/srv/deep/link\n/srv/deep/{long}\n/srv/deep/{long}/file\n/srv/empty\n/srv/large\n/srv/tool\n"
        );
        prints("find /srv | sort", &expected);
        prints("stat -c '%a %u' /srv/deep/link /srv/tool", "777 0\n700 0\n");
    }
    assert!(journal(&host, "kinds-inline-build").contains("/root/kinds/pipe is not a file, directory or link"));
}

/// The context belongs to ada, who puts into it what she may not read herself.
#[test]
fn a_context_gives_its_owner_nothing_of_roots() {
    let host = prepared("stolen");
    host.sh("sed -i 's,\"web\",\"/srv/ada/web\",' shop.toml; useradd ada; mkdir -p /srv/ada; mv web /srv/ada/
         echo hunter2 >/root/secret; chmod 600 /root/secret; echo 'FROM hunter2' >/root/Dockerfile
         chown -R ada: /srv/ada; cp -a /srv/ada/web /srv/ada/whole; wharf generate shop.toml")
        .ok();
    let attempts = [
        ("ln -sf /root/secret Dockerfile", "web/Dockerfile: a link leads out of /srv/ada/web"),
        ("ln -sf /root/secret Dockerfile.dockerignore", "Dockerfile.dockerignore: a link leads out of /srv/ada/web"),
        ("ln -sf /root/secret .dockerignore", "web/.dockerignore: a link leads out of /srv/ada/web"),
        ("rm Dockerfile; mkfifo Dockerfile", "web/Dockerfile: it is a FIFO, not a regular file"),
        ("rm .dockerignore; mkfifo .dockerignore", "web/.dockerignore: it is a FIFO, not a regular file"),
        ("truncate -s 1T Dockerfile", "web/Dockerfile: it is larger than 1 MiB"),
        (
            "cd ..; mv web old; ln -s /root web",
            "the link /srv/ada/web belongs to user 1000, but leads to a directory of user 0",
        ),
    ];
    for (attempt, reason) in attempts {
        host.sh(&format!("cd /srv/ada; rm -rf web old; cp -a whole web; su ada -c 'cd /srv/ada/web; {attempt}'")).ok();
        host.sh("systemctl reset-failed shop-web-build || true; timeout 60 systemctl restart shop-web-build").fails();
        let status = host.property("shop-web-build", "StatusText");
        assert!(status.contains(reason), "{attempt}: {status}");
    }
    // What ada may read herself she may build from: a link of hers to her own directory, and any link as what it is.
    host.sh("cd /srv/ada; rm web; su ada -c 'cd /srv/ada; ln -s whole web; ln -s /root/secret web/link'
         systemctl reset-failed shop-web-build; systemctl restart shop-web-build && docker run --rm shop-web readlink /srv/link")
        .ok();
    let said = host.sh("journalctl -o cat -u shop-web-build; systemctl show shop-web-build").ok().stdout;
    assert!(!said.contains("hunter2"), "{said}");
}

const MODERN_STACK: &str = r#"
[services.base]
build = "base"
command = "true"
restart = "no"

[services.web]
command = "true"
restart = "no"
[services.web.build]
context = "web"
secrets = ["from_file", { source = "from_environment", target = "token" }, "sealed"]
extra_hosts = ["one.example=192.0.2.1", "six.example=[2001:db8::6]", "here.example=host-gateway"]
ulimits = { nofile = 1234 }
shm_size = "3g"
additional_contexts = { base = "service:base", more = "./more" }

[secrets]
from_file = { file = "./secret" }
from_environment = { environment = "TOKEN" }
sealed = { credential = "./sealed" }
"#;

const MODERN_DOCKERFILE: &str = r#"FROM 127.0.0.1:5000/busybox:1
RUN --mount=type=secret,id=from_file,required=true --mount=type=secret,id=token,required=true \
    --mount=type=secret,id=sealed,required=true \
    cat /run/secrets/from_file /run/secrets/token /run/secrets/sealed | sha256sum | cut -c -64 >/sum
RUN --mount=type=cache,target=/cache echo once >>/cache/times && wc -l </cache/times >/times
RUN <<END
grep example /etc/hosts >/hosts
ulimit -n >/files
df -m /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2 >/shm
END
COPY --link . /srv
COPY --from=base /base /base
COPY --from=more . /more
"#;

const VALUES: [&str; 3] = ["value-of-a-file", "value-of-a-variable", "value-that-was-sealed"];

fn in_image(host: &Host, command: &str) -> String {
    host.sh(&format!("docker run --rm shop-web {command}")).ok().stdout
}

#[test]
fn a_dockerfile_of_today_gets_secrets_caches_hosts_and_further_contexts() {
    let host = Host::boot("modern");
    host.write("/root/shop.toml", MODERN_STACK);
    host.write("/root/web/Dockerfile", MODERN_DOCKERFILE);
    host.write("/root/web/.dockerignore", "Dockerfile\n.dockerignore\n");
    host.write("/root/web/page", "welcome\n");
    host.write("/root/base/Dockerfile", "FROM 127.0.0.1:5000/busybox:1\nRUN echo first >/base\n");
    host.write("/root/more/list", "more\n");
    host.write("/root/more/private", "not sent\n");
    host.write("/root/more/.dockerignore", "private\n.dockerignore\n");
    host.write("/root/secret", VALUES[0]);
    host.sh(&format!("printf %s {} | wharf secret encrypt ./sealed", VALUES[2])).ok();
    host.sh(&format!("TOKEN={} wharf generate shop.toml && systemctl start shop-web-build", VALUES[1])).ok();

    let sum = host.sh(&format!("printf %s {} | sha256sum | cut -c -64", VALUES.concat())).ok().stdout;
    assert_eq!(in_image(&host, "cat /sum /times /files /shm /base"), format!("{sum}1\n1234\n3072\nfirst\n"));
    let hosts = in_image(&host, "cat /hosts");
    assert!(hosts.starts_with("192.0.2.1\tone.example\n2001:db8::6\tsix.example\n172."), "{hosts}");
    assert_eq!(in_image(&host, "find /srv /more -type f"), "/srv/page\n/more/list\n");

    // Only root's file of values has one that stands nowhere else.
    let everything = "docker history --no-trunc shop-web; docker image inspect shop-web; journalctl -o export; \
         systemctl cat 'shop-*'; systemctl show 'shop-*'; cat /etc/systemd/system/shop-*.build.json";
    let said = host.sh(everything).ok().stdout;
    assert!(VALUES.iter().all(|value| !said.contains(value)));
    let holders = host.sh("cd /etc/systemd/system; grep -rl value-of- .; stat -c %a shop-web-build.values.json").ok();
    assert_eq!(holders.stdout, "./shop-web-build.values.json\n600\n");

    // A change builds again, with the secrets too when the unit is reloaded; the step that needs none of it is not run again.
    host.sh("echo changed >web/page; sed -i s/sha256sum/md5sum/ web/Dockerfile; systemctl reload shop-web-build").ok();
    assert_eq!(in_image(&host, "cat /srv/page /times"), "changed\n2\n");
    host.sh("echo new >secret; systemctl restart shop-web-build").ok();
    assert_eq!(host.property("shop-web-build", "StatusText"), "Image shop-web is up to date");

    // An image of the stack that it is made of is a part of it.
    host.sh(
        "sed -i s/first/second/ base/Dockerfile; systemctl restart shop-base-build; systemctl start shop-web-build",
    )
    .ok();
    assert_eq!(host.property("shop-web-build", "StatusText"), "Image shop-web is built");
    assert_eq!(in_image(&host, "cat /base"), "second\n");
}

#[test]
fn a_build_that_is_stopped_ends_at_the_engine_too() {
    let host = prepared("stopbuild");
    host.write("/root/web/Dockerfile", "FROM 127.0.0.1:5000/busybox:1\nRUN echo begun; sleep 1234\n");
    host.sh("wharf generate shop.toml; systemctl start --no-block shop-web-build").ok();
    host.wait_for("the step", || journal(&host, "shop-web-build").contains("\nbegun\n"));
    let status = host.property("shop-web-build", "StatusText");
    assert_eq!(status, "Building shop-web [2/2]");
    assert_eq!(host.sh("pgrep -fc '^sleep 1234'").ok().stdout, "1\n");
    host.sh("systemctl stop shop-web-build").ok();
    host.wait_for("the end of the step", || host.sh("pgrep -f '^sleep 1234'").status == 1);
}

/// Between us and the engine, as if that had been built without BuildKit.
const WITHOUT_BUILDKIT: &str = r#"#!/bin/bash
read -r line
if [[ $line == *" /grpc "* ]]; then
    printf 'HTTP/1.1 404 Not Found\r\nContent-Length: 28\r\n\r\n{"message":"page not found"}'
else
    { printf '%s\n' "$line"; cat; } | socat - UNIX-CONNECT:/run/docker.sock
fi
"#;

#[test]
fn an_engine_without_buildkit_is_told_in_one_line() {
    let host = prepared("nobuildkit");
    host.write("/root/without-buildkit", WITHOUT_BUILDKIT);
    host.write(
        "/etc/systemd/system/shop-web-build.service.d/engine.conf",
        "[Service]\nEnvironment=DOCKER_HOST=unix:///run/without-buildkit.sock\n",
    );
    host.sh("chmod +x without-buildkit
         systemd-run --quiet socat UNIX-LISTEN:/run/without-buildkit.sock,fork EXEC:/root/without-buildkit
         until [ -S /run/without-buildkit.sock ]; do sleep 0.1; done
         wharf generate shop.toml")
        .ok();
    host.sh("timeout 20 systemctl start shop-web-build").fails();
    let status = host.property("shop-web-build", "StatusText");
    assert_eq!(
        status,
        "cannot build image shop-web: the builder failed: this engine has no BuildKit, which a build needs: use Docker \
         Engine 23 or later, or an image that is built elsewhere [POST /grpc: 404 {\"message\":\"page not found\"}]"
    );
    assert_eq!(journal(&host, "shop-web-build").lines().filter(|line| line.contains("BuildKit")).count(), 1);
}
