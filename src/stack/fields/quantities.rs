//! Numbers with a unit: bytes, CPUs, processes, permission bits.

use std::time::Duration;

use super::{Fields, Item};
use crate::stack::grammar::amounts;
use crate::stack::problem::{Expected, Invalid};
use crate::stack::text::node::Value;

/// An integer number of bytes, or a string with a unit.
pub fn bytes(item: Item<'_>) -> Option<u64> {
    match &item.node.value {
        Value::Integer(_) => item.integer(0).and_then(|number| u64::try_from(number).ok()),
        _ => item.parse(Expected::Bytes, amounts::bytes),
    }
}

/// A string with units of time.
pub fn duration(item: Item<'_>) -> Option<Duration> {
    item.parse(Expected::Duration, amounts::duration)
}

/// Bytes; 0 is the engine's "no limit".
pub fn limit_in_bytes(fields: &mut Fields<'_>, key: &'static str) -> Option<u64> {
    fields.get(key).and_then(bytes).filter(|bytes| *bytes > 0)
}

/// Billionths of a CPU; 0 is the engine's "no limit".
pub fn cpus(fields: &mut Fields<'_>, key: &'static str) -> Option<u64> {
    let item = fields.get(key)?;
    let text = match &item.node.value {
        Value::Integer(_) | Value::Float(_) | Value::String(_) => item.node.scalar()?,
        _ => {
            item.wrong_type(Expected::Number);
            return None;
        }
    };
    item.accept(amounts::cpus(&text)).filter(|billionths| *billionths > 0)
}

/// A share: a number from 0 to 1.
pub fn ratio(item: Item<'_>) -> Option<f64> {
    let is_number = matches!(item.node.value, Value::Integer(_) | Value::Float(_) | Value::String(_));
    let ratio = item.node.scalar().filter(|_| is_number).and_then(|text| text.parse().ok());
    let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
    if ratio.is_none() {
        item.wrong_type(Expected::Ratio);
    }
    ratio
}

/// -1: unlimited, as is the engine's 0.
pub fn pids_limit(fields: &mut Fields<'_>, key: &'static str) -> Option<i64> {
    let limit = fields.get(key)?.integer(-1)?;
    Some(if limit == 0 { -1 } else { limit })
}

/// Permission bits, which are octal: `0o1777`, or `"1777"`; in YAML also `01777`. A plain `1777` is a decimal number, and surely a
/// mistake.
pub fn permission_bits(item: Item<'_>) -> Option<u32> {
    let octal = |text: &str| u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o7777);
    let (text, bits) = match &item.node.value {
        Value::Integer(number) if item.node.source().starts_with('0') => {
            (number.to_string(), u32::try_from(*number).ok().filter(|bits| *bits <= 0o7777))
        }
        Value::Integer(number) => (number.to_string(), None),
        Value::String(text) => (text.clone(), octal(text.strip_prefix("0o").unwrap_or(text))),
        _ => {
            item.wrong_type(Expected::Integer);
            return None;
        }
    };
    if bits.is_none() {
        item.add(Invalid::Mode { value: text });
    }
    bits
}
