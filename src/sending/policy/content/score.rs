//! What the content of one message is worth, and what it becomes where the message goes: to many people, to somebody who
//! asked, after a person found its text honest.

use crate::model::purpose::Purpose;
use std::sync::Arc;

/// One reason for a score.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Signal {
    /// Stable name: a group of the rules, or `link.…`, `purpose.…`, `obfuscation.…`.
    #[serde(serialize_with = "as_text")]
    pub id: Arc<str>,
    /// Points, 0 to 100, after what a businesslike context took away; 0 is a hint.
    pub weight: u8,
    /// A plain English clause for the log, such as "speaks of a discount".
    #[serde(serialize_with = "as_text")]
    pub reason: Arc<str>,
}

/// What the content of one message is worth.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Score {
    /// 0 (nothing to see) to 100.
    pub total: u8,
    /// Why, heaviest first; behind them, without points, what is no reason but a hint: another purpose would fit.
    pub signals: Vec<Signal>,
    /// Points of what no honest answer says: discounts, prizes, links that hide; not of weak words and bonuses.
    #[serde(skip)]
    pub hard: u8,
    /// An admin's own words, or links or a purpose that speak for themselves: nothing takes from it.
    #[serde(skip)]
    pub firm: bool,
    /// There is something in it to act upon: a link, an address, a number, a price.
    #[serde(skip)]
    pub actionable: bool,
    /// How much the whole message reads like advertising or fraud, 0 to 100; from 50 the model agrees with the rules.
    pub model: u8,
    /// It speaks of an order, an invoice or an appointment, and has a number in it.
    #[serde(skip)]
    pub businesslike: bool,
    /// It misses, invites or introduces somebody, or reminds of a basket, in so many words.
    #[serde(skip)]
    pub invites: bool,
    /// [`fingerprint`](super::fingerprint()) of the text to somebody whose name is not known.
    #[serde(skip)]
    pub fingerprint: u64,
    /// Its sender goes on with it although it was throttled for how many people get it.
    #[serde(skip)]
    pub insisted: bool,
}

/// What a message scores at least that rules and model hold for one that ought to be refused: the setting's default.
pub(super) const REFUSED: u32 = 80;

/// The most that a message can score for which only a person should decide.
pub(super) const FOR_REVIEW: u32 = REFUSED - 1;

/// What a message scores at least that a person should see.
pub(super) const REVIEWED: u32 = 60;

/// Points of the rules with which a message that the model holds for advertising or fraud is refused. With fewer there
/// would be no word to show for it.
pub const SOME_EVIDENCE: u32 = 20;

/// The same where the model is sure: a price is word enough then.
pub const LITTLE_EVIDENCE: u32 = 5;

/// So many people make a soft text more than a coincidence.
pub const CROWD: u32 = 10;

/// The model's share from which a text sounds like advertising at all: 3 in log-odds below where it agrees. Of soft texts
/// by senders left out of the fit it is reached by four in five, of honest ones by one in twenty.
pub(super) const SOFT: u8 = 4;

/// The model's share from which it agrees with the rules.
const AGREES: u8 = 50;

/// The model's share from which it is sure enough to have an answer in a conversation refused: 1.5 in log-odds.
const SURE: u8 = 81;

/// The same where the evidence is discounts alone: 4 in log-odds.
const QUITE_SURE: u8 = 98;

/// Below this share the model is far from agreeing: 1.5 in log-odds below.
const FAINT: u8 = 18;

/// Less evidence than this needs more than a disguise, or more than a chat's words, to be refused.
pub(super) const EVIDENCE: u32 = 40;

/// Who gets a text, and how that person and the others take what they get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audience {
    /// The person wrote within 24 hours.
    pub answers: bool,
    /// How many people get the text within an hour, or how many who never wrote.
    pub people: u32,
    /// How many are a crowd: a soft text to so many is for a person to see.
    pub crowd: u32,
    /// Next to nobody answers the number that sends it, which made the crowd smaller.
    pub is_unanswered: bool,
}

impl Score {
    /// The same for a message to be sent for `purpose` to `audience`.
    #[must_use]
    pub fn in_context(self, purpose: Purpose, audience: Audience) -> Self {
        match purpose {
            Purpose::Support if audience.answers => self.as_answer(),
            Purpose::InternalTeam | Purpose::Authentication => self,
            _ => self.in_company(audience),
        }
    }

    /// The same for a text that goes to an audience: what sounds a little like advertising ("we have not seen you for a
    /// while", "15 minutes for a demo") is for a person to see when it goes to a crowd.
    #[must_use]
    pub fn in_company(mut self, audience: Audience) -> Self {
        if audience.people < audience.crowd || !self.is_soft() || u32::from(self.total) >= REVIEWED {
            return self;
        }
        let weight = u8::try_from(REVIEWED).unwrap_or(u8::MAX) - self.total;
        let (id, reason) = if audience.is_unanswered {
            (
                "behaviour.unanswered",
                "sounds like advertising, goes to several people, and next to nobody answers this number",
            )
        } else {
            ("behaviour.many", "sounds like advertising and goes to many people at once")
        };
        self.signals.push(own(id, weight, reason));
        self.signals.sort_by_key(|s| std::cmp::Reverse(s.weight));
        self.total += weight;
        self
    }

    /// Whether it sounds like advertising, if only a little, and is no news of somebody's order; or says in so many words
    /// that somebody is missed, invited or introduced.
    pub fn is_soft(&self) -> bool {
        self.invites || (self.model >= SOFT && !self.is_notice())
    }

    /// Whether it is the news of one person's order, invoice or appointment: next to nothing else is said in it, and the
    /// model does not hold it for advertising.
    fn is_notice(&self) -> bool {
        self.businesslike && self.model < AGREES && u32::from(self.total) < SOME_EVIDENCE
    }

    /// The same for a text that sounds like advertising, was throttled for how many people get it, and is sent on and on:
    /// it is refused, at the score that refuses.
    #[must_use]
    pub fn as_insisted(mut self, refuse_score: u8) -> Self {
        let weight = refuse_score.saturating_sub(self.total);
        self.signals.insert(0, own("behaviour.insists", weight, "goes on to more people although it was throttled"));
        self.signals.sort_by_key(|s| std::cmp::Reverse(s.weight));
        self.total = self.total.max(refuse_score);
        self.insisted = true;
        self
    }

    /// The same for a text whose words a person found honest: links that hide where they lead, what does not fit the
    /// purpose and an admin's own phrases still count.
    #[must_use]
    pub fn as_allowed(mut self) -> Self {
        if self.firm {
            return self;
        }
        self.signals.retain(|s| s.id.starts_with("link.") || s.id.starts_with("purpose."));
        self.total = u8::try_from(points(&self.signals).min(100)).unwrap_or(100);
        self.hard = self.total;
        self.insisted = false;
        self.signals.push(own("allowed", 0, "a person found this text honest"));
        self
    }

    /// The same for a message of purpose support, whoever wrote first: people ask what a thing costs, whether a code works and
    /// from when on delivery is free, and are answered. Words of weak groups and the bonuses for them do not refuse it, and
    /// the model has to be surer; where it is far from agreeing, such words are not for a person to see either.
    #[must_use]
    pub(super) fn for_support(self) -> Self {
        let is_faint = self.hard == 0 && self.model < FAINT;
        let most = if is_faint { REVIEWED - 1 } else { FOR_REVIEW };
        self.unless(most, |s| {
            s.model >= if s.grave() >= EVIDENCE { AGREES } else { SURE } && u32::from(s.hard) >= SOME_EVIDENCE
        })
    }

    /// The same for an answer within a conversation (purpose support, the person wrote within 24 hours): the evidence has to
    /// be heavy and the model surer still, most of all where it is discounts alone, and there has to be something to act
    /// upon: people talk of prizes and money without wanting any.
    #[must_use]
    pub fn as_answer(self) -> Self {
        self.for_support().unless(FOR_REVIEW, |s| {
            let sure = if s.grave() >= EVIDENCE { SURE } else { QUITE_SURE };
            u32::from(s.hard) >= EVIDENCE && s.model >= sure && s.actionable
        })
    }

    /// Counts `most` at most, unless an admin's words, links or the purpose speak for themselves, or `is_refused`.
    fn unless(mut self, most: u32, is_refused: impl Fn(&Self) -> bool) -> Self {
        if !self.firm && !is_refused(&self) {
            self.total = self.total.min(u8::try_from(most).unwrap_or(u8::MAX));
        }
        self
    }

    /// Points of what no honest answer says, without discounts: those are asked for.
    fn grave(&self) -> u32 {
        let discount = self.signals.iter().find(|s| *s.id == *"discount").map_or(0, |s| s.weight);
        u32::from(self.hard.saturating_sub(discount))
    }
}

/// The sum of the signals, not cut at 100.
pub(super) fn points(signals: &[Signal]) -> u32 {
    signals.iter().map(|s| u32::from(s.weight)).sum()
}

/// A signal of the engine itself, of no rule.
pub(super) fn own(id: &str, weight: u8, reason: &str) -> Signal {
    Signal { id: id.into(), weight, reason: reason.into() }
}

/// A shared text, as a string of JSON.
pub(super) fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
