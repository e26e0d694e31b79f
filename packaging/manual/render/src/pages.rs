//! Which Markdown page becomes which man page.

/// A page of the manual: a man page and a web page, or the latter alone.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The Markdown file without `.md`, and the web page without `.html`.
    pub stem: &'static str,
    /// The name and section of the man page.
    pub man: Option<(&'static str, u8)>,
}

/// The pages that are written in Markdown. What a command, a file, a program or an interface is called, its page is called, too;
/// all other pages are about a topic: `wharf-TOPIC(7)`. Commands without a page here have one by their `--help` alone.
#[rustfmt::skip]
pub const PAGES: &[Page] = &[
    man("wharf", "wharf", 1),
    man("config", "wharf-config", 1),
    man("diff", "wharf-diff", 1),
    man("history", "wharf-history", 1),
    man("import", "wharf-import", 1),
    man("logs", "wharf-logs", 1),
    man("removal", "wharf-remove", 1),
    man("status", "wharf-status", 1),

    man("keys", "wharf.toml", 5),
    man("wharfd.toml", "wharfd.toml", 5),
    man("dbus", "io.wharf.Supervisor1", 5),

    man("build", "wharf-build", 8),
    man("generator", "wharf-generator", 8),
    man("run", "wharf-run", 8),
    man("supervision", "wharfd", 8),

    man("compose-differences", "wharf-compose-differences", 7),
    man("composition", "wharf-composition", 7),
    man("directives", "wharf-directives", 7),
    man("docker-run", "wharf-docker-run", 7),
    man("faults", "wharf-faults", 7),
    man("images", "wharf-images", 7),
    man("jobs", "wharf-jobs", 7),
    man("metrics", "wharf-metrics", 7),
    man("namespaces", "wharf-namespaces", 7),
    man("output", "wharf-output", 7),
    man("provisioning", "wharf-provisioning", 7),
    man("quadlet", "wharf-quadlet", 7),
    man("registries", "wharf-registries", 7),
    man("replicas", "wharf-replicas", 7),
    man("resources", "wharf-resources", 7),
    man("sandbox", "wharf-sandbox", 7),
    man("secrets", "wharf-secrets", 7),
    man("troubleshooting", "wharf-troubleshooting", 7),
    man("tutorial", "wharf-tutorial", 7),
    man("updates", "wharf-updates", 7),
    man("upgrade", "wharf-upgrade", 7),

    Page { stem: "benchmarks", man: None },
];

const fn man(stem: &'static str, name: &'static str, section: u8) -> Page {
    Page { stem, man: Some((name, section)) }
}

/// The date of the release in CHANGELOG.md, in each man page.
pub const DATE: &str = "2026-11-29";

/// The program and its version, in each man page.
pub const SOURCE: &str = concat!("Wharf ", env!("CARGO_PKG_VERSION"));
