//! The manual's page on the differences, made from the tables by which the suite judges.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::accepted::{ACCEPTED, Accepted};

const PAGE: &str = "packaging/manual/compose-differences.md";

/// What the two programs say in different forms, and which form is compared (`normal.rs`).
const OTHER_FORMS: &[(&str, &str)] = &[
    (
        "Names of containers",
        "`shop-web-1` with Compose, `shop-web` with Wharf (`shop-web-2` of replicas); in all references to containers, also by ID, they are treated as the same name",
    ),
    ("Labels", "without the programs' own labels, `com.docker.compose.*` and `io.wharf.*`"),
    (
        "`restart`",
        "with Compose the engine's policy, with Wharf the unit's `Restart=` and `StartLimitBurst=` (the engine's is `no`: two supervisors would fight). `unless-stopped` is the same as `always`: a unit that was stopped or disabled stays so",
    ),
    (
        "Binds, mounts, `tmpfs`",
        "the engine has three forms of mounts; source, target, all options and the resulting mounts are compared",
    ),
    ("`expose`", "`8000` and `9000-9001/udp` are the engine's `8000/tcp`, `9000/udp`, `9001/udp`"),
    ("Ports that the engine chooses", "any port of the range is accepted"),
    (
        "Addresses",
        "an address, subnet or MAC address that the stack does not choose is compared by whether there is one",
    ),
    (
        "Order",
        "of variables, capabilities, security options, extra hosts, groups, ulimits, aliases and links; the order of DNS servers counts",
    ),
    ("A network that is not the stack's", "Compose names it by its id, Wharf by its name"),
    (
        "Empty strings",
        "where Compose takes the default for an empty string, as a variable without a value leaves it (`user: \"${APP_USER}\"`, `ports: [\"${BIND_IP}:80:80\"]`), a stack file has the default too",
    ),
    (
        "What has ended",
        "containers are inspected after the start and again at the end; their state and health are compared too",
    ),
];

/// Keys for which `wharf import` says what to do (exit code 5): the stack of the suite that has the key, the key, and why.
const LISTED: &[(&str, &str, &str)] = &[
    (
        "logging",
        "`attach`, and `logging` with a driver that is not `json-file`, `local` or `journald`",
        "The output goes to the journal; `LogLevelMax=` of the unit keeps it out, journald.conf(5) bounds its size and age. The options of `json-file` and `local` are ignored with a warning.",
    ),
    (
        "include",
        "`include` with `env_file` or a `.env` of its own",
        "The imported stack has one set of variables: add them to the `.env` file beside it.",
    ),
    ("replicas", "`deploy.labels`", "They are labels of a Swarm service; no container has them with Compose either."),
];

/// Keys whose effect this Compose or this host cannot show.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("`cpuset`", "the test host has no cgroup controller `cpuset`"),
    (
        "`mem_swappiness`, `oom_kill_disable`, `cpu_rt_period`, `cpu_rt_runtime`",
        "the engine discards or refuses them under cgroup v2",
    ),
    ("`gpus`, `devices` by CDI, `runtime` other than `runc`", "the test host has neither the hardware nor the runtime"),
    (
        "`models`, `provider`, `use_api_socket`, `gw_priority`, `post_start`, `pre_stop`, `label_file`, `env_file` with `format`, `volumes` of type `image`, `interface_name`",
        "newer than Compose 2.26 or Engine 26.1",
    ),
    (
        "`pre_start`",
        "newer than Compose 2.26; `wharf` refuses it: each step is a container, and every container has its unit. Make a step a service, on which others depend with `service_completed_successfully`",
    ),
    (
        "`develop`, `credential_spec`, `isolation` (but for `default`), `cpu_count`, `cpu_percent`",
        "not for containers on Linux; `wharf` refuses them with the reason",
    ),
    (
        "`deploy.update_config`, `deploy.rollback_config`",
        "Compose leaves them to Swarm. `wharf update` and `wharf rollback` take them, with other defaults than the Specification: `failure_action` is `rollback`, not `pause`, which is refused, and `monitor` is 10 s, not 0",
    ),
];

/// The page, as the tables want it.
fn page(stacks: &BTreeSet<String>) -> String {
    let mut page = "\
# Differences from Compose

`wharf import` and `wharf generate` create the same containers as `docker compose up`. The test suite `tests/compose` verifies this: on one
host, each of its stacks is started by Docker Compose 2.26 and, after an import, by systemd. All containers, networks and volumes are then
compared as the engine (26.1) reports them (`docker inspect`: `Config`, `HostConfig`, `Mounts`, ports and networks; for secrets and configs,
also the files in the container). The suite fails if there is a difference that is not in the following table, and if a line of the table is
not needed. This page is generated from the suite's tables.

## Differences

| subject | Compose | Wharf | reason |
|---|---|---|---|
"
    .to_owned();
    for Accepted { title, compose, wharf, why, .. } in ACCEPTED {
        let _infallible = writeln!(page, "| {title} | {compose} | {wharf} | {why} |");
    }
    page.push_str("\n## Keys that need a decision after an import\n\n| key | reason |\n|---|---|\n");
    for (_, key, why) in LISTED {
        let _infallible = writeln!(page, "| {key} | {why} |");
    }
    page.push_str("\n## Equivalent forms\n\n| subject | comparison |\n|---|---|\n");
    for (what, how) in OTHER_FORMS {
        let _infallible = writeln!(page, "| {what} | {how} |");
    }
    page.push_str("\n## Not compared\n\n| subject | reason |\n|---|---|\n");
    for (what, why) in NOT_COMPARED {
        let _infallible = writeln!(page, "| {what} | {why} |");
    }
    page.push_str("\nLimits are compared as requested from the engine, whether or not the machine enforces them.\n");
    page.push_str("\n## Stacks\n\n| stack | subject |\n|---|---|\n");
    for stack in stacks {
        let _infallible = writeln!(page, "| `{stack}` | {} |", first_comment(stack));
    }
    page
}

/// The comment at the top of the stack's compose file says what it shows.
fn first_comment(stack: &str) -> String {
    let text = fs::read_to_string(format!("tests/compose/stacks/{stack}/compose.yaml")).unwrap();
    let comment = text.lines().next().and_then(|line| line.strip_prefix("# "));
    comment.unwrap_or_else(|| panic!("{stack}/compose.yaml begins with a comment")).to_owned()
}

/// The page in the manual is the one that the tables give; `UPDATE=1` writes it.
#[test]
fn the_manual_lists_these_differences_and_no_others() {
    let page = page(&super::stacks());
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(Path::new(PAGE).parent().unwrap()).unwrap();
        fs::write(PAGE, &page).unwrap();
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "UPDATE=1 accepts this:\n{}",
        similar::TextDiff::from_lines(&written, &page).unified_diff()
    );
}

/// A stack that an administrator must edit after its import is one with a key that the page names.
#[test]
fn only_stacks_with_listed_keys_are_edited() {
    let edited: BTreeSet<String> = super::stacks()
        .into_iter()
        .filter(|stack| Path::new("tests/compose/stacks").join(stack).join("edit").exists())
        .collect();
    let listed: BTreeSet<String> = LISTED.iter().map(|(stack, ..)| (*stack).to_owned()).collect();
    assert_eq!(edited, listed);
}
