//! JSON with sorted keys, written in one pass.
//!
//! In: plain data. Out: the bytes that serde_json writes of the same data as a `Value`, whose maps are sorted. Structs and the
//! engine's maps come in any order: each object is put in order where it ends.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::Range;
use std::rc::Rc;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Where there is white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Compact,
    /// Two spaces a level.
    Indented,
}

/// Writes plain data.
///
/// # Panics
/// A map has keys that are not strings or numbers, or a `Serialize` fails: plain data does neither.
#[expect(clippy::expect_used, reason = "plain data has string keys, and serde_json writes UTF-8")]
pub fn sorted<T: Serialize + ?Sized>(data: &T, layout: Layout) -> String {
    let text = Text::default();
    let sorter = Sorter { text: text.clone(), layout, objects: Vec::new(), depth: 0, has_items: false };
    data.serialize(&mut Serializer::with_formatter(text.clone(), sorter)).expect("plain data has string keys");
    String::from_utf8(text.0.take()).expect("serde_json writes UTF-8")
}

/// The text so far, which the serializer writes and the sorter puts in order.
#[derive(Clone, Default)]
struct Text(Rc<RefCell<Vec<u8>>>);

impl Text {
    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Sorter {
    text: Text,
    layout: Layout,
    /// The objects that are being written, the innermost last.
    objects: Vec<Vec<Member>>,
    depth: usize,
    /// Of what ended last.
    has_items: bool,
}

/// Where a member of an object stands in the text.
#[derive(Clone)]
struct Member {
    /// With its quotes.
    key: Range<usize>,
    end: usize,
}

impl Sorter {
    fn begin_line(&self) {
        if self.layout == Layout::Indented {
            let mut text = self.text.0.borrow_mut();
            text.push(b'\n');
            let length = text.len() + 2 * self.depth;
            text.resize(length, b' ');
        }
    }

    /// Rewrites the members of the object that ends, which have nothing between them, in their order.
    fn put_in_order(&self, mut members: Vec<Member>) {
        let Some(start) = members.first().map(|first| first.key.start) else { return };
        let unsorted = self.text.0.borrow_mut().split_off(start);
        let key = |member: &Member| key(&unsorted[member.key.start - start..member.key.end - start]);
        members.sort_by(|a, b| key(a).cmp(&key(b)));
        // Of two with one key, the later one counts, as in a map.
        members.reverse();
        members.dedup_by(|a, b| key(a) == key(b));
        members.reverse();
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                self.text.0.borrow_mut().push(b',');
            }
            self.begin_line();
            self.text.0.borrow_mut().extend_from_slice(&unsorted[member.key.start - start..member.end - start]);
        }
    }

    fn member(&mut self) -> io::Result<&mut Member> {
        let member = self.objects.last_mut().and_then(|members| members.last_mut());
        member.ok_or_else(|| io::Error::other("a key stands outside of an object"))
    }
}

/// A key as it is sorted: without quotes and escapes.
fn key(quoted: &[u8]) -> Cow<'_, [u8]> {
    if quoted.contains(&b'\\')
        && let Ok(key) = serde_json::from_slice::<String>(quoted)
    {
        return Cow::Owned(key.into_bytes());
    }
    Cow::Borrowed(quoted.get(1..quoted.len() - 1).unwrap_or(quoted))
}

impl Formatter for Sorter {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_items = false;
        writer.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.begin_line();
        Ok(())
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.has_items = true;
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_items {
            self.begin_line();
        }
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.objects.push(Vec::new());
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _writer: &mut W, _first: bool) -> io::Result<()> {
        let start = self.text.len();
        let members = self.objects.last_mut().ok_or_else(|| io::Error::other("a key stands outside of an object"))?;
        members.push(Member { key: start..start, end: start });
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        let end = self.text.len();
        self.member()?.key.end = end;
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.layout == Layout::Indented { b": " } else { b":" })
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        let end = self.text.len();
        self.member()?.end = end;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let members = self.objects.pop().unwrap_or_default();
        let is_empty = members.is_empty();
        self.put_in_order(members);
        self.depth -= 1;
        if !is_empty {
            self.begin_line();
        }
        writer.write_all(b"}")
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
