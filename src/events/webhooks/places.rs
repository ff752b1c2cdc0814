//! Which deliveries to webhooks are claimed: those that wait to be attempted, are attempted, or were and are not written yet.
//!
//! They live in memory: there is one process, and when it dies its claims are gone, which is all that crash safety asks
//! of them. Each endpoint has a few places of its own for attempts, and one only while it fails, so that no endpoint takes
//! another's. What it takes fast is read ahead of its places, a little and not for long: none of it is begun once an
//! endpoint was changed, has failed, or a second is over.

use super::{
    claim::{ClaimedDelivery, DeliveryHeaders},
    endpoint::EndpointId,
};
use crate::model::clock::Time;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Attempts at once to an endpoint that works, to one that fails, and in all.
pub(super) const MAX_IN_FLIGHT: usize = 16;
pub(super) const MAX_IN_FLIGHT_FAILING: usize = 1;
const PLACES_IN_ALL: usize = 512;
/// Attempts that are over and not written yet, of an endpoint and in all: with those at once, what a crash has repeated.
const UNWRITTEN: usize = 128;
const UNWRITTEN_IN_ALL: usize = 1024;
/// Deliveries that are read ahead of an endpoint's places.
const AHEAD: usize = 128;
/// Their bytes, but for the last one, of an endpoint and in all.
pub(super) const AHEAD_BYTES: usize = 256 * 1024;
const AHEAD_BYTES_IN_ALL: usize = 4 * 1024 * 1024;
/// Bytes of all that waits, from which on an endpoint has one place instead of its own.
const READY_BYTES_IN_ALL: usize = 16 * 1024 * 1024;
/// How long they may wait: whoever is so slow is read for when a place is free.
const AHEAD_FOR: Duration = Duration::from_secs(1);

/// After outcomes that could not be written.
const HELD_FOR: Duration = Duration::from_secs(1);

/// When something was read: how often what is held in memory had been outdated by then, and the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AsOf {
    pub(super) changes: u64,
    pub(super) at: Time,
}

impl AsOf {
    /// Whether what was read then holds now.
    fn holds(self, now: Self) -> bool {
        self.changes == now.changes && now.at.is_within(AHEAD_FOR, self.at)
    }
}

/// What may be read for an endpoint.
pub(super) struct Wanted {
    /// At most so many that are not claimed.
    pub(super) limit: usize,
    /// How many are, and may be due like those.
    pub(super) claimed: usize,
    /// What goes with each of them, where it is known.
    pub(super) proof: Option<Arc<DeliveryHeaders>>,
}

/// What was read for an endpoint.
pub(super) struct ReadAhead {
    pub(super) endpoint: EndpointId,
    pub(super) is_failing: bool,
    pub(super) rows: Vec<ClaimedDelivery>,
    /// There may be more.
    pub(super) has_more: bool,
    pub(super) proof: Arc<DeliveryHeaders>,
}

/// An attempt that is written, or could not be.
#[derive(Clone, Copy)]
pub(super) struct WrittenOutcome {
    pub(super) endpoint: EndpointId,
    pub(super) id: i64,
    pub(super) has_failed: bool,
}

#[derive(Default)]
pub(super) struct CallPlaces {
    places: Mutex<Places>,
    /// Rings when there is something to be claimed or begun.
    pub(super) rung: Notify,
}

#[derive(Default)]
struct Places {
    by_endpoint: HashMap<EndpointId, EndpointPlaces>,
    attempts: usize,
    unwritten: usize,
    ready_bytes: usize,
    /// A claim reads, and does not see what is written meanwhile.
    is_claiming: bool,
    written_meanwhile: Vec<(EndpointId, i64)>,
    wants_claim: bool,
    /// Nothing is claimed or begun before.
    held_until: Option<Time>,
}

#[derive(Default)]
struct EndpointPlaces {
    /// All that is claimed: ready, attempted, or not written yet.
    claimed: HashSet<i64>,
    /// Each with when it was read, the oldest first.
    ready: VecDeque<(ClaimedDelivery, AsOf)>,
    proof: Option<(Arc<DeliveryHeaders>, AsOf)>,
    attempts: usize,
    unwritten: usize,
    /// Failures that are not written yet: until they are, nobody knows when it is tried again.
    failures: usize,
    is_failing: bool,
    /// How many are read ahead of its places.
    ahead: usize,
    /// There may be more that is due.
    has_more: bool,
}

impl EndpointPlaces {
    fn places(&self) -> usize {
        if self.is_failing { MAX_IN_FLIGHT_FAILING } else { MAX_IN_FLIGHT }
    }

    /// Whether what waits may be begun.
    fn holds(&self, now: AsOf) -> bool {
        self.ready.front().is_none_or(|(_, read)| read.holds(now))
    }

    /// Whether a claim is to be made for it: a quarter is left, or nothing for a place.
    fn runs_low(&self) -> bool {
        let is_idle = self.ready.is_empty() && self.attempts < self.places();
        let is_low = !self.ready.is_empty() && self.ready.len() * 4 <= self.ahead;
        self.has_more && self.failures == 0 && (is_idle || is_low)
    }

    /// Whether it has enough, when a claim is made: half. Who reads along shares the events that others have, too.
    fn has_enough(&self) -> bool {
        self.ready.len() * 2 > self.ahead || (self.ready.is_empty() && self.attempts >= self.places())
    }
}

impl Places {
    /// Forgets what waits for an endpoint; it stays due.
    fn drop_ready(&mut self, endpoint: EndpointId) {
        let Some(one) = self.by_endpoint.get_mut(&endpoint) else { return };
        for (dropped, _) in one.ready.drain(..) {
            one.claimed.remove(&dropped.id);
            one.has_more = true;
            self.ready_bytes -= dropped.event.body.len();
        }
        one.ahead = 0;
    }

    fn is_full(&self, one: &EndpointPlaces) -> bool {
        one.unwritten >= UNWRITTEN || self.unwritten >= UNWRITTEN_IN_ALL
    }

    /// Lets go of a claim, and of the endpoint where it was the last one.
    fn release(&mut self, endpoint: EndpointId, id: i64) {
        if let Some(one) = self.by_endpoint.get_mut(&endpoint) {
            one.claimed.remove(&id);
            if one.claimed.is_empty() && one.attempts == 0 {
                self.by_endpoint.remove(&endpoint);
            }
        }
    }

    fn release_meanwhile(&mut self) {
        for (endpoint, id) in std::mem::take(&mut self.written_meanwhile) {
            self.release(endpoint, id);
        }
    }

    /// How many attempts an endpoint may begin.
    fn may_begin(&self, one: &EndpointPlaces) -> usize {
        if one.failures > 0 || self.is_full(one) {
            return 0;
        }
        // One place is everybody's, however many others are slow.
        let room = PLACES_IN_ALL.saturating_sub(self.attempts).max(usize::from(one.attempts == 0));
        one.places().saturating_sub(one.attempts).min(one.ready.len()).min(room)
    }
}

impl CallPlaces {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: nothing is under way.
    pub(super) fn reset(&self) {
        *self.lock() = Places::default();
    }

    /// Has a claim made.
    pub(super) fn want_claim(&self) {
        self.lock().wants_claim = true;
        self.rung.notify_one();
    }

    /// Has nothing claimed or begun for so long: what is attempted could not be written.
    pub(super) fn hold(&self, now: Time) {
        self.lock().held_until = Some(now.plus(HELD_FOR));
    }

    /// Until when nothing is claimed or begun; none: it may be.
    pub(super) fn held_until(&self, now: Time) -> Option<Time> {
        self.lock().held_until.filter(|until| now.left(*until, HELD_FOR).is_some())
    }

    /// Whether a claim is wanted; it is not from now on.
    pub(super) fn take_wish(&self) -> bool {
        std::mem::take(&mut self.lock().wants_claim)
    }

    /// From now until [`Self::end_claim`] what is claimed stays so: the claim may see it as due though it was written.
    pub(super) fn begin_claim(&self) {
        let mut all = self.lock();
        all.release_meanwhile();
        all.is_claiming = true;
    }

    /// What may be read for an endpoint that has something due; none: nothing.
    pub(super) fn wanted(&self, endpoint: EndpointId, is_failing: bool, now: AsOf) -> Option<Wanted> {
        let mut all = self.lock();
        if all.by_endpoint.get(&endpoint).is_some_and(|one| is_failing || !one.holds(now)) {
            all.drop_ready(endpoint);
        }
        let room = PLACES_IN_ALL.saturating_sub(all.attempts);
        let (is_crowded, is_full) = (all.ready_bytes >= AHEAD_BYTES_IN_ALL, all.ready_bytes >= READY_BYTES_IN_ALL);
        let one = all.by_endpoint.entry(endpoint).or_default();
        one.is_failing = is_failing;
        let claimed = one.claimed.len();
        let limit = if one.failures > 0 || (is_failing && claimed > 0) {
            0
        } else if claimed == 0 && (is_failing || is_full || room == 0) {
            1
        } else if is_full || one.has_enough() {
            0
        } else {
            // It took all that it was given. Where much is read ahead, each has what its own places take.
            one.ahead = match one.has_more {
                _ if is_crowded => 0,
                true => (one.ahead * 2).clamp(MAX_IN_FLIGHT, AHEAD),
                false => one.ahead,
            };
            let free = one.places().saturating_sub(one.attempts).min(room);
            (free + one.ahead).saturating_sub(one.ready.len())
        };
        one.has_more |= limit == 0;
        let proof = one.proof.as_ref().filter(|(_, read)| read.holds(now)).map(|(proof, _)| proof.clone());
        (limit > 0).then_some(Wanted { limit, claimed, proof })
    }

    /// Those of what was read first that are not claimed, at most as many as wanted; and whether there may be more.
    pub(super) fn unclaimed(&self, endpoint: EndpointId, mut due: Vec<i64>, wanted: &Wanted) -> (Vec<i64>, bool) {
        let is_all = due.len() < wanted.limit + wanted.claimed;
        if let Some(one) = self.lock().by_endpoint.get(&endpoint) {
            due.retain(|id| !one.claimed.contains(id));
        }
        // What is written is claimed for a moment longer, and not due any more: then there are more of the others.
        let has_more = !is_all || due.len() > wanted.limit;
        due.truncate(wanted.limit);
        (due, has_more)
    }

    /// Claims what was read.
    pub(super) fn put(&self, read: ReadAhead, as_of: AsOf) {
        let mut all = self.lock();
        let ReadAhead { endpoint, is_failing, rows, has_more, proof } = read;
        all.ready_bytes += rows.iter().map(|row| row.event.body.len()).sum::<usize>();
        let one = all.by_endpoint.entry(endpoint).or_default();
        one.is_failing = is_failing;
        one.has_more = has_more;
        // What was not read again is as old as it was: a former secret ends with its day.
        let is_known = one.proof.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, &proof));
        if !is_known {
            one.proof = Some((proof, as_of));
        }
        one.claimed.extend(rows.iter().map(|row| row.id));
        one.ready.extend(rows.into_iter().map(|row| (row, as_of)));
    }

    /// The claim is over.
    pub(super) fn end_claim(&self) {
        let mut all = self.lock();
        all.is_claiming = false;
        all.release_meanwhile();
        all.by_endpoint.retain(|_, one| !one.claimed.is_empty() || one.attempts > 0);
    }

    /// The endpoints that attempts may be begun to, one for each attempt; each takes its place, and asks for its first
    /// delivery with [`Self::next`].
    pub(super) fn take_places(&self) -> Vec<EndpointId> {
        let mut all = self.lock();
        let ids: Vec<EndpointId> =
            all.by_endpoint.iter().filter(|(_, one)| !one.ready.is_empty()).map(|(id, _)| *id).collect();
        let mut taken = Vec::new();
        for id in ids {
            let n = all.by_endpoint.get(&id).map_or(0, |one| all.may_begin(one));
            all.attempts += n;
            all.by_endpoint.entry(id).and_modify(|one| one.attempts += n);
            taken.extend(std::iter::repeat_n(id, n));
        }
        taken
    }

    /// The next delivery for one of the endpoint's places; none: the place is given back.
    pub(super) fn next(&self, endpoint: EndpointId, now: AsOf) -> Option<ClaimedDelivery> {
        let mut all = self.lock();
        if all.by_endpoint.get(&endpoint).is_some_and(|one| !one.holds(now)) {
            all.drop_ready(endpoint);
        }
        let is_held = all.held_until.is_some_and(|until| now.at.left(until, HELD_FOR).is_some());
        let Places { by_endpoint, attempts, unwritten, ready_bytes, wants_claim, .. } = &mut *all;
        let one = by_endpoint.get_mut(&endpoint)?;
        let may = !is_held && one.failures == 0 && one.unwritten < UNWRITTEN && *unwritten < UNWRITTEN_IN_ALL;
        let next = if may { one.ready.pop_front().map(|(next, _)| next) } else { None };
        match &next {
            Some(next) => *ready_bytes -= next.event.body.len(),
            None => {
                one.attempts -= 1;
                *attempts -= 1;
            }
        }
        let rings = one.runs_low() && !std::mem::replace(wants_claim, *wants_claim || one.runs_low());
        if one.claimed.is_empty() && one.attempts == 0 {
            by_endpoint.remove(&endpoint);
        }
        drop(all);
        if rings {
            self.rung.notify_one();
        }
        next
    }

    /// An attempt is over, and its outcome waits to be written.
    pub(super) fn note_ended(&self, endpoint: EndpointId, has_failed: bool) {
        let mut all = self.lock();
        all.unwritten += 1;
        if let Some(one) = all.by_endpoint.get_mut(&endpoint) {
            one.unwritten += 1;
            one.failures += usize::from(has_failed);
        }
        if has_failed {
            all.drop_ready(endpoint);
        }
    }

    /// Outcomes are written, or cannot be: what stays due may be claimed again.
    pub(super) fn note_written(&self, piece: &[WrittenOutcome]) {
        let mut all = self.lock();
        // Whoever was kept waiting by all of it together has no outcome of its own to be told of.
        let mut rings = all.unwritten >= UNWRITTEN_IN_ALL;
        for WrittenOutcome { endpoint, id, has_failed } in piece.iter().copied() {
            all.unwritten -= 1;
            if let Some(one) = all.by_endpoint.get_mut(&endpoint) {
                one.unwritten -= 1;
                one.failures -= usize::from(has_failed);
                let wants = has_failed || one.runs_low() || one.is_failing;
                rings |= wants || (!one.ready.is_empty() && one.attempts < one.places());
                all.wants_claim |= wants;
            }
            if all.is_claiming {
                all.written_meanwhile.push((endpoint, id));
            } else {
                all.release(endpoint, id);
            }
        }
        drop(all);
        if rings {
            self.rung.notify_one();
        }
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
