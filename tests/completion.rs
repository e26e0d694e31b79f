//! What shells complete after `wharf`, and what `systemctl help` finds, on a host with an installed stack.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::{Host, IMAGE};

/// As bash does it for TAB at the end of a line: loads the installed script and calls its function.
const BASH: &str = r#"
. /usr/share/bash-completion/completions/wharf
tab() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMPREPLY=()
    _clap_complete_wharf wharf "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]}"
}
"#;

#[test]
fn shells_complete_stacks_services_and_units() {
    let host = Host::boot("completion");
    let stack = format!(
        "[services.db]\nimage = \"{IMAGE}\"\n[services.web]\nimage = \"{IMAGE}\"\nscale = 2\n[networks.front]\n[volumes.data]\n"
    );
    host.write("/srv/shop.toml", &stack);
    host.write("/srv/blog.toml", &format!("[services.blog]\nimage = \"{IMAGE}\"\n"));
    host.write("/srv/$(reboot).toml", "");
    host.sh("wharf generate /srv/shop.toml /srv/blog.toml && systemctl stop docker.socket docker").ok();
    let tab = |line: &str| host.sh(&format!("{BASH}cd /srv && tab {line} 2>&1")).ok().stdout.trim().to_owned();
    for (line, expected) in [
        ("wharf sta", "status"),
        ("wharf w", ""),
        ("wharf upd", "update"),
        ("wharf status bl", "blog blog-blog.service blog-default-network.service blog.toml"),
        ("wharf status shop-d", "shop-data-volume.service shop-db.service shop-default-network.service"),
        ("wharf diff blo", "blog blog-blog.service blog-default-network.service blog.toml"),
        ("wharf history we", "web web-1 web-2"),
        ("wharf remove bl", "blog blog.toml"),
        ("wharf check /srv/s", "/srv/shop.toml"),
        ("wharf check s", "shop shop.toml"),
        ("wharf config bl", "blog blog.toml"),
        ("wharf pull bl", "blog blog-blog.service blog-default-network.service blog.toml"),
        ("wharf pull shop d", "db"),
        ("wharf update shop d", "db"),
        ("wharf generate s", "shop shop.toml"),
        ("wharf generate --file sh", "shop.toml"),
        ("wharf generate --adop", "--adopt"),
        ("wharf logs shop d", "db"),
        ("wharf logs shop we", "web web-1 web-2"),
        ("wharf logs shop shop-d", "shop-data-volume.service shop-db.service shop-default-network.service"),
        ("wharf logs -f b", "blog blog-blog.service blog-default-network.service blog.toml"),
        ("wharf history --since yes", "yesterday"),
    ] {
        assert_eq!(tab(line), expected, "{line}");
    }

    // The same words for the other shells, of which a test host has none.
    for shell in ["zsh", "fish"] {
        let asked = format!("cd /srv && _CLAP_COMPLETE_INDEX=3 WHARF_COMPLETE={shell} wharf -- wharf logs shop web-");
        let answer = host.sh(&asked).ok();
        assert_eq!(
            (answer.stdout.split_whitespace().collect::<Vec<_>>(), &*answer.stderr),
            (vec!["web-1", "web-2"], "")
        );
    }

    // A host on which nothing can be read has nothing to offer, and no complaint.
    host.sh("rm -r /etc/systemd/system && touch /etc/systemd/system").ok();
    assert_eq!(tab("wharf remove bl"), "blog.toml");
}

#[test]
fn each_unit_leads_to_an_installed_page() {
    let host = Host::boot("documentation");
    host.generate(
        "shop",
        &format!("[services.web]\nimage = \"{IMAGE}\"\nschedule = \"daily\"\nmem_limit = \"64m\"\n[volumes.data]\n"),
    );
    let units = host
        .sh("cd /etc/systemd/system && ls -p | grep -v / | grep '^\\(shop\\|wharf\\).*[a-z]$' | grep -v json")
        .ok()
        .stdout;
    assert!(units.lines().count() >= 5, "{units}");
    for unit in
        units.lines().chain(["wharfd.service", "wharfd-metrics.socket", "wharf.slice", "wharf-cleanup@x.service"])
    {
        let pages = host.property(unit, "Documentation");
        assert!(!pages.is_empty(), "{unit}");
        for page in pages.replace('"', "").split_whitespace() {
            let (name, section) = page.trim_end_matches(')').strip_prefix("man:").unwrap().split_once('(').unwrap();
            host.sh(&format!("test -s /usr/share/man/man{section}/{name}.{section}")).ok();
        }
    }
}
