//! The phrases of all rules as one trie, walked from every beginning of a word.
//!
//! Nodes stand in breadth-first order, so that the children of one are a slice: a byte and two numbers each. A node that
//! only one phrase passes holds the rest of that phrase as its tail. The texts are found exactly; what a phrase means
//! is its caller's business.

use std::collections::VecDeque;

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
    labels: Vec<u8>,
    /// Of each node, where its children begin (24 bits) and how many they are (8).
    nodes: Vec<u32>,
    /// The phrase that ends at a node or in its tail, plus one; 0: none.
    ends: Vec<u16>,
    /// Where each phrase's tail begins, and one more.
    tail_starts: Vec<u32>,
    tails: Vec<u8>,
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
fn wide(first: u8, second: u8) -> Option<usize> {
    let (first, second) = (usize::from(first.wrapping_sub(0xd0)), usize::from(second.wrapping_sub(0x80)));
    (first < 16 && second < 64).then(|| first * 64 + second)
}

impl SignalPhrases {
    /// The trie of `sorted` texts: ascending, no two alike, none empty. The number of a phrase is its place there; none
    /// when they are too many.
    pub fn new(sorted: &[&[u8]]) -> Option<Self> {
        u16::try_from(sorted.len() + 1).ok()?;
        let mut trie = Self {
            root: [0; 256],
            pairs: Box::new([0; PAIRS]),
            wide: Box::new([0; WIDE]),
            labels: vec![0],
            nodes: Vec::new(),
            ends: Vec::new(),
            tail_starts: vec![0; sorted.len() + 1],
            tails: Vec::new(),
        };
        let mut tails = vec![0..0; sorted.len()];
        // Ranges of phrases with one beginning, and how long that is.
        let mut queue = VecDeque::from([(0, sorted.len(), 0)]);
        while let Some((mut from, to, depth)) = queue.pop_front() {
            let first = trie.labels.len();
            let ends = from < to && (sorted[from].len() == depth || to - from == 1);
            let end = if ends { u16::try_from(from + 1).ok()? } else { 0 };
            if ends {
                tails[from] = depth..sorted[from].len();
                from += 1;
            }
            while from < to {
                let byte = sorted[from][depth];
                let next = from + sorted[from..to].partition_point(|p| p[depth] == byte);
                trie.labels.push(byte);
                queue.push_back((from, next, depth + 1));
                from = next;
            }
            let children = u8::try_from(trie.labels.len() - first).ok()?;
            trie.nodes.push(u32::try_from(first).ok().filter(|first| *first < 1 << 24)? << 8 | u32::from(children));
            trie.ends.push(end);
        }
        for (i, tail) in tails.into_iter().enumerate() {
            trie.tails.extend_from_slice(&sorted[i][tail]);
            trie.tail_starts[i + 1] = u32::try_from(trie.tails.len()).ok()?;
        }
        for child in trie.children(0) {
            trie.root[usize::from(trie.labels[child])] = u32::try_from(child + 1).ok()?;
            for next in trie.children(child) {
                if let Some(at) = pair(trie.labels[child], trie.labels[next]) {
                    trie.pairs[at] = u32::try_from(next + 1).ok()?;
                }
                if let Some(at) = wide(trie.labels[child], trie.labels[next]) {
                    trie.wide[at] = u32::try_from(next + 1).ok()?;
                }
            }
        }
        trie.shrink();
        Some(trie)
    }

    /// Hands every phrase that begins at `start` of `text` to `found`: its number, and where it ends.
    #[inline]
    pub fn walk(&self, text: &[u8], start: usize, found: impl FnMut(usize, usize)) {
        let Some(first) = text.get(start) else { return };
        if *first >= 0xd0
            && let Some(at) = text.get(start + 1).and_then(|second| wide(*first, *second))
        {
            let Some(node) = (self.wide[at] as usize).checked_sub(1) else { return };
            return self.walk_from(node, text, start + 2, found);
        }
        let Some(node) = (self.root[usize::from(*first)] as usize).checked_sub(1) else { return };
        // Most words part from every phrase within two letters.
        if self.ends[node] == 0
            && let Some(at) = text.get(start + 1).and_then(|second| pair(*first, *second))
        {
            let Some(node) = (self.pairs[at] as usize).checked_sub(1) else { return };
            return self.walk_from(node, text, start + 2, found);
        }
        self.walk_from(node, text, start + 1, found);
    }

    #[inline]
    fn walk_from(&self, mut node: usize, text: &[u8], mut at: usize, mut found: impl FnMut(usize, usize)) {
        loop {
            if let Some(phrase) = usize::from(self.ends[node]).checked_sub(1) {
                let tail = &self.tails[self.tail_starts[phrase] as usize..self.tail_starts[phrase + 1] as usize];
                // Byte by byte: most tails differ within two or three, which is sooner than a call.
                if text.len() - at >= tail.len() && text[at..].iter().zip(tail).all(|(a, b)| a == b) {
                    found(phrase, at + tail.len());
                }
            }
            let Some(byte) = text.get(at) else { return };
            // They ascend: the first that is not below is it, or none is.
            let children = self.children(node);
            let labels = &self.labels[children.clone()];
            let child = if labels.len() > 8 {
                labels.partition_point(|label| label < byte)
            } else {
                labels.iter().position(|label| label >= byte).unwrap_or(labels.len())
            };
            if labels.get(child) != Some(byte) {
                return;
            }
            node = children.start + child;
            at += 1;
        }
    }

    /// Its memory, in bytes.
    pub fn memory_usage(&self) -> usize {
        size_of::<Self>()
            + self.labels.capacity()
            + self.tails.capacity()
            + 4 * self.tail_starts.capacity()
            + 4 * self.nodes.capacity()
            + 2 * self.ends.capacity()
            + size_of_val(&*self.pairs)
            + size_of_val(&*self.wide)
    }

    fn children(&self, node: usize) -> std::ops::Range<usize> {
        let (first, children) = ((self.nodes[node] >> 8) as usize, (self.nodes[node] & 0xff) as usize);
        first..first + children
    }

    fn shrink(&mut self) {
        self.labels.shrink_to_fit();
        self.nodes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.tails.shrink_to_fit();
    }
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
        let none = SignalPhrases::new(&[]).expect("no phrases");
        none.walk(b"a", 0, |_, _| panic!("nothing is there"));
    }
}
