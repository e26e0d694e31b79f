//! The commands that an administrator of `docker compose` looks for: `wharf logs`, `wharf config`, `wharf remove`, and those that
//! Wharf does not have.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Host, Out, sleeper};
use tempfile::TempDir;

fn out(output: &std::process::Output) -> Out {
    Out {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

fn wharf(directory: &TempDir, arguments: &[&str]) -> Out {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    out(&command.args(arguments).current_dir(directory.path()).output().unwrap())
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

#[test]
fn a_command_of_compose_is_answered_with_the_one_that_does_it() {
    let here = directory(&[
        ("shop.toml", "[services.web]\nimage = \"a\"\n"),
        ("x.toml", "name = \"cart\"\n[services.web]\nimage = \"a\"\n"),
    ]);
    let start = "wharf: `up` is not a command of wharf; use: wharf generate --now shop.toml\n";
    for arguments in [&["up", "shop.toml"][..], &["up", "-d", "--build", "shop.toml"]] {
        let up = wharf(&here, arguments);
        assert_eq!((up.status, up.stdout.as_str(), up.stderr.as_str()), (2, "", start));
    }
    let named = wharf(&here, &["-f", "x.toml", "down"]);
    assert!(named.stderr.ends_with("to install it: wharf generate --now x.toml\n"), "{named:?}");
    let own = wharf(&here, &["-f", "x.toml", "logs"]);
    assert_eq!(own.stderr, "wharf: options belong after the command; use: wharf logs x.toml\n");
    let help = wharf(&here, &["--help"]).ok().stdout;
    assert!(!help.lines().any(|line| line.trim_start().starts_with("up ")), "{help}");
    for (arguments, said) in [
        (&["logs"][..], "name a stack, or a service: wharf logs STACK; "),
        (&["config"], "name a stack file, or an installed stack: wharf config STACK; "),
        (&["remove", "--dry-run"], "name the stacks to remove: wharf remove STACK; "),
        (&["list"], "`list` is not a command of wharf; use: wharf status\n"),
        (&["delete", "shop"], "`delete` is not a command of wharf"),
        (
            &["remove", "-v", "shop"],
            "`-v` is not an option of `wharf remove`; to delete the volumes too, with all their data: wharf remove --volumes shop\n",
        ),
    ] {
        let out = wharf(&here, arguments);
        assert!(out.status == 2 && out.stderr.starts_with(&format!("wharf: {said}")), "{arguments:?}: {out:?}");
    }
    let unknown = wharf(&here, &["statsu"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("'status'"), "{unknown:?}");
}

/// Lines of an answer that are commands: after `use: `, `or: ` or the colon of what introduces it.
fn commands_of(answer: &Out) -> Vec<String> {
    let command = |line: &str| {
        ["docker ", "systemctl ", "wharf ", "systemd-cgls "].iter().find_map(|program| {
            let after = line.find(&format!(": {program}")).map(|at| at + ": ".len());
            let at = if line.starts_with(program) { Some(0) } else { after };
            at.map(|at| line[at..].to_owned())
        })
    };
    answer.stderr.lines().filter_map(|line| command(line.strip_prefix("wharf: ")?)).collect()
}

#[test]
fn each_answer_can_be_pasted() {
    let host = Host::boot("paste");
    let web = "environment = [\"COLOUR=dark red\"]\nvolumes = [\"data:/data\"]\nports = [\"127.0.0.1:8080:80\"]";
    host.write("/root/shop.toml", &(sleeper("web", web) + &sleeper("db", "scale = 2") + "[volumes.data]\n"));
    let run = |script: &str| host.sh(&format!("script -qec {} /dev/null </dev/null", quoted(script)));
    let up = commands_of(&host.sh("wharf -f shop.toml up -d"));
    assert_eq!(up, ["wharf generate --now shop.toml"]);
    host.sh(&up[0]).ok();
    host.sh("docker exec shop-web sh -c 'echo kept >/data/file'").ok();
    for asked in [
        "create shop",
        "up shop",
        "watch shop",
        "scale shop db=2",
        "build shop web",
        "build db",
        "version",
        "ps shop",
        "ls",
        "images",
        "volumes shop",
        "pause db",
        "unpause db",
        "start shop",
        "restart db",
        "restart shop",
        "port web 80",
        "exec web true",
        "exec -T -e A=1 db true",
        "exec --index 2 db true",
        "run web true",
        "run -v /srv:/srv --rm web true",
        "run -T db true",
        "cp web:/data/file .",
        "cp ./file shop-db-1:/tmp",
        "commit web shop/web:mine",
        "export -o web.tar web",
        "top shop",
        "top web",
        "stats --no-stream shop",
        "enable shop",
        "disable shop",
        "kill -s USR1 db",
        "rm web",
        "stop db",
        "down shop",
        "start db",
    ] {
        let answer = host.sh(&format!("wharf {asked}"));
        let commands = commands_of(&answer);
        assert!(answer.status == 2 && !commands.is_empty(), "{asked}: {answer:?}");
        for command in commands.iter().filter(|command| !command.starts_with("wharf remove")) {
            let done = run(command);
            assert_eq!(done.status, 0, "{asked}: {command}: {done:?}");
        }
        if asked == "down shop" {
            assert_eq!(host.sh("docker ps -aq").ok().stdout, "");
            host.sh("systemctl start shop.target").ok();
        }
    }
    // Both have what the service has.
    for command in commands_of(&host.sh("wharf run -T web sh -c 'echo $COLOUR $(cat /data/file)'")) {
        if command.starts_with("docker ") {
            assert_eq!(host.sh(&command).ok().stdout, "dark red kept\n", "{command}");
        }
    }
    // What ends with the container, or with Ctrl-C.
    assert_eq!(commands_of(&host.sh("wharf wait web")), ["docker wait shop-web"]);
    assert_eq!(commands_of(&host.sh("wharf attach web"))[0], "docker attach --sig-proxy=false shop-web");
    let nothing = host.sh("wharf stop cache");
    assert_eq!(
        nothing.stderr,
        "wharf: `stop` is not a command of wharf, and `cache` is not a service of shop; its services: db, web\n"
    );
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let here = directory(&[("shop.toml", "[services.web]\nimage = \"a\"\n")]);
    let to_full = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        let full = File::options().write(true).open("/dev/full").unwrap();
        out(&command.args(arguments).current_dir(here.path()).stdout(full).output().unwrap())
    };
    for arguments in [
        &["schema"][..],
        &["--help"],
        &["--version"],
        &["config", "shop.toml"],
        &["check", "--json", "shop.toml"],
        &["generate", "--dry-run", "--output", ".", "shop.toml"],
    ] {
        let said = to_full(arguments);
        assert_eq!(said.status, 1, "{arguments:?}: {said:?}");
        assert_eq!(
            said.stderr.lines().last(),
            Some("wharf: cannot write to standard output: No space left on device (os error 28)")
        );
    }
    // A reader that has gone has seen enough.
    let mut gone = Command::new(env!("CARGO_BIN_EXE_wharf"));
    let mut gone = gone.arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(gone.stdout.take());
    assert_eq!(out(&gone.wait_with_output().unwrap()).status, 0);
}

const STACK: &str = r#"
[services.web]
image = "shop/web:${TAG:-1}"
environment = ["PASSWORD", "PRICE=5$$"]
env_file = "./web.env"
secrets = ["key"]
volumes = ["./www:/www:ro"]

[services.debug]
image = "shop/debug"
profiles = ["debug"]

[secrets.key]
file = "./key.txt"

[x-note]
any = "$thing"
"#;

#[test]
fn the_resolved_stack_is_one_file_without_secrets() {
    let here = directory(&[
        ("shop.toml", STACK),
        ("shop.override.toml", "[services.web]\ninit = true\n"),
        (".env", "TAG=2\nPASSWORD=of-the-environment\n"),
        ("web.env", "TOKEN=of-a-file\n"),
        ("key.txt", "the-secret"),
        ("www/index.html", ""),
    ]);
    let config = wharf(&here, &["config", "shop.toml"]).ok();
    let text = &config.stdout;
    let path = here.path().display();
    for part in [
        "name = \"shop\"\n",
        "image = \"shop/web:2\"\n",
        "environment = [\"PASSWORD=of-the-environment\", \"PRICE=5$$\"]\n",
        &format!("env_file = \"{path}/web.env\"\n"),
        &format!("file = \"{path}/key.txt\"\n"),
        &format!("volumes = [\"{path}/www:/www:ro\"]\n"),
        "init = true\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    for part in ["the-secret", "of-a-file", "debug", "profiles", "x-note"] {
        assert!(!text.contains(part), "{part}\n{text}");
    }
    let elsewhere = directory(&[("shop.toml", text)]);
    assert_eq!(wharf(&elsewhere, &["check", "shop.toml"]).ok().stderr, "");
    assert_eq!(&wharf(&elsewhere, &["config", "shop.toml"]).ok().stdout, text, "it is resolved already");
    let all = wharf(&here, &["config", "--profile", "debug", "-f", "shop.toml"]).ok().stdout;
    assert!(all.contains("[services.debug]") && !all.contains("init"), "{all}");
    let json: Value = serde_json::from_str(&wharf(&here, &["config", "--json", "shop.toml"]).ok().stdout).unwrap();
    assert_eq!(json["services"]["web"]["environment"][1], "PRICE=5$");

    let broken = directory(&[("shop.toml", "[services.web]\nimgae = \"a\"\n")]);
    let refused = wharf(&broken, &["config", "shop.toml"]);
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(refused.stderr.contains("shop.toml:2:1"), "{refused:?}");
}

const TALKERS: &str = r#"
compose_labels = true

[services.web]
image = "IMAGE"
scale = 2
command = ["sh", "-c", "echo hello; printf 'red \\033[31mtext\\033[0m \\033[2J\\n' >&2; exec tail -f /dev/null"]
stop_signal = "SIGKILL"

[services.db]
image = "IMAGE"
command = ["sh", "-c", "echo ready; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
"#;

#[test]
fn logs_merges_the_journals_of_a_stack() {
    let host = Host::boot("logs");
    host.generate("shop", TALKERS);
    host.generate("blog", &sleeper("web", ""));
    host.sh("systemctl start shop.target blog.target && useradd joe").ok();
    let logs = |arguments: &str| host.sh(&format!("wharf logs {arguments}")).ok().stdout;
    let has = |text: &str, line: &str| text.lines().any(|shown| shown == line);
    host.wait_to_see("the output of all containers", || {
        let shown = logs("shop");
        let lines =
            ["db    | ready", "web-1 | hello", "web-2 | hello", "web-1 ! red text  [2J", "web-2 ! red text  [2J"];
        if lines.iter().all(|line| has(&shown, line)) { Ok(()) } else { Err(shown) }
    });
    // Both containers are one service of Compose's, each with its number.
    let label =
        |name: &str| host.inspect("shop-web-2", &format!("{{{{index .Config.Labels \"com.docker.compose.{name}\"}}}}"));
    assert_eq!(
        ["project", "service", "container-number", "project.config_files"].map(label),
        ["shop", "web", "2", "/root/shop.toml"]
    );
    assert_eq!(host.sh("wharf diff shop").ok().stdout, "");
    let all = logs("/root/shop.toml");
    assert!(has(&all, "db    * Started shop-db.service - Container shop-db (127.0.0.1:5000/busybox:1)."), "{all}");
    assert!(!all.contains('\x1b'), "{all}");
    let one = logs("web-2");
    assert!(has(&one, "web-2 | hello") && !one.contains("web-1 "), "{one}");
    assert!(has(&logs("shop web"), "web-1 | hello"));
    assert!(has(&logs("-n 2 db"), "db | ready"));
    assert!(logs("blog shop").contains("shop/db    | ready\n"));
    assert_eq!(logs("--since tomorrow shop"), "");
    assert_eq!(logs("shop --until yesterday"), "");
    // As `docker logs` takes them.
    assert!(has(&logs("--since 1h30m shop"), "db    | ready"));
    assert_eq!(logs("--until 10m shop"), "");
    assert_eq!(host.sh("wharf history --until 1h shop").ok().stdout, "");
    // As `docker compose logs` takes them.
    for options in ["--tail=all", "--tail 10", "-n 10", "--no-color", "--tail all --no-color"] {
        assert!(has(&logs(&format!("{options} db")), "db | ready"), "{options}");
    }
    assert_eq!(logs("--no-log-prefix db"), "ready\n");
    let stamp = host.sh("docker logs -t shop-db").ok().stdout;
    let (stamp, _) = stamp.split_once(' ').unwrap();
    // It may be before or after systemd's own line.
    assert!(has(&logs("-t -n 2 db"), &format!("db | {}Z ready", &stamp[.."2026-01-31T12:00:00.123456".len()])));

    let refused = host.sh("wharf logs web");
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("several stacks have a service `web`: blog, shop"), "{refused:?}");
    assert!(host.sh("wharf logs cart").fails().stderr.contains("installed projects: blog, shop"));
    let time = host.sh("wharf logs --since lunch shop");
    assert!(time.status == 1 && time.stderr.contains("journalctl: "), "{time:?}");
    let joe = host.sh("runuser -u joe -- wharf logs shop").ok();
    assert!(joe.stdout.is_empty() && joe.stderr.contains("systemd-journal"), "{joe:?}");

    // What was removed is still in the journal.
    host.sh("wharf generate --now shop.toml; wharf remove shop").ok();
    let removed = host.sh("wharf logs shop").ok();
    assert_eq!(removed.stderr, "wharf: `shop` is no longer installed; this is what the journal still has of it\n");
    assert!(has(&removed.stdout, "shop-db | ready") && has(&removed.stdout, "shop-web@2 | hello"), "{removed:?}");
    assert!(has(&logs("shop-db"), "shop-db | ready"));
    assert!(host.sh("wharf logs cart").fails().stderr.ends_with("installed projects: blog\n"));
    host.sh("wharf generate --now shop.toml").ok();

    // It follows, in colour on a terminal, until Ctrl-C.
    host.sh("systemd-run --quiet --unit follow -p RemainAfterExit=yes -p StandardOutput=truncate:/root/follow wharf logs -f -n 0 shop").ok();
    let plain = host.sh("script -qec 'wharf logs --no-color shop' /dev/null </dev/null").ok().stdout;
    assert!(plain.contains("db    | ready") && !plain.contains('\x1b'), "{plain:?}");
    host.sh("systemd-run --quiet --unit all -p StandardOutput=truncate:/root/all wharf logs -f --tail=all db").ok();
    host.wait_for("all lines of the past", || host.read("/root/all").contains("db | ready\n"));
    host.sh("systemctl stop all").ok();
    let typed = "rm -f /root/typed; ((until grep -q new /root/typed; do sleep 0.1; done; printf '\\003') \
                 | TERM=xterm script -qefc 'wharf logs -f shop' /root/typed) >/dev/null 2>&1 & disown";
    host.sh(typed).ok();
    host.wait_for("both follow", || host.sh("test $(pgrep -c journalctl) = 2").status == 0);
    host.sh("docker exec shop-db sh -c 'echo new >/proc/1/fd/1'").ok();
    host.wait_for("the new line", || host.read("/root/follow").contains("db    | new\n"));
    host.sh("systemctl kill --kill-whom=main --signal=INT follow").ok();
    host.wait_for("it has ended", || host.property("follow", "ExecMainCode") == "1");
    assert_eq!(host.property("follow", "ExecMainStatus"), "0");
    host.wait_for("both journalctl have ended", || host.sh("! pgrep journalctl").status == 0);
    host.wait_for("Ctrl-C", || host.read("/root/typed").contains("COMMAND_EXIT_CODE"));
    let typed = host.read("/root/typed");
    assert!(
        typed.contains("mdb   \x1b[0m \x1b[36m|\x1b[0m new") && typed.contains("COMMAND_EXIT_CODE=\"0\""),
        "{typed:?}"
    );
}

#[test]
fn remove_takes_several_stacks_and_shows_first_what_it_would_do() {
    let host = Host::boot("several");
    host.generate("shop", &sleeper("web", "volumes = [\"data:/data\"]\n[volumes.data]"));
    host.generate("blog", &sleeper("web", ""));
    host.sh("systemctl start shop.target blog.target").ok();
    let files = "ls /etc/systemd/system; docker ps -aq --no-trunc; docker volume ls -q; docker network ls -q";
    let before = host.sh(files).ok().stdout;
    let preview = host.sh("wharf remove --dry-run --volumes shop blog").ok();
    for line in [
        "project shop:",
        "would stop shop-web.service",
        "would remove container shop-web",
        "would remove network shop_default",
        "would remove volume shop_data",
        "would remove /etc/systemd/system/shop.target",
        "project blog:",
        "would remove container blog-web",
    ] {
        assert!(preview.stdout.lines().any(|shown| shown == line), "{line}: {preview:?}");
    }
    let keeps = host.sh("wharf remove --dry-run shop").ok().stdout;
    assert!(keeps.contains("would keep volume shop_data\n") && !keeps.contains("would remove volume"), "{keeps}");
    assert!(!preview.stdout.contains("would keep") && preview.stderr.is_empty(), "{preview:?}");
    // A wrong name keeps all of them.
    assert!(host.sh("wharf remove shop cart").fails().stderr.contains("`cart`"));
    assert_eq!(host.sh(files).ok().stdout, before);
    let removed = host.sh("wharf remove shop blog blog").ok().stderr;
    for stack in ["shop", "blog"] {
        assert!(removed.contains(&format!("removed /etc/systemd/system/{stack}.target\n")), "{removed}");
    }
    assert_eq!(host.sh("ls /etc/systemd/system; docker ps -aq").ok().stdout.matches("blog").count(), 0);
    assert_eq!(host.sh("docker volume ls -q").ok().stdout, "shop_data\n");
    // It is said with the command that removes it.
    let kept = "wharf: kept with all data: volume shop_data; to remove it: `docker volume rm shop_data`\n";
    assert_eq!(removed.matches("kept with all data").count(), 1, "{removed}");
    assert!(removed.contains(kept), "{removed}");
    host.sh("docker volume rm shop_data").ok();
    host.generate("shop", &sleeper("web", "volumes = [\"a:/a\", \"b:/b\"]\n[volumes.a]\n[volumes.b]"));
    host.sh("systemctl start shop.target").ok();
    let removed = host.sh("wharf remove shop").ok().stderr;
    assert!(
        removed.contains("volumes shop_a, shop_b; to remove them: `docker volume rm shop_a shop_b`\n"),
        "{removed}"
    );
    // One that somebody else has made under its name stays in any case.
    host.sh("docker volume rm shop_b; docker volume create shop_b").ok();
    host.generate("shop", &sleeper("web", "volumes = [\"a:/a\", \"b:/b\"]\n[volumes.a]\n[volumes.b]"));
    host.sh("systemctl start shop.target").ok();
    assert!(host.sh("wharf remove --volumes --dry-run shop").ok().stdout.contains("would keep volume shop_b\n"));
    let removed = host.sh("wharf remove --volumes shop").ok().stderr;
    assert!(removed.contains("removed volume shop_a\n"), "{removed}");
    assert!(
        removed.contains("wharf: kept with all data: volume shop_b; to remove it: `docker volume rm shop_b`\n"),
        "{removed}"
    );
    assert!(removed.contains("wharf: not made by wharf, so never removed by it: shop_b\n"), "{removed}");
}

#[test]
fn options_of_a_volume_that_exists_are_told_not_to_change() {
    let host = Host::boot("options");
    let stack = |options: &str| sleeper("web", &format!("volumes = [\"data:/data\"]\n[volumes.data]\n{options}"));
    host.generate("shop", &stack(""));
    host.sh("systemctl start shop.target").ok();
    let note = "wharf: if the volume shop_data exists already, it stays as it was made: the new options are for a new one (stop what \
                uses it, save its data, `docker volume rm shop_data`)\n";
    host.write("/root/shop.toml", &stack("labels.owner = \"me\""));
    for command in ["generate --dry-run", "generate --now"] {
        let told = host.sh(&format!("wharf {command} shop.toml")).ok().stderr;
        assert!(told.contains(note), "{command}: {told}");
    }
    assert!(!host.sh("wharf generate --now shop.toml").ok().stderr.contains("shop_data"));
}

#[test]
fn check_without_arguments_checks_the_stacks_of_the_host() {
    let host = Host::boot("check");
    let none = host.sh("wharf check").ok();
    assert_eq!(none.stderr, "wharf: there is no stack file in /etc/wharf\n");
    // Where one is in the working directory, that must be meant.
    for command in ["check", "pull", "generate --now"] {
        assert!(host.sh(&format!("wharf {command}")).ok().stderr.contains("there is no stack file in /etc/wharf\n"));
        let not_meant = host
            .sh(&format!("mkdir -p here; cd here; echo [services.web] >shop.toml; touch other.toml; wharf {command}"));
        let told = "wharf: there is no stack file in /etc/wharf, so nothing was done; name the one of this directory: shop.toml\n";
        assert_eq!((not_meant.status, not_meant.stderr.as_str()), (1, told), "{command}");
    }
    host.write("/etc/wharf/shop.toml", &sleeper("web", ""));
    host.write("/etc/wharf/wharfd.toml", "");
    host.sh("wharf check").ok();
    host.write("/etc/wharf/blog.toml", "[services.web]\nimgae = \"a\"\n");
    let broken = host.sh("wharf check");
    assert_eq!(broken.status, 3);
    assert!(broken.stderr.contains("/etc/wharf/blog.toml:2:1"), "{broken:?}");
}

#[test]
fn an_installed_project_is_named_as_its_stack_file() {
    let host = Host::boot("named");
    let (web, debug) = (sleeper("web", ""), sleeper("debug", "profiles = [\"debug\"]"));
    host.write("/srv/shop.toml", &(web + &debug));
    host.write("/srv/berlin.toml", "[services.web]\nhostname = \"berlin\"\n");
    host.write("/srv/blog.toml", &sleeper("blog", ""));
    host.write("/srv/blog.override.toml", "[services.blog]\nhostname = \"over\"\n");
    host.sh("cd /srv; wharf generate --profile debug -f shop.toml -f berlin.toml; wharf generate blog.toml").ok();

    // As it was generated: with all its files and profiles.
    let same = host.sh("wharf generate --check shop blog").ok();
    assert_eq!(same.stderr, "projects shop, blog: nothing changed\n");
    let resolved = host.sh("wharf config shop").ok().stdout;
    assert!(resolved.contains("berlin") && resolved.contains("[services.debug]"), "{resolved}");
    assert!(host.sh("wharf config blog").ok().stdout.contains("over"));
    assert_eq!(host.sh("wharf check shop").ok().stderr, "");
    let pulled = host.sh("wharf pull blog").ok().stderr;
    assert!(pulled.ends_with("127.0.0.1:5000/busybox:1: done\n"), "{pulled}");
    // Services of it, as `wharf logs` takes them.
    host.write("/srv/two.toml", &(sleeper("one", "") + &sleeper("two", "scale = 2").replace("busybox:1", "busybox:2")));
    host.sh("wharf generate /srv/two.toml").ok();
    for (words, image) in [
        ("one", "busybox:1"),
        ("two-one", "busybox:1"),
        ("two two", "busybox:2"),
        ("two-two-1", "busybox:2"),
        ("two one", "busybox:1"),
    ] {
        let pulled = host.sh(&format!("wharf pull {words}")).ok().stderr;
        assert_eq!(pulled, ["pulling", "done"].map(|it| format!("127.0.0.1:5000/{image}: {it}\n")).concat(), "{words}");
    }
    let both = host.sh("wharf pull two").ok().stderr;
    assert!(both.contains("busybox:1: done") && both.contains("busybox:2: done"), "{both}");
    host.sh("wharf remove two; rm /srv/two.toml").ok();
    // Profiles of the command line take their place.
    let less = host.sh("wharf generate --check --profile none shop");
    assert!(less.status == 4 && less.stderr.contains("would remove shop-debug.service"), "{less:?}");

    // A file of that name is the file, a directory is none.
    host.sh("mkdir shop && wharf check shop && rmdir shop").ok();
    host.write("/root/shop", "nothing");
    let file = host.sh("wharf check shop");
    assert!(file.status == 3 && file.stderr.contains("shop:1:"), "{file:?}");

    // Neither of both is said once.
    host.write("/root/cart.toml", "");
    let neither = "wharf: `cart` is neither a file nor an installed project; the file here is cart.toml; installed projects: \
                   blog, shop\n";
    for command in ["generate", "check", "config", "pull", "generate --check shop"] {
        let unknown = host.sh(&format!("rm -f shop; wharf {command} cart"));
        assert_eq!((unknown.status, unknown.stderr.as_str()), (1, neither), "{command}");
    }
    host.sh("rm /srv/blog.toml").ok();
    let gone = host.sh("wharf check blog");
    let named = "wharf: the stack file of `blog`, /srv/blog.toml, is gone: put it back, name the file that has taken its place (with \
                 --adopt), or `wharf remove blog`\n";
    assert_eq!((gone.status, gone.stderr.as_str()), (1, named));
}

#[test]
fn the_newest_lines_are_counted_among_those_that_are_shown() {
    let host = Host::boot("newest");
    let job = r#"command = ["sh", "-c", "for i in 1 2 3 4 5; do echo line $$i; done; exit 3"]
restart = "no"
"#;
    host.generate("shop", &format!("[services.web]\nimage = \"IMAGE\"\n{job}"));
    host.sh(
        "systemctl start shop-web; while systemctl is-active --quiet shop-web 'wharf-cleanup@*'; do sleep 0.1; done",
    )
    .ok();
    host.wait_for("the cleanup", || {
        host.sh("journalctl --sync; journalctl --output cat")
            .ok()
            .stdout
            .contains("Finished wharf-cleanup@shop-web.service.service")
    });
    let bare = host.sh("wharf logs --no-log-prefix --tail 3 shop").ok().stdout;
    assert_eq!(bare, "line 3\nline 4\nline 5\n");
    let newest = host.sh("wharf logs -n 3 shop web").ok().stdout;
    assert_eq!(newest.lines().count(), 3, "{newest}");
    assert!(
        !newest.contains("wharf-cleanup") && newest.contains("web * shop-web.service: Failed with result 'exit-code'"),
        "{newest}"
    );
}
