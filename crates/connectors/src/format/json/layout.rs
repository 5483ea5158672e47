//! The objects of the schema, and what was learned about how producers write them.
//!
//! A node is an object: a `ROW` of the schema, or an unread object that occurs in records. Unread objects are
//! predicted too, because parsing their keys one by one is expensive. An entry is the text between the end of
//! one value and the start of the next.

use engine::batch::LeafRequest;
use types::simd;

use super::leaf::Leaf;

/// Longest literal that is learned; longer ones are parsed each time.
const LITERAL: usize = 32;
/// Number of entries tried after the expected one, because optional keys come in groups.
const LOOK_AHEAD: usize = 4;
/// Number of literals remembered for one object: more than twice the need of wide tables.
const ENTRIES: usize = 256;
/// Number of unread objects that get a node.
const UNREAD_NODES: usize = 64;

/// How a value is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) action: Action,
    /// The node of an object, or the leaf of any other value that is read.
    pub(super) target: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The value is not read.
    Skip,
    Object,
    /// An object that is also read as a value.
    Whole,
    /// Text; the column determines whether it is stored as codes or plain.
    Text,
    /// Whether a text is present.
    Presence,
    /// `INT`.
    Int32,
    /// `BIGINT`.
    Int64,
    Double,
    Boolean,
    /// A time in whole milliseconds, such as `TIMESTAMP(3)`.
    Millis,
    /// A leaf without a fast path.
    Other,
}

/// The tree of objects; node 0 is the record.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Node>,
    unread: usize,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    fields: Vec<Field>,
    /// All leaves below the object, including the leaf that is the object itself.
    pub(super) leaves: Vec<u32>,
    /// The leaf that holds the object as a value.
    pub(super) whole: Option<u32>,
    /// Number of enclosing objects, including this one.
    pub(super) depth: u32,
    /// The decoder's id of the last row that had this object.
    pub(super) seen: u64,
    /// Boxed, because the walk takes it out while it is inside the object.
    pub(super) learned: Option<Box<Learned>>,
}

/// How producers write the members of an object.
#[derive(Debug, Clone, Default)]
pub(super) struct Learned {
    /// Literals that start at the object's `{`. They are separate, because among the others one could be
    /// mistaken for text that follows a value.
    openers: Vec<Entry>,
    /// Literals that start at the end of a value, in the order in which they were seen.
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Field {
    name: Vec<u8>,
    step: Step,
}

/// A learned literal.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Entry {
    literal: [u8; LITERAL],
    /// One bit for each byte of the literal.
    mask: u32,
    pub(super) len: u32,
    pub(super) step: Step,
    /// Index of the entry that is expected next; only for openers.
    after: u32,
}

/// A recognised member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) step: Step,
    /// Start of its value.
    pub(super) value: usize,
    /// Index of the entry expected after it.
    pub(super) next: usize,
}

impl Layout {
    /// Builds the objects on the paths to the leaves, which belong to the requests.
    pub(super) fn new(
        requests: &[LeafRequest],
        leaves: &[Leaf],
        read: impl Fn(&LeafRequest) -> bool,
    ) -> Layout {
        let mut layout = Layout { nodes: vec![Node { depth: 1, ..Node::default() }], unread: 0 };
        // Longest paths first, so that an object exists before a leaf requests it as a value.
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(requests[index].leaf.path.len()));

        for index in order {
            let request = &requests[index];
            if request.leaf.metadata.is_none()
                && read(request)
                && let Some((name, rows)) = request.leaf.path.split_last()
            {
                layout.add(rows, name, Step { action: leaves[index].action(), target: index as u32 });
            }
        }
        layout
    }

    fn add(&mut self, rows: &[String], name: &str, step: Step) {
        let mut node = 0;
        self.nodes[node].leaves.push(step.target);
        for row in rows {
            node = match self.nodes[node].field(row.as_bytes()) {
                Some(Step { action: Action::Object | Action::Whole, target }) => target as usize,
                Some(_) => panic!("a leaf is asked for after those inside it"),
                None => self.add_object(node, row.as_bytes()),
            };
            self.nodes[node].leaves.push(step.target);
        }

        let known = self.nodes[node].fields.iter_mut().find(|field| field.name == name.as_bytes());
        if let Some(field) = known {
            assert!(field.step.action == Action::Object, "a plan requests each leaf once");
            field.step.action = Action::Whole;
            let object = field.step.target as usize;
            self.nodes[object].leaves.push(step.target);
            self.nodes[object].whole = Some(step.target);
            return;
        }
        self.nodes[node].fields.push(Field { name: name.as_bytes().to_vec(), step });
    }

    fn add_object(&mut self, parent: usize, name: &[u8]) -> usize {
        let target = self.nodes.len();
        let depth = self.nodes[parent].depth + 1;
        let step = Step { action: Action::Object, target: target as u32 };
        self.nodes[parent].fields.push(Field { name: name.to_vec(), step });
        self.nodes.push(Node { depth, ..Node::default() });
        target
    }

    /// Returns how the value of `name` is processed; `object` says whether it is an object.
    pub(super) fn resolve(&mut self, node: usize, name: &[u8], object: bool) -> Step {
        if let Some(step) = self.nodes[node].field(name) {
            return step;
        }
        if !object || self.unread == UNREAD_NODES {
            return Step { action: Action::Skip, target: 0 };
        }
        self.unread += 1;
        Step { action: Action::Object, target: self.add_object(node, name) as u32 }
    }
}

impl Node {
    fn field(&self, name: &[u8]) -> Option<Step> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.step)
    }
}

impl Learned {
    /// Returns the object's first member if it is written in a known form. `i` is at the `{`.
    #[inline(always)]
    pub(super) fn first(&self, b: &[u8], i: usize) -> Option<Member> {
        let opener = self.openers.iter().find(|opener| opener.matches(b, i))?;
        Some(Member { step: opener.step, value: i + opener.len as usize, next: opener.after as usize })
    }

    /// Returns the member at `i`, directly behind a value, if it is one of the entries after the expected
    /// one.
    pub(super) fn ahead(&self, b: &[u8], i: usize, next: usize) -> Option<Member> {
        let mut ahead = self.entries.iter().enumerate().skip(next + 1).take(LOOK_AHEAD);
        let (found, entry) = ahead.find(|(_, entry)| entry.matches(b, i))?;
        Some(Member { step: entry.step, value: i + entry.len as usize, next: found + 1 })
    }

    /// Stores that `literal` led to `step` when entry `next` was expected; returns the entry to expect after
    /// it.
    pub(super) fn learn(&mut self, literal: &[u8], step: Step, next: usize) -> usize {
        if literal.len() > LITERAL {
            return next;
        }
        if let Some(known) = self.entries.iter().position(|entry| entry.literal() == literal) {
            return known + 1;
        }

        if self.openers.len() + self.entries.len() == ENTRIES {
            // After so many different literals, few of them can still be in use.
            self.openers.clear();
            self.entries.clear();
        }

        let next = next.min(self.entries.len());
        let mut entry = Entry::new(literal, step);

        if literal[0] == b'{' {
            entry.after = next as u32;
            self.openers.push(entry);
            return next;
        }

        self.entries.insert(next, entry);
        for opener in &mut self.openers {
            opener.after += u32::from(opener.after as usize > next);
        }
        next + 1
    }
}

impl Entry {
    fn new(text: &[u8], step: Step) -> Entry {
        let mut literal = [0; LITERAL];
        literal[..text.len()].copy_from_slice(text);
        let mask = u32::MAX >> (LITERAL - text.len());
        Entry { literal, mask, len: text.len() as u32, step, after: 0 }
    }

    fn literal(&self) -> &[u8] {
        &self.literal[..self.len as usize]
    }

    #[inline(always)]
    pub(super) fn matches(&self, b: &[u8], i: usize) -> bool {
        match simd::at(b, i) {
            Some(bytes) => simd::equal(bytes, &self.literal) & self.mask == self.mask,
            None => self.matches_near_end(b, i),
        }
    }

    #[cold]
    fn matches_near_end(&self, b: &[u8], i: usize) -> bool {
        b.get(i..).is_some_and(|rest| rest.starts_with(self.literal()))
    }
}
