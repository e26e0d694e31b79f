//! What does the work of a command of `docker compose` that Wharf does not have, as systemd or the engine do it.
//!
//! In: the command with its arguments, and the installed projects. Out: commands to type.
//! Invariant: nothing is run, and what is typed is quoted for a shell.

mod words;

use std::path::Path;

use super::installed::InstalledProject;
use crate::name::ProjectName;
use words::{Named, quoted, stacks_with};

/// A command of `docker compose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    Attach,
    Build,
    Cp,
    Create,
    Down,
    Events,
    Exec,
    Images,
    Kill,
    Ls,
    Pause,
    Port,
    Ps,
    Push,
    Restart,
    Rm,
    Run,
    Scale,
    Start,
    Stop,
    Top,
    Unpause,
    Up,
    Update,
    Version,
    Wait,
}

impl Habit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attach => "attach",
            Self::Build => "build",
            Self::Cp => "cp",
            Self::Create => "create",
            Self::Down => "down",
            Self::Events => "events",
            Self::Exec => "exec",
            Self::Images => "images",
            Self::Kill => "kill",
            Self::Ls => "ls",
            Self::Pause => "pause",
            Self::Port => "port",
            Self::Ps => "ps",
            Self::Push => "push",
            Self::Restart => "restart",
            Self::Rm => "rm",
            Self::Run => "run",
            Self::Scale => "scale",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Top => "top",
            Self::Unpause => "unpause",
            Self::Up => "up",
            Self::Update => "update",
            Self::Version => "version",
            Self::Wait => "wait",
        }
    }

    /// Whether its first argument is a service: Compose has no other way to name one.
    fn needs_service(self) -> bool {
        matches!(self, Self::Attach | Self::Exec | Self::Port | Self::Run)
    }

    /// Whether a command follows the service, with options of its own.
    fn takes_command(self) -> bool {
        matches!(self, Self::Exec | Self::Run)
    }

    /// Whether a word follows this option that belongs to it.
    fn has_value(self, option: &str) -> bool {
        let own: &[&str] = match self {
            Self::Exec => &["-u", "--user", "-e", "--env", "-w", "--workdir", "--index"],
            Self::Run => &[
                "-u",
                "--user",
                "-e",
                "--env",
                "-w",
                "--workdir",
                "-v",
                "--volume",
                "-p",
                "--publish",
                "-l",
                "--label",
                "--name",
                "--entrypoint",
                "--cap-add",
                "--cap-drop",
                "--env-from-file",
                "--pull",
            ],
            Self::Up | Self::Create => &["-t", "--timeout", "--scale", "--pull", "--attach", "--exit-code-from"],
            Self::Down | Self::Restart | Self::Stop => &["-t", "--timeout", "--rmi"],
            Self::Kill => &["-s", "--signal"],
            Self::Port => &["--index", "--protocol"],
            Self::Cp | Self::Attach => &["--index", "--detach-keys"],
            Self::Events => &["--since", "--until"],
            Self::Build => &["--build-arg", "--builder", "-m", "--memory", "--ssh", "--progress"],
            Self::Ls | Self::Ps | Self::Images => &["--filter", "--format", "--status"],
            _ => &[],
        };
        own.contains(&option)
    }
}

/// What a command's answer depends on besides the command line.
pub struct Host<'a> {
    pub installed: &'a [InstalledProject],
    /// The project's name in a stack file that is not installed yet.
    pub name_in: &'a dyn Fn(&Path) -> Option<ProjectName>,
}

/// Lines that say which command to use instead, with the names of the stack where they are known.
pub fn answer(habit: Habit, words: &[String], host: &Host<'_>) -> Vec<String> {
    let stacks = stacks_with(habit, words, host);
    let lines = match stacks.as_slice() {
        [] | [_] => lines(habit, &Named::of(habit, words, host), words),
        several => {
            let of = |project: &ProjectName| {
                let words: Vec<String> = [project.to_string()].into_iter().chain(words.iter().cloned()).collect();
                lines(habit, &Named::of(habit, &words, host), &words).into_iter().next()
            };
            several
                .iter()
                .filter_map(of)
                .enumerate()
                .map(|(index, line)| if index == 0 { line } else { format!("or: {line}") })
                .collect()
        }
    };
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    [format!("`{}` is not a command of wharf; use: {first}", habit.as_str())].into_iter().chain(lines).collect()
}

/// The command to use, then what else there is to say.
fn lines(habit: Habit, named: &Named<'_>, words: &[String]) -> Vec<String> {
    let line = |text: String| vec![text];
    match habit {
        Habit::Up => line(named.up()),
        Habit::Create => vec![named.generate(), "it writes the units and starts nothing".to_owned()],
        Habit::Stop => line(named.stop()),
        Habit::Down if named.has_services() => line(named.stop()),
        Habit::Down => {
            let volumes = if words.iter().any(|word| word == "-v" || word == "--volumes") { "--volumes " } else { "" };
            let remove = format!("to delete it from this host too: wharf remove {volumes}{}", named.stack());
            vec![named.stop(), remove]
        }
        Habit::Rm => {
            let remove = format!("to delete the stack from this host: wharf remove {}", named.stack());
            vec![named.stop(), "a container is removed when its unit stops".to_owned(), remove]
        }
        Habit::Restart | Habit::Start => line(named.systemctl(habit.as_str())),
        Habit::Ps | Habit::Ls | Habit::Images => {
            line(format!("wharf status {}", named.known_stack()).trim_end().to_owned())
        }
        Habit::Exec => line(named.exec()),
        Habit::Run => named.run(),
        Habit::Cp => line(format!("docker cp {}", named.copied(words))),
        Habit::Port => line(format!("docker port {}", named.with_rest(&named.container()))),
        Habit::Attach => {
            let logs = format!("for its output alone: wharf logs -f {}", named.words_of_service());
            vec![format!("docker attach --sig-proxy=false {}", quoted(&named.container())), logs]
        }
        Habit::Top => line(named.top()),
        Habit::Kill => {
            let restart = "the unit then does what `restart` in the stack file says; to stop it for good: ";
            vec![named.kill(words), format!("{restart}{}", named.stop())]
        }
        Habit::Pause | Habit::Unpause | Habit::Wait => {
            line(format!("docker {} {}", habit.as_str(), named.containers()))
        }
        Habit::Events => {
            let label = format!("label=io.wharf.project={}", named.stack());
            let history = format!("wharf history {}", named.known_stack()).trim_end().to_owned();
            vec![history, format!("as they happen, all of the engine's: docker events --filter {label}")]
        }
        Habit::Scale => named.scale(words),
        Habit::Update => {
            vec![
                format!("wharf pull {}", named.stack_or_file()),
                "it names the units that run with an older image, and the command that restarts them".to_owned(),
            ]
        }
        Habit::Build => named.build(),
        Habit::Push => line(named.push()),
        Habit::Version => line("wharf --version".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::selection::tests::{built, installed};
    use super::*;

    const ALL: [Habit; 26] = [
        Habit::Attach,
        Habit::Build,
        Habit::Cp,
        Habit::Create,
        Habit::Down,
        Habit::Events,
        Habit::Exec,
        Habit::Images,
        Habit::Kill,
        Habit::Ls,
        Habit::Pause,
        Habit::Port,
        Habit::Ps,
        Habit::Push,
        Habit::Restart,
        Habit::Rm,
        Habit::Run,
        Habit::Scale,
        Habit::Start,
        Habit::Stop,
        Habit::Top,
        Habit::Unpause,
        Habit::Up,
        Habit::Update,
        Habit::Version,
        Habit::Wait,
    ];

    fn answers(line: &str, installed: &[InstalledProject]) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let habit = ALL.into_iter().find(|habit| habit.as_str() == words[0]).unwrap();
        let name_in = |path: &Path| ProjectName::parse(path.file_stem()?.to_str()?).ok();
        let text = answer(habit, &words[1..], &Host { installed, name_in: &name_in }).join("\n");
        text.replace(&format!("`{}` is not a command of wharf; use: ", words[0]), "")
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
            (
                "down shop",
                "systemctl stop shop.target 'shop-*.service'\nto delete it from this host too: wharf remove shop",
            ),
            (
                "down -v blog",
                "systemctl stop blog.target 'blog-*.service'\nto delete it from this host too: wharf remove --volumes blog",
            ),
            ("ps", "wharf status"),
            ("ps shop", "wharf status shop"),
            ("exec shop db psql -U me", "docker exec -it shop-db psql -U me"),
            ("exec -it web-2", "docker exec -it shop-web-2 sh"),
            ("exec -T shop db psql", "docker exec -i shop-db psql"),
            ("exec --index 2 shop web sh", "docker exec -it shop-web-2 sh"),
            ("stop shop", "systemctl stop shop.target 'shop-*.service'"),
            ("exec shop web sh -c 'a", r"docker exec -it shop-web-1 sh -c ''\''a'"),
            ("exec", "docker exec -it STACK-SERVICE sh"),
            ("restart shop web", "systemctl restart 'shop-web@*.service'"),
            ("restart db", "systemctl restart shop-db.service"),
            ("stop shop db web-1", "systemctl stop shop-db.service shop-web@1.service"),
            ("start elsewhere", "systemctl start elsewhere.target"),
            ("top shop", "systemd-cgls --unit wharf-shop.slice"),
            ("top shop web", "docker top shop-web-1"),
            ("top my-cart", r"systemd-cgls --unit 'wharf-my\x2dcart.slice'"),
        ] {
            assert_eq!(answers(line, &installed), expected, "{line}");
        }
    }

    #[test]
    fn what_only_the_engine_does_is_answered_with_its_own_command_and_the_names_of_containers() {
        let installed = installed();
        let only = &installed[1..];
        let run = "docker run --rm -it --network container:shop-db -e A=1 $(docker inspect --format '{{.Config.Image}}' shop-db) psql -l\n\
                   in the container that runs: docker exec -it -e A=1 shop-db psql -l";
        for (line, expected) in [
            ("run --rm -e A=1 db psql -l", run),
            ("cp db:/etc/my.cnf ./my.cnf", "docker cp shop-db:/etc/my.cnf ./my.cnf"),
            ("cp a,b web:/srv", "docker cp a,b blog-web:/srv\nor: docker cp a,b shop-web-1:/srv"),
            ("cp shop db:/x .", "docker cp shop-db:/x ."),
            ("cp elsewhere:/x .", "docker cp STACK-elsewhere:/x ."),
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
                "wharf generate --now shop, once `[services.web]` in /etc/wharf/shop.toml has `scale = 3`",
            ),
            ("scale", "wharf generate --now STACK.toml, once `[services.SERVICE]` in STACK.toml has `scale = N`"),
            (
                "update shop",
                "wharf pull shop\nit names the units that run with an older image, and the command that restarts them",
            ),
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
            ("push app", "docker push registry.example/app:1"),
            ("push shop", "docker push IMAGE"),
            ("run backup", "systemctl start app-backup.service"),
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
        // One that is installed nowhere, or only with its stack's name.
        assert_eq!(answers("exec cache redis-cli", &installed), "docker exec -it STACK-cache redis-cli");
        assert_eq!(answers("exec cache redis-cli", &installed[1..]), "docker exec -it shop-cache redis-cli");
        assert_eq!(answers("exec db sh", &[]), "docker exec -it STACK-db sh");
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
    fn the_only_stack_of_a_host_need_not_be_named() {
        let only = &installed()[1..];
        assert_eq!(answers("restart web", only), "systemctl restart 'shop-web@*.service'");
        assert_eq!(answers("restart", only), "systemctl restart shop.target");
        assert_eq!(answers("top", only), "systemd-cgls --unit wharf-shop.slice");
    }
}
