//! Reading bodies: with a limit of the route's own, and strictly as JSON.

use super::server::BodyError;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::{
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

/// A body that arrives. The lock is never contended: it only lets handlers share a request's head between threads
/// while its body waits.
pub struct Body(Mutex<Chunks>);

impl Default for Body {
    /// An empty one.
    fn default() -> Self {
        Self(Mutex::new(Box::pin(futures_util::stream::empty())))
    }
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

impl Body {
    /// Its pieces, as they arrive.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, warp::Error>> + Send + 'static {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is here already.
    pub fn of(bytes: Bytes) -> Self {
        Self(Mutex::new(Box::pin(futures_util::stream::iter([Ok(bytes)]))))
    }

    #[cfg(test)]
    pub(super) fn from_chunks(chunks: Vec<Result<Bytes, warp::Error>>) -> Self {
        Self(Mutex::new(Box::pin(futures_util::stream::iter(chunks))))
    }
}

/// Largest body of the guarded API and of the 3CX webhook, in bytes.
pub const API_MAX: usize = 256 * 1024;

/// Why a body could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyReadError {
    /// It is larger than the limit.
    TooLarge,
    /// It broke off or came too slowly.
    Broken,
}

pub(super) fn from_stream<S, B>(stream: S) -> Body
where
    S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
    B: Buf,
{
    Body(Mutex::new(Box::pin(stream.map(|chunk| chunk.map(|mut c| c.copy_to_bytes(c.remaining()))))))
}

/// The whole body, if it has at most `max` bytes.
///
/// # Errors
/// See [`BodyReadError`].
pub async fn read(body: Body, max: usize) -> Result<Bytes, BodyReadError> {
    let mut body = body.into_stream();
    let Some(first) = body.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|e| read_error(&e))?;
    if first.len() > max {
        return Err(BodyReadError::TooLarge);
    }
    // Nearly every body comes in one piece and is not copied.
    let Some(second) = body.next().await else { return Ok(first) };
    let mut all = BytesMut::from(&first[..]);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|e| read_error(&e))?;
        if all.len() + chunk.len() > max {
            return Err(BodyReadError::TooLarge);
        }
        all.extend_from_slice(&chunk);
        next = body.next().await;
    }
    Ok(all.freeze())
}

/// The whole body, if it has at most `max` bytes; at most `more`, where its beginning says that it may.
///
/// # Errors
/// See [`BodyReadError`].
pub async fn read_more(
    body: Body,
    (max, more): (usize, usize),
    may_be_more: impl Fn(&[u8]) -> bool,
) -> Result<Bytes, BodyReadError> {
    let mut body = body.into_stream();
    let (mut all, mut allowed) = (BytesMut::new(), max);
    while let Some(chunk) = body.next().await {
        all.extend_from_slice(&chunk.map_err(|e| read_error(&e))?);
        if all.len() > allowed && allowed < more && may_be_more(&all) {
            allowed = more;
        }
        if all.len() > allowed {
            return Err(BodyReadError::TooLarge);
        }
    }
    Ok(all.freeze())
}

/// A body of which every byte was seen, and the beginning kept.
pub struct CapturedBody {
    /// All of it; none when it is larger than what is kept.
    pub kept: Option<Bytes>,
    /// Whether it was read to its end. What was not is left on the connection, which is closed after the answer.
    pub is_whole: bool,
    /// Whether it broke off or came too slowly.
    pub is_broken: bool,
}

/// Reads up to `drain` bytes, shows each piece to `see`, and keeps the body if it has at most `keep`.
pub async fn read_seen(body: Body, keep: usize, drain: usize, mut see: impl FnMut(&[u8])) -> CapturedBody {
    let mut body = body.into_stream();
    let (mut kept, mut came) = (BytesMut::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(e) => {
                let is_broken = read_error(&e) == BodyReadError::Broken;
                return CapturedBody { kept: None, is_whole: false, is_broken };
            }
        };
        came += chunk.len();
        if came > drain {
            return CapturedBody { kept: None, is_whole: false, is_broken: false };
        }
        see(&chunk);
        if came <= keep {
            kept.extend_from_slice(&chunk);
        }
    }
    CapturedBody { kept: (came <= keep).then(|| kept.freeze()), is_whole: true, is_broken: false }
}

fn read_error(error: &warp::Error) -> BodyReadError {
    match BodyError::of(error) {
        Some(BodyError::TooLarge) => BodyReadError::TooLarge,
        _ => BodyReadError::Broken,
    }
}

/// The JSON object in `bytes`. Doubled keys, at any depth, are refused: two readers could see two requests. So is a byte
/// order mark, which no sender may write (RFC 8259, section 8.1).
///
/// # Errors
/// Where and why it is no JSON object, for the log.
pub fn json_object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match json_value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(NO_OBJECT.into()),
    }
}

/// What is said of JSON that is no object where one is wanted.
pub const NO_OBJECT: &str = "the body is JSON, but no object";

/// The JSON in `bytes`, whatever it is, refused for the same reasons.
///
/// # Errors
/// Where and why it is no JSON.
pub fn json_value(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice::<Strict>(bytes).map(|Strict(value)| value).map_err(|e| e.to_string())
}

/// Whether the content type is application/json; parameters do not matter.
pub fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|e| e.eq_ignore_ascii_case("application/json"))
}

/// A JSON value without doubled keys.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(serde_json::Number::from_f64(v).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if all.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_strict_object_is_json_here() {
        for ok in ["{}", r#" {"a":{"b":[1,2.5,true,null,"x"]}} "#, r#"{"a":1,"b":{"a":1}}"#] {
            assert!(json_object(ok.as_bytes()).is_ok(), "{ok}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for no in [
            "",
            "[]",
            "null",
            "\"a\"",
            "{",
            "{}{}",
            "\u{feff}{}",
            "{} x",
            r#"{"a":1,"a":2}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"a":"\ud800"}"#,
            r#"{'a':1}"#,
            r#"{"a":1,}"#,
            "{\"a\":NaN}",
            deep.as_str(),
        ] {
            assert!(json_object(no.as_bytes()).is_err(), "{no}");
        }
        assert!(json_object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn parameters_of_the_content_type_do_not_matter() {
        for ok in ["application/json", "application/json; charset=utf-8", "Application/JSON;x=y"] {
            assert!(is_json(Some(ok)), "{ok}");
        }
        for no in [None, Some(""), Some("text/json"), Some("application/jsonp"), Some("text/plain;application/json")] {
            assert!(!is_json(no), "{no:?}");
        }
    }
}
