//! Whether this host is fit to run stacks, and what to do about it where it is not.
//!
//! In: [`Facts`] of systemd, the engine and this host. Out: [`Check`]s, each with its result and the next step; a pure decision.
//! Invariant: nothing is changed, and nothing started.

mod facts;
mod sources;

use std::fmt;

use serde::Serialize;

use crate::engine::{About, EngineError};

pub use facts::{Facts, Firewall, Wharfd};
pub use sources::{engine_of_units, look, wharfd};

/// The oldest version that knows every directive of a generated unit (`RestartMode=`, `RestartSteps=`).
pub const OLDEST_SYSTEMD: u32 = 254;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// Stacks run, but not as they could.
    Warning,
    /// Stacks do not run, or not as they say.
    Problem,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in a word.
    pub name: &'static str,
    pub result: Verdict,
    pub message: String,
    /// The next step, if there is one.
    pub help: Option<String>,
}

impl Check {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, result: Verdict::Ok, message: message.into(), help: None }
    }

    fn warning(name: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { name, result: Verdict::Warning, message: message.into(), help: Some(help.into()) }
    }

    fn problem(name: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { name, result: Verdict::Problem, message: message.into(), help: Some(help.into()) }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {}", self.result, self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "\n         -> {help}"))
    }
}

/// All checks, in an order in which each is worth a look only if those before it are in order.
pub fn examine(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![systemd(facts.systemd.as_deref()), control_groups(facts.unified_cgroups)];
    match &facts.engine {
        Ok(about) => checks.extend(engine(about)),
        Err(error) => checks.push(no_engine(error)),
    }
    checks.extend(facts.docker_host.as_deref().map(docker_host));
    checks.push(health(facts.wharfd, facts.healthchecks.as_deref()));
    checks.extend(facts.without_file.iter().map(|(project, file)| without_file(project, file)));
    checks.extend(open_ports(facts.firewall, &facts.open_ports));
    checks
}

/// What keeps a stack from running as it says although its units can be written.
pub fn obstacles(systemd_version: &str, about: Option<&About>) -> Vec<Check> {
    let mut checks = vec![systemd(Some(systemd_version))];
    checks.extend(about.into_iter().flat_map(engine));
    checks.retain(|check| check.result == Verdict::Problem);
    checks
}

fn systemd(version: Option<&str>) -> Check {
    const NAME: &str = "systemd";
    let Some(version) = version else {
        return Check::problem(
            NAME,
            "this system does not run systemd",
            "Wharf's units need systemd as the system's init (pid 1)",
        );
    };
    let digits = version.trim_start_matches('v');
    let major = digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u32>().ok());
    match major {
        Some(major) if major < OLDEST_SYSTEMD => Check::problem(
            NAME,
            format!("systemd {version} is too old: it refuses to load the units"),
            format!("use a release of this distribution with systemd {OLDEST_SYSTEMD} or later"),
        ),
        _ => Check::ok(NAME, format!("systemd {version}")),
    }
}

fn control_groups(unified: bool) -> Check {
    const NAME: &str = "cgroups";
    if unified {
        Check::ok(NAME, "one hierarchy of control groups (cgroup v2)")
    } else {
        Check::problem(
            NAME,
            "the control groups are those of cgroup v1, under which limits of slices do not hold",
            "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
        )
    }
}

fn no_engine(error: &EngineError) -> Check {
    let help = match error {
        EngineError::NoPermission(_) => {
            "`sudo wharf doctor`: the engine, healthchecks and published ports are seen by root; the units themselves run as root"
        }
        EngineError::Hangs => "look at `journalctl -u docker`; `systemctl restart docker` restarts it",
        _ => {
            "`systemctl enable --now docker`; if it is not installed: `apt install docker.io` on Debian and Ubuntu, else see \
             https://docs.docker.com/engine/install"
        }
    };
    Check::problem("engine", error.to_string(), help)
}

fn engine(about: &About) -> Vec<Check> {
    if about.is_podman {
        return vec![Check::problem(
            "engine",
            "/run/docker.sock is Podman's: its service makes networks and volumes of a stack, and refuses its containers",
            "install Docker Engine, and remove the package podman-docker, which puts Podman's socket in its place",
        )];
    }
    if about.is_rootless {
        return vec![Check::problem(
            "engine",
            "the engine at /run/docker.sock runs without root, so that its containers are outside the units' slices",
            "run Docker Engine as root; Wharf does not support a rootless one yet",
        )];
    }
    let mut checks = vec![Check::ok("engine", format!("Docker Engine {}", about.version))];
    checks.push(if about.cgroup_driver.as_str() == "systemd" {
        Check::ok("cgroup driver", "the engine's control groups are systemd's")
    } else {
        Check::problem(
            "cgroup driver",
            format!(
                "the engine uses the cgroup driver {}: its containers are outside the units' slices, whose limits do nothing",
                about.cgroup_driver
            ),
            "set \"exec-opts\": [\"native.cgroupdriver=systemd\"] in /etc/docker/daemon.json, then `systemctl restart docker`",
        )
    });
    checks.push(if about.live_restore {
        Check::ok("live-restore", "containers keep running while the engine is restarted")
    } else {
        Check::warning(
            "live-restore",
            "a restart of the engine restarts all containers",
            "set \"live-restore\": true in /etc/docker/daemon.json, then `systemctl reload docker`",
        )
    });
    checks
}

fn docker_host(value: &str) -> Check {
    Check::warning(
        "DOCKER_HOST",
        format!(
            "DOCKER_HOST={value} is set here, and the units do not see it: they use the engine at /run/docker.sock"
        ),
        "`env -u DOCKER_HOST docker ps` shows the containers of the units",
    )
}

fn health(wharfd: Wharfd, healthchecks: Option<&[String]>) -> Check {
    const NAME: &str = "wharfd";
    const HELP: &str = "`systemctl enable --now wharfd`";
    match (wharfd, healthchecks) {
        (Wharfd { runs: true, .. }, _) => Check::ok(NAME, "wharfd restarts what is unhealthy"),
        (Wharfd { enabled: true, .. }, _) => Check::warning(
            NAME,
            "wharfd is enabled and does not run",
            "look at `journalctl -u wharfd`; `systemctl start wharfd`",
        ),
        (_, None) => Check::warning(
            NAME,
            "wharfd is not enabled, and only root sees whether a service has a healthcheck",
            "`sudo wharf doctor`",
        ),
        (_, Some([])) => Check::ok(NAME, "wharfd is not enabled, and no service that is installed has a healthcheck"),
        (_, Some([one])) => Check::warning(
            NAME,
            format!("wharfd is not enabled: {one} has a healthcheck, and nothing acts on it"),
            HELP,
        ),
        (_, Some([one, others @ ..])) => Check::warning(
            NAME,
            format!(
                "wharfd is not enabled: {one} and {} more have a healthcheck, and nothing acts on it",
                others.len()
            ),
            HELP,
        ),
    }
}

fn without_file(project: &str, file: &str) -> Check {
    Check::warning(
        "stack file",
        format!("the units of `{project}` are installed, and their stack file {file} is gone"),
        format!("put the file back, or remove the stack: `wharf remove {project}`"),
    )
}

/// The engine's rules come before those of the firewall (moby#22054).
fn open_ports(firewall: Option<Firewall>, open: &[(String, String)]) -> Option<Check> {
    let firewall = firewall?;
    let (container, address) = open.first()?;
    let others = match open.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Some(Check::warning(
        "firewall",
        format!(
            "{address} of {container}{others} can be reached from every network: {firewall} does not hold for published ports"
        ),
        "publish ports on an address (ports = [\"127.0.0.1:8080:80\"]), or put rules into the chain DOCKER-USER",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            version: "28.5.2".to_owned().into(),
            is_podman: false,
            is_rootless: false,
            cgroup_driver: "systemd".to_owned().into(),
            live_restore: true,
        }
    }

    fn fit() -> Facts {
        Facts {
            systemd: Some("257.9-1".to_owned()),
            unified_cgroups: true,
            engine: Ok(about()),
            docker_host: None,
            wharfd: Wharfd { enabled: true, runs: true },
            healthchecks: Some(Vec::new()),
            without_file: Vec::new(),
            firewall: None,
            open_ports: Vec::new(),
        }
    }

    /// What is not in order, by name.
    fn found(facts: &Facts) -> Vec<(&'static str, Verdict)> {
        let checks = examine(facts);
        let bad = checks.iter().filter(|check| check.result != Verdict::Ok);
        bad.inspect(|check| assert!(check.help.is_some(), "{check}")).map(|check| (check.name, check.result)).collect()
    }

    #[test]
    fn each_thing_that_is_wrong_is_found_alone() {
        use Verdict::{Problem, Warning};
        assert_eq!(found(&fit()), []);
        let engine = |change: fn(&mut About)| {
            let mut about = about();
            change(&mut about);
            Ok(about)
        };
        let cases: [(Facts, &str, Verdict); 16] = [
            (Facts { systemd: None, ..fit() }, "systemd", Problem),
            (Facts { systemd: Some("252.38-1~deb12u1".to_owned()), ..fit() }, "systemd", Problem),
            (Facts { systemd: Some("v253".to_owned()), ..fit() }, "systemd", Problem),
            (Facts { unified_cgroups: false, ..fit() }, "cgroups", Problem),
            (Facts { engine: Err(EngineError::Unreachable("x".to_owned().into())), ..fit() }, "engine", Problem),
            (Facts { engine: Err(EngineError::NoPermission("x".to_owned().into())), ..fit() }, "engine", Problem),
            (Facts { engine: engine(|about| about.is_podman = true), ..fit() }, "engine", Problem),
            (Facts { engine: engine(|about| about.is_rootless = true), ..fit() }, "engine", Problem),
            (
                Facts { engine: engine(|about| about.cgroup_driver = "cgroupfs".to_owned().into()), ..fit() },
                "cgroup driver",
                Problem,
            ),
            (Facts { engine: engine(|about| about.live_restore = false), ..fit() }, "live-restore", Warning),
            (Facts { docker_host: Some("unix:///x".to_owned()), ..fit() }, "DOCKER_HOST", Warning),
            (Facts { wharfd: Wharfd { enabled: true, runs: false }, ..fit() }, "wharfd", Warning),
            (Facts { wharfd: Wharfd::default(), healthchecks: None, ..fit() }, "wharfd", Warning),
            (
                Facts { wharfd: Wharfd::default(), healthchecks: Some(vec!["shop-db.service".to_owned()]), ..fit() },
                "wharfd",
                Warning,
            ),
            (
                Facts { without_file: vec![("shop".to_owned(), "/etc/wharf/shop.toml".to_owned())], ..fit() },
                "stack file",
                Warning,
            ),
            (
                Facts {
                    firewall: Some(Firewall::Ufw),
                    open_ports: vec![("shop-web".to_owned(), "0.0.0.0:8080".to_owned())],
                    ..fit()
                },
                "firewall",
                Warning,
            ),
        ];
        for (facts, name, verdict) in cases {
            assert_eq!(found(&facts), [(name, verdict)], "{facts:?}");
        }
        assert_eq!(found(&Facts { wharfd: Wharfd::default(), ..fit() }), [], "there is nothing to act on");
    }

    #[test]
    fn an_obstacle_is_only_what_keeps_a_stack_from_running() {
        assert_eq!(obstacles("254", Some(&About { live_restore: false, ..about() })), []);
        assert_eq!(obstacles("252.1", None).len(), 1);
        assert_eq!(obstacles("257", Some(&About { is_podman: true, ..about() })).len(), 1);
    }
}
