//! Durations, sizes in bytes and numbers of CPUs.
//!
//! Source: Compose Specification, Extension, "Specifying durations" and "Specifying byte values".

use std::time::Duration;

use crate::stack::problem::{AmountFault, Invalid};

/// A hundred years: longer is a mistake, and the engine's 64-bit nanoseconds end soon after.
const LONGEST: u128 = 100 * 365 * 24 * 3600 * 1_000_000_000;

/// `1h5m30s20ms`: numbers, each with one of the units us, ms, s, m, h. `0` alone needs no unit.
pub fn duration(text: &str) -> Result<Duration, Invalid> {
    parse_duration(text).map_err(|fault| Invalid::Duration { value: text.to_owned(), fault })
}

fn parse_duration(text: &str) -> Result<Duration, AmountFault> {
    let mut rest = text.trim();
    match rest {
        "" => return Err(AmountFault::Empty),
        "0" => return Ok(Duration::ZERO),
        _ => {}
    }
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split_number(rest);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let scale = match unit {
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(AmountFault::NoUnit),
            _ if number.is_empty() => return Err(AmountFault::NoNumber),
            other if other.contains(char::is_whitespace) => return Err(AmountFault::Space),
            other => return Err(AmountFault::Unit(other.to_owned())),
        };
        nanoseconds =
            scaled(number, scale)?.checked_add(nanoseconds).filter(|sum| *sum <= LONGEST).ok_or(AmountFault::TooBig)?;
        rest = after;
    }
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| AmountFault::TooBig)
}

/// `64m`, `1.5g`, `1024`: a number and one of the units b, k, kb, m, mb, g, gb (powers of 1024), in either case.
pub fn bytes(text: &str) -> Result<u64, Invalid> {
    parse_bytes(text).map_err(|fault| Invalid::Bytes { value: text.to_owned(), fault })
}

fn parse_bytes(text: &str) -> Result<u64, AmountFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(AmountFault::Empty);
    }
    let (number, unit) = split_number(text);
    let unit = unit.trim();
    let scale = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ if number.is_empty() => return Err(AmountFault::NoNumber),
        _ => return Err(AmountFault::Unit(unit.to_owned())),
    };
    let bytes = scaled(number, scale)?;
    u64::try_from(bytes).ok().filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or(AmountFault::TooBig)
}

/// A number of CPUs in billionths. Source: Compose Specification, services, cpus.
pub fn cpus(text: &str) -> Result<u64, Invalid> {
    let invalid = || Invalid::Cpus { value: text.to_owned() };
    let text = text.trim();
    let (number, rest) = split_number(text);
    if number.is_empty() || !rest.is_empty() {
        return Err(invalid());
    }
    let billionths = scaled(number, 1_000_000_000).map_err(|_| invalid())?;
    let billionths = u64::try_from(billionths).map_err(|_| invalid())?;
    // Below a hundredth, the kernel's quota cannot express it; zero is the engine's "no limit".
    let sensible = billionths == 0 || (10_000_000..=1_000_000_000_000_000).contains(&billionths);
    if sensible { Ok(billionths) } else { Err(invalid()) }
}

/// The digits, and perhaps one point, at the start of a text; and what follows.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    text.split_at(end)
}

/// A decimal number times a scale, exactly; digits below 1 are cut off.
fn scaled(number: &str, scale: u128) -> Result<u128, AmountFault> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(AmountFault::NoNumber);
    }
    let digits = |text: &str| -> Result<u128, AmountFault> {
        if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| AmountFault::TooBig) }
    };
    // Eighteen digits are more than any scale here can tell apart.
    let fraction = &fraction[..fraction.len().min(18)];
    let power = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(18));
    let whole = digits(whole)?.checked_mul(scale).ok_or(AmountFault::TooBig)?;
    let part = digits(fraction)?.checked_mul(scale).ok_or(AmountFault::TooBig)? / power;
    whole.checked_add(part).ok_or(AmountFault::TooBig)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let millis = |text| duration(text).ok().map(|d| d.as_micros());
        assert_eq!(millis("10ms"), Some(10_000));
        assert_eq!(millis("1m30s"), Some(90_000_000));
        assert_eq!(millis("1h5m30s20ms"), Some(3_930_020_000));
        assert_eq!(millis("1.5s"), Some(1_500_000));
        assert_eq!(millis("250us"), Some(250));
        assert_eq!(millis("0"), Some(0));
        for bad in
            ["", "30", "s", "1d", "1m30", "-1s", "1..5s", ".s", "999999999h", "1 s", "99999999999999999999999999s"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        let size = |text| bytes(text).ok();
        assert_eq!(size("2b"), Some(2));
        assert_eq!(size("1024kb"), Some(1 << 20));
        assert_eq!(size("300m"), Some(300 << 20));
        assert_eq!(size("1GB"), Some(1 << 30));
        assert_eq!(size("1.5g"), Some(3 << 29));
        assert_eq!(size("4096"), Some(4096));
        for bad in ["", "m", "1tb", "-1m", "1m1", "99999999999g"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn processors() {
        assert_eq!(cpus("0.5").ok(), Some(500_000_000));
        assert_eq!(cpus("2").ok(), Some(2_000_000_000));
        for bad in ["", "two", "-1", "1e3", "0.001", "nan", "99999999999"] {
            assert!(cpus(bad).is_err(), "{bad}");
        }
    }
}
