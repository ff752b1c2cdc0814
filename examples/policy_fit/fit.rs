//! Logistic regression with Adagrad over the features of `content::model`.

use super::{rows::Row, varied::Dice};
use std::collections::BTreeMap;
use wa_gateway::sending::policy::content::{ContentPolicy, model};

const ROUNDS: usize = 24;
/// How many times is fitted, each time in another order: the weights are the mean, which owes little to any order.
const ORDERS: u64 = 5;
const RATE: f32 = 0.1;
/// How strongly weights are drawn to zero: those of named features, those of the table.
const DECAY: (f32, f32) = (1e-2, 1e-4);
/// The most that one message may count.
const HEAVIEST: f32 = 8.0;

/// One message, ready to be fitted to.
pub struct Sample {
    bad: bool,
    /// What it counts for within its class, before the classes are balanced.
    worth: f32,
    source: String,
    /// The named features.
    pub dense: model::Dense,
    places: Vec<u32>,
    /// Points of the rules.
    pub rules: u32,
    /// Of them, those of what no honest answer says.
    pub hard: u32,
    /// Whether all of them are of words that only invite, praise or introduce.
    pub soft: bool,
    /// Whether there is something in it to act upon.
    pub actionable: bool,
}

impl Sample {
    /// What the model sees of `row`.
    pub fn of(policy: &ContentPolicy, row: &Row) -> Self {
        let seen = policy.observe(&row.text);
        let mut places = Vec::new();
        model::sequences(&seen.folded, |place| places.extend(u32::try_from(place)));
        let worth = if row.label == "spam" { 3.0 } else { 1.0 } * if row.is_sourced { 1.0 } else { 3.0 };
        let source = format!("{} {} {}", row.source, row.label, row.language);
        let (dense, rules, hard, soft, actionable) = (seen.dense, seen.rules, seen.hard, seen.soft, seen.actionable);
        Self { bad: row.is_bad(), worth, source, dense, places, rules, hard, soft, actionable }
    }

    fn share(&self) -> f32 {
        1.0 / (self.places.len().max(1) as f32).sqrt()
    }
}

/// Fitted weights.
pub struct Weights {
    /// Of every message.
    pub bias: f32,
    /// Of the named features.
    pub dense: model::Dense,
    /// Of the table's places.
    pub table: Vec<f32>,
}

/// Weights with a table of eight bits.
pub struct Rounded {
    /// Of every message.
    pub bias: f32,
    /// Of the named features.
    pub dense: model::Dense,
    /// What one step of the table is worth.
    pub step: f32,
    /// Steps.
    pub table: Vec<i8>,
}

impl Weights {
    fn all(value: f32) -> Self {
        Self { bias: value, dense: [value; model::NAMES.len()], table: vec![value; model::TABLE] }
    }

    /// Adds so large a part of `more`.
    fn add(&mut self, more: &Self, part: f32) {
        self.bias += more.bias * part;
        self.dense.iter_mut().zip(&more.dense).for_each(|(to, from)| *to += from * part);
        self.table.iter_mut().zip(&more.table).for_each(|(to, from)| *to += from * part);
    }

    /// The log-odds that `sample` ought to be refused.
    pub fn odds(&self, sample: &Sample) -> f32 {
        let known: f32 = self.dense.iter().zip(&sample.dense).map(|(w, x)| w * x).sum();
        let sum: f32 = sample.places.iter().map(|place| self.table[*place as usize]).sum();
        self.bias + known + sum * sample.share()
    }

    /// The same in 64 KiB.
    pub fn rounded(&self) -> Rounded {
        let most = self.table.iter().fold(f32::MIN_POSITIVE, |most, w| most.max(w.abs()));
        let step = most / 127.0;
        let table = self.table.iter().map(|w| (w / step).round() as i8).collect();
        Rounded { bias: self.bias, dense: self.dense, step, table }
    }
}

/// Fits to `samples`, the two classes and the sources of each balanced by the root of their size.
pub fn fit(samples: &[&Sample]) -> Weights {
    let worths = worths(samples);
    let mut mean = Weights::all(0.0);
    for seed in 0..ORDERS {
        let weights = fit_once(samples, &worths, Dice(12_345 + seed));
        mean.add(&weights, 1.0 / ORDERS as f32);
    }
    mean
}

fn fit_once(samples: &[&Sample], worths: &[f32], mut dice: Dice) -> Weights {
    let (mut weights, mut seen) = (Weights::all(0.0), Weights::all(0.01));
    let mut order: Vec<usize> = (0..samples.len()).collect();
    for _ in 0..ROUNDS {
        for i in (1..order.len()).rev() {
            order.swap(i, dice.below(i + 1));
        }
        for &i in &order {
            learn(&mut weights, &mut seen, samples[i], worths[i]);
        }
    }
    weights
}

fn learn(weights: &mut Weights, seen: &mut Weights, sample: &Sample, worth: f32) {
    let chance = 1.0 / (1.0 + (-weights.odds(sample)).exp());
    let wrong = (chance - f32::from(u8::from(sample.bad))) * worth;
    step(&mut weights.bias, &mut seen.bias, wrong);
    for (i, x) in sample.dense.iter().enumerate().filter(|(_, x)| **x != 0.0) {
        let slope = wrong * x + DECAY.0 * weights.dense[i];
        step(&mut weights.dense[i], &mut seen.dense[i], slope);
    }
    let share = sample.share();
    for place in sample.places.iter().map(|place| *place as usize) {
        let slope = wrong * share + DECAY.1 * weights.table[place];
        step(&mut weights.table[place], &mut seen.table[place], slope);
    }
}

fn step(weight: &mut f32, seen: &mut f32, slope: f32) {
    *seen += slope * slope;
    *weight -= RATE * slope / seen.sqrt();
}

fn worths(samples: &[&Sample]) -> Vec<f32> {
    let mut sizes: BTreeMap<&str, f32> = BTreeMap::new();
    for sample in samples {
        *sizes.entry(&sample.source).or_default() += 1.0;
    }
    let mut worths: Vec<f32> = samples.iter().map(|s| 1.0 / sizes[s.source.as_str()].sqrt()).collect();
    let half = samples.len() as f32 / 2.0;
    for class in [false, true] {
        let sum: f32 = samples.iter().zip(&worths).filter(|(s, _)| s.bad == class).map(|(_, w)| w).sum();
        for (sample, worth) in samples.iter().zip(&mut worths).filter(|(s, _)| s.bad == class) {
            *worth = (*worth * half / sum * sample.worth).min(HEAVIEST);
        }
    }
    worths
}
