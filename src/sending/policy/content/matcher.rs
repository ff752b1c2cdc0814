//! What the rules say about a message that was read: hits, points of each group, points of groups that meet.
//!
//! Points of a group: its heaviest hit, half of the second and a quarter of the third, up to its cap, so that ten mild
//! words do not make a grave one and one phrase known in two languages counts once. Businesslike context (an order
//! number, an invoice) then takes away up to 60 %, as far as the group allows. Light phrases and single words count only in a message
//! that seems to be in their language, told by its everyday words.

use super::{
    Signal,
    compile::{Compiled, Pattern, WORD},
    reading::{Disguise, Reading},
};
use std::sync::Arc;

/// A place where a rule matched.
#[derive(Clone, Copy, Debug)]
struct Hit {
    weight: u8,
    start: usize,
    end: usize,
}

/// The three heaviest hits of a group that do not overlap.
#[derive(Clone, Copy, Default)]
struct Tally([Option<Hit>; 3]);

/// The most that context can take away, in per cent.
const CALM_MAX: u32 = 60;

/// The signals of the rules, and whether a disguised word was among what matched.
pub fn judge(rules: &Compiled, read: &Reading) -> (Vec<Signal>, bool) {
    let mut tallies = vec![Tally::default(); rules.groups.len()];
    let mut unmasked = false;
    let (hits, languages) = search(rules, read);
    let most = languages.iter().copied().max().unwrap_or(0);
    for (p, hit) in hits {
        let spoken = languages.get(usize::from(p.language)).is_none_or(|n| n * 2 >= most);
        if p.native && !spoken {
            continue;
        }
        if !rules.groups[usize::from(p.group)].context {
            unmasked |= read.disguises.iter().any(|d| d.1 < hit.end && hit.start < d.2);
        }
        tallies[usize::from(p.group)].add(hit);
    }
    for rule in &rules.numbers {
        for n in read.numbers.iter().filter(|n| (rule.digits[0]..=rule.digits[1]).contains(&n.digits)) {
            let starts = rule.starts.is_empty() || rule.starts.iter().any(|s| n.lead.starts_with(s.as_str()));
            let before = read.text[..n.start].trim_end().rsplit(' ').next().unwrap_or("");
            let after = rule.after.is_empty() || rule.after.iter().any(|a| a == before);
            if starts && after {
                tallies[usize::from(rule.group)].add(Hit { weight: rule.weight, start: n.start, end: n.end });
            }
        }
    }
    (signals(rules, &tallies), unmasked)
}

/// The one pass: every phrase that occurs, and how many everyday words of each language.
fn search(rules: &Compiled, read: &Reading) -> (Vec<(Pattern, Hit)>, Vec<u16>) {
    let mut hits = Vec::with_capacity(32);
    let mut languages = vec![0u16; rules.languages + 1];
    let bytes = read.text.as_bytes();
    for m in rules.automaton.find_overlapping_iter(bytes) {
        let p = rules.patterns[m.pattern().as_usize()];
        if p.group == WORD {
            languages[usize::from(p.language)] += 1;
            continue;
        }
        if p.clitics && !is_word_front(&read.text, m.start()) {
            continue;
        }
        let start = m.start() + usize::from(bytes[m.start()] == b' ');
        let end = m.end() - usize::from(bytes[m.end() - 1] == b' ');
        // A long phrase of a language also says that it is spoken.
        languages[usize::from(p.language)] += u16::from(p.language > 0 && end - start > 5);
        hits.push((p, Hit { weight: p.weight, start, end }));
    }
    (hits, languages)
}

fn signals(rules: &Compiled, tallies: &[Tally]) -> Vec<Signal> {
    let points: Vec<u32> = rules.groups.iter().zip(tallies).map(|(g, t)| t.points().min(g.cap)).collect();
    let calm: u32 = rules.groups.iter().zip(&points).filter(|(g, _)| g.context).map(|(_, p)| *p).sum();
    let calm = calm.min(CALM_MAX);
    let lower = |points: u32, calmed: u32| points - points * calm * calmed / 10_000;
    let mut out = Vec::new();
    for (g, p) in rules.groups.iter().zip(&points).filter(|(g, p)| !g.context && **p > 0) {
        out.push(signal(&g.id, lower(*p, g.calmed), &g.reason));
    }
    let mut best: Vec<(&Arc<str>, u32, &Arc<str>)> = Vec::new();
    for t in &rules.together {
        let present = |g: &&u16| tallies[usize::from(**g)].0[0].is_some() && points[usize::from(**g)] >= t.points;
        let top = t.of.iter().map(|g| points[usize::from(*g)]).max().unwrap_or(0);
        if t.of.iter().filter(present).count() < t.least || top < t.top || calm > t.context_max {
            continue;
        }
        let weight = lower(t.weight, t.calmed);
        match best.iter_mut().find(|b| b.0 == &t.id) {
            Some(b) if b.1 >= weight => {}
            Some(b) => *b = (&t.id, weight, &t.reason),
            None => best.push((&t.id, weight, &t.reason)),
        }
    }
    out.extend(best.into_iter().map(|(id, weight, reason)| signal(id, weight, reason)));
    out
}

fn signal(id: &Arc<str>, weight: u32, reason: &Arc<str>) -> Signal {
    Signal { id: id.clone(), weight: u8::try_from(weight.min(100)).unwrap_or(100), reason: reason.clone() }
}

impl Tally {
    fn add(&mut self, hit: Hit) {
        let clash = self.0.iter().flatten().any(|h| h.start < hit.end && hit.start < h.end && h.weight >= hit.weight);
        if clash {
            return;
        }
        // A heavier hit takes the place of those that it overlaps.
        let mut kept: [Option<Hit>; 4] = [None; 4];
        let mut n = 0;
        for h in self.0.iter().flatten().filter(|h| !(h.start < hit.end && hit.start < h.end)) {
            kept[n] = Some(*h);
            n += 1;
        }
        kept[n] = Some(hit);
        kept[..=n].sort_unstable_by_key(|h| std::cmp::Reverse(h.map_or(0, |h| h.weight)));
        self.0.copy_from_slice(&kept[..3]);
    }

    fn points(&self) -> u32 {
        self.0.iter().flatten().zip([1, 2, 4]).map(|(h, part)| u32::from(h.weight) / part).sum()
    }
}

/// Whether what stands between the beginning of the word and `start` is nothing, or only the conjunctions, prepositions
/// and articles that Arabic and Hebrew write together with the word.
fn is_word_front(text: &str, start: usize) -> bool {
    let word = text[..start].rfind(' ').map_or(0, |i| i + 1);
    let front = &text[word..start];
    front.chars().count() <= 4
        && front
            .chars()
            .all(|c| matches!(c, 'و' | 'ف' | 'ب' | 'ك' | 'ل' | 'ا' | 'ו' | 'ה' | 'ב' | 'ל' | 'כ' | 'מ' | 'ש'))
}

/// How many words wear each disguise, in the order of the enum's declaration.
pub fn count(read: &Reading, kind: Disguise) -> usize {
    read.disguises.iter().filter(|d| d.0 == kind).count()
}
