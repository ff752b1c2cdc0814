//! The phrases of all rules as one trie, walked from every beginning of a word.
//!
//! Nodes stand in breadth-first order, so that the children of one are a slice: a byte and two numbers each. A node that
//! only one phrase passes holds the rest of that phrase as its tail. The texts are found exactly; what a phrase means
//! is its caller's business. All of it is bytes, numbers lowest byte first, so that it is the same in the program's file
//! and in memory.

use bytes::Bytes;
use std::{collections::VecDeque, ops::Range};

/// Phrases, found by walking along a text. At most 65,534 different ones.
#[derive(Debug)]
pub struct SignalPhrases {
    /// By first byte: the child of the root, plus one; 0: none.
    root: [u32; 256],
    /// By the first two letters from a to z, likewise; where a phrase ends behind the first, the way is by the root.
    pairs: Box<[u32; PAIRS]>,
    /// By the first letter of two bytes (Cyrillic, Hebrew, Arabic), likewise.
    wide: Box<[u32; WIDE]>,
    /// The byte that leads to a node.
    labels: Bytes,
    /// Of each node, where its children begin (24 bits) and how many they are (8): four bytes.
    nodes: Bytes,
    /// The phrase that ends at a node or in its tail, plus one; 0: none. Two bytes each.
    ends: Bytes,
    /// Where each phrase's tail begins, and one more: four bytes each.
    tail_starts: Bytes,
    tails: Bytes,
}

const LETTERS: usize = 26;
const PAIRS: usize = LETTERS * LETTERS;

/// The place of two letters from a to z among the pairs.
fn pair(first: u8, second: u8) -> Option<usize> {
    let (first, second) = (usize::from(first.wrapping_sub(b'a')), usize::from(second.wrapping_sub(b'a')));
    (first < LETTERS && second < LETTERS).then(|| first * LETTERS + second)
}

/// How many letters have the two bytes 0xd0 and 0x80 to 0xdf and 0xbf.
const WIDE: usize = 16 * 64;

/// The place of a letter of two bytes among them.
fn wide_pair(first: u8, second: u8) -> Option<usize> {
    let (first, second) = (usize::from(first.wrapping_sub(0xd0)), usize::from(second.wrapping_sub(0x80)));
    (first < 16 && second < 64).then(|| first * 64 + second)
}

impl SignalPhrases {
    /// The trie of `sorted` texts: ascending, no two alike, none empty. The number of a phrase is its place there; none
    /// when they are too many.
    pub fn new(sorted: &[&[u8]]) -> Option<Self> {
        u16::try_from(sorted.len() + 1).ok()?;
        let (mut labels, mut nodes, mut ends) = (vec![0], Vec::new(), Vec::new());
        let mut tails = vec![0..0; sorted.len()];
        // Ranges of phrases with one beginning, and how long that is.
        let mut queue = VecDeque::from([(0, sorted.len(), 0)]);
        while let Some((mut from, to, depth)) = queue.pop_front() {
            let first = labels.len();
            let is_end = from < to && (sorted[from].len() == depth || to - from == 1);
            let end = if is_end { u16::try_from(from + 1).ok()? } else { 0 };
            if is_end {
                tails[from] = depth..sorted[from].len();
                from += 1;
            }
            while from < to {
                let byte = sorted[from][depth];
                let next = from + sorted[from..to].partition_point(|p| p[depth] == byte);
                labels.push(byte);
                queue.push_back((from, next, depth + 1));
                from = next;
            }
            let children = u8::try_from(labels.len() - first).ok()?;
            let node = u32::try_from(first).ok().filter(|first| *first < 1 << 24)? << 8 | u32::from(children);
            nodes.extend(node.to_le_bytes());
            ends.extend(end.to_le_bytes());
        }
        let (mut tail_starts, mut tail_bytes) = (vec![0; 4], Vec::new());
        for (text, tail) in sorted.iter().zip(tails) {
            tail_bytes.extend_from_slice(&text[tail]);
            tail_starts.extend(u32::try_from(tail_bytes.len()).ok()?.to_le_bytes());
        }
        Some(Self::from_parts([labels, nodes, ends, tail_starts, tail_bytes].map(Bytes::from)))
    }

    /// From what [`Self::parts`] gave.
    pub fn from_parts([labels, nodes, ends, tail_starts, tails]: [Bytes; 5]) -> Self {
        let (root, pairs, wide) = ([0; 256], Box::new([0; PAIRS]), Box::new([0; WIDE]));
        let mut trie = Self { root, pairs, wide, labels, nodes, ends, tail_starts, tails };
        // A child's number is below 2^24.
        let one_more = |node: usize| u32::try_from(node + 1).unwrap_or(0);
        for child in trie.children(0) {
            trie.root[usize::from(trie.labels[child])] = one_more(child);
            for next in trie.children(child) {
                if let Some(at) = pair(trie.labels[child], trie.labels[next]) {
                    trie.pairs[at] = one_more(next);
                }
                if let Some(at) = wide_pair(trie.labels[child], trie.labels[next]) {
                    trie.wide[at] = one_more(next);
                }
            }
        }
        trie
    }

    /// All but what [`Self::from_parts`] finds by itself, to be stored.
    pub fn parts(&self) -> [&[u8]; 5] {
        [&self.labels, &self.nodes, &self.ends, &self.tail_starts, &self.tails]
    }

    /// All phrases, in their order.
    pub fn texts(&self) -> Vec<Vec<u8>> {
        let mut texts = vec![Vec::new(); self.tail_starts.len() / 4 - 1];
        let mut queue = VecDeque::from([(0, Vec::new())]);
        while let Some((node, text)) = queue.pop_front() {
            for child in self.children(node) {
                queue.push_back((child, [&text[..], &[self.labels[child]]].concat()));
            }
            if let Some(phrase) = self.end(node) {
                texts[phrase] = [&text, self.tail(phrase)].concat();
            }
        }
        texts
    }

    /// Hands every phrase that begins at `start` of `text` to `found`: its number, and where it ends.
    #[inline]
    pub fn walk(&self, text: &[u8], start: usize, found: impl FnMut(usize, usize)) {
        let Some(first) = text.get(start) else { return };
        if *first >= 0xd0
            && let Some(at) = text.get(start + 1).and_then(|second| wide_pair(*first, *second))
        {
            let Some(node) = (self.wide[at] as usize).checked_sub(1) else { return };
            return self.walk_from(node, text, start + 2, found);
        }
        let Some(node) = (self.root[usize::from(*first)] as usize).checked_sub(1) else { return };
        // Most words part from every phrase within two letters.
        if self.end(node).is_none()
            && let Some(at) = text.get(start + 1).and_then(|second| pair(*first, *second))
        {
            let Some(node) = (self.pairs[at] as usize).checked_sub(1) else { return };
            return self.walk_from(node, text, start + 2, found);
        }
        self.walk_from(node, text, start + 1, found);
    }

    #[inline]
    fn walk_from(&self, mut node: usize, text: &[u8], mut at: usize, mut found: impl FnMut(usize, usize)) {
        let (ends, labels) = (self.ends.as_chunks::<2>().0, &self.labels[..]);
        loop {
            if let Some(phrase) = usize::from(u16::from_le_bytes(ends[node])).checked_sub(1) {
                let tail = self.tail(phrase);
                if begins(&text[at..], tail) {
                    found(phrase, at + tail.len());
                }
            }
            let Some(byte) = text.get(at) else { return };
            let children = self.children(node);
            let Some(child) = place(&labels[children.clone()], *byte) else { return };
            node = children.start + child;
            at += 1;
        }
    }

    /// Its memory, in bytes, the program's own pages among it.
    pub fn memory_usage(&self) -> usize {
        size_of::<Self>()
            + self.parts().iter().map(|part| part.len()).sum::<usize>()
            + size_of_val(&*self.pairs)
            + size_of_val(&*self.wide)
    }

    #[inline]
    fn children(&self, node: usize) -> Range<usize> {
        let [children, first @ ..] = self.nodes.as_chunks::<4>().0[node];
        let first = u32::from_le_bytes([first[0], first[1], first[2], 0]) as usize;
        first..first + usize::from(children)
    }

    /// The phrase that ends at a node or in its tail.
    #[inline]
    fn end(&self, node: usize) -> Option<usize> {
        usize::from(u16::from_le_bytes(self.ends.as_chunks().0[node])).checked_sub(1)
    }

    #[inline]
    fn tail(&self, phrase: usize) -> &[u8] {
        let starts = self.tail_starts.as_chunks().0;
        &self.tails[u32::from_le_bytes(starts[phrase]) as usize..u32::from_le_bytes(starts[phrase + 1]) as usize]
    }
}

/// Whether `text` begins with `tail`. Byte by byte: most differ within two or three, which is sooner than a call.
#[inline]
fn begins(text: &[u8], tail: &[u8]) -> bool {
    let Some(text) = text.get(..tail.len()) else { return false };
    let mut alike = 0;
    while alike < tail.len() && text[alike] == tail[alike] {
        alike += 1;
    }
    alike == tail.len()
}

/// The place of `label` among ascending `labels`: halved while they are many.
#[inline]
fn place(mut labels: &[u8], label: u8) -> Option<usize> {
    let mut before = 0;
    while labels.len() > 8 {
        let (low, high) = labels.split_at(labels.len() / 2);
        (labels, before) = if high[0] <= label { (high, before + low.len()) } else { (low, before) };
    }
    for (i, known) in labels.iter().enumerate() {
        if *known >= label {
            return (*known == label).then_some(before + i);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_that_begins_here_is_found_and_no_other() {
        let sorted: Vec<&[u8]> = vec![b"a", b"ab ", b"abc", b"abd", b"b", b"long tail", b"lot", b"xy", b"xz "];
        let trie = SignalPhrases::new(&sorted).expect("few phrases");
        let all = |text: &str, start| {
            let mut found = Vec::new();
            trie.walk(text.as_bytes(), start, |phrase, end| found.push((phrase, end)));
            found
        };
        assert_eq!(all("abd", 0), [(0, 1), (3, 3)]);
        assert_eq!(all("ab ", 0), [(0, 1), (1, 3)]);
        assert_eq!(all("a long tail", 2), [(5, 11)]);
        assert_eq!(all("lot", 0), [(6, 3)]);
        assert_eq!((all("lo", 0), all("la", 0), all("l", 0)), (vec![], vec![], vec![]));
        assert_eq!((all("xy", 0), all("xz ", 0), all("xz", 0)), (vec![(7, 2)], vec![(8, 3)], vec![]));
        assert_eq!(all("a long tai", 2), []);
        assert_eq!(all("x", 0), []);
        assert_eq!(all("", 0), []);
        assert_eq!(all("z", 0), []);
        assert_eq!(trie.texts(), sorted);
        let none = SignalPhrases::new(&[]).expect("no phrases");
        none.walk(b"a", 0, |_, _| panic!("nothing is there"));
    }
}
