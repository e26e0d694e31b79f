//! Names as parts of object paths: sd_bus_path_encode(3).

use std::fmt::Write;

/// Where systemd's units are on the bus.
pub(super) const UNITS: &str = "/org/freedesktop/systemd1/unit";

/// The object path of a unit of systemd.
pub(super) fn path_of(unit: &str) -> String {
    format!("{UNITS}/{}", encode(unit))
}

/// The unit of an object path of systemd.
pub(super) fn unit_of(path: &str) -> Option<String> {
    decode(path.strip_prefix(UNITS)?.strip_prefix('/')?)
}

/// A name as the last part of an object path: what is neither a letter nor a digit is `_` and two hexadecimal digits.
pub fn encode(name: &str) -> String {
    let mut encoded = String::new();
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'0'..=b'9' if index > 0 => encoded.push(char::from(byte)),
            b'a'..=b'z' | b'A'..=b'Z' => encoded.push(char::from(byte)),
            other => {
                let _infallible = write!(encoded, "_{other:02x}");
            }
        }
    }
    encoded
}

/// The name that was encoded; `None` if none can have been.
pub fn decode(encoded: &str) -> Option<String> {
    let mut bytes = encoded.bytes();
    let mut name = Vec::new();
    while let Some(byte) = bytes.next() {
        let code = match byte {
            b'_' => [bytes.next()?, bytes.next()?],
            other => {
                name.push(other);
                continue;
            }
        };
        name.push(u8::from_str_radix(std::str::from_utf8(&code).ok()?, 16).ok()?);
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_the_path_that_systemd_gives_it() {
        assert_eq!(path_of("shop-web@1.service"), format!("{UNITS}/shop_2dweb_401_2eservice"));
        assert_eq!(path_of("1.service"), format!("{UNITS}/_31_2eservice"));
        for unit in ["shop-web@1.service", "1.service", "a\\x2db.service"] {
            assert_eq!(unit_of(&path_of(unit)).as_deref(), Some(unit));
        }
    }
}
