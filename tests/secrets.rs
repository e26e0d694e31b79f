//! Secrets and configs on a real host: who can read them, and that nobody else can.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, IMAGE};

fn write_stack(host: &Host, stack: &str) {
    host.write("/etc/wharf/shop.toml", &stack.replace("IMAGE", IMAGE));
}

fn exec(host: &Host, command: &str) -> String {
    host.sh(&format!("docker exec shop-web {command}")).ok().stdout
}

/// A secret from each source, read by a user who is not root.
const SOURCES: &str = r#"
name = "shop"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
user = "1000:1000"
networks = {}
secrets = [
  "of_file",
  { source = "of_environment", uid = 1000, gid = 1000, mode = 0o400 },
  { source = "of_host", target = "/etc/app/host" },
  "of_encrypted",
  "of_store",
]
configs = ["motd"]
[secrets]
of_file.file = "/root/of_file"
of_environment.environment = "OF_ENVIRONMENT"
of_host.credential = "shop.of_host"
of_encrypted.credential = "/root/shop.cred"
of_store.external = true
[configs.motd]
content = "kumquat-of-content"
"#;

/// All values begin with the same word, by which they are searched for.
fn host_with_secrets(hint: &str) -> Host {
    let host = Host::boot(hint);
    write_stack(&host, SOURCES);
    host.sh("umask 077; mkdir -p /etc/credstore /etc/credstore.encrypted
         printf kumquat-of-file >/root/of_file
         printf kumquat-of-host >/etc/credstore/shop.of_host
         printf kumquat-of-encrypted | systemd-creds encrypt --name=shop.cred - /root/shop.cred
         printf kumquat-of-store | wharf secret encrypt of_store
         printf kumquat-anew | wharf secret encrypt ./another.cred
         [ $(stat -c %a another.cred /etc/credstore.encrypted/of_store | uniq) = 600 ]
         [ $(systemd-creds decrypt another.cred -) = kumquat-anew ]")
        .ok();
    host.sh("OF_ENVIRONMENT=kumquat-of-environment wharf generate && systemctl start shop.target").ok();
    host
}

const READ_ALL: &str = "sh -c 'for f in /run/secrets/* /etc/app/host /motd; do echo \"$f $(cat $f)\"; done'";

const ALL: &str = "/run/secrets/of_encrypted kumquat-of-encrypted\n/run/secrets/of_environment kumquat-of-environment\n\
                   /run/secrets/of_file kumquat-of-file\n/run/secrets/of_store kumquat-of-store\n\
                   /etc/app/host kumquat-of-host\n/motd kumquat-of-content\n";

#[test]
fn a_container_reads_its_secrets_whatever_their_source_and_nobody_else_does() {
    let host = host_with_secrets("secrets");
    assert_eq!(exec(&host, READ_ALL), ALL);
    let owners = exec(&host, "stat -c '%a %u:%g' /run/secrets/of_file /run/secrets/of_environment /motd");
    assert_eq!(owners, "444 0:0\n400 1000:1000\n444 0:0\n");
    // Not even root of the container writes to them.
    host.sh("docker exec --user 0 shop-web sh -c 'echo x > /run/secrets/of_file'").fails();
    // Another user of the host reads neither the copies nor the file with values.
    let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups cat";
    host.sh(&format!("{nobody} /run/wharf/shop-web/*")).fails();
    host.sh(&format!("{nobody} /etc/systemd/system/shop-web.values.json")).fails();
    host.sh(&format!("{nobody} /run/credentials/shop-web.service/*")).fails();
}

#[test]
fn a_value_is_in_no_unit_no_spec_no_environment_no_inspect_data_and_no_log() {
    let host = host_with_secrets("nowhere");
    assert_eq!(exec(&host, READ_ALL), ALL);
    let search = r#"
        {
            cat /etc/systemd/system/*.service /etc/systemd/system/*.target
            cat /etc/systemd/system/*.container.json /etc/systemd/system/*.network.json
            systemctl show --all '*'
            systemctl status shop-web
            docker inspect shop-web
            docker events --since 10m --until 0s
            journalctl --no-pager --output=export
            wharf status --json
            cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline
            cat /run/systemd/units/* /run/docker/containerd/daemon/*/*/*/config.json
        } 2>/dev/null | tr '\0' '\n' >/root/everywhere || true
        test $(grep --count shop-web /root/everywhere) -gt 50
        # So written that this very script is no find.
        ! grep --text kumqua[t] /root/everywhere
    "#;
    host.sh(search).ok();
    // Neither does a dry run show one, of the value that is or of the next.
    let shown = host.sh("OF_ENVIRONMENT=kumquat-next wharf generate --dry-run 2>&1; OF_ENVIRONMENT=kumquat-next wharf generate --diff 2>&1");
    let shown = shown.ok().stdout;
    assert!(shown.contains("!/values/secret.of_environment") && !shown.contains("kumquat"), "{shown}");
}

#[test]
fn a_stop_takes_the_copies_away_and_a_restart_brings_new_values() {
    let host = host_with_secrets("restart");
    // Neither they nor what wharf-run holds of them reaches a disk.
    assert_eq!(host.property("shop-web", "MemorySwapMax"), "0");
    assert_eq!(host.property("shop-web", "LimitCORE"), "0");
    host.sh("printf kumquat-anew >/root/of_file && systemctl restart shop-web").ok();
    assert_eq!(exec(&host, "cat /run/secrets/of_file"), "kumquat-anew");

    // Of a value in the environment generate knows that it is another one, and of the same that it is the same.
    let same = host.sh("OF_ENVIRONMENT=kumquat-of-environment wharf generate --check").ok().stderr;
    assert_eq!(same, "project shop: nothing changed\n");
    let said = host.sh("OF_ENVIRONMENT=kumquat-next wharf generate --now").ok().stderr;
    assert!(said.contains("update shop-web.values.json") && said.contains("started shop-web.service"), "{said}");
    assert_eq!(exec(&host, "cat /run/secrets/of_environment"), "kumquat-next");

    let without = host.sh("wharf generate").fails().stderr;
    assert!(without.contains("the secret `of_environment` reads the variable `OF_ENVIRONMENT`"), "{without}");

    host.sh("systemctl stop shop-web shop.target").ok();
    host.sh("! ls /run/wharf/shop-web && ! ls /run/credentials/shop-web.service").ok();
    host.sh("OF_ENVIRONMENT=x wharf remove shop && ! ls /etc/systemd/system/shop-web.values.json").ok();
}

#[test]
fn a_container_keeps_its_secrets_when_its_supervisor_is_killed() {
    let host = host_with_secrets("adopted");
    let id = host.sh("docker inspect --format '{{.Id}}' shop-web").ok().stdout;
    for _ in 0..2 {
        let pid = host.property("shop-web", "MainPID");
        host.sh(&format!("kill -KILL {pid}")).ok();
        host.wait_for("the next wharf-run", || {
            let now = host.property("shop-web", "MainPID");
            now != "0" && now != pid && host.property("shop-web", "ActiveState") == "active"
        });
        assert_eq!(host.sh("docker inspect --format '{{.Id}}' shop-web").ok().stdout, id);
        assert_eq!(exec(&host, READ_ALL), ALL);
    }
}

#[test]
fn a_secret_is_a_variable_where_the_service_asks_for_one() {
    let host = Host::boot("variable");
    write_stack(
        &host,
        r#"
name = "shop"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
environment.PLAIN = "1"
secrets = [{ source = "password", type = "env", target = "PGPASSWORD" }, { source = "TOKEN", type = "env" }]
[secrets]
password.file = "/root/password"
TOKEN.environment = "TOKEN"
"#,
    );
    host.sh("umask 077; printf kumquat >/root/password; TOKEN=pear wharf generate && systemctl start shop-web").ok();
    let variables = r#"sh -c 'echo $PLAIN $PGPASSWORD $TOKEN'"#;
    assert_eq!(exec(&host, variables), "1 kumquat pear\n");
    host.sh("! grep -e kumquat -e pear /etc/systemd/system/*.service /etc/systemd/system/*.container.json").ok();
    assert_eq!(host.sh("wharf diff shop").ok().stdout.lines().count(), 0);

    // A new value comes with a restart; one that is no text is named.
    host.sh("printf quince >/root/password; systemctl restart shop-web").ok();
    assert_eq!(exec(&host, variables), "1 quince pear\n");
    host.sh("printf 'a\\0b' >/root/password; ! systemctl restart shop-web").ok();
    wait_for_message(&host, "secret password: it is not text, so it cannot be a variable");
    host.sh("rm /root/password; ! systemctl restart shop-web").ok();
    wait_for_message(&host, "secret password: /root/password does not exist");
}

/// The unit that cleans up says it, after `systemctl start` has ended.
fn wait_for_message(host: &Host, text: &str) {
    host.wait_to_see(text, || {
        let log = host.sh("journalctl --unit shop-web --output=cat").ok().stdout;
        if log.contains(text) { Ok(()) } else { Err(log) }
    });
}

#[test]
fn what_is_missing_is_named_and_not_tried_again() {
    let host = host_with_secrets("missing");
    host.sh("systemctl stop shop.target && mv /root/of_file /root/away").ok();
    host.sh("timeout 20 systemctl start shop-web").fails();
    wait_for_message(&host, "secret of_file: /root/of_file does not exist");
    let logs = host.sh("wharf logs shop web").ok().stdout;
    assert!(logs.contains("secret of_file: /root/of_file does not exist"), "{logs}");
    assert_eq!(host.property("shop-web", "NRestarts"), "0");
    assert_eq!(host.property("shop-web", "ExecMainStatus"), "243");

    host.sh("mv /root/away /root/of_file && rm /etc/credstore/shop.of_host").ok();
    host.sh("timeout 20 systemctl start shop-web").fails();
    let status = host.property("shop-web", "StatusText");
    assert!(status.contains("this host has no credential named shop.of_host"), "{status}");
    assert_eq!(host.property("shop-web", "NRestarts"), "0");
    assert_eq!(host.sh("docker ps --all --quiet").ok().stdout, "");

    host.sh("printf kumquat-of-host >/etc/credstore/shop.of_host; head -c 1100000 /dev/zero >/root/of_file").ok();
    host.sh("timeout 20 systemctl start shop-web").fails();
    wait_for_message(&host, "larger than a megabyte");

    host.sh("printf kumquat-of-file >/root/of_file && systemctl start shop-web").ok();
    assert_eq!(exec(&host, READ_ALL), ALL);
}

#[test]
fn a_stack_of_the_generator_has_its_secrets_at_boot() {
    let host = Host::boot("generator");
    write_stack(
        &host,
        r#"
        [services.web]
        image = "IMAGE"
        command = "tail -f /dev/null"
        stop_signal = "SIGKILL"
        secrets = ["token"]
        [secrets]
        token.environment = "TOKEN"
        "#,
    );
    host.sh("umask 077; echo TOKEN=kumquat-of-dotenv >/etc/wharf/.env").ok();
    host.sh("systemctl daemon-reload && systemctl start shop.target").ok();
    assert_eq!(exec(&host, "cat /run/secrets/token"), "kumquat-of-dotenv");
    let mode = host.sh("stat -c %a /run/systemd/generator/shop-web.values.json").ok().stdout;
    assert_eq!(mode, "600\n");
}

#[test]
fn each_replica_has_copies_of_its_own() {
    let host = Host::boot("replicas");
    write_stack(
        &host,
        r#"
        name = "shop"
        [services.web]
        image = "IMAGE"
        command = "tail -f /dev/null"
        stop_signal = "SIGKILL"
        scale = 2
        secrets = [{ source = "token", uid = 1000 }]
        [secrets]
        token.environment = "TOKEN"
        "#,
    );
    host.sh("TOKEN=kumquat wharf generate && systemctl start shop.target").ok();
    for replica in ["1", "2"] {
        assert_eq!(host.sh(&format!("docker exec shop-web-{replica} cat /run/secrets/token")).ok().stdout, "kumquat");
    }
    host.sh("systemctl stop shop-web@2 && ls /run/wharf/shop-web@1 && ! ls /run/wharf/shop-web@2").ok();
    assert_eq!(host.sh("docker exec shop-web-1 cat /run/secrets/token").ok().stdout, "kumquat");
}

/// A terminal on which the value is asked for; `meanwhile` runs once the question stands there.
const ASKED: &str = r#"
    script -qefc 'wharf secret encrypt --force kept' /root/terminal </dev/null >/dev/null &
    asked=$!
    until pgrep -x systemd-ask-pass >/dev/null || ! kill -0 $asked 2>/dev/null; do sleep 0.05; done
    pkill -x systemd-ask-pass || true
    wait $asked
"#;

#[test]
fn without_a_value_a_credential_stays_what_it_was() {
    let host = Host::boot("kept");
    host.sh("printf kumquat | wharf secret encrypt kept").ok();
    let decrypted = || host.sh("systemd-creds decrypt /etc/credstore.encrypted/kept -").ok().stdout;
    // Input that ends at once, as that of a command that failed, and a question that nobody answers.
    for attempt in ["wharf secret encrypt --force kept </dev/null", ASKED] {
        let said = host.sh(attempt);
        assert_eq!(said.status, 1, "{said:?}");
        assert_eq!(decrypted(), "kumquat");
    }
    let said = host.sh("wharf secret encrypt fresh </dev/null");
    assert!(said.stderr.contains("no value for fresh was given, so nothing was written"), "{said:?}");
    let said = host.sh("head -c 1100000 /dev/zero | wharf secret encrypt fresh");
    assert!(said.stderr.contains("the value of fresh is larger than 1 MiB"), "{said:?}");
    host.sh("test ! -e /etc/credstore.encrypted/fresh").ok();
}

#[test]
fn a_line_break_at_the_end_of_a_value_is_kept_and_said() {
    let host = Host::boot("line");
    let encrypt = |value: &str| host.sh(&format!("printf '{value}' | wharf secret encrypt --force key")).ok().stderr;
    let wrote = "wrote /etc/credstore.encrypted/key\n";
    let note = "wharf: the value of key ends in a line break, which the container will read too; to store it without one: \
                `printf %s VALUE | wharf secret encrypt --force key`\n";
    // systemd-creds may say something of its own before it.
    let said = encrypt("kumquat\\n");
    assert!(said.ends_with(&format!("{wrote}{note}")), "{said}");
    assert_eq!(host.sh("systemd-creds decrypt /etc/credstore.encrypted/key -").ok().stdout, "kumquat\n");
    // A value without one, and a text of several lines, such as a key in PEM.
    for value in ["kumquat", "two\\nlines\\n"] {
        let said = encrypt(value);
        assert!(said.ends_with(wrote), "{value}: {said}");
    }
}

const SEALED: &str = r#"
name = "shop"
[services.web]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
secrets = ["key"]
[services.db]
image = "IMAGE"
command = "tail -f /dev/null"
stop_signal = "SIGKILL"
scale = 2
secrets = ["key", "file"]
[secrets]
key.credential = "shop.key"
file.credential = "/root/file.cred"
"#;

#[test]
fn a_credential_is_replaced_only_if_that_is_asked_for_and_its_readers_are_named() {
    let host = Host::boot("sealed");
    write_stack(&host, SEALED);
    // What is not on this host is said before anything is started.
    let said = host.sh("wharf check").ok().stderr;
    assert_eq!(said.matches("this host has no credential named shop.key").count(), 1, "{said}");
    assert!(said.contains("the file of the secret `file` does not exist on this host: /root/file.cred"), "{said}");
    let json = host.sh("wharf check --json | jq -r '.diagnostics[] | .severity + \" \" + .help' | grep shop.key").ok();
    assert!(json.stdout.starts_with("warning `wharf secret encrypt shop.key`"), "{json:?}");
    host.sh("useradd joe; mkdir -m 700 -p /etc/credstore.encrypted").ok();
    let unseen = host.sh("runuser -u joe -- wharf check").ok().stderr;
    assert!(!unseen.contains("shop.key"), "only root sees that it is missing: {unseen}");

    let encrypt = |value: &str, words: &str| host.sh(&format!("printf {value} | wharf secret encrypt {words}"));
    encrypt("first", "shop.key").ok();
    encrypt("file", "./file.cred").ok();
    assert!(!host.sh("wharf check").ok().stderr.contains("credential"));
    host.sh("wharf generate --now").ok();
    let refused = encrypt("second", "shop.key");
    let exists = "wharf: /etc/credstore.encrypted/shop.key exists already; `wharf secret encrypt --force shop.key` replaces it\n";
    assert_eq!((refused.status, refused.stderr.as_str()), (1, exists));
    assert!(encrypt("second", "./file.cred").fails().stderr.contains("--force ./file.cred` replaces it"));
    assert_eq!(host.sh("systemd-creds decrypt /etc/credstore.encrypted/shop.key -").ok().stdout, "first");

    let replaced = encrypt("second", "--force shop.key").ok().stderr;
    let readers = "`systemctl restart shop-db@1.service shop-db@2.service shop-web.service`\n";
    assert!(replaced.ends_with(&format!("wharf: the value before is used until: {readers}")), "{replaced}");
    assert_eq!(exec(&host, "cat /run/secrets/key"), "first");
    host.sh("systemctl restart shop-web.service").ok();
    assert_eq!(exec(&host, "cat /run/secrets/key"), "second");
    host.sh("systemctl stop shop-db@2").ok();
    let of_file = encrypt("second", "--force /root/file.cred").ok().stderr;
    assert!(of_file.ends_with("until: `systemctl restart shop-db@1.service`\n"), "{of_file}");
}
