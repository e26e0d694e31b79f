//! Several containers of one service, and containers that live in another's namespaces, on a real host.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, IMAGE};

fn generate(host: &Host, options: &str, stack: &str) -> String {
    host.write("/root/shop.toml", &stack.replace("IMAGE", IMAGE));
    host.sh(&format!("wharf generate {options} /root/shop.toml 2>&1")).ok().stdout
}

fn id(host: &Host, container: &str) -> String {
    host.sh(&format!("docker inspect --format '{{{{.Id}}}}' {container}")).ok().stdout.trim().to_owned()
}

fn running(host: &Host) -> Vec<String> {
    let names = host.sh("docker ps --format '{{.Names}}' | sort").ok().stdout;
    names.lines().map(str::to_owned).collect()
}

fn web(scale: u32) -> String {
    format!(
        r#"
[services.web]
image = "IMAGE"
scale = {scale}
command = ["sh", "-c", "echo $(hostname) > /index.html; exec httpd -f -h /"]
ports = ["8080-8089:80"]
stop_signal = "SIGKILL"

[services.proxy]
image = "IMAGE"
command = "tail -f /dev/null"
depends_on = ["web"]
stop_signal = "SIGKILL"
"#
    )
}

#[test]
fn changing_the_number_touches_no_other_instance() {
    let host = Host::boot("replicas");
    generate(&host, "--now", &web(2));
    assert_eq!(running(&host), ["shop-proxy", "shop-web-1", "shop-web-2"]);
    // One name leads to all of them.
    let found = host.sh("docker exec shop-proxy nslookup web 127.0.0.11 | grep -c '^Address.*172'").ok();
    assert_eq!(found.stdout.trim(), "2");
    // Each has a port of the range.
    let ports = host.sh("for n in 1 2; do docker port shop-web-$n 80/tcp | head -1; done").ok().stdout;
    for address in ports.lines() {
        host.sh(&format!("curl -fsS --retry 20 --retry-connrefused --retry-delay 1 http://{address}/")).ok();
    }

    let before: Vec<String> = ["shop-proxy", "shop-web-1", "shop-web-2"].iter().map(|name| id(&host, name)).collect();
    generate(&host, "--now", &web(3));
    assert_eq!(running(&host), ["shop-proxy", "shop-web-1", "shop-web-2", "shop-web-3"]);
    let status = host.sh("wharf status && wharf status --json").ok().stdout;
    assert!(status.contains("│  └─ shop-web@3.service") && status.contains("\"shop-web-3\""), "{status}");
    // One more by hand; it goes down with the stack as any other.
    host.sh("systemctl start shop-web@4.service").ok();
    assert_eq!(running(&host).len(), 5);
    let said = generate(&host, "", &web(2));
    assert!(said.contains("shop-web@3.service runs beyond the service's replicas"), "{said}");
    assert_eq!(running(&host).len(), 5, "nothing is stopped without --now");
    generate(&host, "--now", &web(2));
    assert_eq!(running(&host), ["shop-proxy", "shop-web-1", "shop-web-2"]);
    let after: Vec<String> = ["shop-proxy", "shop-web-1", "shop-web-2"].iter().map(|name| id(&host, name)).collect();
    assert_eq!(before, after);
    assert!(host.sh("wharf generate --now /root/shop.toml 2>&1").ok().stdout.contains("nothing changed"));

    // What is done to one of them by hand is no affair of what depends on the service.
    host.sh("systemctl restart shop-web@1.service && systemctl stop shop-web@2.service").ok();
    assert_eq!(running(&host), ["shop-proxy", "shop-web-1"]);
    assert_eq!(id(&host, "shop-proxy"), before[0]);
    host.sh("systemctl start shop-web@2.service").ok();
    let after: Vec<String> = ["shop-proxy", "shop-web-1", "shop-web-2"].iter().map(|name| id(&host, name)).collect();

    // A crash is the instance's own affair.
    host.sh("docker kill shop-web-2").ok();
    host.wait_for("the second instance is back", || running(&host).len() == 3 && id(&host, "shop-web-2") != after[2]);
    assert_eq!([id(&host, "shop-proxy"), id(&host, "shop-web-1")], [after[0].clone(), after[1].clone()]);
    // So is the death of its supervisor.
    let second = id(&host, "shop-web-2");
    host.sh("systemctl kill --kill-whom=main -s KILL shop-web@2.service").ok();
    host.wait_for("the supervisor is back", || {
        host.property("shop-web@2.service", "ActiveState") == "active"
            && host.property("shop-web@2.service", "NRestarts") != "1"
    });
    assert_eq!(id(&host, "shop-web-2"), second);

    // What cannot start is told, replica by replica.
    let failing = web(2).replace("scale = 2", "scale = 2\nuser = \"nobody-knows\"");
    host.write("/root/shop.toml", &failing.replace("IMAGE", IMAGE));
    let failed = host.sh("wharf generate --now /root/shop.toml 2>&1");
    assert_eq!(failed.status, 1);
    for unit in ["shop-web@1.service", "shop-web@2.service"] {
        assert!(failed.stdout.contains(&format!("wharf: {unit}: failed: exit status 252")), "{}", failed.stdout);
    }
    let status = host.sh("wharf status").stdout;
    assert_eq!(status.matches("failed: exit-code 252: cannot start container shop-web-").count(), 2, "{status}");
    // Without any, what depends on the service does not start.
    host.sh("systemctl stop shop.target 'shop-*.service'").ok();
    assert_ne!(host.sh("systemctl start shop-proxy.service").status, 0);
    assert_eq!(host.property("shop-proxy.service", "ActiveState"), "inactive");

    host.sh("wharf remove shop").ok();
    assert!(running(&host).is_empty());
    assert_eq!(host.sh("docker ps -aq | wc -l").ok().stdout.trim(), "0");
}

#[test]
fn a_container_in_anothers_namespace_follows_it() {
    let host = Host::boot("sharing");
    generate(
        &host,
        "--now",
        r#"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"

[services.sidecar]
image = "IMAGE"
command = "httpd -f -p 81"
network_mode = "service:web"
pid = "service:web"
stop_signal = "SIGKILL"

[services.other]
image = "IMAGE"
command = "tail -f /dev/null"
depends_on = ["web"]
stop_signal = "SIGKILL"
"#,
    );
    let reach = "docker exec shop-web wget -q -O /dev/null -T 2 http://127.0.0.1:81/etc/hostname";
    host.wait_for("the sidecar serves in the owner's network", || host.sh(reach).status == 0);
    let (sidecar, other) = (id(&host, "shop-sidecar"), id(&host, "shop-other"));
    host.sh("systemctl kill --kill-whom=main -s KILL shop-sidecar.service").ok();
    host.wait_for("the sidecar's supervisor is back", || {
        host.property("shop-sidecar.service", "NRestarts") == "1"
            && host.property("shop-sidecar.service", "ActiveState") == "active"
    });
    assert_eq!(id(&host, "shop-sidecar"), sidecar, "adopted, for its owner is the same");

    host.sh("docker kill shop-web").ok();
    host.wait_for("the sidecar serves in the new container's network", || host.sh(reach).status == 0);
    assert_ne!(id(&host, "shop-sidecar"), sidecar);
    assert_eq!(id(&host, "shop-other"), other, "who only depends is left alone");
}
