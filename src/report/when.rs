//! Points in time on a command line: as journalctl(1) takes them (systemd.time(7)), and as `docker logs` and `docker compose logs` do.

/// As systemd.time(7) writes it. A duration as Docker takes it (`1h30m`, Go's ParseDuration) was so long ago, and a number is one of
/// seconds since 1970. What is neither stays as it is, for journalctl to judge.
pub fn point_in_time(text: &str) -> String {
    if is_duration(text) {
        return format!("-{text}");
    }
    if is_number(text) { format!("@{text}") } else { text.to_owned() }
}

/// `1.5h`, `10m`, `1h30m`: numbers with units, and nothing between them. systemd has the same units.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let Some(unit) = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0) else {
            return false;
        };
        let (number, after) = rest.split_at(unit);
        let Some(length) = ["ms", "us", "h", "m", "s"].iter().find(|unit| after.starts_with(**unit)).map(|it| it.len())
        else {
            return false;
        };
        if !is_number(number) {
            return false;
        }
        rest = &after[length..];
    }
    !text.is_empty()
}

fn is_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::point_in_time;

    #[test]
    fn times_of_docker_become_those_of_systemd() {
        for (docker, systemd) in [
            ("1h", "-1h"),
            ("10m", "-10m"),
            ("1h30m", "-1h30m"),
            ("1.5h", "-1.5h"),
            ("90s", "-90s"),
            ("1m500ms", "-1m500ms"),
            ("1767225600", "@1767225600"),
            ("1767225600.25", "@1767225600.25"),
        ] {
            assert_eq!(point_in_time(docker), systemd);
        }
    }

    #[test]
    fn times_of_systemd_stay_as_they_are() {
        let times = [
            "-2h",
            "2h ago",
            "1h 30m",
            "yesterday",
            "2026-01-31 12:00",
            "2026-01-31T12:00:00Z",
            "12:00",
            "@5",
            "+1h",
            "",
            "h",
            "1x",
            "1.h",
            "..m",
            "1mh",
            "1months",
        ];
        for time in times {
            assert_eq!(point_in_time(time), time);
        }
    }
}
