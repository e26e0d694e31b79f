//! Unit names. Source: systemd.unit(5), systemd-escape(1).

use std::fmt::Write;

use thiserror::Error;

/// The longest name that systemd takes (systemd.unit(5)).
pub const LONGEST: usize = 255;

/// The name of a unit: `shop-web.service`, of a template: `shop-web@.service`, or of an instance: `shop-web@1.service`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(Box<str>);

super::text_traits!(UnitName, InvalidUnitName);

/// The type of a unit, which is the end of its name (systemd.unit(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKind {
    Service,
    Socket,
    Device,
    Mount,
    Automount,
    Swap,
    Target,
    Path,
    Timer,
    Slice,
    Scope,
}

impl UnitKind {
    const ALL: [Self; 11] = [
        Self::Service,
        Self::Socket,
        Self::Device,
        Self::Mount,
        Self::Automount,
        Self::Swap,
        Self::Target,
        Self::Path,
        Self::Timer,
        Self::Slice,
        Self::Scope,
    ];

    /// What a name of this type ends with, without the dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Mount => "mount",
            Self::Automount => "automount",
            Self::Swap => "swap",
            Self::Target => "target",
            Self::Path => "path",
            Self::Timer => "timer",
            Self::Slice => "slice",
            Self::Scope => "scope",
        }
    }

    fn of_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.suffix() == suffix)
    }
}

/// Why a text is not the name of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidUnitName {
    #[error("{0:?} does not end with the type of a unit, such as `.service`")]
    Type(String),
    #[error("{0:?} has a character that no unit name has, or nothing before `@` or its type")]
    Characters(String),
    #[error("the unit name is longer than {LONGEST} characters")]
    TooLong,
}

/// See units/wharf-cleanup@.service.
const CLEANUP: &str = "wharf-cleanup";

impl UnitName {
    /// # Errors
    /// The text does not follow the grammar of systemd.unit(5).
    pub fn parse(text: &str) -> Result<Self, InvalidUnitName> {
        if text.len() > LONGEST {
            return Err(InvalidUnitName::TooLong);
        }
        let fault = |kind: fn(String) -> InvalidUnitName| Err(kind(text.chars().take(LONGEST).collect()));
        let Some((stem, _)) = text.rsplit_once('.').filter(|(_, suffix)| UnitKind::of_suffix(suffix).is_some()) else {
            return fault(InvalidUnitName::Type);
        };
        if stem.is_empty() || stem.starts_with('@') || !stem.bytes().all(is_allowed) {
            return fault(InvalidUnitName::Characters);
        }
        Ok(Self(text.into()))
    }

    /// The unit of this type whose name before the type is `stem`, in which every other character is escaped.
    ///
    /// It may be longer than systemd takes: see [`UnitName::is_too_long`].
    pub fn new(stem: &str, kind: UnitKind) -> Self {
        Self::of_parts(&[stem], kind)
    }

    /// As [`UnitName::new`], of a stem in parts, with nothing between them.
    pub fn of_parts(stem: &[&str], kind: UnitKind) -> Self {
        let suffix = kind.suffix();
        let mut name = String::with_capacity(stem.iter().map(|part| part.len()).sum::<usize>() + 1 + suffix.len());
        for byte in stem.iter().flat_map(|part| part.bytes()) {
            if is_allowed(byte) {
                name.push(char::from(byte));
            } else {
                let _infallible = write!(name, "\\x{byte:02x}");
            }
        }
        name.push('.');
        name.push_str(suffix);
        Self(name.into())
    }

    /// The slice whose place in the tree is `parts`: each part is escaped, so that a dash in a part makes no level of its own
    /// (systemd.slice(5)).
    pub fn slice(parts: &[&str]) -> Self {
        let suffix = UnitKind::Slice.suffix();
        let mut name = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum::<usize>() + suffix.len());
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                name.push('-');
            }
            escape_into(part, &mut name);
        }
        name.push('.');
        name.push_str(suffix);
        Self(name.into())
    }

    /// The slice of the containers of a service.
    pub fn service_slice(project: &str, service: &str) -> Self {
        Self::slice(&["wharf", project, service])
    }

    /// The parts that [`UnitName::slice`] makes this name of. `None`: it is not the name of a slice, or a part is not UTF-8.
    pub fn slice_parts(&self) -> Option<Vec<String>> {
        if !self.is(UnitKind::Slice) {
            return None;
        }
        self.stem().split('-').map(unescape).collect()
    }

    pub fn is_too_long(&self) -> bool {
        self.0.len() > LONGEST
    }

    pub fn kind(&self) -> UnitKind {
        let suffix = self.0.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        // Every constructor has put a type there.
        UnitKind::of_suffix(suffix).unwrap_or(UnitKind::Service)
    }

    pub fn is(&self, kind: UnitKind) -> bool {
        self.kind() == kind
    }

    /// What stands before the type: `shop-web@1`.
    pub fn stem(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(stem, _)| stem)
    }

    /// What stands before `@` and the type: `shop-web` (`%p` in systemd.unit(5)).
    pub fn prefix(&self) -> &str {
        let stem = self.stem();
        stem.split_once('@').map_or(stem, |(prefix, _)| prefix)
    }

    /// The instance, escaped as it stands in the name (`%i` in systemd.unit(5)): `1` of `shop-web@1.service`.
    pub fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance).filter(|instance| !instance.is_empty())
    }

    /// Whether it is a template, which has instances and never runs itself: `shop-web@.service`.
    pub fn is_template(&self) -> bool {
        self.stem().split_once('@').is_some_and(|(_, instance)| instance.is_empty())
    }

    /// The template of an instance; `None` if it is not an instance.
    pub fn template(&self) -> Option<Self> {
        self.instance().map(|_| self.with_instance(""))
    }

    /// The template of this prefix and type, whatever the unit is now: `shop-web@.service` of `shop-web.service`.
    pub fn as_template(&self) -> Self {
        self.with_instance("")
    }

    /// The instance of this template: `shop-web@1.service`. The instance is escaped.
    pub fn of_instance(&self, instance: &str) -> Self {
        self.with_instance(&escape(instance))
    }

    /// The name of the instance, if the other unit is an instance of this template.
    pub fn instance_in<'a>(&self, unit: &'a UnitName) -> Option<&'a str> {
        let same = self.is_template() && unit.prefix() == self.prefix() && unit.kind() == self.kind();
        unit.instance().filter(|_| same)
    }

    /// The pattern (glob(7)) that the instances of a template match, and no other unit; of any other unit, its name.
    pub fn pattern(&self) -> String {
        if self.is_template() { self.with_instance("*").0.into() } else { self.0.to_string() }
    }

    /// The unit that removes the container of this one when it has failed: `wharf-cleanup@shop-web.service.service`.
    pub fn cleanup(&self) -> Self {
        Self(format!("{CLEANUP}@{self}.service").into())
    }

    /// The unit that this is the [`UnitName::cleanup`] of.
    pub fn cleaned_up(&self) -> Option<Self> {
        Self::parse(self.instance().filter(|_| self.prefix() == CLEANUP)?).ok()
    }

    fn with_instance(&self, instance: &str) -> Self {
        Self(format!("{}@{instance}.{}", self.prefix(), self.kind().suffix()).into())
    }
}

/// Escapes a string for use as one part of a unit name: `/` becomes `-`; what is not an ASCII letter, digit, `:`, `_` or `.`
/// becomes `\xNN`, and so does a `.` at the start (systemd.unit(5), "String Escaping for Inclusion in Unit Names").
pub fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    escape_into(part, &mut escaped);
    escaped
}

fn escape_into(part: &str, escaped: &mut String) {
    for (index, byte) in part.bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if index == 0 => escaped.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => escaped.push(char::from(byte)),
            other => {
                let _infallible = write!(escaped, "\\x{other:02x}");
            }
        }
    }
}

/// The text of which [`escape`] makes this, but for `/`, which stands between parts. `None`: it is not UTF-8, or no escape follows a
/// backslash.
fn unescape(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// Whether a character stands in unit names as it is.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> UnitName {
        UnitName::parse(text).unwrap()
    }

    #[test]
    fn a_dash_in_a_part_is_no_level() {
        assert_eq!(UnitName::slice(&["wharf", "my-shop", "web"]), "wharf-my\\x2dshop-web.slice");
    }

    #[test]
    fn a_slice_has_the_parts_that_it_was_made_of() {
        for parts in [["wharf", "my-shop", "web"], ["wharf", "shop", ".a_b.c-d"], ["a", "é", ""]] {
            assert_eq!(UnitName::slice(&parts).slice_parts().unwrap(), parts);
        }
        assert_eq!(unit("wharf-shop.service").slice_parts(), None);
        for bad in ["a\\x2.slice", "a\\xé.slice", "a\\xff.slice", "a\\x+1.slice"] {
            if let Ok(bad) = UnitName::parse(bad) {
                assert_eq!(bad.slice_parts(), None, "{bad}");
            }
        }
    }

    #[test]
    fn escape_agrees_with_systemd_escape() {
        assert_eq!(escape("a/b c"), "a-b\\x20c");
        assert_eq!(escape(".hidden.x"), "\\x2ehidden.x");
        assert_eq!(escape("ü"), "\\xc3\\xbc");
    }

    #[test]
    fn parts() {
        for (name, prefix, instance, kind) in [
            ("shop-web.service", "shop-web", None, UnitKind::Service),
            ("shop-web@1.service", "shop-web", Some("1"), UnitKind::Service),
            ("shop-web@.service", "shop-web", None, UnitKind::Service),
            ("a.b@c.d@e.timer", "a.b", Some("c.d@e"), UnitKind::Timer),
            ("-.slice", "-", None, UnitKind::Slice),
            ("wharf-my\\x2dshop.slice", "wharf-my\\x2dshop", None, UnitKind::Slice),
        ] {
            let unit = unit(name);
            assert_eq!((unit.prefix(), unit.instance(), unit.kind()), (prefix, instance, kind), "{name}");
        }
    }

    #[test]
    fn templates_and_their_instances() {
        let template = unit("shop-web@.service");
        assert!(template.is_template() && !unit("shop-web@1.service").is_template());
        assert_eq!(template.of_instance("1"), unit("shop-web@1.service"));
        assert_eq!(unit("shop-web@1.service").template(), Some(template.clone()));
        assert_eq!(unit("shop-web.service").as_template(), template);
        assert_eq!((template.template(), unit("shop-web.service").template()), (None, None));
        assert_eq!(template.instance_in(&unit("shop-web@12.service")), Some("12"));
        for other in ["shop-web.service", "shop-web@.service", "shop-web2@1.service", "shop-web@1.timer"] {
            assert_eq!(template.instance_in(&unit(other)), None, "{other}");
        }
        assert_eq!(template.pattern(), "shop-web@*.service");
        assert_eq!(unit("shop.target").pattern(), "shop.target");
    }

    #[test]
    fn what_is_not_a_unit_name() {
        for bad in
            ["", "shop", ".service", "@.service", "@1.service", "a b.service", "a/b.service", "a.json", "é.service"]
        {
            assert!(UnitName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(UnitName::parse(&format!("{}.service", "a".repeat(247))).is_ok());
        assert_eq!(UnitName::parse(&format!("{}.service", "a".repeat(248))), Err(InvalidUnitName::TooLong));
        assert!(UnitName::new(&"a".repeat(248), UnitKind::Service).is_too_long());
    }

    #[test]
    fn what_is_built_can_be_parsed() {
        for stem in ["shop-web", "a b/é", "x@", "x@1"] {
            let built = UnitName::new(stem, UnitKind::Service);
            assert_eq!(UnitName::parse(&built), Ok(built.clone()), "{stem}");
        }
    }
}
