//! The checker of calendar expressions and systemd itself, on the same list.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

/// `tests/calendar.txt` says what systemd says; the unit test of `stack::calendar` says the same of the checker.
#[test]
fn systemd_agrees_with_the_list() {
    let host = Host::boot("calendar");
    let list = include_str!("calendar.txt");
    host.write("/root/calendar.txt", list);
    let said = host.sh(r#"
        while IFS='|' read -r verdict expression; do
            case $verdict in '#'*) continue ;; esac
            if systemd-analyze calendar -- "$expression" >/dev/null 2>&1; then said=ok; else said=no; fi
            [ $said = $verdict ] || echo "$expression: the list says $verdict, systemd says $said"
        done <calendar.txt
        "#);
    assert_eq!(said.ok().stdout, "");
}
