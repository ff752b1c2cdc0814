//! A file that comes with the request: as a part of a form, which goes to the disk as it arrives, or in base64 within the
//! JSON.

use crate::{
    model::{
        aside::aside,
        code::{Code, Details},
    },
    people::media::{self, MediaStore, Writing},
    sending::{
        Refusal,
        request::{self, GivenFile, Uploaded},
    },
    web::{
        body::{self, Body, BodyReadError},
        form,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bytes::{Bytes, BytesMut};
use multer::Field;
use serde_json::{Map, Value};
use std::{io, time::Duration};

/// The largest body with a file in it, in bytes: no listener takes much more.
const BODY_MAX: usize = 60 << 20;
/// So much of a file is written to the disk at once, in bytes.
const PIECE: usize = 256 << 10;
/// Parts of a form that may be files, of which one may be chosen.
const FILE_PARTS_MAX: u32 = 16;
/// The member of the JSON that holds a file.
const BASE64: &str = "media_base64";
/// A request's members, and the file that came with them.
pub(super) type RequestBody = (Map<String, Value>, Option<GivenFile>);

/// A JSON body; larger than others may be where a file stands in it.
pub(super) async fn read_json(shelf: &MediaStore, body: Body) -> Result<RequestBody, Box<Refusal>> {
    let holds_a_file = |begin: &[u8]| begin.windows(BASE64.len()).any(|at| at == BASE64.as_bytes());
    let bytes = match body::read_more(body, (body::API_MAX, BODY_MAX), holds_a_file).await {
        Ok(bytes) => bytes,
        Err(BodyReadError::TooLarge) => return Err(too_large()),
        Err(BodyReadError::Broken) => return Err(broken()),
    };
    let length = bytes.len();
    let turn = if length > body::API_MAX { Some(shelf.room().ok_or_else(crowded)?) } else { None };
    // The turn ends when the bytes are gone, also where the caller is gone before.
    let (read, _turn) = match turn {
        Some(turn) => aside(move || (body::json_object(&bytes), Some(turn))).await.map_err(|_| broken())?,
        None => (body::json_object(&bytes), None),
    };
    let mut object = read.map_err(|why| super::send_message::refused(Code::InvalidJson, why))?;
    let file = object.remove(BASE64).filter(|value| !value.is_null());
    let size = file.as_ref().and_then(Value::as_str).map_or(0, str::len);
    if length.saturating_sub(size) > body::API_MAX {
        return Err(too_large());
    }
    let Some(file) = file else { return Ok((object, None)) };
    let decoded = aside(move || file.as_str().and_then(decode));
    let Some((bytes, declared)) = decoded.await.unwrap_or_default().filter(|(bytes, _)| !bytes.is_empty()) else {
        return Err(unfit(BASE64, "it is the file's bytes in base64, at least one"));
    };
    let kind = media::kind_to_send(&bytes);
    let hashed = aside(move || Uploaded::new(bytes.into(), declared).in_field(BASE64));
    let file = hashed.await.map_err(|_| broken())?;
    Ok((object, Some(GivenFile { file, kind, name: None })))
}

/// Base64 of either alphabet, with or without line breaks, and with the type in front where it is a `data:` address. Where
/// the padding is missing, so may be a part of the file.
fn decode(text: &str) -> Option<(Vec<u8>, String)> {
    let (declared, data) = match text.strip_prefix("data:") {
        Some(rest) => {
            let (head, data) = rest.split_once(',')?;
            (head.strip_suffix(";base64")?, data)
        }
        None => ("", text),
    };
    let plain: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(&plain).or_else(|_| URL_SAFE.decode(&plain)).ok()?;
    Some((bytes, declared.chars().take(100).collect()))
}

/// A form: its fields, and the one file among its parts.
pub(super) async fn read_form(shelf: &MediaStore, body: Body, content_type: &str) -> Result<RequestBody, Box<Refusal>> {
    let _turn = shelf.room().ok_or_else(crowded)?;
    let mut parts = form::parts(body, content_type, BODY_MAX).map_err(|e| form_problem(&e))?;
    let (mut object, mut file, mut files, mut size) = (Map::new(), None, 0, 0);
    while let Some(part) = parts.next_field().await.map_err(|e| form_problem(&e))? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        if part.file_name().is_some() || name == "file" {
            files += 1;
            let is_chosen = part.file_name().is_some_and(|name| !name.is_empty());
            if files > FILE_PARTS_MAX || (file.is_some() && is_chosen) {
                return Err(unfit("file", "one file goes with a message"));
            }
            let given = spool(shelf, part).await?;
            if file.is_some() && given.is_some() {
                return Err(unfit("file", "one file goes with a message"));
            }
            file = file.or(given);
            continue;
        }
        let text = read_text(part, &mut size).await?;
        // A form sends what was left empty, too.
        if !text.is_empty() && object.insert(name.clone(), member(&name, text)).is_some() {
            return Err(unfit("file", &format!("the form's field {name:?} stands twice")));
        }
    }
    Ok((object, file))
}

fn member(name: &str, text: String) -> Value {
    let parsed = if request::NO_TEXT.contains(&name) { serde_json::from_str(&text).ok() } else { None };
    parsed.unwrap_or(Value::String(text))
}

async fn read_text(mut part: Field<'static>, size: &mut usize) -> Result<String, Box<Refusal>> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.chunk().await.map_err(|e| form_problem(&e))? {
        *size += chunk.len();
        if *size > body::API_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| unfit("file", "a field of the form is no UTF-8"))
}

/// Puts a part on the disk as it arrives; none: it has neither a name nor bytes, which is what a form says in which no
/// file was chosen.
async fn spool(shelf: &MediaStore, mut part: Field<'static>) -> Result<Option<GivenFile>, Box<Refusal>> {
    let name = part.file_name().map(str::to_owned).filter(|name| !name.is_empty());
    let declared = part.content_type().map_or_else(String::new, |kind| kind.to_string().chars().take(100).collect());
    let mut writing = shelf.begin().await.map_err(|e| disk(&e))?;
    let mut held = BytesMut::new();
    while let Some(chunk) = part.chunk().await.map_err(|e| form_problem(&e))? {
        held.extend_from_slice(&chunk);
        if held.len() >= PIECE {
            writing = push(writing, held.split().freeze()).await.map_err(|e| disk(&e))?;
        }
    }
    let writing = push(writing, held.freeze()).await.map_err(|e| disk(&e))?;
    let written = aside(move || writing.finish()).await.map_err(io::Error::other);
    let written = written.and_then(|finished| finished).map_err(|e| disk(&e))?;
    if name.is_none() && written.stored().size == 0 {
        return Ok(None);
    }
    let kind = media::kind_of_sniffed(written.stored().sniffed);
    Ok(Some(GivenFile { file: Uploaded::on_disk(written, declared), kind, name }))
}

async fn push(mut writing: Writing, piece: Bytes) -> io::Result<Writing> {
    let pushed = aside(move || writing.push(&piece).map(|()| writing));
    pushed.await.map_err(io::Error::other)?
}

fn unfit(field: &'static str, why: &str) -> Box<Refusal> {
    let details = Details::FieldsBecause(vec![field], why.to_owned());
    Box::new(Refusal { details, ..*super::send_message::refused(Code::ValidationError, format!("{field}: {why}")) })
}

fn too_large() -> Box<Refusal> {
    let why = format!("the body is larger than 256 KiB without its file, or than {} MiB with it", BODY_MAX >> 20);
    super::send_message::refused(Code::PayloadTooLarge, why)
}

fn broken() -> Box<Refusal> {
    super::send_message::refused(Code::InvalidJson, "the body broke off or came too slowly")
}

fn crowded() -> Box<Refusal> {
    let refusal = *super::send_message::refused(Code::ServiceUnavailable, "enough large files are on their way in");
    Box::new(refusal.retry_after(Duration::from_secs(2)))
}

fn disk(e: &io::Error) -> Box<Refusal> {
    tracing::error!("the disk does not take a file that came with a request: {e}");
    let refusal = *super::send_message::refused(Code::ServiceUnavailable, "the disk did not take the file");
    Box::new(refusal.retry_after(Duration::from_secs(30)))
}

fn form_problem(e: &multer::Error) -> Box<Refusal> {
    match e {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => too_large(),
        e => unfit("file", &format!("the form cannot be read to its end: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_programs_write_it() {
        for (text, bytes, declared) in [
            ("JVBERi0xLjc=", Some(&b"%PDF-1.7"[..]), ""),
            ("JVBE\r\nRi0x\nLjc=\n", Some(b"%PDF-1.7"), ""),
            ("data:application/pdf;base64,JVBERi0xLjc=", Some(b"%PDF-1.7"), "application/pdf"),
            ("data:application/pdf,JVBERi0xLjc=", None, ""),
            ("JVBERi0xLjc", None, ""),
            ("JVBERv_--w==", Some(b"%PDF\xff\xfe\xfb"), ""),
            ("not base64!", None, ""),
        ] {
            let found = decode(text);
            assert_eq!(found.as_ref().map(|(b, d)| (b.as_slice(), d.as_str())), bytes.map(|b| (b, declared)), "{text}");
        }
    }
}
