//! What the rules say about a message that was read: hits, points of each group, points of groups that meet.
//!
//! Points of a group: its heaviest hit, half of the second and a quarter of the third, up to its cap, so that ten mild
//! words do not make a grave one and one phrase known in two languages counts once. Businesslike context (an order
//! number, an invoice) then takes away up to 60 %, as far as the group allows. Light phrases and single words count only in a message
//! that seems to be in their language, told by its everyday words.

use super::{
    Signal, addressee,
    model::{BUILT, Points},
    reading::{Disguise, Reading},
    table::{Compiled, HARMLESS, LIGHT, Pattern, RuleFamily, Together, WORD, bit},
};
use std::{ops::Range, sync::Arc};

/// A place where a rule matched. Small, so that neither all of them nor all tallies are an allocation that is large: for
/// such ones the allocator tidies up first, which costs a tenth of a check.
#[derive(Clone, Copy, Default, Debug)]
struct Hit {
    start: u32,
    /// Behind the last byte; 0: none matched.
    end: u32,
    weight: u8,
}

/// The three heaviest hits of a group that do not overlap, heaviest first; behind them none.
#[derive(Clone, Copy, Default)]
struct Tally([Hit; 3]);

/// The most that context can take away, in per cent.
const CALM_MAX: u32 = 60;

/// What the rules say of one message.
pub struct Judged {
    /// Heaviest first within each kind.
    pub signals: Vec<Signal>,
    /// A disguised word is among what matched.
    pub unmasked: bool,
    /// Points of groups, before any bonus.
    pub words: u32,
    /// Those of groups that are more than weak words.
    pub hard: u32,
    /// Whether every group with a match is one of soft words.
    pub soft: bool,
    /// Whether it misses, invites or introduces somebody in so many words.
    pub invites: bool,
    /// Points for businesslike context, and for a person's tone.
    pub context: u32,
    /// Whether an admin's own phrase or group is among what counted.
    pub own: bool,
    /// Of the groups and bonuses that the model knows.
    pub points: Points,
    /// The number of the language that the message seems to be in, from 1; 0: none.
    pub language: usize,
    /// Of each of the reading's names, whether rules found words in it that are more than a name.
    pub speaking: [bool; addressee::MOST],
}

/// The signals of the rules.
pub fn judge(rules: &Compiled, read: &Reading) -> Judged {
    let mut tallies = vec![Tally::default(); rules.groups.len()];
    let mut unmasked = false;
    let mut own = false;
    let found = search(rules, read);
    let most = found.languages.iter().copied().max().unwrap_or(0);
    for (p, hit) in found.counting() {
        let group = &rules.groups[usize::from(p.group)];
        if !group.context {
            unmasked |= read.disguises.iter().any(|d| hit.overlaps(&(d.1..d.2)));
            own |= p.is_own() || group.own;
        }
        tallies[usize::from(p.group)].add(hit);
    }
    for rule in &rules.numbers {
        for n in read.numbers.iter().filter(|n| (rule.digits[0]..=rule.digits[1]).contains(&n.digits)) {
            let before = || read.text[..n.start].trim_end().rsplit(' ').next().unwrap_or("");
            let is_after = |words: &[String]| words.iter().any(|word| word == before());
            let harmless = || found.harmless.iter().any(|h| h.0 <= n.start && n.end <= h.1);
            let starts = rule.starts.is_empty() || rule.starts.iter().any(|s| n.starts_with(s));
            if starts && (rule.after.is_empty() || is_after(&rule.after)) && !harmless() {
                tallies[usize::from(rule.group)].add(Hit::new(rule.weight, n.start..n.end));
            }
        }
    }
    let mut judged = signals(rules, &tallies);
    judged.unmasked = unmasked;
    judged.own = own;
    judged.speaking = found.speaking;
    judged.language = found.languages.iter().rposition(|n| *n == most && *n > 0).unwrap_or(0);
    judged
}

/// Where the words stand in the folded text that counted, and for which group.
pub fn spans(rules: &Compiled, read: &Reading) -> Vec<(Range<usize>, Arc<str>)> {
    let found = search(rules, read);
    let counted = found.counting().map(|(p, hit)| (hit, &rules.groups[usize::from(p.group)]));
    counted.filter(|(_, group)| !group.context).map(|(hit, group)| (hit.range(), group.id.clone())).collect()
}

/// What the one pass finds.
struct PatternMatch<'a> {
    /// The reading's names.
    names: &'a addressee::Names,
    hits: Vec<(Pattern, Hit)>,
    /// How many everyday words of each language.
    languages: Vec<u16>,
    /// Where words mean something else: from, to.
    harmless: Vec<(usize, usize)>,
    /// As [`Judged::speaking`].
    speaking: [bool; addressee::MOST],
}

/// The one pass: every phrase that occurs.
fn search<'a>(rules: &Compiled, read: &'a Reading) -> PatternMatch<'a> {
    let mut found = PatternMatch {
        names: &read.names,
        hits: Vec::with_capacity(32),
        languages: vec![0; rules.languages.len() + 1],
        harmless: Vec::new(),
        speaking: [false; addressee::MOST],
    };
    let bytes = read.text.as_bytes();
    let mut next = 1;
    while next < bytes.len() {
        let start = next;
        next = start + bytes[start..].iter().position(|b| *b == b' ').map_or(bytes.len() - start, |space| space + 1);
        rules.words.phrases.walk(bytes, start, |phrase, end| {
            found.add(rules.words.of(phrase), start..end, bytes, false);
        });
        behind_clitics(&read.text, start, |start| {
            rules.words.phrases.walk(bytes, start, |phrase, end| {
                found.add(rules.words.of(phrase), start..end, bytes, true);
            });
        });
        // The few phrases that may begin inside a word are long.
        let last = next.saturating_sub(rules.inner.shortest);
        for inside in start..last {
            rules.inner.phrases.walk(bytes, inside, |phrase, end| {
                found.add(rules.inner.of(phrase), inside..end, bytes, false);
            });
        }
    }
    for (i, name) in read.names.ranges().enumerate() {
        found.speaking[i] = found.leave_out(rules, &name, bytes);
    }
    found
}

impl PatternMatch<'_> {
    /// What counts: not what is foreign to the language spoken, nor what means something else where it stands.
    fn counting(&self) -> impl Iterator<Item = (Pattern, Hit)> {
        let most = self.languages.iter().copied().max().unwrap_or(0);
        self.hits.iter().copied().filter(move |(p, hit)| {
            let spoken = self.languages.get(usize::from(p.language)).is_none_or(|n| n * 2 >= most);
            let at = hit.range();
            let harmless = self.harmless.iter().any(|h| h.0 <= at.start && at.end <= h.1);
            (!p.is_native() || spoken) && !harmless
        })
    }

    /// Forgets what was found in the place of a name, unless it speaks: "Dear FREE GIFT". One light word is still a name:
    /// "Hadiya" is Arabic for a gift. Whether it speaks.
    fn leave_out(&mut self, rules: &Compiled, name: &Range<usize>, text: &[u8]) -> bool {
        let within = |hit: &Hit| hit.overlaps(name);
        let words = |of: Range<usize>| text[of].split(|b| *b == b' ').filter(|w| !w.is_empty()).count();
        let is_long = words(name.clone()) > 2;
        let counts = |p: &Pattern, hit: &Hit| {
            let is_heavy = is_long || p.weight >= LIGHT || words(hit.range()) > 1;
            is_heavy && p.weight > 0 && !rules.groups[usize::from(p.group)].context
        };
        let speaks = self.counting().any(|(p, hit)| within(&hit) && counts(&p, &hit));
        if !speaks {
            self.hits.retain(|(_, hit)| !within(hit));
        }
        speaks
    }

    fn add(&mut self, patterns: impl Iterator<Item = Pattern>, at: Range<usize>, text: &[u8], inside: bool) {
        let start = at.start;
        let end = at.end - usize::from(text[at.end - 1] == b' ');
        let is_named = self.names.overlap(start, end);
        for p in patterns.filter(|p| !inside || p.has_clitics()) {
            match p.group {
                WORD => self.languages[usize::from(p.language)] += u16::from(!is_named),
                HARMLESS => self.harmless.push((start, end)),
                _ => {
                    // A long phrase of a language also says that it is spoken.
                    let tells = p.language > 0 && end - start > 5 && !is_named;
                    self.languages[usize::from(p.language)] += u16::from(tells);
                    self.hits.push((p, Hit::new(p.weight, start..end)));
                }
            }
        }
    }
}

/// Hands on every place inside the word at `start` that only conjunctions, prepositions and articles stand before: those
/// that Arabic and Hebrew write together with the word. At most four of them.
fn behind_clitics(text: &str, start: usize, mut then: impl FnMut(usize)) {
    if !matches!(text.as_bytes().get(start), Some(0xd7..=0xda)) {
        return;
    }
    let is_clitic = |c: char| matches!(c, 'و' | 'ف' | 'ب' | 'ك' | 'ل' | 'ا' | 'ו' | 'ה' | 'ב' | 'ל' | 'כ' | 'מ' | 'ש');
    let mut at = start;
    for c in text[start..].chars().take(4).take_while(|c| is_clitic(*c)) {
        at += c.len_utf8();
        then(at);
    }
}

fn signals(rules: &Compiled, tallies: &[Tally]) -> Judged {
    let points: Vec<u32> = rules.groups.iter().zip(tallies).map(|(g, t)| t.points().min(g.cap)).collect();
    let calm: u32 = rules.groups.iter().zip(&points).filter(|(g, _)| g.context).map(|(_, p)| *p).sum();
    let calm = calm.min(CALM_MAX);
    let lower = |points: u32, calmed: u32| points - points * calm * calmed / 10_000;
    let mut known: Points = [0; BUILT];
    let mut note = |place: Option<usize>, points| place.into_iter().for_each(|place| known[place] = points);
    let mut out = Vec::new();
    for (g, p) in rules.groups.iter().zip(&points).filter(|(g, _)| g.context) {
        note(g.place, *p);
    }
    let found_in = |(group, tally): &(&RuleFamily, &Tally)| !group.context && tally.is_found();
    let mut soft = rules.groups.iter().zip(tallies).filter(found_in).all(|(group, _)| group.soft);
    let invites = rules.groups.iter().zip(tallies).filter(found_in).any(|(group, _)| group.invites);
    let (mut words, mut hard) = (0, 0);
    for (g, p) in rules.groups.iter().zip(&points).filter(|(g, p)| !g.context && **p > 0) {
        let points = lower(*p, g.calmed);
        words += points;
        note(g.place, points);
        hard += if g.weak { 0 } else { points };
        out.push(signal(&g.id, points, &g.reason));
    }
    let mut best: Vec<(&Together, u32)> = Vec::new();
    let found = tallies.iter().zip(0..).filter(|(t, _)| t.is_found()).fold(0, |bits, (_, g)| bits | bit(g));
    for t in rules.together.iter().filter(|t| t.bits.count_ones() < t.least || (t.bits & found).count_ones() >= t.least)
    {
        let present = |g: &&u8| tallies[usize::from(**g)].is_found() && points[usize::from(**g)] >= t.points;
        let top = t.of.iter().map(|g| points[usize::from(*g)]).max().unwrap_or(0);
        if (t.of.iter().filter(present).count() as u32) < t.least || top < t.top || calm > t.context_max {
            continue;
        }
        soft &= !t.offers;
        let weight = lower(t.weight, t.calmed);
        match best.iter_mut().find(|b| b.0.id == t.id) {
            Some(b) if b.1 >= weight => {}
            Some(b) => *b = (t, weight),
            None => best.push((t, weight)),
        }
    }
    for (t, weight) in best {
        note(t.place, weight);
        out.push(signal(&t.id, weight, &t.reason));
    }
    Judged {
        signals: out,
        words,
        hard,
        soft,
        invites,
        context: calm,
        points: known,
        unmasked: false,
        own: false,
        language: 0,
        speaking: [false; addressee::MOST],
    }
}

fn signal(id: &Arc<str>, weight: u32, reason: &Arc<str>) -> Signal {
    Signal { id: id.clone(), weight: u8::try_from(weight.min(100)).unwrap_or(100), reason: reason.clone() }
}

impl Hit {
    /// Texts longer than a `u32` counts are none that anybody sends.
    fn new(weight: u8, at: Range<usize>) -> Self {
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: short(at.start), end: short(at.end), weight }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn overlaps(self, other: &Range<usize>) -> bool {
        (self.start as usize) < other.end && other.start < self.end as usize
    }
}

impl Tally {
    fn add(&mut self, hit: Hit) {
        let at = hit.range();
        if self.0.iter().any(|h| h.overlaps(&at) && h.weight >= hit.weight) {
            return;
        }
        // A heavier hit takes the place of those that it overlaps.
        let mut kept = [Hit::default(); 4];
        let mut n = 0;
        for h in self.0.iter().filter(|h| h.end > 0 && !h.overlaps(&at)) {
            kept[n] = *h;
            n += 1;
        }
        kept[n] = hit;
        kept[..=n].sort_unstable_by_key(|h| std::cmp::Reverse(h.weight));
        self.0.copy_from_slice(&kept[..3]);
    }

    fn is_found(&self) -> bool {
        self.0[0].end > 0
    }

    fn points(&self) -> u32 {
        self.0.iter().zip([1, 2, 4]).map(|(h, part)| u32::from(h.weight) / part).sum()
    }
}

/// How many words wear each disguise, in the order of the enum's declaration.
pub fn count(read: &Reading, kind: Disguise) -> usize {
    read.disguises.iter().filter(|d| d.0 == kind).count()
}
