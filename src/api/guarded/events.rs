//! `GET /api/events`: what happened, in its order, from a cursor on: at once, as soon as there is something (`wait`), or
//! as server-sent events (`Accept: text/event-stream`). The same events with the same ids and members as the webhooks.
//!
//! For keys that are good for reading, and of the instances that the key may use.

use super::{
    event_reader::{EventReader, EventsRead, ReaderKey},
    lists::allowed,
    paging::{self, BadParameter, PAGE},
};
use crate::{
    accounts::Caller,
    events::webhooks::{EventName, FeedFilter, FeedPosition, ToldEvent, newest_event, position_of, position_since},
    gateway::Gateway,
    model::{clock::Time, code::Code},
    store::{StoreError, Tx},
    web::{Incoming, auth, problem, streamed::streamed},
};
use ::http::{HeaderValue, header};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _, time::Duration};
use warp::reply::Response;

/// Seconds that a request may wait for an event.
pub const WAIT_MAX: u64 = 60;
/// Readers at once, waiting ones included.
pub const READERS_MAX: usize = 1000;
/// A reader of server-sent events hears something at least so often, and its key is looked at.
const BEAT: Duration = Duration::from_secs(15);
/// Events that are written at once.
const BATCH: u32 = 100;
/// The letter of this list's cursors.
const LETTER: char = 'e';

/// What a request asks for.
struct WantedEvents {
    names: BTreeSet<&'static str>,
    instance: Option<String>,
    from: FeedStart,
    limit: u32,
    wait: Duration,
}

/// Where a reader begins.
enum FeedStart {
    /// Now, or with the first event that is not older.
    Since(Option<Time>),
    /// Behind a position that we named.
    Cursor(FeedPosition),
    /// Behind an event, by its id.
    Event(String),
}

/// `GET /api/events?cursor=&since=&limit=&wait=&event=&instance_id=`
pub async fn handle(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let wanted = match wanted(&incoming) {
        Ok(wanted) => wanted,
        Err(bad) => return bad.into_response(),
    };
    // Before the place is looked for: what is committed in between is heard.
    let news = gateway.webhooks.listen();
    if gateway.webhooks.listeners() > READERS_MAX {
        return problem::code(Code::RateLimited);
    }
    let (limit, wait) = (wanted.limit, wanted.wait);
    let (now, kept) = (gateway.clock.now(), gateway.retention.events_kept());
    let found = gateway.store.read(move |tx| {
        let place = begin(tx, caller, &wanted, (now, kept))?;
        Ok::<_, StoreError>(place.map(|position| (position, filter(tx, caller, &wanted))))
    });
    let (position, filter) = match found.await {
        Ok(Some((position, Ok(filter)))) => (position, filter),
        Ok(Some((_, Err(e)))) | Err(e) => return problem::internal(&e, &incoming.request_id),
        Ok(None) => return gone(kept).into_response(),
    };
    let key = ReaderKey {
        text: auth::key_text(&incoming).unwrap_or_default().to_owned(),
        from: incoming.client_address(gateway),
        id: caller.key,
    };
    let slot = incoming.peer.as_ref().map(|peer| peer.slot.clone());
    let mut reader = EventReader::new(gateway, (filter, position), key, news, slot);
    if incoming.header("accept").is_some_and(|accept| accept.contains("text/event-stream")) {
        return sent_as_events(reader);
    }
    match reader.read(limit, now.plus(wait)).await {
        Ok(EventsRead::Events(events)) => page(&incoming, &events, &reader),
        Ok(EventsRead::Nothing) => page(&incoming, &[], &reader),
        Ok(EventsRead::Over) => problem::code(Code::ServiceUnavailable),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

fn wanted(incoming: &Incoming) -> Result<WantedEvents, BadParameter> {
    let query = paging::read_query(&incoming.query, &["event", "instance_id", "wait"], &PAGE)?;
    let names = query.all("event").flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let names = names.map(|name| EventName::parse(name).filter(|n| *n != EventName::Test).ok_or(name.to_owned()));
    let names = names.collect::<Result<Vec<_>, _>>().map_err(|name| {
        let known = EventName::ALL.iter().filter(|n| **n != EventName::Test).map(|n| n.as_str()).collect::<Vec<_>>();
        BadParameter::new("event", format!("{name:?} is no event: use {}", known.join(", ")))
    })?;
    let wait = match query.some("wait") {
        None => 0,
        Some(text) => {
            let fits = text.parse().ok().filter(|seconds| *seconds <= WAIT_MAX);
            fits.ok_or_else(|| BadParameter::new("wait", format!("use seconds from 0 to {WAIT_MAX}")))?
        }
    };
    // A browser that lost its connection names the last id that it saw.
    let named = match incoming.header("last-event-id").filter(|id| !id.is_empty()) {
        Some(id) => Some(("Last-Event-ID", id)),
        None => query.some("cursor").map(|cursor| ("cursor", cursor)),
    };
    let from = match named {
        None => FeedStart::Since(query.some("since").map(|text| paging::parse_time("since", text)).transpose()?),
        Some((_, id)) if id.starts_with("evt_") => FeedStart::Event(id.to_owned()),
        Some((name, cursor)) => {
            let bad = || BadParameter::new(name, "it is none of this list; take next_cursor, or an event's id");
            let (at, row) = paging::parse_cursor(cursor, LETTER).ok_or_else(bad)?;
            FeedStart::Cursor(FeedPosition { row, at })
        }
    };
    Ok(WantedEvents {
        names: names.into_iter().map(|name| name.as_str()).collect(),
        instance: query.some("instance_id").map(str::to_owned),
        from,
        limit: paging::parse_limit(&query)?,
        wait: Duration::from_secs(wait),
    })
}

/// The position to read from; none: what came after the one that was named is not kept any more.
fn begin(
    tx: &Tx<'_>,
    caller: Caller,
    wanted: &WantedEvents,
    (now, kept): (Time, Duration),
) -> Result<Option<FeedPosition>, StoreError> {
    let newest = newest_event(tx)?;
    let position = match &wanted.from {
        FeedStart::Since(since) => return position_since(tx, *since, now).map(Some),
        // A higher one was never written: an older backup was put back.
        FeedStart::Cursor(position) => Some(*position).filter(|position| position.row <= newest),
        FeedStart::Event(id) => position_of(tx, caller.account, id)?,
    };
    Ok(position.filter(|position| position.at.plus(kept) >= now))
}

fn gone(kept: Duration) -> BadParameter {
    let days = kept.as_secs() / 86_400;
    let why =
        format!("what came after it is not kept any more ({days} days), or it is none of yours: begin anew with since");
    BadParameter::new("cursor", why)
}

fn filter(tx: &Tx<'_>, caller: Caller, wanted: &WantedEvents) -> Result<FeedFilter, StoreError> {
    let mut instances = allowed(tx, caller)?.map(|ids| ids.into_iter().collect::<BTreeSet<_>>());
    if let Some(asked) = &wanted.instance {
        let is_allowed = instances.as_ref().is_none_or(|ids| ids.contains(asked));
        instances = Some(is_allowed.then(|| asked.clone()).into_iter().collect());
    }
    Ok(FeedFilter { account: caller.account, instances, names: wanted.names.clone() })
}

fn page(incoming: &Incoming, events: &[ToldEvent], reader: &EventReader) -> Response {
    let data: Vec<Value> = events.iter().filter_map(|event| serde_json::from_str(&event.body).ok()).collect();
    paging::answer(incoming, &json!({"data": data, "next_cursor": cursor(reader.position())}))
}

fn cursor(position: FeedPosition) -> String {
    paging::cursor((position.at, position.row), LETTER)
}

/// Frames as the HTML standard has them ("Server-sent events"). The first one and each beat name the position without an
/// event, so that who has seen none resumes where it was, too.
fn sent_as_events(reader: EventReader) -> Response {
    let first = format!("retry: 2000\nid: {}\n\n", cursor(reader.position()));
    let begin = Some((Box::new(reader), Some(first)));
    let mut response = streamed(stream::unfold(begin, |state| async {
        let (mut reader, first) = state?;
        if let Some(first) = first {
            return Some((Bytes::from(first), Some((reader, None))));
        }
        let until = reader.now().plus(BEAT);
        let piece = match reader.read(BATCH, until).await {
            Ok(EventsRead::Events(events)) => frames(&events),
            Ok(EventsRead::Nothing) => format!(": beat\nid: {}\n\n", cursor(reader.position())),
            Ok(EventsRead::Over) => return None,
            Err(e) => {
                tracing::warn!("a reader of events is sent away: {e}");
                return None;
            }
        };
        Some((Bytes::from(piece), Some((reader, None))))
    }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn frames(events: &[ToldEvent]) -> String {
    events.iter().fold(String::new(), |mut all, ToldEvent { event_id, name, body, .. }| {
        let _ = write!(all, "id: {event_id}\nevent: {name}\ndata: {body}\n\n");
        all
    })
}
