//! Which comment belongs to which key.
//!
//! In: the comments of a file and where its keys and list items stand. Out: for the start of each, the comments above it, after
//! it on its line, and below it. Invariant: every comment belongs to exactly one key or item, or to the head or the foot of its
//! file; what is taken out is gone, so that none is written twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::raw::{Kind, Raw, Stream};
use crate::diagnostic::{Place, SourceFile};

/// The comments at one key; each is text from its `#` on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    pub above: Vec<String>,
    /// On the same line.
    pub after: Vec<String>,
    /// Above nothing: after the last key of its block.
    pub below: Vec<String>,
}

/// The comments of all files.
#[derive(Debug, Default)]
pub struct Comments {
    /// By file and the offset of the key.
    around: BTreeMap<(usize, usize), Around>,
    /// What stands above the first file's first key, with an empty line between.
    pub head: Vec<String>,
    pub foot: Vec<String>,
}

/// How far back the key above a comment is looked for.
const MOST_LOOKED_AT: usize = 1000;

/// Where a key or an item stands.
struct Anchor {
    start: usize,
    /// The column of the key, or of the item's dash.
    column: usize,
}

/// A file, its lines, and its keys and items in the order of the file.
struct Layout<'a> {
    file: &'a Arc<SourceFile>,
    lines: Lines<'a>,
    anchors: Vec<Anchor>,
}

impl Comments {
    /// Adds those of one file.
    pub fn add(&mut self, file: &Arc<SourceFile>, stream: &Stream) {
        if stream.comments.is_empty() {
            return;
        }
        let text = &file.text;
        let lines = Lines::new(text);
        let mut anchors = Vec::new();
        stream.documents.iter().for_each(|root| collect(root, &lines, &mut anchors));
        anchors.sort_by_key(|anchor| anchor.start);
        anchors.dedup_by_key(|anchor| anchor.start);
        let first = anchors.first().map_or(text.len(), |anchor| anchor.start);
        // Without an empty line, all of it.
        let head_end = text[..first].rfind("\n\n").or_else(|| text[..first].rfind("\n\r\n")).unwrap_or(first);
        let layout = Layout { file, lines, anchors };
        for span in &stream.comments {
            let Some(comment) = text.get(span.clone()) else { continue };
            let comment = clean(comment);
            if span.start < first && span.start < head_end && layout.lines.is_alone(span.start) {
                self.head.push(comment);
                continue;
            }
            self.attach(&layout, span.start, comment);
        }
    }

    fn attach(&mut self, layout: &Layout<'_>, start: usize, comment: String) {
        let Layout { file, lines, anchors } = layout;
        let next = anchors.partition_point(|anchor| anchor.start < start);
        let id = |anchor: &Anchor| (Arc::as_ptr(file) as usize, anchor.start);
        if !lines.is_alone(start) {
            let line = lines.start_of(start);
            let on_line = anchors[..next].get(anchors.partition_point(|anchor| anchor.start < line));
            match on_line.or(anchors[..next].last()) {
                Some(anchor) => self.around.entry(id(anchor)).or_default().after.push(comment),
                None => self.head.push(comment),
            }
            return;
        }
        let column = lines.column(start);
        let above = anchors.get(next).filter(|anchor| anchor.column >= column);
        let below = anchors[..next].iter().rev().take(MOST_LOOKED_AT).find(|anchor| anchor.column <= column);
        match (above, below) {
            (Some(anchor), _) => self.around.entry(id(anchor)).or_default().above.push(comment),
            (None, Some(anchor)) if column > 0 => self.around.entry(id(anchor)).or_default().below.push(comment),
            _ => self.foot.push(comment),
        }
    }

    /// The comments at a key or item, which are then gone.
    pub fn take(&mut self, place: &Place) -> Around {
        self.around.remove(&(Arc::as_ptr(&place.file) as usize, place.span.start)).unwrap_or_default()
    }

    /// What nobody took.
    pub fn rest(self) -> Vec<String> {
        let all = |around: Around| around.above.into_iter().chain(around.after).chain(around.below);
        self.around.into_values().flat_map(all).collect()
    }
}

fn collect(raw: &Raw, lines: &Lines<'_>, anchors: &mut Vec<Anchor>) {
    match &raw.kind {
        Kind::Mapping(pairs) => {
            for (key, value) in pairs {
                anchors.push(Anchor { start: key.span.start, column: lines.column(key.span.start) });
                collect(value, lines, anchors);
            }
        }
        Kind::Sequence(items) => {
            for item in items {
                anchors.push(Anchor { start: item.span.start, column: lines.column_of_item(item.span.start) });
                collect(item, lines, anchors);
            }
        }
        // What an alias names stands elsewhere.
        Kind::Scalar(_) | Kind::Alias(_) => {}
    }
}

/// Where the lines of a text start.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let after_each = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        Self { text, starts: std::iter::once(0).chain(after_each).collect() }
    }

    fn start_of(&self, offset: usize) -> usize {
        let after = self.starts.partition_point(|start| *start <= offset);
        after.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0)
    }

    fn column(&self, offset: usize) -> usize {
        offset - self.start_of(offset)
    }

    /// The column of the dash before an item, if it stands on the same line with nothing but space between.
    fn column_of_item(&self, offset: usize) -> usize {
        let start = self.start_of(offset);
        let before = self.text.get(start..offset).unwrap_or("");
        before.trim_end_matches(' ').strip_suffix('-').map_or(offset - start, str::len)
    }

    fn is_alone(&self, offset: usize) -> bool {
        let before = self.text.get(self.start_of(offset)..offset).unwrap_or("");
        before.trim_start_matches('\u{feff}').trim_start().is_empty()
    }
}

/// Without what no comment of a TOML file may hold.
fn clean(comment: &str) -> String {
    let fit = |c: char| if c.is_control() && c != '\t' { ' ' } else { c };
    comment.chars().map(fit).collect::<String>().trim_end().to_owned()
}
