//! What the tree looks like: each text is what an administrator sees.

use std::collections::BTreeMap;

use super::*;
use crate::name::{ProjectName, ServiceName};
use crate::supervisor1::{Drift, KnownContainer};
use crate::systemd::{SubState, UnitResult};

const NOW: Duration = Duration::from_secs(1_000_000);

fn unit(name: &str, active: &str, sub: &str) -> UnitStatus {
    let name = UnitName::parse(name).unwrap();
    UnitStatus { active: ActiveState::from(active), sub: SubState::from(sub), ..UnitStatus::new(name) }
}

fn container(name: &str, active: &str, sub: &str, known: KnownContainer) -> UnitStatus {
    UnitStatus { service: Some(ServiceName::parse("web").unwrap()), known, ..unit(name, active, sub) }
}

fn known(health: &str) -> KnownContainer {
    KnownContainer {
        health: Some(Health::from(health)),
        container_id: Some("0123456789abcdef".into()),
        image: Some("shop/web:1".into()),
        drift: Some(Vec::new()),
        ..KnownContainer::default()
    }
}

fn shown(units: Vec<UnitStatus>, screen: Screen) -> String {
    let project = ProjectStatus {
        project: ProjectName::parse("shop").unwrap(),
        units,
        missing_source: None,
        changed_source: None,
        shared: BTreeMap::new(),
    };
    let status = Status { projects: vec![project], ..Status::default() };
    tree(&status, true, screen, SystemTime::UNIX_EPOCH + NOW)
}

#[test]
fn replicas_are_below_their_service_and_notes_below_their_unit() {
    let instance = |number: &str, known| UnitStatus {
        instance: Some(number.into()),
        ..container(&format!("shop-web@{number}.service"), "active", "running", known)
    };
    let drift = vec![
        Drift { aspect: "name".into(), text: "it is named other, not shop-web-2".into() },
        Drift { aspect: "labels".into(), text: "it lacks the labels a".into() },
    ];
    let sick = KnownContainer {
        health_output: Some("no answer\nin 5 s".into()),
        drift: Some(drift),
        restart_count: Some(4),
        last_restart: Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(200)),
        last_restart_reason: Some("unhealthy".into()),
        ports: Some(vec!["127.0.0.1:80->80/tcp".into(), "81/tcp".into()]),
        ..known("unhealthy")
    };
    let web = UnitStatus { status: "Healthy, container 0123456789ab".into(), ..instance("1", known("healthy")) };
    let pulls = UnitStatus {
        status: "Pulling shop/db:1, 43 %".into(),
        ..container("shop-db.service", "activating", "start", KnownContainer::default())
    };
    let network = UnitStatus { uptime_seconds: Some(3725), ..unit("shop-default-network.service", "active", "exited") };
    let units = vec![unit("shop.target", "active", "active"), pulls, web, instance("2", sick), network];
    let expected = "\
UNIT                             STATE               HEALTH     UPTIME   RESTARTS  CPU  MEMORY  IMAGE         PORTS
shop.target                      active
├─ shop-web@.service             2 of 2 active
│  ├─ shop-web@2.service         active (running)    unhealthy           4                      shop/web:1 *  127.0.0.1:80->80/tcp, 81/tcp
│  │    unhealthy: no answer
│  │    restarted 3min ago: unhealthy
│  │    drift: it is named other, not shop-web-2
│  │    drift: it lacks the labels a
│  └─ shop-web@1.service         active (running)    healthy             0                      shop/web:1
├─ shop-db.service               activating (start)                      0
│    Pulling shop/db:1, 43 %
└─ shop-default-network.service  active (exited)                1h 2min
";
    let screen = Screen { utf8: true, ..Screen::default() };
    assert_eq!(shown(units.clone(), screen), expected);
    let ascii = expected.replace(['├', '│'], "|").replace('└', "`").replace('─', "-");
    assert_eq!(shown(units, Screen::default()), ascii);
}

#[test]
fn a_restart_that_a_unit_has_got_over_is_not_shown() {
    let web = |health: &str, passed: u64| {
        let last_restart = Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(passed));
        let last_restart_reason = Some("exit-code".into());
        let known = KnownContainer { last_restart, last_restart_reason, ..known(health) };
        shown(vec![container("shop-web.service", "active", "running", known)], Screen::default())
    };
    assert!(web("healthy", 3599).contains("restarted 59min ago: exit-code"));
    assert!(!web("healthy", 3600).contains("restarted"));
    assert!(!web("none", 90_000).contains("restarted"));
    assert!(web("unhealthy", 90_000).contains("restarted 1day ago: exit-code"), "it is not well");
}

#[test]
fn a_stack_whose_file_is_gone_says_so() {
    let project = ProjectStatus {
        project: ProjectName::parse("shop").unwrap(),
        missing_source: Some("/etc/wharf/shop.toml".into()),
        changed_source: None,
        units: vec![unit("shop.target", "active", "active"), unit("shop-web.service", "active", "running")],
        shared: BTreeMap::new(),
    };
    let status = Status { projects: vec![project], ..Status::default() };
    let text = tree(&status, true, Screen::default(), SystemTime::UNIX_EPOCH + NOW);
    let note = "|    its stack file /etc/wharf/shop.toml is gone: put it back, or `wharf remove shop`";
    assert_eq!(text.lines().nth(2), Some(note), "{text}");
}

#[test]
fn a_unit_that_failed_says_why() {
    let web = UnitStatus {
        result: UnitResult::ExitCode,
        exit_status: 125,
        status: "no such image".into(),
        restarts: 3,
        ..container("shop-web.service", "failed", "failed", KnownContainer::default())
    };
    let expected = "\
UNIT                 STATE   HEALTH  UPTIME  RESTARTS  CPU  MEMORY  IMAGE  PORTS
shop.target          active
`- shop-web.service  failed                  3
     failed: exit-code 125: no such image
";
    let units = vec![unit("shop.target", "active", "active"), web];
    assert_eq!(shown(units, Screen::default()), expected);
}

#[test]
fn sixty_columns_show_failures_first_and_why() {
    let db = UnitStatus {
        result: UnitResult::ExitCode,
        exit_status: 3,
        restarts: 5,
        ..container("shop-db.service", "failed", "failed", KnownContainer::default())
    };
    let web = UnitStatus {
        requires: vec![db.unit.clone()],
        ..container("shop-web.service", "inactive", "dead", KnownContainer::default())
    };
    let cache = UnitStatus {
        uptime_seconds: Some(3725),
        misplaced_limits: vec![MisplacedLimit {
            directive: "MemoryMax".into(),
            file: "/etc/systemd/system/shop-cache.service.d/a.conf".into(),
            slice: UnitName::parse("wharf-shop-cache.slice").ok(),
        }],
        ..container("shop-cache.service", "active", "running", known("healthy"))
    };
    let drift = vec![Drift { aspect: "paused".into(), text: "it is paused".into() }];
    let frozen = KnownContainer { drift: Some(drift), ..known("none") };
    let started = Some(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(3600));
    let job = UnitStatus { edited: true, started, ..container("shop-job.service", "active", "running", frozen) };
    let timer = UnitStatus {
        next_elapse: Some(SystemTime::UNIX_EPOCH + NOW + Duration::from_secs(90)),
        ..unit("shop-job.timer", "active", "waiting")
    };
    let units = vec![unit("shop.target", "active", "active"), cache, db, job, web, timer];
    let project = ProjectName::parse("shop").unwrap();
    let mut project =
        ProjectStatus { project, units, missing_source: None, changed_source: None, shared: BTreeMap::new() };
    project.explain();
    let well = vec![unit("blog.target", "active", "active")];
    let well = ProjectStatus {
        project: ProjectName::parse("blog").unwrap(),
        units: well,
        missing_source: None,
        changed_source: None,
        shared: BTreeMap::new(),
    };
    let broken = BrokenStack {
        file: "/etc/wharf/x.toml".into(),
        message: "/etc/wharf/x.toml:2:1: unknown key".into(),
        has_variables: false,
    };
    let status = Status { projects: vec![well, project], broken: Some(vec![broken]), ..Status::default() };
    let screen = Screen { width: Some(60), utf8: true, ..Screen::default() };
    let text = tree(&status, true, screen, SystemTime::UNIX_EPOCH + NOW);
    let expected = "\
UNIT                   STATE             HEALTH   UPTIME
shop.target            active
├─ shop-db.service     failed
│    failed: exit-code 3
├─ shop-web.service    inactive (dead)
│    dependency shop-db.service failed
├─ shop-cache.service  active (running)  healthy  1h 2min
│    MemoryMax= limits wharf-run, not the container:
│      systemctl edit wharf-shop-cache.slice;
│      /etc/systemd/system/shop-cache.service.d/a.conf
├─ shop-job.service    active (paused)
│    edited by hand: the next `wharf generate` overwrites
│      it; use `systemctl edit`
│    drift: it is paused
└─ shop-job.timer      active (waiting)
     next: NEXT, in 1min 30s
     last: LAST, 1h ago: running
blog.target            active

Invalid stack files:
  /etc/wharf/x.toml:2:1: unknown key
";
    let at = |seconds: u64| local(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let expected = expected.replace("NEXT", &at(1_000_090)).replace("LAST", &at(996_400));
    assert_eq!(text, expected);
}

#[test]
fn without_wharfd_the_status_of_a_container_is_what_its_unit_says() {
    let status = "Healthy, container 0123456789ab";
    let web = |known| UnitStatus { status: status.into(), ..container("a.service", "active", "running", known) };
    assert!(shown(vec![web(KnownContainer::default())], Screen::default()).contains(status));
    assert!(!shown(vec![web(known("healthy"))], Screen::default()).contains(status));
}

#[test]
fn a_terminal_gets_colours_and_lines_that_fit() {
    let sick = KnownContainer { health_output: Some("long \x1b[2J".repeat(9)), ..known("unhealthy") };
    let web = container("shop-web.service", "active", "running", sick);
    let screen = Screen { colour: true, width: Some(60), ..Screen::default() };
    let text = shown(vec![web.clone()], screen);
    assert!(text.starts_with("UNIT              STATE             HEALTH     RESTARTS\n"), "{text:?}");
    assert!(text.contains("\x1b[32mactive (running)\x1b[0m"), "{text:?}");
    assert!(text.contains("\x1b[31munhealthy\x1b[0m"), "{text:?}");
    assert!(text.contains("\n  \x1b[31munhealthy: long  [2Jlong"), "{text:?}");
    let narrow = shown(vec![web.clone()], Screen { width: Some(30), ..Screen::default() });
    assert_eq!(narrow.lines().nth(1), Some("shop-web.service  active (run>"));
    assert!(narrow.contains("\n  unhealthy: long  [2Jlong\n    [2Jlong"), "{narrow:?}");
    assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
    // Redrawn in place, no line may be longer than the screen, and no text higher.
    let screen = Screen { width: Some(30), height: Some(3), ..Screen::default() };
    let text = shown(vec![web.clone(), web], screen);
    assert!(text.lines().all(|line| line.chars().count() <= 30), "{text}");
    assert_eq!(text.lines().count(), 3);
    assert!(text.ends_with("\n3 more lines\n"), "{text}");
}

#[test]
fn containers_that_no_stack_declares_follow_the_stacks() {
    let other = Undeclared { name: "other".into(), id: "0123456789abcdef".into(), image: "shop/web:1".into() };
    let status = Status { undeclared: Some(vec![other]), ..Status::default() };
    let text = |others| tree(&status, others, Screen::default(), SystemTime::UNIX_EPOCH);
    let expected = "\
Containers that no stack declares:
CONTAINER  ID            IMAGE
other      0123456789ab  shop/web:1
";
    assert_eq!(text(true), expected);
    assert_eq!(text(false), "");
}

#[test]
fn names_of_wide_characters_keep_the_columns_aligned() {
    let image = |image: &str| KnownContainer { image: Some(image.into()), ..known("healthy") };
    let ports = |known| KnownContainer { ports: Some(vec!["80/tcp".into()]), ..known };
    let web = container("shop-web.service", "active", "running", ports(image("店/ウェブ:1")));
    let db = container("shop-db.service", "active", "running", ports(image("shop/🚀:1")));
    let text = shown(vec![web, db], Screen::default());
    let expected = "\
UNIT              STATE             HEALTH   UPTIME  RESTARTS  CPU  MEMORY  IMAGE        PORTS
shop-web.service  active (running)  healthy          0                      店/ウェブ:1  80/tcp
shop-db.service   active (running)  healthy          0                      shop/🚀:1    80/tcp
";
    assert_eq!(text, expected);
    let other = |name: &str| Undeclared { name: name.into(), id: "0123456789abcdef".into(), image: "a".into() };
    let status = Status { undeclared: Some(vec![other("데이터"), other("e\u{301}té")]), ..Status::default() };
    let expected = "\
Containers that no stack declares:
CONTAINER  ID            IMAGE
데이터     0123456789ab  a
e\u{301}té        0123456789ab  a
";
    assert_eq!(tree(&status, true, Screen::default(), SystemTime::UNIX_EPOCH), expected);
}

#[test]
fn a_duration_shows_its_largest_units() {
    let shown = |seconds| duration(Duration::from_secs(seconds), 2);
    assert_eq!([0, 65, 3700, 90_000].map(shown), ["0s", "1min 5s", "1h 1min", "1day 1h"]);
    assert_eq!(duration(Duration::from_secs(90_000), 1), "1day");
}
