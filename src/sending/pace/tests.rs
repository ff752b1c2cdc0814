//! Table tests of the counters, without a database.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn at(ms: i64) -> Time {
    Time::from_millis(ms)
}

#[test]
fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
    let rate = Rate::new(60, 20, Duration::from_secs(8));
    let mut bucket = Bucket::default();
    let start = at(1_000_000);
    let waits: Vec<u64> = (0..25)
        .map(|_| {
            let wait = bucket.wait(&rate, start);
            bucket.take(&rate, start.plus(wait));
            wait.as_secs()
        })
        .collect();
    assert_eq!(waits[..20], [0; 20]);
    assert_eq!(waits[20..], [1, 2, 3, 4, 5]);
    // A minute later there is room for a burst again.
    assert_eq!(bucket.wait(&rate, start.plus(Duration::from_secs(60))), Duration::ZERO);
    assert_eq!(Bucket { empty_at: i64::MAX / 2 }.wait(&Rate::new(0, 0, Duration::ZERO), start), Duration::ZERO);
}

/// A clock that was 3 hours or 3 years ahead: nothing that was counted then is believed for longer than its own window.
#[test]
fn counters_of_a_clock_that_was_ahead_are_over_within_their_own_time() {
    let (rules, now) = (Rules::default(), at(1_800_000_000_000));
    for ahead in [3 * HOUR, 3 * 365 * 24 * HOUR] {
        let then = now.plus(ahead);
        let rate = Rate::new(60, 20, Duration::from_secs(8));
        let mut bucket = Bucket::default();
        (0..28).for_each(|n| bucket.take(&rate, then.plus(Duration::from_secs(u64::from(n >= 20)))));
        assert_eq!(bucket.wait(&rate, now), Duration::ZERO, "the next one goes at once");
        bucket.take(&rate, now);
        assert_eq!(bucket.wait(&rate, now), Duration::ZERO, "and the bucket works on");

        let (mut texts, mut strangers, mut codes) =
            (RecentTexts::default(), Strangers::default(), recent::Windows::default());
        (0..31).for_each(|person| texts.add(7, person, 30, then));
        (0..21).for_each(|_| strangers.add(Some(Purpose::Support), then));
        (0..5).for_each(|_| codes.add(1, &rules, then));
        assert_eq!(texts.people_with(7, 99, HOUR, now), 32, "they count as of now");
        assert_eq!(texts.people_with(7, 99, HOUR, now.plus(HOUR)), 1, "and are over after an hour");
        assert_eq!(strangers.lately(Some(Purpose::Support), HOUR, now), 21);
        assert_eq!(strangers.lately(Some(Purpose::Support), HOUR, now.plus(HOUR)), 0);
        assert_eq!(codes.full(1, &rules, now), Some(rules.authentication_window));
        assert_eq!(codes.full(1, &rules, now.plus(rules.authentication_window)), None);

        let mut health = HealthWindow::default();
        (0..60).for_each(|_| health.sent(then));
        (0..60).for_each(|_| health.failed(then));
        assert_eq!(health.figures(&rules, now), (60, 60, 0));
        assert_eq!(health.figures(&rules, now.plus(rules.health_window + HOUR)), (0, 0, 0));
    }
}

/// Whoever waits as long as they are told is let through then, and not before.
#[test]
fn a_wait_ends_when_there_is_room_again() {
    const MINUTE: i64 = 60_000;
    let (mut texts, mut strangers) = (RecentTexts::default(), Strangers::default());
    for n in 0..30 {
        texts.add(7, u64::try_from(n).expect("small"), 30, at(n * MINUTE));
        strangers.add(Some(Purpose::Support), at(n * MINUTE));
    }
    // The first has it twice: the second time counts.
    texts.add(7, 0, 30, at(30 * MINUTE));
    let now = at(40 * MINUTE);
    let wait = texts.free_in(7, (30, HOUR), now);
    assert_eq!(wait, Duration::from_secs(21 * 60), "the second person's");
    assert_eq!(texts.people_with(7, 99, HOUR, now.plus(wait - A_SECOND)), 31);
    assert_eq!(texts.people_with(7, 99, HOUR, now.plus(wait)), 30);
    let wait = strangers.free_in(Some(Purpose::Support), (20, HOUR), now);
    assert_eq!(wait, Duration::from_secs(30 * 60), "ten too many");
    assert_eq!(strangers.lately(Some(Purpose::Support), HOUR, now.plus(wait - A_SECOND)), 20);
    assert_eq!(strangers.lately(Some(Purpose::Support), HOUR, now.plus(wait)), 19);
    assert_eq!(strangers.free_in(None, (300, HOUR), now), Duration::ZERO);
}

#[test]
fn one_text_is_counted_by_people_and_forgotten_after_an_hour() {
    let mut texts = RecentTexts::default();
    for person in 0..10 {
        assert_eq!(texts.people_with(7, person, HOUR, at(0)), u32::try_from(person).expect("small") + 1);
        texts.add(7, person, 30, at(0));
    }
    (0..10).for_each(|person| texts.add(7, person, 30, at(1000)));
    assert_eq!(texts.people_with(7, 3, HOUR, at(2000)), 10, "the same person again");
    assert_eq!(texts.people_with(8, 3, HOUR, at(2000)), 1, "another text");
    assert_eq!(texts.people_with(7, 99, HOUR, at(3_600_000)), 11, "the second ones are still within the hour");
    assert_eq!(texts.people_with(7, 99, HOUR, at(3_601_000)), 1);
    assert!(texts.had.is_empty() && texts.people.is_empty() && texts.order.is_empty());
}

#[test]
fn texts_are_bounded() {
    let mut texts = RecentTexts::default();
    for n in 0..50_000 {
        texts.add(n, n, 30, at(0));
    }
    assert!(texts.order.len() <= 20_000 && texts.had.len() <= 20_000 && texts.people.len() <= 20_000);
}

#[test]
fn a_person_gets_five_codes_in_ten_minutes() {
    let rules = Rules::default();
    let mut codes = recent::Windows::default();
    for n in 0..5 {
        assert_eq!(codes.full(1, &rules, at(n * 60_000)), None, "{n}");
        codes.add(1, &rules, at(n * 60_000));
    }
    assert_eq!(codes.full(1, &rules, at(5 * 60_000)), Some(Duration::from_secs(300)));
    assert_eq!(codes.full(2, &rules, at(5 * 60_000)), None, "another person");
    assert_eq!(codes.full(1, &rules, at(10 * 60_000)), None);
}

#[test]
fn health_needs_a_minimum_and_forgets_after_a_day() {
    let rules = Rules::default();
    let facts = |sent, failed, opted_out| PaceFacts {
        purpose: Some(Purpose::Support),
        sent,
        failed,
        opted_out,
        ..PaceFacts::default()
    };
    assert_eq!(facts(50, 50, 50).behaviour(&rules), None, "not over 50 messages");
    assert_eq!(facts(100, 8, 4).behaviour(&rules), None, "exactly at the thresholds");
    assert_eq!(facts(100, 9, 0).behaviour(&rules).map(|b| b.name), Some("health"));
    assert_eq!(facts(100, 0, 5).behaviour(&rules).map(|b| b.name), Some("health"));
    assert!(!facts(100, 16, 8).must_pause(&rules) && facts(100, 17, 0).must_pause(&rules));

    let mut health = HealthWindow::default();
    health.sent(at(0));
    health.failed(at(0));
    health.opted_out(at(HOUR.as_millis() as i64));
    assert_eq!(health.figures(&rules, at(3_600_000)), (1, 1, 1));
    assert_eq!(health.figures(&rules, at(24 * 3_600_000)), (0, 0, 1));
    assert_eq!(health.figures(&rules, at(25 * 3_600_000)), (0, 0, 0));
}

#[test]
fn a_number_that_was_linked_lately_begins_few_chats() {
    let warm_up = WarmUp { day: 2, days: 14, new_chats: 20 };
    let facts = |begun| PaceFacts {
        purpose: Some(Purpose::Transactional),
        new_chats: Some(NewChats { warm_up, begun }),
        ..PaceFacts::default()
    };
    let rules = Rules::default();
    assert_eq!(facts(20).behaviour(&rules), None);
    let over = facts(21).behaviour(&rules).expect("one too many");
    assert_eq!((over.name, over.wait), ("warm_up", HOUR * 6));
    assert!(over.reason.contains("more than 20 people") && over.reason.contains("day 2 of 14"), "{}", over.reason);
    assert_eq!((NewChats { warm_up, begun: 5 }.left(), NewChats { warm_up, begun: 25 }.left()), (15, 0));
}

#[test]
fn what_the_provider_bars_is_not_begun() {
    let facts = |bar| PaceFacts { purpose: Some(Purpose::Transactional), bar, ..PaceFacts::default() };
    let told = |is_lock| {
        let bar = NewChatBar { is_lock, until: Some(at(0)) };
        let over = facts(Some((bar, HOUR))).behaviour(&Rules::default()).expect("barred");
        assert!(over.reason.ends_with(": 1970-01-01T00:00:00Z") && over.wait == HOUR, "{over:?}");
        over.name
    };
    assert_eq!((told(true), told(false)), ("new_chats_locked", "new_chats_used_up"));
    assert_eq!(facts(None).behaviour(&Rules::default()), None);
}

#[test]
fn thresholds_differ_by_purpose_and_zero_is_off() {
    let mut rules = Rules::default();
    let facts = |purpose, same, strangers| PaceFacts {
        purpose: Some(purpose),
        same_text_to: same,
        strangers,
        ..PaceFacts::default()
    };
    let name = |f: PaceFacts, rules: &Rules| f.behaviour(rules).map(|b| b.name);
    let rows = [
        (Purpose::Support, 30, 20, None),
        (Purpose::Support, 31, 0, Some("repetition")),
        (Purpose::Support, 1, 21, Some("outreach")),
        (Purpose::Transactional, 300, 300, None),
        (Purpose::Transactional, 301, 0, Some("repetition")),
        (Purpose::Transactional, 1, 301, Some("outreach")),
        (Purpose::Operational, 1000, 0, None),
        (Purpose::InternalTeam, 1001, 0, Some("repetition")),
        (Purpose::Authentication, 5000, 0, None),
    ];
    for (purpose, same, strangers, expected) in rows {
        assert_eq!(name(facts(purpose, same, strangers), &rules), expected, "{purpose} {same} {strangers}");
    }
    rules.repetition_support = 0;
    rules.outreach_support = 0;
    assert_eq!(name(facts(Purpose::Support, 9999, 9999), &rules), None);
}
