//! Calendar expressions, as a timer's `OnCalendar=` takes them: checked here, so that no timer is written that systemd refuses.
//!
//! Source: systemd.time(7), "Calendar Events". Invariant: what is accepted here, `systemd-analyze calendar` accepts, and the other
//! way round but for the abbreviations of the local time zone (`CEST`), which only mean something on a host that is in it.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::stack::problem::{CalendarFault, Invalid};

/// Short for a whole expression.
const SHORTHANDS: [&str; 13] = [
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "annually",
    "yearly",
    "anually",
    "biannually",
    "bi-annually",
    "semiannually",
    "semi-annually",
];

/// From Monday on; each may be cut to its first three letters.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// The largest number that systemd holds in a part (an int).
const MOST: u64 = i32::MAX as u64;

/// More values than this in one list are refused by systemd.
const MOST_VALUES: usize = 240;

/// Where the names of time zones are files (tzfile(5)).
const ZONES: &str = "/usr/share/zoneinfo";

/// Checks an expression and hands it back as written.
pub fn expression(text: &str) -> Result<String, Invalid> {
    match check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(fault) => Err(Invalid::Calendar { value: text.to_owned(), fault }),
    }
}

/// `[DAYS] [DATE] [TIME] [ZONE]`
fn check(text: &str) -> Result<(), CalendarFault> {
    if text.chars().any(char::is_control) {
        return Err(CalendarFault::Syntax { rest: text.to_owned() });
    }
    let (text, zone) = split_zone(text);
    if text.is_empty() {
        return Err(CalendarFault::Empty);
    }
    if SHORTHANDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return zone.map_or(Ok(()), check_zone);
    }
    let rest = weekdays(text)?;
    match rest.strip_prefix('@') {
        Some(seconds) => epoch(seconds)?,
        None => check_time(date(rest)?)?,
    }
    zone.map_or(Ok(()), check_zone)
}

/// A last word that begins with a letter and is no day is a time zone's name.
fn split_zone(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(' ') {
        Some((before, word)) if is_zone(word) && weekday(word).is_none() => (before, Some(word)),
        _ => (text, None),
    }
}

fn is_zone(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "_+-/".contains(c))
}

/// `UTC` in any case, or a file of the zone database; on a host without one, any name.
fn check_zone(zone: &str) -> Result<(), CalendarFault> {
    let zones = Path::new(ZONES);
    let known = zone.eq_ignore_ascii_case("UTC") || !zones.is_dir() || zones.join(zone).is_file();
    if known { Ok(()) } else { Err(CalendarFault::Zone { zone: zone.to_owned() }) }
}

fn syntax(rest: &str) -> CalendarFault {
    CalendarFault::Syntax { rest: rest.to_owned() }
}

/// The days at the start, if there are any; what follows them.
fn weekdays(text: &str) -> Result<&str, CalendarFault> {
    let mut rest = text;
    let mut range_from: Option<usize> = None;
    loop {
        let Some((day, after)) = weekday(rest) else {
            // No day at the very start: they were left out.
            return if rest.len() == text.len() { Ok(text) } else { Err(syntax(rest)) };
        };
        if !matches!(after.chars().next(), None | Some('-' | '.' | ',' | ' ')) {
            return Err(CalendarFault::Weekday { word: first_word(rest).to_owned() });
        }
        if range_from.is_some_and(|from| from > day) {
            return Err(CalendarFault::WeekdayOrder { range: text.split(' ').next().unwrap_or(text).to_owned() });
        }
        let ranges = after.strip_prefix("..").or_else(|| after.strip_prefix('-'));
        if let Some(next) = ranges {
            if range_from.is_some() {
                return Err(syntax(after));
            }
            (rest, range_from) = (next, Some(day));
        } else if let Some(next) = after.strip_prefix(',') {
            (rest, range_from) = (next, None);
        } else if after.is_empty() || after.starts_with(' ') {
            return Ok(after.trim_start_matches(' '));
        } else {
            return Err(syntax(after));
        }
        // A comma may be the last, a range must have its end.
        if rest.is_empty() || rest.starts_with(' ') {
            return if range_from.is_none() { Ok(rest.trim_start_matches(' ')) } else { Err(syntax(after)) };
        }
    }
}

/// The number of the day that a text begins with, and what follows its name.
fn weekday(text: &str) -> Option<(usize, &str)> {
    let begins = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    DAYS.iter().enumerate().find_map(|(number, name)| {
        let length = if begins(name) { name.len() } else { 3 };
        begins(&name[..length]).then(|| (number, &text[length..]))
    })
}

fn first_word(text: &str) -> &str {
    text.split([' ', ',']).next().unwrap_or(text)
}

/// Seconds since 1970.
fn epoch(text: &str) -> Result<(), CalendarFault> {
    let fits = text.parse::<u64>().is_ok_and(|seconds| seconds < 7_258_118_400) && !text.starts_with('+');
    if fits { Ok(()) } else { Err(syntax(&format!("@{text}"))) }
}

/// One of the values between commas: `START[..STOP][/REPEAT]`.
#[derive(Debug, Clone, Copy)]
struct Component {
    start: u64,
    stop: Option<u64>,
    repeat: u64,
}

impl Component {
    /// As systemd has it: a range ends with its last repetition, and one without a repetition is one value.
    fn shortened(self) -> Self {
        let cut = |stop: u64| {
            if stop > self.start && self.repeat > 0 { stop - (stop - self.start) % self.repeat } else { stop }
        };
        match self.stop.map(cut) {
            Some(stop) if stop == self.start => Self { stop: None, repeat: 0, ..self },
            stop => Self { stop, ..self },
        }
    }
}

/// The values of one part; none for `*`.
type Chain = Vec<Component>;

/// `[[YEAR-]MONTH-DAY ]`, where `~` in place of the last `-` counts from the month's end; what follows.
fn date(text: &str) -> Result<&str, CalendarFault> {
    if text.is_empty() {
        return Ok(text);
    }
    let (first, rest) = chain(text, false)?;
    if rest.is_empty() || rest.starts_with(':') {
        // It was the hour.
        return Ok(text);
    }
    let (second, last_days, rest) = after_dash(rest)?;
    let (year, month, day, last_days, rest) = if rest.is_empty() || rest.starts_with(' ') {
        (Chain::new(), first, second, last_days, rest)
    } else if last_days {
        return Err(syntax(rest));
    } else {
        let (third, last_days, rest) = after_dash(rest)?;
        (first, second, third, last_days, rest)
    };
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return Err(syntax(rest));
    }
    let year: Chain = year.into_iter().map(with_century).collect();
    in_range("year", &year, 1970..=2199, false)?;
    in_range("month", &month, 1..=12, false)?;
    in_range("day", &day, 1..=31, last_days)?;
    Ok(rest.trim_start_matches(' '))
}

/// The part behind a `-` or `~`; whether it was the latter.
fn after_dash(text: &str) -> Result<(Chain, bool, &str), CalendarFault> {
    let last_days = text.starts_with('~');
    let next = text.strip_prefix(['-', '~']).ok_or_else(|| syntax(text))?;
    let (chain, rest) = chain(next, false)?;
    Ok((chain, last_days, rest))
}

/// Two digits of a year mean one from 1970 to 2069.
fn with_century(component: Component) -> Component {
    let year = |number: u64| match number {
        0..=69 => number + 2000,
        70..=99 => number + 1900,
        _ => number,
    };
    Component { start: year(component.start), stop: component.stop.map(year), ..component }
}

/// `[HOUR:MINUTE[:SECOND]]`
fn check_time(text: &str) -> Result<(), CalendarFault> {
    if text.is_empty() {
        return Ok(());
    }
    let colon = |rest: &str| rest.strip_prefix(':').map(str::len).ok_or_else(|| syntax(rest));
    let (hour, rest) = chain(text, false)?;
    let (minute, rest) = chain(&rest[rest.len() - colon(rest)?..], false)?;
    in_range("hour", &hour, 0..=23, false)?;
    in_range("minute", &minute, 0..=59, false)?;
    if rest.is_empty() {
        return Ok(());
    }
    let (second, rest) = chain(&rest[rest.len() - colon(rest)?..], true)?;
    in_range("second", &second, 0..=60 * SECOND - 1, false)?;
    if rest.is_empty() { Ok(()) } else { Err(syntax(rest)) }
}

/// `*`, or values between commas; with `fractions` in microseconds. What follows.
fn chain(text: &str, fractions: bool) -> Result<(Chain, &str), CalendarFault> {
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Chain::new(), rest));
    }
    let mut chain = Chain::new();
    let mut rest = text;
    loop {
        let (component, after) = component(rest, fractions)?;
        if chain.len() > MOST_VALUES {
            return Err(CalendarFault::TooMany);
        }
        chain.push(component);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((chain, after)),
        }
    }
}

fn component(text: &str, fractions: bool) -> Result<(Component, &str), CalendarFault> {
    let (start, mut rest) = number(text, fractions)?;
    let mut component = Component { start, stop: None, repeat: 0 };
    if let Some(next) = rest.strip_prefix("..") {
        let (stop, after) = number(next, fractions)?;
        component.stop = Some(stop);
        component.repeat = if fractions { SECOND } else { 1 };
        rest = after;
    }
    if let Some(next) = rest.strip_prefix('/') {
        let (repeat, after) = number(next, fractions)?;
        if repeat == 0 {
            return Err(CalendarFault::Step { text: text.to_owned() });
        }
        component.repeat = repeat;
        rest = after;
    } else if fractions && component.stop.is_some_and(|stop| start + component.repeat > stop) {
        return Err(CalendarFault::ShortRange { text: text.to_owned() });
    }
    if matches!(rest.chars().next(), None | Some(' ' | ',' | '-' | '~' | ':')) {
        Ok((component, rest))
    } else {
        Err(syntax(rest))
    }
}

/// Digits; with `fractions` of seconds, down to microseconds.
fn number(text: &str, fractions: bool) -> Result<(u64, &str), CalendarFault> {
    let (digits, rest) = digits(text);
    if digits.is_empty() {
        return Err(syntax(text));
    }
    let too_big = || CalendarFault::TooBig { number: digits.to_owned() };
    let whole: u64 = digits.parse().map_err(|_| too_big())?;
    if !fractions {
        return if whole > MOST { Err(too_big()) } else { Ok((whole, rest)) };
    }
    let whole = whole.checked_mul(SECOND).ok_or_else(too_big)?;
    let (part, rest) = match rest.strip_prefix('.') {
        Some(after) if !after.starts_with('.') => fraction(after)?,
        _ => (0, rest),
    };
    Ok((whole.checked_add(part).filter(|sum| *sum <= MOST).ok_or_else(too_big)?, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Six digits, rounded by the seventh.
fn fraction(text: &str) -> Result<(u64, &str), CalendarFault> {
    let (digits, rest) = digits(text);
    if digits.is_empty() {
        return Err(syntax(text));
    }
    let place = |index: usize| digits.as_bytes().get(index).map_or(0, |digit| u64::from(digit - b'0'));
    let micros = (0..6).fold(0, |sum, index| sum * 10 + place(index));
    Ok((micros + u64::from(place(6) >= 5), rest))
}

/// Whether each value, and at least one repetition of those that repeat, lies in the range.
fn in_range(
    part: &'static str,
    chain: &[Component],
    range: RangeInclusive<u64>,
    last_days: bool,
) -> Result<(), CalendarFault> {
    let (from, to) = range.into_inner();
    // A month has 28 days at least: counted from its end, nothing is further away.
    let to = if last_days { to - 3 } else { to };
    for Component { start, stop, repeat } in chain.iter().map(|component| component.shortened()) {
        let inside = |number: u64| (from..=to).contains(&number);
        let fits = inside(start)
            && repeat <= to - from
            && match stop {
                Some(stop) => inside(stop) && start + repeat <= stop,
                None if last_days => start >= from + repeat,
                None => start + repeat <= to,
            };
        if !fits {
            let unit = if part == "second" { SECOND } else { 1 };
            return Err(CalendarFault::OutOfRange { part, from: from / unit, to: to / unit });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    /// Each line of the list was put to `systemd-analyze calendar` of systemd 257 too: `tests/calendar.rs` does it again.
    #[test]
    fn what_systemd_takes_and_what_not() {
        for line in include_str!("../../../tests/calendar.txt").lines().filter(|line| !line.starts_with('#')) {
            let (verdict, text) = line.split_once('|').expect("a verdict and an expression");
            assert_eq!(check(text).is_ok(), verdict == "ok", "{text:?}");
        }
    }
}
