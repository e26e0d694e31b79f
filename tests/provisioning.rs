//! The examples for provisioning tools, each run by its tool.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{Host, IMAGE, Out, image};

/// The image of the examples.
const BUSYBOX: &str = "docker.io/library/busybox:1.37";

/// A container of the test's stack: what would be another one after a restart.
fn running(host: &Host, container: &str) -> String {
    host.inspect(container, "{{.Id}} {{.State.Pid}}") + &host.property(&format!("{container}.service"), "MainPID")
}

fn page(host: &Host) -> String {
    host.sh("curl --silent --fail http://127.0.0.1:8080/").ok().stdout
}

/// The stack is stopped behind the tool's back.
fn stop(host: &Host) {
    host.sh("systemctl stop shop-web.service").ok();
}

fn is_stopped(host: &Host) -> bool {
    host.property("shop-web.service", "ActiveState") == "inactive"
}

/// No unit, container or network of the stack is left; its volume is.
fn assert_removed(host: &Host) {
    let left = "ls /etc/wharf; systemctl list-units --all --plain --no-legend 'shop*'; ls /etc/systemd/system | grep shop || true
        docker ps --all --quiet; docker network ls --quiet --filter name=shop; docker volume ls --quiet";
    assert_eq!(host.sh(left).ok().stdout, "shop_stock\n");
}

// Ansible

/// Runs the example's playbook.
fn play(host: &Host, options: &str) -> Out {
    let playbook = "cd ansible && ansible-playbook --inventory localhost, --connection local \
        --extra-vars ansible_python_interpreter=/usr/bin/python3";
    host.sh(&format!("{playbook} --extra-vars shop_image={IMAGE} {options} site.yml"))
}

/// How many tasks of a run changed something, or would.
fn changed(out: Out) -> usize {
    let out = out.ok().stdout;
    let (_, recap) = out.rsplit_once("changed=").unwrap();
    recap.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn ansible_installs_and_starts_and_then_changes_nothing() {
    // A package, which is small as it has but a link to the command.
    const PACKAGE: &str = "mv /usr/bin/wharf /opt/wharf
        mkdir --parents package/DEBIAN package/usr/bin && ln --symbolic /opt/wharf package/usr/bin/wharf
        printf '%s\\n' 'Package: wharf' 'Version: 1' 'Architecture: all' 'Maintainer: nobody <nobody@example.org>' \
            'Description: Wharf' >package/DEBIAN/control
        dpkg-deb --build package wharf.deb";
    let host = Host::boot("ansible");
    host.copy_example("ansible");
    host.sh(PACKAGE).ok();
    let package = "--extra-vars wharf_package=/root/wharf.deb";

    let checked = play(&host, &format!("{package} --check"));
    assert_eq!(changed(checked), 2, "the package and the stack file, without which there is nothing to generate from");
    host.sh("test ! -e /usr/bin/wharf && test ! -e /etc/wharf/shop.toml").ok();

    assert_eq!(changed(play(&host, package)), 3);
    assert_eq!(page(&host), "We are open.\n");
    host.sh("systemctl is-enabled shop.target").ok();
    assert_eq!(changed(play(&host, package)), 0);
    assert_eq!(changed(play(&host, "--check")), 0);

    stop(&host);
    assert_eq!(changed(play(&host, "--check")), 1);
    assert!(is_stopped(&host));
    assert_eq!(changed(play(&host, "")), 1);
    assert_eq!(page(&host), "We are open.\n");
}

#[test]
fn ansible_restarts_what_changed_refuses_what_is_invalid_and_removes() {
    let host = Host::boot("ansible");
    host.copy_example("ansible");
    assert_eq!(changed(play(&host, "")), 2);
    let (web, stock) = (running(&host, "shop-web"), running(&host, "shop-stock"));

    let closed = "--extra-vars '{\"shop_greeting\": \"We are closed.\"}'";
    let checked = play(&host, &format!("{closed} --check --diff"));
    assert!(checked.stdout.contains("+page.content = \"We are closed.\\n\""), "{checked:?}");
    assert_eq!(changed(checked), 1);
    assert_eq!(running(&host, "shop-web"), web);
    assert_eq!(changed(play(&host, closed)), 2);
    assert_eq!(page(&host), "We are closed.\n");
    assert_eq!(running(&host, "shop-stock"), stock, "it did not change");

    let web = running(&host, "shop-web");
    host.sh("cp ansible/templates/shop.toml.j2 valid && sed -i 's/^ports =/port =/' ansible/templates/shop.toml.j2")
        .ok();
    let broken = play(&host, closed).fails();
    for words in ["unknown key `port` in service `web`", "--> /etc/wharf/shop.toml:7:1", "did you mean `ports`?"] {
        assert!(broken.stdout.contains(words), "{words} in {broken:?}");
    }
    assert_eq!((running(&host, "shop-web"), running(&host, "shop-stock")), (web, stock));
    host.sh("wharf generate --enable --now --check && mv valid ansible/templates/shop.toml.j2").ok();
    assert_eq!(changed(play(&host, closed)), 0, "the valid file was kept");

    let absent = "--extra-vars shop_state=absent";
    assert_eq!(changed(play(&host, &format!("{absent} --check"))), 2);
    assert_eq!(page(&host), "We are closed.\n");
    assert_eq!(changed(play(&host, absent)), 2);
    assert_removed(&host);
    assert_eq!(changed(play(&host, absent)), 0);
}

// Puppet

/// Applies the example's manifest, `site.pp`. Exit codes: 0 nothing changed, 2 changes, 4 failures, 6 both.
fn apply(host: &Host, options: &str) -> Out {
    host.sh(&format!("puppet apply --color=false --detailed-exitcodes --modulepath puppet {options} site.pp"))
}

#[track_caller]
fn assert_status(out: &Out, status: i32) {
    assert_eq!(out.status, status, "{out:?}");
}

#[test]
fn puppet_changes_only_what_is_different_and_shows_what_is_invalid() {
    const WOULD_GENERATE: &str = "Exec[wharf generate shop]/returns: executed successfully (noop)";
    let host = Host::boot("puppet");
    host.copy_example("puppet");
    let examples = "puppet/wharf/examples";
    host.sh(&format!("puppet parser validate puppet/wharf/manifests/*.pp {examples}/*.pp")).ok();
    let manifest = format!(
        "class {{ 'wharf': manage_package => false }}\n{}",
        host.read(&format!("/root/{examples}/stack.pp")).replace(BUSYBOX, IMAGE)
    );
    host.write("/root/site.pp", &manifest);
    host.write("/srv/shop/index.html", "We are open.\n");

    let would = apply(&host, "--noop").ok();
    assert!(would.stdout.contains(WOULD_GENERATE), "{would:?}");
    host.sh("test ! -e /etc/wharf/shop.toml && test ! -e /etc/systemd/system/shop.target").ok();
    assert_status(&apply(&host, ""), 2);
    assert_eq!(page(&host), "We are open.\n");
    host.sh("systemctl is-enabled shop.target").ok();
    assert_status(&apply(&host, ""), 0);
    assert!(!apply(&host, "--noop").ok().stdout.contains("(noop)"));

    stop(&host);
    assert!(apply(&host, "--noop").ok().stdout.contains(WOULD_GENERATE));
    assert!(is_stopped(&host));
    assert_status(&apply(&host, ""), 2);
    assert_status(&apply(&host, ""), 0);

    let (web, stock) = (running(&host, "shop-web"), running(&host, "shop-stock"));
    let changed = manifest.replace("GREETING = \"hello\"", "GREETING = \"goodbye\"");
    host.write("/root/site.pp", &changed);
    assert_status(&apply(&host, ""), 2);
    assert_ne!(running(&host, "shop-web"), web);
    assert_eq!(running(&host, "shop-stock"), stock, "it did not change");

    let web = running(&host, "shop-web");
    host.write("/root/site.pp", &changed.replace("ports =", "port ="));
    let broken = apply(&host, "");
    assert_status(&broken, 4);
    for words in ["unknown key `port` in service `web`", "--> /etc/wharf/shop.toml:11:1", "did you mean `ports`?"] {
        assert!(broken.stderr.contains(words), "{words} in {broken:?}");
    }
    assert_eq!((running(&host, "shop-web"), running(&host, "shop-stock")), (web, stock));
    host.sh("wharf generate --enable --now --check").ok();

    let absent = changed.replace("  content", "  ensure  => absent,\n  content");
    host.write("/root/site.pp", &absent);
    assert!(
        apply(&host, "--noop").ok().stdout.contains("Exec[wharf remove shop]/returns: executed successfully (noop)")
    );
    assert_eq!(page(&host), "We are open.\n");
    assert_status(&apply(&host, ""), 2);
    assert_removed(&host);
    assert_status(&apply(&host, ""), 0);
}

#[test]
fn the_chef_cookbook_is_ruby() {
    let host = Host::builder().bare().boot("chef");
    host.copy_example("chef");
    host.sh("find chef -name '*.rb' -print0 | xargs --null --max-args 1 ruby -cw").ok();
}

// At the first boot

/// The registry of a test host counts as started once it can be reached: nothing else waits for it at boot.
fn registry_is_started_when_it_listens(write: impl FnOnce(&str, &str)) {
    write(
        "/etc/systemd/system/docker-registry.service.d/listens.conf",
        "[Unit]\nBefore=docker.service\n[Service]\nExecStartPost=bash -c 'until : </dev/tcp/127.0.0.1/5000; do sleep 0.1; done'\n",
    );
}

#[test]
fn cloud_init_writes_a_stack_and_starts_it() {
    let user_data = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cloud-init.yaml")).unwrap();
    let host = Host::boot("cloud-init");
    let seed = "/var/lib/cloud/seed/nocloud";
    host.write(&format!("{seed}/user-data"), &user_data.replace(BUSYBOX, IMAGE));
    host.write(&format!("{seed}/meta-data"), "instance-id: shop\n");
    host.write("/etc/cloud/cloud.cfg.d/99-test.cfg", "datasource_list: [NoCloud]\nnetwork: {config: disabled}\n");
    host.sh(&format!("cloud-init schema --config-file {seed}/user-data")).ok();
    host.sh("rm /etc/systemd/system-generators/cloud-init-generator").ok();
    registry_is_started_when_it_listens(|path, text| host.write(path, text));
    host.poweroff();
    host.boot_again();

    host.wait_active("shop-web.service");
    host.wait_active("shop.target");
    assert_eq!(page(&host), "We are open.\n");
    host.wait_for("the end of cloud-init", || host.sh("cloud-init status").stdout.starts_with("status: done"));
    host.sh("wharf generate --enable --now --check").ok();
}

#[test]
fn an_image_that_was_made_offline_starts_its_stack_at_its_first_boot() {
    let image = image();
    let write = |path: &str, text: &str| {
        let path = image.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let stack = format!("[services.web]\nimage = \"{IMAGE}\"\ncommand = \"httpd -f -p 80 -h /etc\"\ninit = true\n");
    write("/etc/wharf/shop.toml", &format!("{stack}ports = [\"127.0.0.1:8080:80\"]\n"));
    registry_is_started_when_it_listens(write);
    let mut generate = Command::new(env!("CARGO_BIN_EXE_wharf"));
    generate.args(["generate", "--enable", "--root"]).arg(image.path());
    let generated = generate.output().unwrap();
    assert!(generated.status.success(), "{generated:?}");

    let host = Host::builder().image(image.path()).boot("image");
    host.wait_active("shop-web.service");
    host.sh("curl --silent --fail http://127.0.0.1:8080/hostname").ok();
    host.sh("wharf generate --enable --now --check").ok();
}
