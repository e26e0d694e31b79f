//! What runs on when its definition has gone: a service that left its stack, a project that was renamed, a stack that is removed
//! while it starts.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use serde_json::{Value, json};
use support::{Host, IMAGE, sleeper};

const STACK: &str = "/root/shop.toml";

const RESOURCES: &str = "name = \"shop\"\n[networks.back]\n[volumes.data]\n";

/// Of each kind of unit one that can leave the stack.
fn shop() -> String {
    [
        RESOURCES,
        &sleeper("web", ""),
        &sleeper("old", "networks = [\"back\"]\nvolumes = [\"data:/data\"]\nmem_limit = \"64m\""),
        &sleeper("many", "scale = 2"),
        &format!("[services.nightly]\nimage = \"{IMAGE}\"\ncommand = \"true\"\nschedule = \"yearly\"\n"),
    ]
    .concat()
}

/// The stack with `web` alone.
fn only_web() -> String {
    format!("name = \"shop\"\n{}", sleeper("web", ""))
}

/// The units of stacks that have no unit file, or failed.
fn without_file(host: &Host) -> Vec<String> {
    let list = "systemctl list-units --all --plain --no-legend 'shop*' 'blog*' 'wharf-*'";
    let listed = host.sh(&format!("{list} | awk '$2 != \"loaded\" || $3 == \"failed\" {{ print $1, $2, $3 }}' | sort"));
    listed.ok().stdout.lines().map(str::to_owned).collect()
}

fn containers(host: &Host) -> String {
    host.sh("docker ps --all --format '{{.Names}}' | sort | xargs").ok().stdout.trim().to_owned()
}

fn json(host: &Host, command: &str) -> Value {
    serde_json::from_str(&host.sh(command).stdout).expect("JSON")
}

const ORPHANS: [&str; 3] = ["shop-many@1.service", "shop-many@2.service", "shop-old.service"];

/// The stack runs, and all but `web` has left its file: (the host, what `wharf generate` said of that).
fn host_with_orphans(hint: &str) -> (Host, String) {
    let host = Host::boot(hint);
    host.write(STACK, &shop());
    host.sh("wharf generate --now shop.toml").ok();
    host.write(STACK, &only_web());
    let said = host.sh("wharf generate shop.toml").ok().stderr;
    (host, said)
}

fn still_runs(unit: &str) -> String {
    format!(
        "wharf: {unit} is no longer part of the stack and still runs; `systemctl stop {unit}`, or `wharf generate --now`\n"
    )
}

#[test]
fn what_left_the_stack_while_it_ran_is_named_by_each_run_and_stopped_by_a_later_one() {
    let (host, said) = host_with_orphans("orphans");
    let named = ORPHANS.map(still_runs).concat();
    let network =
        "wharf: the network shop_back is no longer part of the stack; `docker network rm shop_back` removes it\n";
    let volume = "wharf: kept with all data: volume shop_data; to remove it: `docker volume rm shop_data`\n";
    assert!(said.contains(volume) && said.ends_with(&format!("{named}{network}")), "{said}");
    assert_eq!(said.matches("wharf: ").count(), 5, "a timer or a slice has nothing that runs: {said}");
    assert_eq!(without_file(&host), ORPHANS.map(|unit| format!("{unit} not-found active")));

    // Somebody else's, in the stack's slice, and without its unit file.
    let own = "[Service]\nExecStart=sleep 100000\nSlice=wharf-shop-own.slice\n";
    host.write("/etc/systemd/system/shop-own.service", own);
    host.sh("systemctl start shop-own && rm /etc/systemd/system/shop-own.service && systemctl daemon-reload").ok();
    // Another stack.
    host.write("/root/shop-old.toml", &only_web());
    host.sh("sed -i 's/name = .*/name = \"shop-old\"/' shop-old.toml && wharf generate --now shop-old.toml").ok();

    // Each later run names them, for people and for programs, and changes nothing.
    for option in ["", "--check", "--diff"] {
        let again = host.sh(&format!("wharf generate {option} shop.toml")).ok();
        assert_eq!(again.stderr, format!("project shop: nothing changed\n{named}"), "{option}");
    }
    let result = json(&host, "wharf generate --json shop.toml");
    assert_eq!((&result["changed"], &result["stopped"]), (&json!(false), &json!([])));
    assert_eq!(result["notes"].as_array().unwrap().len(), 3, "{result}");

    // What --now would do, --check --now says.
    let check = host.sh("wharf generate --check --now shop.toml");
    let would = ORPHANS.map(|unit| format!("would stop {unit}\n")).concat();
    assert_eq!((check.status, check.stderr), (4, would));
    let web = host.inspect("shop-web", "{{.Id}}");
    let result = json(&host, "wharf generate --now --json shop.toml");
    let mut stopped: Vec<&str> = result["stopped"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
    stopped.sort_unstable();
    assert_eq!((stopped, &result["changed"], &result["notes"]), (ORPHANS.to_vec(), &json!(true), &json!([])));
    assert_eq!(containers(&host), "shop-old-web shop-web");
    assert_eq!(host.inspect("shop-web", "{{.Id}}"), web);
    assert_eq!(without_file(&host), ["shop-own.service not-found active"]);
    let history = host.sh("wharf history shop").ok().stdout;
    assert!(history.lines().any(|line| line.contains("shop-old.service") && line.contains("stopped")), "{history}");

    let last = host.sh("wharf generate --now shop.toml && wharf generate --check --now shop.toml").ok();
    assert_eq!(last.stderr, "project shop: nothing changed\n".repeat(2));
}

#[test]
fn what_runs_without_a_unit_file_is_in_the_status_and_goes_with_the_project() {
    let (host, _) = host_with_orphans("orphanstatus");
    let note = "no unit file: it is not part of the stack; `systemctl stop shop-old.service`";
    let tree = host.sh("wharf status shop").ok().stdout;
    assert!(tree.contains("shop-old.service") && tree.contains(note), "{tree}");
    let status = json(&host, "wharf status --json shop");
    let loads: Vec<(&str, &str)> = status["projects"][0]["units"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| (unit["unit"].as_str().unwrap(), unit["load"].as_str().unwrap()))
        .collect();
    let expected = [
        ("shop.target", "loaded"),
        ("shop-web.service", "loaded"),
        ("shop-default-network.service", "loaded"),
        ("shop-many@1.service", "not-found"),
        ("shop-many@2.service", "not-found"),
        ("shop-old.service", "not-found"),
    ];
    assert_eq!(loads, expected);

    // What the stack still has, and somebody has deleted: also before systemd has read its files again.
    for deletion in ["rm /etc/systemd/system/shop-web.service", "systemctl daemon-reload"] {
        let tree = host.sh(&format!("{deletion}; wharf status shop")).ok().stdout;
        assert!(tree.contains("its unit file was deleted: `wharf generate shop` writes it again"), "{tree}");
        assert_eq!(tree.matches("shop-web.service").count(), 1, "{tree}");
        assert_eq!(tree.matches("not part of the stack").count(), 3, "{tree}");
    }
    let diff = host.sh("wharf diff shop");
    let deleted =
        "shop-web.service\n  the unit file was edited or deleted by hand: the next `wharf generate` writes it again\n";
    assert!(diff.status == 4 && diff.stdout.contains(deleted), "{diff:?}");
    host.sh("wharf generate shop.toml").ok();
    assert!(!host.sh("wharf status shop").ok().stdout.contains("was deleted"));

    // They go with the project, before the network that they use.
    host.sh("wharf remove shop").ok();
    assert_eq!(containers(&host), "");
    assert_eq!(without_file(&host), [""; 0]);
    host.sh("wharf status shop").fails();

    // All files are gone, by hand: the project is known by what runs.
    host.write(STACK, &shop());
    host.sh("wharf generate --now shop.toml").ok();
    host.sh("rm /etc/systemd/system/shop* && systemctl daemon-reload").ok();
    let status = json(&host, "wharf status --json");
    assert_eq!(status["projects"][0]["project"], "shop");
    assert_eq!(status["projects"][0]["units"].as_array().unwrap().len(), 4, "{status}");
    host.sh("wharf remove shop").ok();
    assert_eq!(containers(&host), "");
    assert_eq!(host.sh("docker network ls --quiet --filter name=shop").ok().stdout, "");
}

#[test]
fn a_renamed_project_is_named_with_the_command_that_removes_it() {
    let host = Host::boot("renamed");
    host.write(STACK, &only_web());
    host.sh("wharf generate --now shop.toml").ok();
    host.sh("sed -i 's/^name = .*/name = \"store\"/' shop.toml").ok();
    let note = "wharf: the project `shop` comes from the same stack file and is still installed; if it was renamed to `store`, \
                `wharf remove shop`\n";
    for options in ["", "--check", "--now"] {
        let said = host.sh(&format!("wharf generate {options} shop.toml")).ok().stderr;
        assert!(said.contains(note), "{options}: {said}");
    }
    assert_eq!(containers(&host), "shop-web store-web");
    host.sh("wharf remove shop").ok();
    assert_eq!(containers(&host), "store-web");
    assert_eq!(host.sh("wharf generate --now shop.toml").ok().stderr, "project store: nothing changed\n");
}

#[test]
fn a_stack_that_is_removed_while_it_starts_leaves_nothing() {
    let host = Host::boot("removestart");
    let slow = "ready = \"healthy\"\nhealthcheck = { test = \"false\", interval = \"1s\", start_period = \"1h\" }";
    let stack = [
        sleeper("slow", slow),
        sleeper("waiting", "scale = 2\ndepends_on = [\"slow\"]"),
        sleeper("hanging", "systemd.Service.ExecStartPre = \"sleep 100000\""),
    ];
    host.generate("shop", &stack.concat());
    let list = "systemctl list-units --all --plain --no-legend 'shop*' 'wharf-shop*'";
    for _ in 0..3 {
        host.sh("wharf generate shop.toml && systemctl start --no-block shop.target").ok();
        host.wait_for("the container runs, and others wait for it", || {
            host.sh(
                "docker ps --quiet --filter name=shop-slow | grep -q . && systemctl list-jobs | grep -q shop-waiting@2",
            )
            .status
                == 0
        });
        host.sh("wharf remove shop").ok();
        assert_eq!(host.sh(list).ok().stdout, "");
        assert_eq!(host.sh("systemctl list-jobs --plain --no-legend").ok().stdout, "");
        assert_eq!(containers(&host), "");
    }
}

#[test]
fn a_volume_that_leaves_the_stack_is_kept_and_named_with_the_command_that_deletes_it() {
    let host = Host::boot("keptvolume");
    let kept = "wharf: kept with all data: volume shop_data; to remove it: `docker volume rm shop_data`\n";
    host.write(STACK, &shop());
    host.sh("wharf generate --now shop.toml").ok();
    // Somebody else's from now on, and used as before.
    let external = shop().replace("[volumes.data]", "[volumes.data]\nexternal = true\nname = \"shop_data\"");
    host.write(STACK, &external);
    let said = host.sh("wharf generate --now shop.toml").ok().stderr;
    assert!(said.contains("remove shop-data-volume.service") && !said.contains("kept with"), "{said}");
    host.write(STACK, &shop());
    host.sh("wharf generate --now shop.toml").ok();

    host.write(STACK, &only_web());
    let said = host.sh("wharf generate --now shop.toml").ok().stderr;
    assert_eq!(said.matches(kept).count(), 1, "{said}");
    host.sh("docker volume rm shop_data").ok();
    assert_eq!(host.sh("wharf generate --now shop.toml").ok().stderr, "project shop: nothing changed\n");
}
