//! What a row of the schedule keeps of the request that it holds, read again when that is due.

use super::{NewSchedule, ScheduledMessage};
use crate::{
    connectors::outgoing::MediaKind,
    instances::templates::{self, SentTemplate},
    model::{
        ids::MessageId,
        phone::{Impossible, PhoneReading},
    },
    sending::{
        Malformed, Request,
        request::{self, Draft, FileWanted},
    },
    store::{StoreError, Tx},
};
use serde_json::{Map, Value, json};

/// How a number is read that was read before.
const HOW: PhoneReading = PhoneReading { region: None, impossible: Impossible::Warn };

/// The columns that keep what is to be sent.
pub(super) struct KeptColumns {
    pub(super) body: String,
    /// JSON of what stands beside the body.
    pub(super) media: Option<String>,
    /// JSON of a request of the guarded API, for what the other two have no place for.
    pub(super) request: Option<String>,
}

impl KeptColumns {
    pub(super) fn of(new: &NewSchedule) -> Self {
        let (media, request) = match &new.draft {
            Draft::Media { kind, file: FileWanted { from: url, file_name }, .. } => {
                (Some(json!({"kind": kind.as_str(), "url": url, "file_name": file_name})), None)
            }
            Draft::Reaction { about, .. } => (Some(json!({"reaction": {"message_id": about}})), None),
            Draft::Change { about, text } => {
                (Some(json!({"change": {"message_id": about, "is_edit": text.is_some()}})), None)
            }
            Draft::Template { name, language, variables, file_name } => {
                let template = json!({"name": name, "language": language, "variables": variables});
                let request = json!({
                    "instance_id": new.instance,
                    "phone": new.recipient.to_string(),
                    "message_purpose": new.purpose.as_str(),
                    "template": template,
                    "file_name": file_name,
                    "reference": new.reference,
                });
                (None, Some(request))
            }
            Draft::Text(_) | Draft::Structured(_) => (None, None),
        };
        let [media, request] = [media, request].map(|json| json.map(|json| json.to_string()));
        Self { body: new.draft.text().into_owned(), media, request }
    }
}

impl NewSchedule {
    /// What of it is kept as a request is read now as it will be when it is due.
    ///
    /// # Errors
    /// What would be refused then for its form, with the fields.
    pub(super) fn check(&self) -> Result<(), Malformed> {
        let kept = KeptColumns::of(self).request.and_then(|kept| serde_json::from_str::<Map<_, _>>(&kept).ok());
        kept.map_or(Ok(()), |object| request::parse(&object, HOW, None).map(drop))
    }
}

/// The template of a message that keeps a request; none: it has none. Once it was fired, it says what it said then, by the
/// log; before, what it says today.
pub(super) fn template(
    tx: &Tx<'_>,
    message: &ScheduledMessage,
    kept: &str,
) -> Result<Option<SentTemplate>, StoreError> {
    let logged = message.log_id.map(|log_id| templates::sent(tx, log_id.0)).transpose()?.flatten();
    if logged.is_some() {
        return Ok(logged);
    }
    let Ok(request) = serde_json::from_str::<Value>(kept) else { return Ok(None) };
    let today = templates::of_content(tx, &message.instance, &request)?;
    // The log keeps the words no more: today's may be others.
    Ok(today.map(|it| SentTemplate { said: it.said.filter(|_| message.log_id.is_none()), ..it }))
}

/// A request of the guarded API that has waited. Its time is over; it may go on waiting where it was to be queued.
pub(super) fn read_kept(kept: &str, message_id: &MessageId) -> Result<Box<Request>, String> {
    let no = || "it cannot be read any more".to_owned();
    let object: Map<String, Value> = serde_json::from_str(kept).map_err(|_| no())?;
    let request = request::parse(&object, HOW, None).map_err(|malformed| malformed.to_string())?;
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
