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

const LETTERS: usize = 26;
const PAIRS: usize = LETTERS * LETTERS;

/// The place of two letters from a to z among the pairs.
fn pair(first: u8, second: u8) -> Option<usize> {
    let (first, second) = (usize::from(first.wrapping_sub(b'a')), usize::from(second.wrapping_sub(b'a')));
    (first < LETTERS && second < LETTERS).then(|| first * LETTERS + second)
}

impl SignalPhrases {
    /// The trie of `sorted` texts: ascending, no two alike, none empty. The number of a phrase is its place there; none
    /// when they are too many.
    pub fn new(sorted: &[&[u8]]) -> Option<Self> {
        u16::try_from(sorted.len() + 1).ok()?;
        let mut trie = Self {
            root: [0; 256],
            pairs: Box::new([0; PAIRS]),
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
            for next in trie.children(child) {
                if let Some(at) = pair(trie.labels[child], trie.labels[next]) {
                    trie.pairs[at] = u32::try_from(next + 1).ok()?;
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
            let children = self.children(node);
            // They ascend: the first that is not below is it, or none is.
            let Some(child) = self.labels[children.clone()].iter().position(|label| label >= byte) else { return };
            node = children.start + child;
            if self.labels[node] != *byte {
                return;
            }
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
            + size_of_val(&*self.pairs)
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
