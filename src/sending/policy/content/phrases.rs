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
    /// The byte that leads to a node.
    labels: Vec<u8>,
    /// The first child of each node, and one more: where the last one's end.
    first: Vec<u32>,
    /// The phrase that ends at a node or in its tail, plus one; 0: none.
    ends: Vec<u16>,
    /// Where each phrase's tail begins, and one more.
    tail_starts: Vec<u32>,
    tails: Vec<u8>,
}

impl SignalPhrases {
    /// The trie of `sorted` texts: ascending, no two alike, none empty. The number of a phrase is its place there; none
    /// when they are too many.
    pub fn new(sorted: &[&[u8]]) -> Option<Self> {
        u16::try_from(sorted.len() + 1).ok()?;
        let mut trie = Self {
            root: [0; 256],
            labels: vec![0],
            first: Vec::new(),
            ends: Vec::new(),
            tail_starts: vec![0; sorted.len() + 1],
            tails: Vec::new(),
        };
        let mut tails = vec![0..0; sorted.len()];
        // Ranges of phrases with one beginning, and how long that is.
        let mut queue = VecDeque::from([(0, sorted.len(), 0)]);
        while let Some((mut from, to, depth)) = queue.pop_front() {
            trie.first.push(u32::try_from(trie.labels.len()).ok()?);
            let ends = from < to && (sorted[from].len() == depth || to - from == 1);
            trie.ends.push(if ends { u16::try_from(from + 1).ok()? } else { 0 });
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
        }
        trie.first.push(u32::try_from(trie.labels.len()).ok()?);
        for (i, tail) in tails.into_iter().enumerate() {
            trie.tails.extend_from_slice(&sorted[i][tail]);
            trie.tail_starts[i + 1] = u32::try_from(trie.tails.len()).ok()?;
        }
        for child in trie.children(0) {
            trie.root[usize::from(trie.labels[child])] = u32::try_from(child + 1).ok()?;
        }
        trie.shrink();
        Some(trie)
    }

    /// Hands every phrase that begins at `start` of `text` to `found`: its number, and where it ends.
    #[inline]
    pub fn walk(&self, text: &[u8], start: usize, found: impl FnMut(usize, usize)) {
        let Some(first) = text.get(start) else { return };
        if let Some(node) = (self.root[usize::from(*first)] as usize).checked_sub(1) {
            self.walk_from(node, text, start + 1, found);
        }
    }

    fn walk_from(&self, mut node: usize, text: &[u8], mut at: usize, mut found: impl FnMut(usize, usize)) {
        loop {
            if let Some(phrase) = usize::from(self.ends[node]).checked_sub(1) {
                let tail = &self.tails[self.tail_starts[phrase] as usize..self.tail_starts[phrase + 1] as usize];
                // Most tails differ in their first byte, and need no call.
                if tail.first().is_none_or(|first| text.get(at) == Some(first)) && text[at..].starts_with(tail) {
                    found(phrase, at + tail.len());
                }
            }
            let Some(byte) = text.get(at) else { return };
            let children = self.children(node);
            let Some(child) = self.labels[children.clone()].iter().position(|label| label == byte) else { return };
            node = children.start + child;
            at += 1;
        }
    }

    /// Its memory, in bytes.
    pub fn memory_usage(&self) -> usize {
        size_of::<Self>()
            + self.labels.capacity()
            + self.tails.capacity()
            + 4 * (self.first.capacity() + self.tail_starts.capacity())
            + 2 * self.ends.capacity()
    }

    fn children(&self, node: usize) -> std::ops::Range<usize> {
        self.first[node] as usize..self.first[node + 1] as usize
    }

    fn shrink(&mut self) {
        self.labels.shrink_to_fit();
        self.first.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.tails.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_that_begins_here_is_found_and_no_other() {
        let sorted: Vec<&[u8]> = vec![b"a", b"ab ", b"abc", b"abd", b"b", b"long tail", b"xy"];
        let trie = SignalPhrases::new(&sorted).expect("few phrases");
        let all = |text: &str, start| {
            let mut found = Vec::new();
            trie.walk(text.as_bytes(), start, |phrase, end| found.push((phrase, end)));
            found
        };
        assert_eq!(all("abd", 0), [(0, 1), (3, 3)]);
        assert_eq!(all("ab ", 0), [(0, 1), (1, 3)]);
        assert_eq!(all("a long tail", 2), [(5, 11)]);
        assert_eq!(all("a long tai", 2), []);
        assert_eq!(all("x", 0), []);
        assert_eq!(all("", 0), []);
        assert_eq!(all("z", 0), []);
        let none = SignalPhrases::new(&[]).expect("no phrases");
        none.walk(b"a", 0, |_, _| panic!("nothing is there"));
    }
}
