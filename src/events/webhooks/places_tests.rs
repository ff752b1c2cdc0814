//! What is claimed, begun and given back, in numbers.

use super::*;
use crate::{
    events::webhooks::{claim::ClaimedEvent, managed::Format, signature::Signer},
    model::ids::AccountId,
};
use bytes::Bytes;

const ONE: EndpointId = EndpointId(1);

fn as_of(changes: u64, millis: i64) -> AsOf {
    AsOf { changes, at: Time::from_millis(1_800_000_000_000 + millis) }
}

fn start() -> AsOf {
    as_of(0, 0)
}

/// Reads as many as are wanted of what is due, as of then; says how many.
fn claim(places: &CallPlaces, endpoint: EndpointId, due: std::ops::Range<i64>, as_of: AsOf) -> usize {
    claim_of(places, (endpoint, false, 1000), due, as_of)
}

/// The same of an endpoint that may be failing, and of events of so many bytes.
fn claim_of(
    places: &CallPlaces,
    (endpoint, is_failing, bytes): (EndpointId, bool, usize),
    due: std::ops::Range<i64>,
    as_of: AsOf,
) -> usize {
    places.begin_claim();
    let Some(wanted) = places.wanted(endpoint, is_failing, as_of) else {
        places.end_claim();
        return 0;
    };
    let read: Vec<i64> = due.take(wanted.limit + wanted.claimed).collect();
    let (ids, has_more) = places.unclaimed(endpoint, read, &wanted);
    let rows: Vec<_> = ids.into_iter().map(|id| delivery(endpoint, id, bytes)).collect();
    let n = rows.len();
    places.put(ReadAhead { endpoint, is_failing, rows, has_more, proof: proof() }, as_of);
    places.end_claim();
    n
}

fn proof() -> Arc<DeliveryHeaders> {
    Arc::new(DeliveryHeaders { url: String::new(), signer: Signer::new(&[]), headers: Vec::new() })
}

fn delivery(endpoint: EndpointId, id: i64, bytes: usize) -> ClaimedDelivery {
    let (name, body) = (String::new, Bytes::from(vec![b'x'; bytes]));
    let event = Arc::new(ClaimedEvent { id: name(), name: name(), body, instance: name() });
    let (account, format) = (AccountId(1), Format::Event);
    ClaimedDelivery { id, endpoint, account, event, attempt: 1, format, conversation: None, proof: proof() }
}

/// Begins what may begin; says what.
fn begin(places: &CallPlaces, now: AsOf) -> Vec<i64> {
    places.take_places().into_iter().filter_map(|endpoint| places.next(endpoint, now)).map(|one| one.id).collect()
}

/// An attempt is over and written; says what its place gets next.
fn end(places: &CallPlaces, id: i64, now: AsOf) -> Option<i64> {
    places.note_ended(ONE, false);
    let next = places.next(ONE, now).map(|one| one.id);
    places.note_written(&[WrittenOutcome { endpoint: ONE, id, has_failed: false }]);
    next
}

#[test]
fn who_takes_all_that_it_is_given_is_read_ahead_for_up_to_a_bound() {
    let (places, mut under_way, mut read) = (CallPlaces::default(), VecDeque::new(), Vec::new());
    let mut first = 0;
    for _ in 0..6 {
        read.push(claim(&places, ONE, first..5000, start()));
        under_way.extend(begin(&places, start()));
        assert_eq!(under_way.len(), MAX_IN_FLIGHT);
        while !places.take_wish() {
            first = under_way.pop_front().expect("one is under way") + 1;
            under_way.extend(end(&places, first - 1, start()));
        }
    }
    // Once a quarter is left, and no sooner: 16 ahead, 32, 64 and 128.
    assert_eq!(read, [16, 17, 28, 56, 112, 96]);
}

#[test]
fn nothing_is_begun_after_a_change_or_a_second_and_all_of_it_is_read_again() {
    for (now, begun) in [(as_of(0, 999), 16), (as_of(0, 1000), 0), (as_of(1, 0), 0), (as_of(0, -1), 0)] {
        let places = CallPlaces::default();
        assert_eq!(claim(&places, ONE, 0..100, start()), 16);
        assert_eq!(begin(&places, now).len(), begun, "{now:?}");
        assert_eq!(places.take_wish(), begun == 0, "{now:?}");
        if begun == 0 {
            assert_eq!(claim(&places, ONE, 0..100, now), 16);
            assert_eq!(begin(&places, now), (0..16).collect::<Vec<_>>());
        }
    }
    // What was read before a change and is put after it is not begun either.
    let places = CallPlaces::default();
    claim(&places, ONE, 0..100, start());
    assert!(begin(&places, as_of(1, 0)).is_empty());
    claim(&places, ONE, 0..100, start());
    assert!(begin(&places, as_of(1, 0)).is_empty());
}

#[test]
fn after_a_failure_nothing_is_begun_before_it_is_written_and_then_one_at_a_time() {
    let places = CallPlaces::default();
    claim(&places, ONE, 0..100, start());
    assert_eq!(begin(&places, start()).len(), 16);
    assert_eq!(end(&places, 0, start()), None);
    assert_eq!(claim(&places, ONE, 1..100, start()), 17);
    places.note_ended(ONE, true);
    assert_eq!(places.next(ONE, start()).map(|one| one.id), None, "what was read ahead is dropped");
    assert_eq!((claim(&places, ONE, 2..100, start()), begin(&places, start())), (0, Vec::new()));
    places.take_wish();
    places.note_written(&[WrittenOutcome { endpoint: ONE, id: 1, has_failed: true }]);
    assert!(places.take_wish());
    assert_eq!(claim_of(&places, (ONE, true, 1000), 2..100, start()), 0, "others are under way");
    (2..16).for_each(|id| assert_eq!(end(&places, id, start()), None));
    assert_eq!(claim_of(&places, (ONE, true, 1000), 16..100, start()), 1);
    assert_eq!(begin(&places, start()), [16]);
    assert_eq!(claim_of(&places, (ONE, true, 1000), 16..100, start()), 0);
}

#[test]
fn what_is_written_while_a_claim_reads_is_not_claimed_again_by_it() {
    let places = CallPlaces::default();
    claim(&places, ONE, 0..3, start());
    assert_eq!(begin(&places, start()), [0, 1, 2]);
    let wanted = |limit, claimed| Wanted { limit, claimed, proof: None };
    places.begin_claim();
    assert_eq!(end(&places, 1, start()), None);
    assert_eq!(places.unclaimed(ONE, vec![0, 1, 2, 3], &wanted(10, 3)), (vec![3], false));
    places.end_claim();
    assert_eq!(places.unclaimed(ONE, vec![0, 1, 2, 3], &wanted(10, 2)), (vec![1, 3], false));
    assert_eq!(places.unclaimed(ONE, vec![0, 1, 2, 3], &wanted(2, 2)), (vec![1, 3], true));
    // Two that are claimed were written before it read.
    assert_eq!(places.unclaimed(ONE, vec![3, 4, 5], &wanted(2, 2)), (vec![3, 4], true));
    assert_eq!(places.unclaimed(ONE, vec![3, 4], &wanted(2, 2)), (vec![3, 4], false));
}

#[test]
fn whoever_waits_for_what_others_have_written_is_woken_with_it() {
    let places = CallPlaces::default();
    let others = 2..=1 + i64::try_from(UNWRITTEN_IN_ALL / MAX_IN_FLIGHT).expect("few");
    for other in others.clone().map(EndpointId) {
        claim(&places, other, 0..16, start());
        let begun = places.take_places();
        begun.iter().for_each(|_| drop(places.next(other, start()).expect("one is ready")));
        (0..16).for_each(|_| {
            places.note_ended(other, false);
            assert!(places.next(other, start()).is_none());
        });
    }
    claim(&places, ONE, 0..16, start());
    assert!(places.take_places().is_empty());
    let is_rung = || futures_util::FutureExt::now_or_never(places.rung.notified()).is_some();
    while is_rung() {}
    places.note_written(&[WrittenOutcome { endpoint: EndpointId(2), id: 0, has_failed: false }]);
    assert!(is_rung());
    assert_eq!(places.take_places().len(), 16);
}

#[test]
fn everybody_has_a_place_however_many_others_are_slow_and_what_waits_is_bounded() {
    let places = CallPlaces::default();
    for endpoint in 1..=100 {
        claim(&places, EndpointId(endpoint), 0..1000, start());
    }
    let begun = places.take_places();
    let of = |n| begun.iter().filter(|id| id.0 == n).count();
    let each: Vec<usize> = (1..=100).map(of).collect();
    assert!(each.iter().all(|n| (1..=MAX_IN_FLIGHT).contains(n)), "{each:?}");
    assert!((PLACES_IN_ALL..PLACES_IN_ALL + 100).contains(&begun.len()), "{}", begun.len());

    let places = CallPlaces::default();
    let large = AHEAD_BYTES_IN_ALL / 8;
    assert_eq!(claim_of(&places, (ONE, false, large), 0..100, start()), 16);
    assert_eq!(claim(&places, EndpointId(2), 0..100, start()), MAX_IN_FLIGHT, "its own places, and nothing ahead");
    assert_eq!(claim_of(&places, (EndpointId(3), false, large), 0..100, start()), MAX_IN_FLIGHT);
    assert_eq!(claim(&places, EndpointId(4), 0..100, start()), 1, "one is everybody's");
    assert_eq!(claim(&places, EndpointId(4), 0..100, start()), 0);
}

#[test]
fn attempts_wait_for_what_is_written_at_a_bound() {
    let places = CallPlaces::default();
    claim(&places, ONE, 0..5000, start());
    assert_eq!(begin(&places, start()).len(), MAX_IN_FLIGHT);
    let mut ended = 0;
    loop {
        places.note_ended(ONE, false);
        ended += 1;
        if places.next(ONE, start()).is_none() && ended >= UNWRITTEN {
            break;
        }
        claim(&places, ONE, 0..5000, start());
        drop(begin(&places, start()));
    }
    assert_eq!((ended, places.take_places()), (UNWRITTEN, Vec::new()));
    let written: Vec<_> = (0..10).map(|id| WrittenOutcome { endpoint: ONE, id, has_failed: false }).collect();
    places.note_written(&written);
    assert_eq!(begin(&places, start()).len(), 1, "the others are at it");
}

#[test]
fn what_could_not_be_written_holds_all_for_a_second() {
    let (places, now) = (CallPlaces::default(), start().at);
    assert_eq!(places.held_until(now), None);
    places.hold(now);
    let until = now.plus(HELD_FOR);
    assert_eq!(places.held_until(now), Some(until));
    assert_eq!((places.held_until(until), places.held_until(now.minus(HELD_FOR))), (None, None));
    claim(&places, ONE, 0..100, start());
    assert_eq!(places.take_places().len(), MAX_IN_FLIGHT);
    assert!(places.next(ONE, start()).is_none(), "a place that was taken begins nothing, either");
    let over = AsOf { at: until, ..start() };
    claim(&places, ONE, 0..100, over);
    assert_eq!(begin(&places, over).len(), 1, "the one that was given back");
}

#[test]
fn a_proof_that_was_not_read_again_is_as_old_as_it_was() {
    let (places, mut reads) = (CallPlaces::default(), 0);
    // The first one takes long: something of the endpoint is claimed all the time.
    for id in 0..25 {
        let now = as_of(0, 100 * id);
        let wanted = places.wanted(ONE, false, now).expect("something is wanted");
        reads += usize::from(wanted.proof.is_none());
        let (rows, proof) = (vec![delivery(ONE, id, 10)], wanted.proof.unwrap_or_else(proof));
        places.put(ReadAhead { endpoint: ONE, is_failing: false, rows, has_more: true, proof }, now);
        assert_eq!(places.take_places().len(), 1);
        drop(places.next(ONE, now).expect("it is ready"));
        if id > 0 {
            assert_eq!(end(&places, id, now), None);
        }
    }
    assert_eq!(reads, 3, "each second, however much goes on");
}
