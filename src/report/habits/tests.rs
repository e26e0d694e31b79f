use super::*;
use crate::report::selection::tests::{built, installed};

fn answers(line: &str, installed: &[InstalledProject]) -> String {
    answers_beside(line, installed, &[])
}

/// In a directory with these stack files.
fn answers_beside(line: &str, installed: &[InstalledProject], here: &[&str]) -> String {
    let here: Vec<String> = here.iter().map(|&file| file.to_owned()).collect();
    let here = here.as_slice();
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let line = CommandLine::parse(&words, &|_| false).unwrap().unwrap();
    let name_in = |path: &Path| ProjectName::parse(path.file_stem()?.to_str()?).ok();
    let text = answer(&line, &Host { installed, here, name_in: &name_in }).join("\n");
    let not = format!("`{}` is not a command of wharf", line.habit.as_str());
    text.replace(&format!("{not}; use: "), "").replace(&not, "")
}

#[test]
fn each_is_answered_with_the_command_that_does_it() {
    let installed = installed();
    for (line, expected) in [
        ("up shop.toml", "wharf generate --now shop.toml"),
        ("up -d cart.toml", "wharf generate --now cart.toml"),
        ("up -d", "wharf generate --now STACK.toml"),
        ("up shop", "wharf generate --now shop"),
        ("up my;cart.toml", "wharf generate --now 'my;cart.toml'"),
        ("-f cart.toml up -d", "wharf generate --now cart.toml"),
        ("-f a.toml --file=b.toml --profile x up", "wharf generate --now --profile x -f a.toml -f b.toml"),
        ("-p shop restart db", "systemctl restart shop-db.service"),
        ("-f compose.yaml up", "wharf import -o stack.toml compose.yaml && wharf generate --now stack.toml"),
        ("up compose.yml", "wharf import -o stack.toml compose.yml && wharf generate --now stack.toml"),
        ("enable shop", "systemctl enable shop.target"),
        (
            "disable shop db",
            "systemctl disable shop.target\nit holds for the whole stack; to leave a service out: a profile in the stack file, or \
             `scale = 0`",
        ),
        (
            "down shop",
            "systemctl stop shop.target 'shop-*.service'\nto delete it from this host too: wharf remove shop",
        ),
        (
            "down -v blog",
            "systemctl stop blog.target 'blog-*.service'\nto delete it from this host too: wharf remove --volumes blog",
        ),
        ("ps", "wharf status"),
        ("list", "wharf status"),
        (
            "delete shop",
            "wharf remove shop\nit stops the stack and keeps its volumes; with `--volumes` they are deleted, too",
        ),
        ("ps shop", "wharf status shop"),
        ("exec shop db psql -U me", "docker exec -it shop-db psql -U me"),
        ("exec -it web-2", "docker exec -it shop-web-2 sh"),
        ("exec --user=me shop db psql", "docker exec -it --user me shop-db psql"),
        ("exec -T shop db psql", "docker exec -i shop-db psql"),
        ("exec --index 2 shop web sh", "docker exec -it shop-web-2 sh"),
        ("stop shop", "systemctl stop shop.target 'shop-*.service'"),
        ("exec shop web sh -c 'a", r"docker exec -it shop-web-1 sh -c ''\''a'"),
        ("exec", "docker exec -it STACK-SERVICE sh"),
        ("restart shop web", "systemctl restart 'shop-web@*.service'"),
        ("restart db", "systemctl restart shop-db.service"),
        ("stop shop db web-1", "systemctl stop shop-db.service shop-web@1.service"),
        ("top shop", "systemd-cgls --unit wharf-shop.slice"),
        ("top shop web", "docker top shop-web-1"),
    ] {
        assert_eq!(answers(line, &installed), expected, "{line}");
    }
}

#[test]
fn what_only_the_engine_does_is_answered_with_its_own_command_and_the_names_of_containers() {
    let installed = installed();
    let only = &installed[1..];
    let of_run = |option: &str| {
        format!(
            "docker run --rm -it --network container:shop-db --volumes-from shop-db --env-file <(docker inspect --format \
             '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' shop-db) {option} $(docker inspect --format \
             '{{{{.Config.Image}}}}' shop-db) psql -l"
        )
    };
    let alone =
        "a container of its own, with the environment, volumes and network of the service, and nothing else of it";
    let job = "if no container of it runs: systemctl start shop-db.service";
    let run = format!("docker exec -it -e A=1 shop-db psql -l\n{alone}: {}\n{job}", of_run("-e A=1"));
    let beside = format!("{}\nthis is {alone}\n{job}", of_run("-v /srv:/srv"));
    for (line, expected) in [
        ("run --rm -e A=1 db psql -l", run.as_str()),
        ("run --rm -v /srv:/srv -p 80:80 db psql -l", &beside),
        ("stats", "docker stats"),
        ("stats shop --no-stream", "docker stats --no-stream shop-db shop-web-1 shop-web-2"),
        ("stats shop web", "docker stats shop-web-1 shop-web-2"),
        ("volumes shop", "docker volume ls --filter label=io.wharf.project=shop"),
        ("export -o x.tar db", "docker export -o x.tar shop-db"),
        ("commit db mine:1", "docker commit shop-db mine:1"),
        ("cp db:/etc/my.cnf ./my.cnf", "docker cp shop-db:/etc/my.cnf ./my.cnf"),
        ("cp a,b web:/srv", "docker cp a,b blog-web:/srv\nor: docker cp a,b shop-web-1:/srv"),
        ("cp shop db:/x .", "docker cp shop-db:/x ."),
        ("port shop web 80", "docker port shop-web-1 80"),
        ("attach db", "docker attach --sig-proxy=false shop-db\nfor its output alone: wharf logs -f shop db"),
        ("pause db", "docker pause shop-db"),
        ("unpause shop", "docker unpause shop-db shop-web-1 shop-web-2"),
        ("wait shop web", "docker wait shop-web-1 shop-web-2"),
        (
            "kill -s HUP db",
            "docker kill --signal HUP shop-db\nthe unit then does what `restart` in the stack file says; to stop it for good: \
             systemctl stop shop-db.service",
        ),
        (
            "events shop",
            "wharf history shop\nas they happen, all of the engine's: docker events --filter label=io.wharf.project=shop",
        ),
    ] {
        assert_eq!(answers(line, &installed), expected, "{line}");
    }
    assert!(answers("kill --signal=9 db", only).starts_with("docker kill --signal 9 shop-db\n"));
    assert!(answers("kill db", only).starts_with("docker kill shop-db\n"));
    assert_eq!(answers("exec -u root db", only), "docker exec -it -u root shop-db sh");
}

#[test]
fn what_a_stack_file_or_a_unit_says_is_answered_with_it() {
    let mut installed = installed();
    installed.push(built());
    for (line, expected) in [
        ("ls", "wharf status"),
        ("images shop", "wharf status shop"),
        ("version", "wharf --version"),
        ("create cart.toml", "wharf generate cart.toml\nit writes the units and starts nothing"),
        (
            "scale shop web=3",
            "wharf generate --now shop\nonce `[services.web]` in /etc/wharf/shop.toml has `scale = 3`",
        ),
        ("scale", "wharf generate --now STACK.toml\nonce `[services.SERVICE]` in STACK.toml has `scale = N`"),
        (
            "rm -fs db",
            "systemctl stop shop-db.service\na container is removed when its unit stops\n\
             to delete the stack from this host: wharf remove shop",
        ),
        (
            "build app",
            "systemctl reload-or-restart app-web-build.service\n\
             then, for a container of the new image: systemctl restart app.target",
        ),
        (
            "build app web",
            "systemctl reload-or-restart app-web-build.service\n\
             then, for a container of the new image: systemctl restart app-web.service",
        ),
        ("build", "systemctl reload-or-restart STACK-SERVICE-build.service"),
        ("push app", "docker push registry.example/app:1"),
        ("push shop", ", and shop has no `build`: there is no image to push"),
        ("build shop db", ", and db has no `build`, but an image of a registry; to get it: wharf pull shop db"),
        ("build shop", ", and shop has no `build`, but an image of a registry; to get it: wharf pull shop"),
        ("run migrate", "systemctl restart app-migrate.service\nit runs the command of the stack file again"),
        (
            "run backup",
            "systemctl start app-backup.service\nit runs the command of the stack file, as its timer or an update does",
        ),
    ] {
        assert_eq!(answers(line, &installed), expected, "{line}");
    }
}

#[test]
fn a_service_is_not_taken_for_a_stack() {
    let installed = installed();
    let both = "docker exec -it blog-web sh\nor: docker exec -it shop-web-1 sh";
    assert_eq!(answers("exec web sh", &installed), both);
    assert_eq!(
        answers("restart web", &installed),
        "systemctl restart blog-web.service\nor: systemctl restart 'shop-web@*.service'"
    );
    let mut same = InstalledProject::new(ProjectName::parse("app").unwrap());
    for mut unit in built().units {
        if let Some(service) = unit.mark.service.as_mut().filter(|service| service.as_str() == "web") {
            *service = crate::name::ServiceName::parse("app").unwrap();
        }
        same.add(unit);
    }
    for line in ["exec app ls -l", "exec app app ls -l"] {
        assert_eq!(answers(line, std::slice::from_ref(&same)), "docker exec -it app-web ls -l", "{line}");
    }
}

#[test]
fn a_word_that_is_neither_a_stack_nor_a_service_is_said_to_be_none() {
    let installed = installed();
    let neither =
        ", and `cache` is neither an installed stack nor a service of one; stacks: blog, shop; services: db, web";
    for line in ["exec cache redis-cli", "restart cache", "start cache", "up cache", "ps cache", "cp cache:/x ."] {
        assert_eq!(answers(line, &installed), neither, "{line}");
    }
    let of_stack = ", and `cache` is not a service of shop; its services: db, web";
    for line in ["stop shop cache", "stop shop db cache", "run shop cache sh", "scale shop cache=2", "top shop cache"] {
        assert_eq!(answers(line, &installed), of_stack, "{line}");
    }
    assert_eq!(answers("exec cache redis-cli", &installed[1..]), of_stack);
    for line in ["exec db sh", "down", "down shop", "up shop", "enable shop"] {
        let none = ", and no stack is installed on this host; to install it: wharf generate --now STACK.toml";
        assert_eq!(answers(line, &[]), none, "{line}");
    }
    for line in ["exec cart.toml web sh", "down cart.toml", "-f cart.toml restart"] {
        let not = ", and the stack of cart.toml is not installed; to install it: wharf generate --now cart.toml";
        assert_eq!(answers(line, &installed), not, "{line}");
    }
}

#[test]
fn options_before_a_command_of_wharf_are_moved_behind_it() {
    let is_own = |word: &str| ["logs", "pull"].contains(&word);
    let instead = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        CommandLine::parse(&words, &is_own).map(|line| line.is_none()).map_err(|misplaced| misplaced.instead)
    };
    assert_eq!(instead("-f shop.toml logs -f web"), Err("wharf logs shop.toml -f web".to_owned()));
    assert_eq!(instead("-f a.toml -f b.toml pull"), Err("wharf pull -f a.toml -f b.toml".to_owned()));
    assert_eq!(instead("-p shop pull"), Err("wharf pull shop".to_owned()));
    for of_wharf in ["logs -f up", "--help", "statsu", "-f up"] {
        assert_eq!(instead(of_wharf), Ok(true), "{of_wharf}");
    }
}

#[test]
fn the_only_stack_of_a_host_need_not_be_named() {
    let only = &installed()[1..];
    assert_eq!(answers("restart web", only), "systemctl restart 'shop-web@*.service'");
    assert_eq!(answers("restart", only), "systemctl restart shop.target");
    assert_eq!(answers("top", only), "systemd-cgls --unit wharf-shop.slice");
}

#[test]
fn the_stack_of_the_working_directory_is_meant_and_no_other() {
    let only = &installed()[1..];
    assert_eq!(answers_beside("up -d", only, &["./cart.toml"]), "wharf generate --now ./cart.toml");
    let down = answers_beside("down -v", only, &["./cart.toml"]);
    assert!(down.contains("the stack of ./cart.toml is not installed") && !down.contains("shop"), "{down}");
    assert!(!answers_beside("down -v", only, &["./cart.toml", "./blog.toml"]).contains("shop"));
    let source = only[0].sources[0].display().to_string();
    assert_eq!(answers_beside("restart", &installed(), &[&source]), "systemctl restart shop.target");
}

#[test]
fn a_command_without_a_stack_is_answered_with_the_installed_ones() {
    let said = without_stack("logs", &installed());
    assert_eq!(said.as_deref(), Some("name a stack, or a service: wharf logs STACK; installed stacks: blog, shop"));
    let none = without_stack("remove", &[]);
    assert_eq!(none.as_deref(), Some("name the stacks to remove: wharf remove STACK; no stack is installed"));
    assert_eq!(without_stack("secret", &[]), None);
}
