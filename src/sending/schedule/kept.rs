//! What a row of the schedule keeps of the request that it holds, read again when that is due.

use crate::{
    connectors::outgoing::MediaKind,
    model::{
        ids::MessageId,
        phone::{Impossible, PhoneReading},
    },
    sending::{
        Request,
        request::{self, Draft, FileWanted},
    },
};
use serde_json::{Map, Value};

/// A request of the guarded API that has waited. Its time is over; it may go on waiting where it was to be queued.
pub(super) fn read_kept(kept: &str, message_id: &MessageId) -> Result<Box<Request>, String> {
    let no = || "it cannot be read any more".to_owned();
    let object: Map<String, Value> = serde_json::from_str(kept).map_err(|_| no())?;
    let how = PhoneReading { region: None, impossible: Impossible::Warn };
    let request = request::parse(&object, how, None).map_err(|malformed| malformed.to_string())?;
    Ok(Box::new(Request { message_id: Some(message_id.clone()), ..request }))
}

/// What is to be sent, of the columns that keep it.
///
/// # Errors
/// What is wrong with them, for the row.
pub(super) fn draft(body: String, media: Option<String>) -> Result<Draft<String>, String> {
    let Some(media) = media else { return Ok(Draft::Text(body)) };
    let no = || "its file cannot be read any more".to_owned();
    let media: Value = serde_json::from_str(&media).map_err(|_| no())?;
    if let Some(about) = media["reaction"]["message_id"].as_str() {
        return Ok(Draft::Reaction { about: about.to_owned(), emoji: body });
    }
    if let Some(about) = media["change"]["message_id"].as_str() {
        let text = (media["change"]["is_edit"] == true).then_some(body);
        return Ok(Draft::Change { about: about.to_owned(), text });
    }
    let kind = media["kind"].as_str().and_then(MediaKind::parse).ok_or_else(no)?;
    let url = media["url"].as_str().ok_or_else(no)?.to_owned();
    let file_name = media["file_name"].as_str().map(str::to_owned);
    Ok(Draft::Media { kind, file: FileWanted { from: url, file_name }, caption: body })
}
