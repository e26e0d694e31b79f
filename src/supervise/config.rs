//! /etc/wharf/wharfd.toml: everything in it is optional, and so is the file.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use super::policy::Pauses;

/// Where it is looked for.
pub const FILE: &str = "/etc/wharf/wharfd.toml";

/// Longer is as good as never, and more than clocks can add.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// What an administrator may set; times as `"10s"`, `"5min"`, `"1day 12h"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The pause before an unhealthy container is restarted a second time; it doubles from then on. 10 s.
    restart_sec: Option<Span>,
    /// The longest pause. 5 min.
    restart_max_delay_sec: Option<Span>,
    /// After so long without interruption healthy, attempts count from one again. 10 min.
    restart_reset_sec: Option<Span>,
    /// How often the registries are asked for the images' digests. Never, unless a caller asks for it.
    check_images_sec: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match humantime::parse_duration(&text) {
            Ok(span) if span > LONGEST => Err(de::Error::custom("a time span of at most a year is expected")),
            Ok(span) if !span.is_zero() => Ok(Self(span)),
            Ok(_) => Err(de::Error::custom("a time span longer than zero is expected, as \"10s\" or \"5min\"")),
            Err(error) => {
                Err(de::Error::custom(format!("{error}; a time span is written as \"10s\", \"5min\" or \"1day\"")))
            }
        }
    }
}

impl Config {
    /// Reads the file; if there is none, the defaults apply.
    ///
    /// # Errors
    /// It cannot be read, or is wrong.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let failed = |why: String| ConfigError { file: file.display().to_string(), why };
        match fs::read_to_string(file) {
            Ok(text) => toml::from_str(&text).map_err(|error| failed(error.to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    pub fn pauses(&self) -> Pauses {
        let default = Pauses::default();
        let or = |span: Option<Span>, default| span.map_or(default, |span| span.0);
        Pauses {
            first: or(self.restart_sec, default.first),
            longest: or(self.restart_max_delay_sec, default.longest),
            recovered: or(self.restart_reset_sec, default.recovered),
        }
    }

    /// `None`: never.
    pub fn check_images(&self) -> Option<Duration> {
        self.check_images_sec.map(|span| span.0)
    }
}

#[derive(Debug, Error)]
#[error("{file}: {}", .why.trim_end())]
pub struct ConfigError {
    file: String,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("wharfd.toml");
        fs::write(&file, text).unwrap();
        Config::read(&file)
    }

    #[test]
    fn what_is_not_said_is_as_ever() {
        assert_eq!(Config::read(Path::new("/nonexistent/wharfd.toml")).unwrap(), Config::default());
        let config = read("restart_sec = \"2s\"\ncheck_images_sec = \"1day\"\n").unwrap();
        assert_eq!(config.pauses(), Pauses { first: Duration::from_secs(2), ..Pauses::default() });
        assert_eq!(config.check_images(), Some(Duration::from_secs(24 * 60 * 60)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, place, why) in [
            ("restart_sec = \"0s\"", "line 1, column 15", "longer than zero"),
            ("restart_sec = \"9999999years\"", "line 1, column 15", "at most a year"),
            ("\nrestart_sec = \"soon\"", "line 2, column 15", "\"10s\""),
            ("restart = \"1s\"", "line 1, column 1", "unknown field `restart`"),
            ("restart_sec = 5", "line 1, column 15", "invalid type: integer"),
            ("restart_sec =", "line 1, column 14", ""),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(place) && error.contains(why), "{error}");
        }
    }
}
