//! JSON with sorted keys, written in one pass and put in order in another.
//!
//! In: plain data. Out: the bytes that serde_json writes of the same data as a `Value`, whose maps are sorted. Structs and the
//! engine's maps come in any order: where each member stands is noted while it is written, and every byte is copied once.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

/// Where there is white space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    #[default]
    Compact,
    /// Two spaces a level.
    Indented,
}

impl Layout {
    fn begin_line(self, text: &mut Vec<u8>, depth: usize) {
        const LINE: &[u8] = b"\n                                ";
        if self == Self::Indented {
            let length = 1 + 2 * depth;
            text.extend_from_slice(&LINE[..length.min(LINE.len())]);
            text.extend(std::iter::repeat_n(b' ', length.saturating_sub(LINE.len())));
        }
    }
}

/// Writes plain data.
///
/// # Panics
/// A map has keys that are not strings or numbers, or a `Serialize` fails: plain data does neither.
#[expect(clippy::expect_used, reason = "plain data has string keys, and serde_json writes UTF-8")]
pub fn sorted<T: Serialize + ?Sized>(data: &T, layout: Layout) -> String {
    let unsorted = RefCell::new(Unsorted::new(layout));
    let formatter = Noting { unsorted: Shared(&unsorted), has_items: false };
    data.serialize(&mut Serializer::with_formatter(Shared(&unsorted), formatter)).expect("plain data has string keys");
    let unsorted = unsorted.into_inner();
    let mut text = Vec::with_capacity(unsorted.text.len() * 2);
    unsorted.put_in_order(0..unsorted.text.len(), 0, &mut text);
    String::from_utf8(text).expect("serde_json writes UTF-8")
}

/// The text as it is serialised: its arrays are laid out, its objects have nothing between their members.
struct Unsorted {
    text: Vec<u8>,
    layout: Layout,
    depth: usize,
    /// In the order in which they begin.
    objects: Vec<Object>,
    /// Of objects that have ended: those of one object stand together, in their order.
    members: Vec<Member>,
    /// The objects that are being written, the innermost last.
    open: Vec<Open>,
    /// Of the open objects, those of the innermost last.
    open_members: Vec<Member>,
}

#[derive(Default)]
struct Object {
    span: Range<usize>,
    /// Of its members.
    depth: usize,
    members: Range<usize>,
    /// The first object that begins after this one has ended.
    next: usize,
}

struct Open {
    object: usize,
    first_member: usize,
}

/// Where a member of an object stands in the text.
#[derive(Clone)]
struct Member {
    /// With its quotes.
    key: Range<usize>,
    /// Whether something in the key is escaped.
    is_escaped: bool,
    end: usize,
    /// The first object that begins in it or after it.
    object: usize,
}

impl Unsorted {
    /// With room for the definition of a container that says no more than most.
    fn new(layout: Layout) -> Self {
        Self {
            text: Vec::with_capacity(2048),
            layout,
            depth: 0,
            objects: Vec::with_capacity(16),
            members: Vec::with_capacity(64),
            open: Vec::with_capacity(8),
            open_members: Vec::with_capacity(32),
        }
    }

    fn begin_object(&mut self) {
        self.depth += 1;
        self.open.push(Open { object: self.objects.len(), first_member: self.open_members.len() });
        let start = self.text.len();
        self.objects.push(Object { span: start..start, depth: self.depth, ..Object::default() });
        self.text.push(b'{');
    }

    fn end_object(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.text.push(b'}');
        self.depth -= 1;
        let members = &mut self.open_members[open.first_member..];
        let written = |member: &Member| &self.text[member.key.clone()];
        if members.iter().any(|member| member.is_escaped) {
            members.sort_by_cached_key(|member| unescaped(written(member)));
        } else {
            members.sort_by(|a, b| within_quotes(written(a)).cmp(within_quotes(written(b))));
        }
        let first = self.members.len();
        for member in members {
            // Of two with one key, the later one counts, as in a map.
            match self.members.get_mut(first..).and_then(<[Member]>::last_mut) {
                Some(last) if written(last) == written(member) => *last = member.clone(),
                _ => self.members.push(member.clone()),
            }
        }
        self.open_members.truncate(open.first_member);
        let next = self.objects.len();
        if let Some(object) = self.objects.get_mut(open.object) {
            object.span.end = self.text.len();
            object.members = first..self.members.len();
            object.next = next;
        }
    }

    /// Copies a part of the text; `object` is the first object that begins in it or after it. As deep as the data is.
    fn put_in_order(&self, part: Range<usize>, mut object: usize, into: &mut Vec<u8>) {
        let mut position = part.start;
        while let Some(inner) = self.objects.get(object).filter(|inner| inner.span.start < part.end) {
            into.extend_from_slice(&self.text[position..inner.span.start]);
            into.push(b'{');
            for (index, member) in self.members[inner.members.clone()].iter().enumerate() {
                if index > 0 {
                    into.push(b',');
                }
                self.layout.begin_line(into, inner.depth);
                self.put_in_order(member.key.start..member.end, member.object, into);
            }
            if !inner.members.is_empty() {
                self.layout.begin_line(into, inner.depth - 1);
            }
            into.push(b'}');
            position = inner.span.end;
            object = inner.next;
        }
        into.extend_from_slice(&self.text[position..part.end]);
    }

    fn member(&mut self) -> io::Result<&mut Member> {
        self.open_members.last_mut().ok_or_else(|| io::Error::other("a key stands outside of an object"))
    }
}

fn within_quotes(key: &[u8]) -> &[u8] {
    key.get(1..key.len() - 1).unwrap_or(key)
}

/// A key as it is sorted: without quotes and escapes.
fn unescaped(key: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<String>(key).map_or_else(|_| within_quotes(key).to_owned(), String::into_bytes)
}

/// What the serializer writes to, and the formatter notes in.
struct Shared<'a>(&'a RefCell<Unsorted>);

impl Write for Shared<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().text.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Notes where objects and their members begin and end.
struct Noting<'a> {
    unsorted: Shared<'a>,
    /// Of what ended last.
    has_items: bool,
}

impl Noting<'_> {
    fn with<T>(&self, change: impl FnOnce(&mut Unsorted) -> T) -> T {
        change(&mut self.unsorted.0.borrow_mut())
    }
}

impl Formatter for Noting<'_> {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.has_items = false;
        self.with(|unsorted| unsorted.depth += 1);
        writer.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.with(|unsorted| unsorted.layout.begin_line(&mut unsorted.text, unsorted.depth));
        Ok(())
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.has_items = true;
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let has_items = self.has_items;
        self.with(|unsorted| {
            unsorted.depth -= 1;
            if has_items {
                unsorted.layout.begin_line(&mut unsorted.text, unsorted.depth);
            }
        });
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.with(Unsorted::begin_object);
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _writer: &mut W, _first: bool) -> io::Result<()> {
        self.with(|unsorted| {
            let start = unsorted.text.len();
            let object = unsorted.objects.len();
            unsorted.open_members.push(Member { key: start..start, is_escaped: false, end: start, object });
        });
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.with(|unsorted| {
            if let Some(member) = unsorted.open_members.last_mut() {
                // While its key is written, the key's end is not known yet.
                member.is_escaped |= member.key.is_empty();
            }
        });
        CompactFormatter.write_char_escape(writer, escape)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.with(|unsorted| {
            let end = unsorted.text.len();
            unsorted.member().map(|member| member.key.end = end)
        })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.with(|unsorted| {
            let after_key: &[u8] = if unsorted.layout == Layout::Indented { b": " } else { b":" };
            unsorted.text.extend_from_slice(after_key);
        });
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.with(|unsorted| {
            let end = unsorted.text.len();
            unsorted.member().map(|member| member.end = end)
        })
    }

    fn end_object<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.with(Unsorted::end_object);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn assert_as_a_value_is_written<T: Serialize>(data: &T) {
        let value = serde_json::to_value(data).unwrap();
        assert_eq!(sorted(data, Layout::Compact), format!("{value}"));
        assert_eq!(sorted(data, Layout::Indented), format!("{value:#}"));
    }

    #[derive(Serialize)]
    struct Unsorted {
        zebra: Option<Vec<HashMap<String, f64>>>,
        #[serde(rename = "a\"b")]
        escaped: (u8, char, ()),
        apple: BTreeMap<u16, Kind>,
    }

    #[derive(Serialize)]
    enum Kind {
        Unit,
        Newtype(i64),
        Struct { b: bool, a: f32 },
    }

    #[test]
    fn all_kinds_of_data() {
        let numbers = HashMap::from([("ten".to_owned(), 10.0), ("nan".to_owned(), f64::NAN), (String::new(), 1e300)]);
        assert_as_a_value_is_written(&Unsorted {
            zebra: Some(vec![numbers, HashMap::new()]),
            escaped: (7, '\n', ()),
            apple: BTreeMap::from([(10, Kind::Unit), (9, Kind::Newtype(-1)), (1, Kind::Struct { b: true, a: 0.5 })]),
        });
        assert_as_a_value_is_written(&(Vec::<u8>::new(), HashMap::<String, u8>::new(), [[[0u8; 0]; 1]; 2]));
        assert_as_a_value_is_written(&None::<u8>);
    }

    fn value() -> impl Strategy<Value = HashedValue> {
        let leaf = prop_oneof![
            Just(HashedValue::Leaf(Value::Null)),
            any::<i64>().prop_map(|number| HashedValue::Leaf(number.into())),
            ".*".prop_map(|text: String| HashedValue::Leaf(text.into())),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(HashedValue::Array),
                // Keys that an escape puts elsewhere: `"` is written as `\"`.
                prop::collection::hash_map("[\"\\\\ -%a-c\n\u{1}é]{0,3}", inner, 0..6).prop_map(HashedValue::Object),
            ]
        })
    }

    #[derive(Debug, Clone, Serialize)]
    #[serde(untagged)]
    enum HashedValue {
        Leaf(Value),
        Array(Vec<HashedValue>),
        Object(HashMap<String, HashedValue>),
    }

    proptest! {
        #[test]
        fn any_data_is_as_a_value_is_written(data in value()) {
            assert_as_a_value_is_written(&data);
        }
    }
}
