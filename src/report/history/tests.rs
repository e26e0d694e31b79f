//! Entries of the journal, as systemd 257 and wharfd write them, and the events that they become.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::units::Owner;
use super::*;
use crate::message_id as id;
use crate::name::{ProjectName, ServiceName, UnitName};
use crate::report::table::Screen;
use crate::systemd::journalctl::Entry;

/// An entry of the journal as JSON; `fields` are `NAME=VALUE`.
fn entry(second: u64, message_id: &str, unit: &str, fields: &str) -> Entry {
    let mut json = json!({
        "__REALTIME_TIMESTAMP": (second * 1_000_000).to_string(),
        "_BOOT_ID": "b1",
        "MESSAGE_ID": message_id,
        "MESSAGE": format!("{unit}: the healthcheck said: cat: can't open '/tmp/ok'"),
    });
    let unit_field = if id::OF_SYSTEMD.contains(&message_id) { "UNIT" } else { "OBJECT_SYSTEMD_UNIT" };
    json[unit_field] = unit.into();
    for (name, value) in fields.split(';').filter_map(|field| field.split_once('=')) {
        json[name] = value.into();
    }
    Entry::of_json(&json.to_string()).expect("an entry")
}

const WEB: &str = "shop-web.service";
const WHARFD: &str = "_UID=0;_PID=7;_COMM=wharfd;_SYSTEMD_UNIT=wharfd.service;WHARF_ACT=restart;WHARF_REASON=unhealthy";

fn name(uid: u32) -> Option<String> {
    [(0, "root"), (1000, "joe")].into_iter().find(|(known, _)| *known == uid).map(|(_, name)| name.to_owned())
}

fn events_of(entries: Vec<Entry>) -> Vec<Event> {
    let project = ProjectName::parse("shop").unwrap();
    let owner = Owner { project, service: Some(ServiceName::parse("web").unwrap()) };
    let units = Units::one(UnitName::parse(WEB).unwrap(), owner);
    events(&Found { entries, limited: false }, &units, &name)
}

/// `second event reason exit-status detail by`, as far as they are known.
fn lines(entries: Vec<Entry>) -> Vec<String> {
    let line = |event: &Event| {
        let second = event.time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        let parts = [
            Some(second.to_string()),
            Some(event.event.as_str().to_owned()),
            event.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            event.exit_status.map(|status| status.to_string()),
            event.attempts.map(|attempts| format!("x{attempts}")),
            event.detail.as_ref().map(|detail| format!("({detail})")),
            event.by.as_ref().and_then(|by| by.comm.clone()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    events_of(entries).iter().map(line).collect()
}

/// Entries of one unit, each as `SECOND KIND FIELDS`.
fn web(entries: &[(u64, &str, &str)]) -> Vec<Entry> {
    entries.iter().map(|(second, message_id, fields)| entry(*second, message_id, WEB, fields)).collect()
}

const START: [(u64, &str, &str); 2] =
    [(1, id::UNIT_STARTING, "JOB_TYPE=start"), (2, id::UNIT_STARTED, "JOB_TYPE=start;JOB_RESULT=done")];

const CRASH: [(u64, &str, &str); 5] = [
    (10, id::UNIT_PROCESS_EXIT, "EXIT_CODE=exited;EXIT_STATUS=3"),
    (10, id::UNIT_FAILURE_RESULT, "UNIT_RESULT=exit-code"),
    (11, id::UNIT_RESTART_SCHEDULED, "N_RESTARTS=1"),
    (11, id::UNIT_STARTING, "JOB_TYPE=start"),
    (12, id::UNIT_STARTED, "JOB_TYPE=start;JOB_RESULT=done"),
];

const RESTART: [(u64, &str, &str); 5] = [
    (21, id::UNIT_STOPPING, "JOB_TYPE=stop"),
    (22, id::UNIT_SUCCESS, ""),
    (22, id::UNIT_STOPPED, "JOB_TYPE=restart;JOB_RESULT=done"),
    (23, id::UNIT_STARTING, "JOB_TYPE=start"),
    (24, id::UNIT_STARTED, "JOB_TYPE=start;JOB_RESULT=done"),
];

const STOP: [(u64, &str, &str); 3] = [
    (31, id::UNIT_STOPPING, "JOB_TYPE=stop"),
    (32, id::UNIT_SUCCESS, ""),
    (32, id::UNIT_STOPPED, "JOB_TYPE=stop;JOB_RESULT=done"),
];

#[test]
fn a_crash_and_what_systemd_does_about_it_are_one_event() {
    let entries = web(&[&START[..], &CRASH, &RESTART, &STOP].concat());
    assert_eq!(lines(entries), ["2 started", "10 restarted crashed 3", "21 restarted", "32 stopped"]);
}

#[test]
fn a_signal_is_no_exit_status() {
    let mut crash = CRASH;
    crash[0].2 = "EXIT_CODE=killed;EXIT_STATUS=9";
    crash[1].2 = "UNIT_RESULT=signal";
    assert_eq!(lines(web(&crash)), ["10 restarted crashed (killed by SIGKILL)"]);
}

#[test]
fn the_supervisors_own_statuses_are_explained() {
    let mut crash = CRASH;
    crash[0].2 = "EXIT_CODE=exited;EXIT_STATUS=250";
    let away = "the engine or a registry was away, or a container ended whose namespace it shares";
    assert_eq!(lines(web(&crash)), [format!("10 restarted unavailable 250 ({away})")]);
    let shown = table(&events_of(web(&crash)), Screen::default());
    assert!(shown.trim_end().ends_with(&format!("unavailable: {away}")), "{shown}");
}

#[test]
fn a_unit_that_is_not_restarted_has_failed() {
    assert_eq!(lines(web(&CRASH[..2])), ["10 failed exit-code 3"]);
    let started_again = [&CRASH[..2], &[(40, id::UNIT_STARTING, ""), (41, id::UNIT_STARTED, "")]].concat();
    assert_eq!(lines(web(&started_again)), ["10 failed exit-code 3", "41 started"]);
    let stopped_between = [&CRASH[..2], &[(13, id::UNIT_STOPPED, "JOB_TYPE=stop")]].concat();
    assert_eq!(lines(web(&stopped_between)), ["10 failed exit-code 3", "13 stopped"]);
}

#[test]
fn a_failed_attempt_is_not_the_crash_before_it() {
    let entries = [
        &CRASH[..4],
        &[
            (12, id::UNIT_PROCESS_EXIT, "EXIT_CODE=exited;EXIT_STATUS=251"),
            (12, id::UNIT_FAILURE_RESULT, "UNIT_RESULT=exit-code"),
            (12, id::UNIT_FAILED, "JOB_RESULT=failed"),
            (13, id::UNIT_RESTART_SCHEDULED, ""),
            (13, id::UNIT_STARTING, ""),
            (14, id::UNIT_STARTED, ""),
        ],
    ];
    let could_not = "(the container could not be started, or was not healthy in time)";
    let expected =
        ["10 failed exit-code 3".to_owned(), format!("12 failed exit-code 251 {could_not}"), "14 started".to_owned()];
    assert_eq!(lines(web(&entries.concat())), expected);
}

#[test]
fn the_failed_attempts_of_one_start_are_one_event() {
    // Word for word what systemd 257 says of a start that wharf-run tries three times.
    let attempt = |second: u64, status: &'static str| {
        [
            (second, id::UNIT_STARTING, "JOB_TYPE=start"),
            (second + 1, id::UNIT_PROCESS_EXIT, status),
            (second + 1, id::UNIT_FAILURE_RESULT, "UNIT_RESULT=exit-code"),
            (second + 2, id::UNIT_RESTART_SCHEDULED, ""),
        ]
    };
    let [one, hopeless] = ["EXIT_CODE=exited;EXIT_STATUS=1", "EXIT_CODE=exited;EXIT_STATUS=252"];
    let mut entries = [attempt(1, one), attempt(11, one), attempt(21, hopeless)].concat();
    entries.pop();
    entries.push((22, id::UNIT_FAILED, "JOB_TYPE=start;JOB_RESULT=failed"));
    let failed = "22 failed exit-code 252 x3 (the container could not be started, or was not healthy in time; it is not tried again)";
    assert_eq!(lines(web(&entries)), [failed]);
    // The next start is another one.
    let next: Vec<_> = entries.iter().map(|(second, kind, fields)| (second + 40, *kind, *fields)).collect();
    let twice = lines(web(&[entries, next].concat()));
    assert_eq!(twice, [failed.to_owned(), failed.replacen("22", "62", 1)]);
    // The third attempt succeeds.
    let started = [(31, id::UNIT_STARTING, ""), (32, id::UNIT_STARTED, "")];
    let entries = [&attempt(1, one)[..], &attempt(11, one), &started].concat();
    assert_eq!(lines(web(&entries)), ["12 failed exit-code 1 x2", "32 started"]);
}

/// An error of wharf-run, in the journal of the unit or of its cleanup.
fn unable(second: u64, unit: &str, why: &str) -> Entry {
    let json = json!({
        "__REALTIME_TIMESTAMP": (second * 1_000_000).to_string(),
        "_BOOT_ID": "b1",
        "_SYSTEMD_UNIT": unit,
        "SYSLOG_IDENTIFIER": "wharf-run",
        "MESSAGE": why,
    });
    Entry::of_json(&json.to_string()).expect("an entry")
}

#[test]
fn wharf_run_itself_says_why_it_gave_up() {
    let attempt = |second: u64, status: &'static str| {
        web(&[
            (second, id::UNIT_STARTING, "JOB_TYPE=start"),
            (second + 1, id::UNIT_PROCESS_EXIT, status),
            (second + 1, id::UNIT_FAILURE_RESULT, "UNIT_RESULT=exit-code"),
        ])
    };
    let [again, given_up] = ["EXIT_CODE=exited;EXIT_STATUS=251", "EXIT_CODE=exited;EXIT_STATUS=252"];
    let scheduled = || web(&[(12, id::UNIT_RESTART_SCHEDULED, "")]);
    // It is before systemd's entries or after them.
    for place in [5, 6, 7] {
        let mut entries = [attempt(11, again), scheduled(), attempt(21, given_up)].concat();
        entries.insert(place, unable(22, WEB, "no curl"));
        entries.insert(1, unable(11, WEB, "not yet"));
        assert_eq!(lines(entries), ["22 failed exit-code 252 x2 (no curl)"], "{place}");
    }
    // A container that ran, and its new one that could not be started.
    let mut entries = [web(&CRASH[..4]), attempt(21, again)[1..].to_vec()].concat();
    entries.insert(4, unable(21, WEB, "no image"));
    entries.insert(0, unable(10, WEB, "Container exited with status 3"));
    assert_eq!(lines(entries), ["10 failed exit-code 3", "22 failed exit-code 251 (no image)"]);
    // systemd could not execute it: the cleanup says why.
    let mut entries = attempt(1, "EXIT_CODE=exited;EXIT_STATUS=243");
    entries.push(unable(3, "wharf-cleanup@shop-web.service.service", "secret a: /a does not exist"));
    assert_eq!(lines(entries), ["2 failed exit-code 243 (secret a: /a does not exist)"]);
    assert_eq!(
        lines(attempt(1, "EXIT_CODE=exited;EXIT_STATUS=243")),
        ["2 failed exit-code 243 (a secret or config could not be loaded)"]
    );
}

#[test]
fn a_unit_that_is_restarted_while_it_starts_has_not_finished() {
    // Word for word what systemd 257 says.
    let entries = [
        (1, id::UNIT_STARTING, "JOB_TYPE=start"),
        (2, id::UNIT_SUCCESS, ""),
        (2, id::UNIT_STOPPED, "JOB_TYPE=restart;JOB_RESULT=done"),
        (2, id::UNIT_STARTING, "JOB_TYPE=start"),
        (4, id::UNIT_STARTED, "JOB_TYPE=start;JOB_RESULT=done"),
    ];
    assert_eq!(lines(web(&entries)), ["4 started"]);
}

#[test]
fn a_restart_that_failed_is_not_forgotten_when_the_unit_is_started_again() {
    let failure = [
        (25, id::UNIT_PROCESS_EXIT, "EXIT_CODE=exited;EXIT_STATUS=252"),
        (25, id::UNIT_FAILURE_RESULT, "UNIT_RESULT=exit-code"),
        (25, id::UNIT_FAILED, "JOB_TYPE=start;JOB_RESULT=failed"),
    ];
    let mended = [(40, id::UNIT_STARTING, "JOB_TYPE=start"), (41, id::UNIT_STARTED, "JOB_TYPE=start;JOB_RESULT=done")];
    let entries = [&START[..], &RESTART[..4], &failure, &mended].concat();
    let could_not = "(the container could not be started, or was not healthy in time; it is not tried again)";
    assert_eq!(
        lines(web(&entries)),
        ["2 started".to_owned(), format!("25 failed exit-code 252 {could_not}"), "41 started".to_owned()]
    );
}

#[test]
fn too_many_crashes_end_at_the_start_limit() {
    // Word for word what systemd 257 says: the result is still that of the last crash.
    let limit = [
        (11, id::UNIT_FAILURE_RESULT, "UNIT_RESULT=exit-code"),
        (11, id::UNIT_FAILED, "JOB_TYPE=start;JOB_RESULT=failed"),
    ];
    let entries = [&CRASH[..3], &limit].concat();
    assert_eq!(lines(web(&entries)), ["11 failed start-limit 3"]);
    // And another start by hand.
    assert_eq!(lines(web(&[&entries[..], &limit].concat())), ["11 failed start-limit 3", "11 failed start-limit"]);
}

#[test]
fn a_restart_by_wharfd_says_why_and_what_the_healthcheck_said() {
    for probe_comes in [1, 4, 6] {
        let mut entries = [&[(20, id::UNHEALTHY_RESTARTED, WHARFD)], &RESTART[..]].concat();
        entries.insert(probe_comes, (21, id::PROBED, WHARFD));
        let expected = "20 restarted unhealthy (cat: can't open '/tmp/ok') wharfd";
        assert_eq!(lines(web(&entries)), [expected], "the probe comes at place {probe_comes}");
    }
}

#[test]
fn a_restart_by_wharfd_that_somebody_stopped_is_not_wharfds_stop() {
    let not_helped = (33, id::NOT_HELPED, WHARFD);
    let entries = [&[(20, id::UNHEALTHY_RESTARTED, WHARFD)], &STOP[..], &[not_helped]].concat();
    let entries = lines(web(&entries));
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!(entries[0], "32 stopped");
    assert!(entries[1].starts_with("33 failed unhealthy (") && entries[1].ends_with("wharfd"), "{entries:?}");
}

#[test]
fn a_request_has_its_outcome_or_is_pending() {
    let requested = "_UID=0;_PID=7;_COMM=wharfd;WHARF_ACT=stop;WHARF_REASON=requested;WHARF_CALLER_UID=1000;\
                     WHARF_CALLER_PID=99;WHARF_CALLER_COMM=busctl;WHARF_CALLER_UNIT=session-1.scope";
    let stop = [&[(30, id::REQUESTED, requested)], &STOP[..]].concat();
    let entries = events_of(web(&stop));
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].event, &entries[0].reason), (Kind::Stopped, &Some(Reason::Requested)));
    let by = entries[0].by.clone().expect("known");
    assert_eq!((by.uid, by.pid, by.user.as_deref()), (Some(1000), Some(99), Some("joe")));
    assert_eq!((by.comm.as_deref(), by.unit.as_deref()), (Some("busctl"), Some("session-1.scope")));

    // It had stopped already: the next start is somebody else's.
    let nothing_to_do = [&[(0, id::REQUESTED, requested)], &START[..]].concat();
    assert_eq!(lines(web(&nothing_to_do)), ["0 stopping requested busctl", "2 started"]);
}

#[test]
fn a_unit_that_ends_by_itself_has_finished() {
    let job = [(1, id::UNIT_STARTING, ""), (2, id::UNIT_SUCCESS, ""), (2, id::UNIT_STARTED, "JOB_RESULT=done")];
    assert_eq!(lines(web(&job)), ["2 finished"]);
    assert_eq!(lines(web(&[&START[..], &[(5, id::UNIT_SUCCESS, "")]].concat())), ["2 started", "5 finished"]);
    let again = [&[(10, id::UNIT_SUCCESS, "")], &CRASH[2..]].concat();
    assert_eq!(lines(web(&again)), ["10 restarted ended 0"]);
    let timer = [(5, id::UNIT_SUCCESS, ""), (5, id::UNIT_STOPPED, "JOB_TYPE=stop")];
    assert_eq!(lines(web(&timer)), ["5 stopped"]);
}

#[test]
fn a_dependency_that_fails_is_a_reason() {
    assert_eq!(lines(web(&[(3, id::UNIT_FAILED, "JOB_RESULT=dependency")])), ["3 failed dependency"]);
}

#[test]
fn a_boot_ends_pending_events() {
    let mut entries = web(&CRASH[..3]);
    entries.push(entry(50, id::UNIT_STARTING, WEB, "_BOOT_ID=b2"));
    entries.push(entry(51, id::UNIT_STARTED, WEB, "_BOOT_ID=b2"));
    assert_eq!(lines(entries), ["10 failed exit-code 3", "51 started"]);
}

#[test]
fn what_a_command_did_to_units_is_by_its_user() {
    let wharf = "WHARF_PROJECT=shop;WHARF_SOURCE=/root/shop.toml;_UID=0;_PID=5;_COMM=wharf;_AUDIT_LOGINUID=1000;WHARF_SUDO_USER=eve";
    let written =
        "WHARF_WRITTEN=shop-web.container.json shop-web.service wharf-shop-web.slice;WHARF_ENABLED=shop.target";
    let applied = "WHARF_BEGAN=20000000;WHARF_RESTARTED=shop-web.service";
    let mut entries = web(&START);
    entries.push(entry(20, id::GENERATED, "", &format!("{wharf};{written}")));
    entries.extend(web(&RESTART));
    entries.push(entry(25, id::APPLIED, "", &format!("{wharf};{applied}")));
    entries.extend(web(&STOP));
    assert_eq!(
        lines(entries.clone()),
        [
            "2 started",
            "20 generated (/root/shop.toml: wrote shop-web.service, enabled shop.target) wharf",
            "21 restarted changed wharf",
            "32 stopped",
        ]
    );
    assert_eq!(events_of(entries)[2].by.as_ref().and_then(|by| by.user.as_deref()), Some("joe"), "not what sudo says");
}

#[test]
fn a_crash_during_a_command_is_not_by_its_user() {
    let wharf = "WHARF_PROJECT=shop;_UID=0;_COMM=wharf;WHARF_BEGAN=9000000;WHARF_RESTARTED=shop-web.service";
    let mut entries = web(&CRASH);
    entries.extend(web(&RESTART));
    entries.push(entry(25, id::APPLIED, "", wharf));
    assert_eq!(lines(entries), ["10 restarted crashed 3", "21 restarted changed wharf"]);
}

#[test]
fn behind_sudo_the_user_is_sudos_if_the_kernel_knows_none() {
    let wharf = "WHARF_PROJECT=shop;_UID=0;_COMM=wharf;WHARF_SUDO_USER=joe;WHARF_REMOVED=shop.target";
    let entries = events_of(vec![entry(1, id::REMOVED, "", wharf)]);
    assert_eq!(entries[0].event, Kind::Removed);
    assert_eq!(entries[0].by.as_ref().and_then(|by| by.user.as_deref()), Some("joe"));
}

#[test]
fn json_always_has_every_field() {
    let entries = serde_json::to_value(events_of(web(&STOP))).expect("JSON");
    let expected: Value = json!([{
        "time": "1970-01-01T00:00:32.000000Z", "project": "shop", "unit": WEB, "service": "web", "event": "stopped",
        "reason": null, "detail": null, "by": null, "exit_status": null, "attempts": null,
    }]);
    assert_eq!(entries, expected);
}

#[test]
fn an_event_is_one_line_without_control_characters() {
    let mut entries = events_of(web(&CRASH));
    entries[0].detail = Some(format!("first\n\x1b[31msecond {}", "x".repeat(500)));
    let narrow = table(&entries, Screen { width: Some(60), ..Screen::default() });
    assert!(narrow.lines().all(|line| line.len() <= 60) && !narrow.contains("BY"), "{narrow}");
    assert!(narrow.contains("restarted  crashed: >\n"), "{narrow}");
    let table = table(&entries, Screen::default());
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains("crashed: exit status 3: first [31msecond xxx") && table.ends_with("x…\n"), "{table}");
}

#[test]
fn removed_units_and_instances_are_still_known() {
    let generated = entry(
        1,
        id::GENERATED,
        "",
        "WHARF_PROJECT=old;WHARF_SOURCE=/o.toml;WHARF_WRITTEN=old-a@.service old.json wharf-old.slice",
    );
    let mut projects = Vec::new();
    add_removed(&mut projects, &[generated]);
    assert_eq!(projects[0].sources, [PathBuf::from("/o.toml")]);
    let whole = |project| Selection { project, units: Vec::new() };
    let units = Units::of(&projects.iter().map(whole).collect::<Vec<_>>());
    let is_known = |unit: &str| units.owner(&UnitName::parse(unit).unwrap()).is_some();
    assert!(is_known("old-a@1.service") && is_known("old-a@2.service"));
    assert!(!is_known("old-ab@1.service") && !is_known("wharf-old.slice"));
    // Names of instances are not asked for: whoever writes to the journal could make them up.
    assert!(units.names().is_none());
}
