//! The hash of a definition: it shows whether a definition has changed.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// Hexadecimal digits of a unit's checksum; other hashes have more.
const SHORTEST_HASH: usize = 16;

/// A SHA-256 in hexadecimal: 64 lower-case digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecHash(Box<str>);

super::text_traits!(SpecHash, InvalidSpecHash);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a SHA-256 of 64 lower-case hexadecimal digits")]
pub struct InvalidSpecHash(pub String);

impl SpecHash {
    /// The hash of these bytes.
    pub fn of(contents: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |four_bits: u8| char::from(DIGITS[usize::from(four_bits)]);
        let digest = Sha256::digest(contents);
        let hex: String = digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        Self(hex.into())
    }

    /// # Errors
    /// The text is not a hash.
    pub fn parse(text: &str) -> Result<Self, InvalidSpecHash> {
        let fits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits { Ok(Self(text.into())) } else { Err(InvalidSpecHash(text.to_owned())) }
    }
}

/// A text without long hexadecimal numbers, nor `@sha256:` before one: what of it does not depend on the contents of images and
/// definitions.
pub fn without_hashes(text: &str) -> String {
    let (mut plain, mut digits) = (String::new(), String::new());
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_hexdigit() {
            digits.push(character);
            continue;
        }
        if digits.len() < SHORTEST_HASH {
            plain.push_str(&digits);
        }
        digits.clear();
        plain.push(character);
    }
    plain.replace("@sha256:", "")
}

#[cfg(test)]
mod tests {
    use super::{SpecHash, without_hashes};

    #[test]
    fn the_hash_of_nothing_and_of_abc() {
        // FIPS 180-4, examples.
        assert_eq!(SpecHash::of(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(SpecHash::of(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(SpecHash::parse(&SpecHash::of(b"x")).is_ok());
        for bad in ["", "ba78", &"A".repeat(64), &"g".repeat(64)] {
            assert!(SpecHash::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_without_its_digests_is_the_same_before_and_after_a_lock() {
        let (one, other) = ("0a".repeat(32), "1b".repeat(32));
        let unit = |digest: &str, hash: &str| {
            without_hashes(&format!("Description=Container (shop/web:1)\nSpecHash={hash}\nImage=shop/web:1{digest}\n"))
        };
        let locked = unit(&format!("@sha256:{one}"), &one);
        assert_eq!(locked, unit(&format!("@sha256:{other}"), &other));
        assert_eq!(locked, unit("", &other));
        assert_ne!(locked, unit("1", &other));
    }
}
