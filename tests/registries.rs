//! Private images: a registry that asks for a password, and the places where a login may stand.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// Of all characters, those that base64 encodes differently for URLs.
const PASSWORD: &str = "ri?ght~~~>>>???~?>";

/// A second registry, which wants a login, and an image in it that this host does not have; and a stack of that image.
fn host_with_private_registry(hint: &str) -> Host {
    let host = Host::boot(hint);
    host.write(
        "/root/private.yml",
        "version: 0.1\nlog: { level: warn }\nstorage: { filesystem: { rootdirectory: /var/lib/private-registry } }\n\
         http: { addr: 127.0.0.1:5001 }\nauth: { htpasswd: { realm: private, path: /root/htpasswd } }\n",
    );
    host.write("/root/password", PASSWORD);
    host.sh("htpasswd -iBn ada </root/password >/root/htpasswd").ok();
    host.sh("systemd-run --quiet --unit=private-registry docker-registry serve /root/private.yml").ok();
    host.sh("for i in $(seq 50); do curl -so /dev/null http://127.0.0.1:5001/ && break; sleep 0.1; done
         docker pull --quiet 127.0.0.1:5000/busybox:1
         docker tag 127.0.0.1:5000/busybox:1 127.0.0.1:5001/app:1
         docker login --username ada --password-stdin 127.0.0.1:5001 </root/password
         docker push --quiet 127.0.0.1:5001/app:1
         docker rmi 127.0.0.1:5001/app:1
         mv /root/.docker/config.json /root/login.json")
        .ok();
    write_stack(&host, "");
    host
}

fn write_stack(host: &Host, more: &str) {
    let stack = "[services.web]\nimage = \"127.0.0.1:5001/app:1\"\ncommand = \"tail -f /dev/null\"\nstop_signal = \"SIGKILL\"\n";
    host.write("/etc/wharf/shop.toml", &format!("{stack}{more}"));
    host.sh("wharf generate").ok();
}

/// One line, the same in the status, the journal and of `wharf pull`, and no second attempt.
#[track_caller]
fn assert_refused(host: &Host, because: &str) {
    host.sh("systemctl reset-failed shop-web || true; timeout 20 systemctl start shop-web").fails();
    let status = host.property("shop-web", "StatusText");
    assert_eq!(status, format!("cannot pull image 127.0.0.1:5001/app:1: {because}"));
    assert_eq!(host.property("shop-web", "NRestarts"), "0");
    let log =
        "journalctl --output=cat _SYSTEMD_INVOCATION_ID=$(systemctl show --property=InvocationID --value shop-web)";
    let log = || host.sh(log).ok().stdout;
    host.wait_for("the journal's line", || log().lines().any(|line| line == status));
    let pulled = host.sh("wharf pull").fails().stderr;
    assert_eq!(pulled, format!("127.0.0.1:5001/app:1: pulling\n127.0.0.1:5001/app:1: failed: {because}\n"));
    assert!(!pulled.contains(PASSWORD) && !log().contains(PASSWORD));
}

/// Both can pull; then the image is taken away again.
#[track_caller]
fn assert_pulled(host: &Host) {
    host.sh("timeout 60 systemctl start shop-web").ok();
    assert_eq!(host.property("shop-web", "ActiveState"), "active");
    host.sh("systemctl stop shop-web && docker rmi 127.0.0.1:5001/app:1").ok();
}

#[test]
fn the_login_of_root_is_used_and_a_missing_or_wrong_one_is_named() {
    let host = host_with_private_registry("login");
    assert_refused(
        &host,
        "127.0.0.1:5001 wants a login and /root/.docker/config.json has none: log in as root (`docker login 127.0.0.1:5001`) \
         [Head \"http://127.0.0.1:5001/v2/app/manifests/1\": no basic auth credentials]",
    );

    host.write("/root/.docker/config.json", r#"{"auths": {"127.0.0.1:5001": {"auth": "YWRhOndyb25n"}}}"#);
    assert_refused(
        &host,
        "127.0.0.1:5001 refuses the login of /root/.docker/config.json: log in again as root (`docker login 127.0.0.1:5001`) \
         [unauthorized: authentication required]",
    );

    host.sh("cp /root/login.json /root/.docker/config.json").ok();
    assert_pulled(&host);
    host.sh("wharf pull").ok();

    // wharfd, too, has root's logins, as they were when it was started.
    host.sh("systemctl start shop-web && wharf diff --registry shop").ok();
    host.sh("echo '{}' >/root/.docker/config.json; systemctl restart wharfd").ok();
    let refused = host.sh("wharf diff --registry shop").fails();
    assert_eq!(refused.status, 1);
    let because = "shop-web.service: cannot ask the registry: 127.0.0.1:5001 wants a login and /root/.docker/config.json has none";
    assert!(refused.stderr.contains(because), "{}", refused.stderr);
}

#[test]
fn a_credential_helper_is_asked_and_a_broken_one_is_named() {
    let host = host_with_private_registry("helper");
    host.write("/root/.docker/config.json", r#"{"credHelpers": {"127.0.0.1:5001": "vault"}}"#);
    assert_refused(
        &host,
        "127.0.0.1:5001 wants a login and /root/.docker/config.json has none: log in as root (`docker login 127.0.0.1:5001`) \
         [/root/.docker/config.json: its credential helper cannot be executed]",
    );
    host.write(
        "/usr/local/bin/docker-credential-vault",
        "#!/bin/sh\nread server\necho 'the vault is sealed' >&2\nexit 1\n",
    );
    host.sh("chmod +x /usr/local/bin/docker-credential-vault").ok();
    assert_refused(
        &host,
        "127.0.0.1:5001 wants a login and /root/.docker/config.json has none: log in as root (`docker login 127.0.0.1:5001`) \
         [/root/.docker/config.json: the credential helper docker-credential-vault: the vault is sealed]",
    );

    let helper = "#!/bin/sh\nread server\n[ \"$1 $server\" = 'get 127.0.0.1:5001' ] || exit 1\n\
                  printf '{\"ServerURL\": \"%s\", \"Username\": \"ada\", \"Secret\": \"%s\"}' \"$server\" \"$(cat /root/password)\"\n";
    host.write("/usr/local/bin/docker-credential-vault", helper);
    assert_pulled(&host);
}

#[test]
fn a_login_may_be_an_encrypted_credential_of_the_host() {
    let host = host_with_private_registry("credential");
    host.sh("wharf secret encrypt docker-config.json </root/login.json && rm /root/login.json").ok();
    write_stack(&host, "[services.web.systemd.Service]\nImportCredential = \"docker-config.json\"\n");
    assert_pulled(&host);
    host.sh("systemd-run --quiet --wait --pipe --property=ImportCredential=docker-config.json wharf pull").ok();
}

#[test]
fn a_build_uses_the_same_logins_for_its_base_image() {
    let host = host_with_private_registry("baselogin");
    let stack = "[services.app.build]\ndockerfile_inline = \"FROM 127.0.0.1:5001/app:1\"\ncontext = \"/srv\"\n";
    host.write("/root/base.toml", stack);
    host.sh("wharf generate base.toml").ok();
    let assert_refused = |because: &str| {
        host.sh("timeout 20 systemctl start base-app-build").fails();
        let status = host.property("base-app-build", "StatusText");
        let said = format!("cannot build image base-app: the builder failed: {because}");
        assert!(status.starts_with(&said) && status.ends_with("401 Unauthorized]"), "{status}");
    };
    assert_refused("127.0.0.1:5001 wants a login and /root/.docker/config.json has none: log in as root");
    host.write("/root/.docker/config.json", r#"{"auths": {"127.0.0.1:5001": {"auth": "YWRhOndyb25n"}}}"#);
    assert_refused("127.0.0.1:5001 refuses the login of /root/.docker/config.json: log in again as root");
    host.sh("cp /root/login.json /root/.docker/config.json; systemctl start base-app-build").ok();
    assert_eq!(host.property("base-app-build", "StatusText"), "Image base-app is built");
}

/// A host in upper case is a registry, although it has neither a dot nor a port: a login to Docker Hub is not for it.
#[test]
fn the_password_for_docker_hub_is_sent_to_no_other_registry() {
    let host = Host::boot("otherhost");
    host.write(
        "/root/registry",
        "#!/bin/sh\nwhile read -r line && [ \"${line%?}\" ]; do echo \"$line\" >>/root/requests; done\n\
         printf 'HTTP/1.1 401 Unauthorized\\r\\nWWW-Authenticate: Basic realm=\"x\"\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n'\n",
    );
    host.write(
        "/root/.docker/config.json",
        r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YWRhOnNlY3JldA=="}}}"#,
    );
    host.write("/etc/systemd/system/other.socket", "[Socket]\nListenStream=127.0.0.1:80\nAccept=yes\n");
    host.write(
        "/etc/systemd/system/other@.service",
        "[Service]\nExecStart=/root/registry\nStandardInput=socket\nStandardError=journal\n",
    );
    host.sh("chmod +x /root/registry; echo 127.0.0.1 MYHOST >>/etc/hosts
         systemctl daemon-reload && systemctl start other.socket
         echo '{\"insecure-registries\": [\"MYHOST\"]}' >/etc/docker/daemon.json && systemctl restart docker")
        .ok();
    host.write("/etc/wharf/shop.toml", "[services.web]\nimage = \"MYHOST/app\"\n");
    let pulled = host.sh("wharf pull").fails().stderr;
    assert!(pulled.contains("MYHOST wants a login and /root/.docker/config.json has none"), "{pulled}");
    let requests = host.read("/root/requests");
    assert!(requests.contains("GET /v2/"), "{requests}");
    assert!(!requests.contains("Authorization"), "{requests}");

    host.write("/root/.docker/config.json", r#"{"auths": {"MYHOST": {"auth": "YWRhOm93bg=="}}}"#);
    host.sh("wharf pull").fails();
    let requests = host.read("/root/requests");
    assert!(requests.contains("Authorization: Basic YWRhOm93bg=="), "{requests}");
}
