//! The parser's events → a tree in which aliases still share what they name.
//!
//! Invariant: no tree is deeper than [`MOST_DEPTH`], aliases counted, so that whatever walks it may recurse.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use crate::diagnostic::{Place, SourceFile};

/// Collections in collections. A stack file needs a dozen.
pub const MOST_DEPTH: usize = 60;

/// A value as written.
#[derive(Debug)]
pub struct Raw {
    pub kind: Kind,
    /// Bytes of the file.
    pub span: Range<usize>,
    /// `!reset`, `!!str`…: handle and suffix in one.
    pub tag: Option<String>,
    depth: usize,
}

#[derive(Debug)]
pub struct Scalar {
    pub text: String,
    /// Without quotes.
    pub plain: bool,
}

#[derive(Debug)]
pub enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Rc<Raw>>),
    Mapping(Vec<(Rc<Raw>, Rc<Raw>)>),
    /// `*name`
    Alias(Rc<Raw>),
}

/// A whole file.
#[derive(Debug, Default)]
pub struct Stream {
    pub documents: Vec<Rc<Raw>>,
    /// With their `#`, in the order of the file.
    pub comments: Vec<Range<usize>>,
}

/// Why the text is no YAML that can be read.
#[derive(Debug)]
pub struct Fault {
    pub message: String,
    offset: usize,
}

impl Fault {
    pub fn place(&self, file: &Arc<SourceFile>) -> Place {
        let mut offset = self.offset.min(file.text.len());
        while !file.text.is_char_boundary(offset) {
            offset -= 1;
        }
        Place::new(file, offset..offset)
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Self { message: error.info(), offset: error.marker().byte_offset().unwrap_or(0) }
    }
}

/// Parses all documents of a text.
pub fn parse(text: &str) -> Result<Stream, Fault> {
    let options = granit_parser::options! { max_buffered_comment_events: 100_000 };
    let mut builder = Builder {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        stream: Stream::default(),
    };
    while let Some((event, span)) = builder.next()? {
        match event {
            Event::DocumentStart(..) => builder.anchors.clear(),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) => {
                let root = builder.node(event, span)?;
                builder.stream.documents.push(root);
            }
            _ => {}
        }
    }
    Ok(builder.stream)
}

/// What stands before a value (YAML 1.2, Node Properties).
struct Properties<'a> {
    /// 0: none.
    anchor: usize,
    tag: Option<&'a Tag>,
}

type Spanned<'a> = (Event<'a>, Range<usize>);

struct Builder<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    /// What is whole already.
    anchors: HashMap<usize, Rc<Raw>>,
    stream: Stream,
}

impl<'a> Builder<'a> {
    /// The next event; comments go aside.
    fn next(&mut self) -> Result<Option<Spanned<'a>>, Fault> {
        loop {
            let Some(next) = self.parser.next_event() else { return Ok(None) };
            let (event, span) = next?;
            let span = offset(span.start)..offset(span.end);
            match event {
                Event::Comment(..) => self.stream.comments.push(span),
                event => return Ok(Some((event, span))),
            }
        }
    }

    /// The recursion is as deep as the parser's own limits on nesting allow.
    fn node(&mut self, event: Event<'a>, span: Range<usize>) -> Result<Rc<Raw>, Fault> {
        match event {
            Event::Alias(id) => {
                let message = "this alias stands inside the value that it names";
                let target = self.anchors.get(&id).map(Rc::clone);
                let target = target.ok_or_else(|| fault(message, span.start))?;
                let depth = target.depth;
                Ok(Rc::new(Raw { kind: Kind::Alias(target), span, tag: None, depth }))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let kind = Kind::Scalar(Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain });
                self.finish(kind, span, Properties { anchor, tag: tag.as_deref() })
            }
            Event::SequenceStart(style, anchor, tag) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.expect(&span)? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span)?),
                    }
                };
                let properties = Properties { anchor, tag: tag.as_deref() };
                self.finish(Kind::Sequence(items), whole(style, &span, &end), properties)
            }
            Event::MappingStart(style, anchor, tag) => {
                let mut pairs = Vec::new();
                let end = loop {
                    match self.expect(&span)? {
                        (Event::MappingEnd, end) => break end,
                        (event, key_span) => {
                            let key = self.node(event, key_span)?;
                            let (event, value_span) = self.expect(&span)?;
                            pairs.push((key, self.node(event, value_span)?));
                        }
                    }
                };
                let properties = Properties { anchor, tag: tag.as_deref() };
                self.finish(Kind::Mapping(pairs), whole(style, &span, &end), properties)
            }
            _ => Err(fault("a value is missing here", span.start)),
        }
    }

    fn expect(&mut self, opened: &Range<usize>) -> Result<Spanned<'a>, Fault> {
        self.next()?.ok_or_else(|| fault("what begins here has no end", opened.start))
    }

    fn finish(&mut self, kind: Kind, span: Range<usize>, properties: Properties<'_>) -> Result<Rc<Raw>, Fault> {
        let depth = 1 + match &kind {
            Kind::Scalar(_) | Kind::Alias(_) => 0,
            Kind::Sequence(items) => items.iter().map(|item| item.depth).max().unwrap_or(0),
            Kind::Mapping(pairs) => pairs.iter().map(|(key, value)| key.depth.max(value.depth)).max().unwrap_or(0),
        };
        if depth > MOST_DEPTH {
            return Err(fault("values are nested too deep", span.start));
        }
        let tag = properties.tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
        let raw = Rc::new(Raw { kind, span, tag, depth });
        if properties.anchor != 0 {
            self.anchors.insert(properties.anchor, Rc::clone(&raw));
        }
        Ok(raw)
    }
}

fn offset(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or(0)
}

fn fault(message: &str, offset: usize) -> Fault {
    Fault { message: message.to_owned(), offset }
}

/// A block has no end of its own: its end event stands at what follows it.
fn whole(style: StructureStyle, start: &Range<usize>, end: &Range<usize>) -> Range<usize> {
    match style {
        StructureStyle::Flow => start.start..end.end.max(start.end),
        StructureStyle::Block => start.start..end.start.max(start.end),
    }
}
