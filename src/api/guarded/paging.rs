//! Lists of the guarded API: what is asked for, what may not be, and a page as an answer.
//!
//! A list goes from the newest to the oldest, and a cursor names the last row that was seen by its time and number: what
//! comes in meanwhile stands before the first page and moves nothing.

use crate::{
    accounts::{Caller, KeyScope},
    model::{
        clock::Time,
        code::{Code, Details},
    },
    sending::Refusal,
    web::{Incoming, form::Fields, problem},
};
use ::http::{HeaderValue, StatusCode, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use warp::{Reply, reply::Response};

/// Rows of a page where the request does not say.
pub const LIMIT: u32 = 50;
/// Rows of a page at most.
pub const LIMIT_MAX: u32 = 200;

/// The row that a page ended with.
pub type Seen = (Time, i64);

/// Which page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paging {
    /// Not older.
    pub since: Option<Time>,
    /// After this row.
    pub after: Option<Seen>,
    /// 1 to [`LIMIT_MAX`].
    pub limit: u32,
}

/// A parameter of the query that cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadParameter {
    pub name: &'static str,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl BadParameter {
    pub fn new(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, why: why.into() }
    }

    pub fn into_response(self) -> Response {
        let details = Details::FieldsBecause(vec![self.name], format!("{}: {}", self.name, self.why));
        problem::refusal(&Refusal { details, ..Refusal::new(Code::ValidationError, self.why) })
    }
}

/// The refusal of a key that is not good for reading.
pub fn unless_reader(caller: Caller) -> Option<Response> {
    unless(caller, KeyScope::Read)
}

/// The refusal of a key that is not good for something.
pub fn unless(caller: Caller, scope: KeyScope) -> Option<Response> {
    let refusal = Refusal::new(Code::InsufficientScope, "the key lacks the scope");
    let details = Details::Scope(scope.as_str());
    (!caller.scopes.includes(scope)).then(|| problem::refusal(&Refusal { details, ..refusal }))
}

/// The names of a page's parameters.
pub const PAGE: [&str; 3] = ["since", "limit", "cursor"];

/// The query of a list that knows the parameters `own` and `more`; only `event` may be given more than once.
///
/// # Errors
/// A parameter that the list does not know, that stands twice, or that is no text: passed over, it would show what it was
/// to leave out.
pub fn read_query(text: &str, own: &[&str], more: &[&str]) -> Result<Fields, BadParameter> {
    let query = Fields::parse(text);
    let wrong = |why: String| BadParameter::new("query", why);
    let known: Vec<&str> = own.iter().chain(more).copied().collect();
    if let Some(name) = query.names().find(|name| !known.contains(name)) {
        let shown: String = name.chars().take(40).collect();
        return Err(wrong(match known.join(", ") {
            none if none.is_empty() => format!("this list has no parameter {shown:?}, and no other either"),
            known => format!("this list has no parameter {shown:?}; it has {known}"),
        }));
    }
    if let Some(twice) = known.iter().find(|name| **name != "event" && query.all(name).count() > 1) {
        return Err(wrong(format!("{twice} is given more than once: give one")));
    }
    if query.names().count() < text.split('&').filter(|pair| !pair.is_empty()).count() {
        return Err(wrong("a parameter is no UTF-8: write it as percent-encoded UTF-8".to_owned()));
    }
    Ok(query)
}

impl Paging {
    /// From `since`, `cursor` and `limit`; `list` is the letter that the cursors of this list begin with.
    ///
    /// # Errors
    /// The parameter that is none.
    pub fn read(query: &Fields, list: char) -> Result<Self, BadParameter> {
        let bad_cursor = || BadParameter::new("cursor", "it is none of this list; take next_cursor as it came");
        let after = query.some("cursor").map(|text| parse_cursor(text, list).ok_or_else(bad_cursor)).transpose()?;
        let since = query.some("since").map(|text| parse_time("since", text)).transpose()?;
        Ok(Self { since, after, limit: parse_limit(query)? })
    }
}

/// How many rows: `limit`.
pub(super) fn parse_limit(query: &Fields) -> Result<u32, BadParameter> {
    let Some(text) = query.some("limit") else { return Ok(LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| BadParameter::new("limit", format!("use a number from 1 to {LIMIT_MAX}")))
}

/// A moment of the query.
pub fn parse_time(name: &'static str, text: &str) -> Result<Time, BadParameter> {
    let right = "use RFC 3339, such as 2026-06-01T08:00:00Z (a + is written %2B)";
    Time::parse(text).map_err(|_| BadParameter::new(name, right))
}

/// A page of the list whose cursors begin with `letter`. `rows` has one more than the limit where there is another page.
pub fn page(incoming: &Incoming, mut rows: Vec<(Seen, Value)>, limit: u32, letter: char) -> Response {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|(seen, _)| cursor(*seen, letter));
    let data: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    answer(incoming, &json!({"data": data, "next_cursor": next}))
}

/// An answer with its tag, or that it is still the one that the client has.
pub fn answer(incoming: &Incoming, body: &Value) -> Response {
    let digest = Sha256::digest(body.to_string().as_bytes());
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16]));
    let is_known = incoming.header("if-none-match").is_some_and(|known| {
        known.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
    });
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { warp::reply::json(body).into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, value);
    }
    response
}

pub(super) fn cursor((time, row): Seen, list: char) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}{}.{row}", time.millis()))
}

pub(super) fn parse_cursor(text: &str, list: char) -> Option<Seen> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (time, row) = plain.strip_prefix(list)?.split_once('.')?;
    let seen = (Time::from_millis(time.parse().ok()?), row.parse().ok()?);
    // One spelling of each: what we did not write is none.
    (cursor(seen, list) == text).then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_and_in_its_own_spelling() {
        let seen = (Time::from_millis(1_780_000_000_000), 42);
        let text = cursor(seen, 'm');
        assert_eq!(parse_cursor(&text, 'm'), Some(seen));
        assert_eq!(parse_cursor(&text, 'i'), None);
        let plus = URL_SAFE_NO_PAD.encode("m+1.+2");
        for wrong in ["", "m", "!!", "bTE", &text[1..], &format!("{text}="), &plus] {
            assert_eq!(parse_cursor(wrong, 'm'), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_list_does_not_know_is_not_passed_over() {
        let read = |query: &str| read_query(query, &["status"], &PAGE).map(|_| ()).map_err(|e| e.why);
        for fine in ["", "&", "status=sent&limit=2", "status=", "since=2026-06-01T08%3A00%3A00Z&cursor=x"] {
            assert_eq!(read(fine), Ok(()), "{fine}");
        }
        for (query, why) in [
            ("stauts=sent", "this list has no parameter \"stauts\"; it has status, since, limit, cursor"),
            ("Status=sent", "this list has no parameter \"Status\"; it has status, since, limit, cursor"),
            ("status=sent&status=failed", "status is given more than once: give one"),
            ("status=%ff", "a parameter is no UTF-8: write it as percent-encoded UTF-8"),
        ] {
            assert_eq!(read(query), Err(why.to_owned()), "{query}");
        }
        assert!(read_query("event=a&event=b", &["event"], &[]).is_ok());
        let none = read_query("x=1", &[], &[]).map(|_| ()).map_err(|e| e.why);
        assert_eq!(none, Err("this list has no parameter \"x\", and no other either".to_owned()));
    }

    #[test]
    fn limits_and_dates_have_bounds() {
        let read = |query: &str| Paging::read(&Fields::parse(query), 'm').map_err(|e| e.name);
        assert_eq!(read("").map(|p| p.limit), Ok(LIMIT));
        assert_eq!(read("limit=200").map(|p| p.limit), Ok(LIMIT_MAX));
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("since=yesterday", "since"),
            ("since=2026-06-01", "since"),
            ("cursor=x", "cursor"),
        ] {
            assert_eq!(read(query), Err(name), "{query}");
        }
    }
}
