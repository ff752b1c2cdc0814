//! A message on its way out, in WhatsApp's words.
//!
//! Pure but for [`file`]: values in, values out.

use super::ids::jid;
use crate::connectors::{
    AboutMessage, Content, Outgoing, SendError,
    outgoing::{MediaFile, MediaKind},
};
use whatsapp_rust::{
    Jid,
    prelude::{MessageField, wa},
    upload::UploadResponse,
    wacore::download::MediaType,
    wacore_binary::JidExt as _,
    waproto::whatsapp::message::protocol_message::Type as ProtocolType,
};

/// The message that one answers, and who wrote it.
pub(super) struct Quoted {
    pub(super) id: String,
    /// None: in a group, where it is not known any more.
    pub(super) author: Option<Jid>,
}

/// The bytes of a file that goes out.
///
/// # Errors
/// It is not there as it was recorded.
pub(super) async fn file(file: &MediaFile) -> Result<Vec<u8>, SendError> {
    match tokio::fs::read(&file.path).await {
        Ok(bytes) if bytes.len() as u64 == file.size => Ok(bytes),
        Ok(bytes) => {
            let problem = format!("the file has {} bytes instead of {}", bytes.len(), file.size);
            Err(SendError::permanent("media_unreadable", &problem))
        }
        Err(e) => Err(SendError::permanent("media_unreadable", &format!("the file cannot be read: {e}"))),
    }
}

/// What WhatsApp derives a file's key for.
pub(super) const fn media_type(kind: MediaKind) -> MediaType {
    match kind {
        MediaKind::Image => MediaType::Image,
        MediaKind::Video => MediaType::Video,
        MediaKind::Audio | MediaKind::Voice => MediaType::Audio,
        MediaKind::Sticker => MediaType::Sticker,
        MediaKind::Document => MediaType::Document,
    }
}

/// The message; `uploaded` is where its file lies by now, for one that has a file, and `own_name` the name under which this
/// number writes in the group that it goes to.
///
/// # Errors
/// WhatsApp Web has no words for it.
pub(super) fn message(
    out: &Outgoing,
    uploaded: Option<UploadResponse>,
    quoted: Option<Quoted>,
    own_name: Option<&Jid>,
    now_ms: i64,
) -> Result<wa::Message, SendError> {
    let context = quoted.map_or_else(MessageField::none, |quoted| MessageField::some(context(quoted)));
    match (&out.content, uploaded) {
        (Content::Text(text), _) => Ok(worded(text, context)),
        (Content::Media { kind, file, caption }, Some(at)) => Ok(with_file(*kind, file, caption, at, context)),
        (Content::Media { .. }, None) => Err(SendError::permanent("media_unreadable", "the file was not uploaded")),
        (Content::Reaction { about, emoji }, _) => reaction(out, about, emoji, now_ms),
        (Content::Change { about, text }, _) => change(out, about, (text.as_deref(), own_name), now_ms),
        (Content::Template { .. } | Content::Structured(_), _) => Err(SendError::permanent(
            "template",
            "a linked phone sends no templates, buttons, places or cards; send a text",
        )),
    }
}

/// What shows the answered message above an answer. Its text is not told again: every phone in the chat has it.
fn context(quoted: Quoted) -> wa::ContextInfo {
    wa::ContextInfo {
        stanza_id: Some(quoted.id),
        participant: quoted.author.map(|author| author.to_non_ad_string()),
        quoted_message: MessageField::some(wa::Message { conversation: Some(String::new()), ..Default::default() }),
        ..Default::default()
    }
}

fn worded(text: &str, context: MessageField<wa::ContextInfo>) -> wa::Message {
    if context.is_unset() {
        return wa::Message { conversation: Some(text.to_owned()), ..Default::default() };
    }
    let text =
        wa::message::ExtendedTextMessage { text: Some(text.to_owned()), context_info: context, ..Default::default() };
    wa::Message { extended_text_message: MessageField::some(text), ..Default::default() }
}

fn with_file(
    kind: MediaKind,
    file: &MediaFile,
    caption: &str,
    at: UploadResponse,
    context_info: MessageField<wa::ContextInfo>,
) -> wa::Message {
    let caption = (!caption.is_empty()).then(|| caption.to_owned());
    let mimetype = Some(file.mime_type.clone());
    // All kinds have these fields in common, and no type.
    macro_rules! filed {
        ($($kind:ident)::+ { $($field:ident $(: $value:expr)?),* }) => {
            MessageField::some($($kind)::+ {
                url: Some(at.url),
                direct_path: Some(at.direct_path),
                media_key: Some(at.media_key.to_vec()),
                media_key_timestamp: Some(at.media_key_timestamp),
                file_sha256: Some(at.file_sha256.to_vec()),
                file_enc_sha256: Some(at.file_enc_sha256.to_vec()),
                file_length: Some(at.file_length),
                mimetype,
                context_info,
                $($field $(: $value)?,)*
                ..Default::default()
            })
        };
    }
    let mut message = wa::Message::default();
    match kind {
        MediaKind::Image => message.image_message = filed!(wa::message::ImageMessage { caption }),
        MediaKind::Video => {
            message.video_message =
                filed!(wa::message::VideoMessage { caption, streaming_sidecar: at.streaming_sidecar });
        }
        MediaKind::Audio => {
            message.audio_message = filed!(wa::message::AudioMessage { streaming_sidecar: at.streaming_sidecar });
        }
        MediaKind::Voice => {
            message.audio_message =
                filed!(wa::message::AudioMessage { ptt: Some(true), streaming_sidecar: at.streaming_sidecar });
        }
        MediaKind::Sticker => message.sticker_message = filed!(wa::message::StickerMessage {}),
        MediaKind::Document => {
            let name = file.file_name.clone().unwrap_or_else(|| "document".to_owned());
            message.document_message =
                filed!(wa::message::DocumentMessage { caption, title: Some(name.clone()), file_name: Some(name) });
        }
    }
    message
}

/// A sign on a message; in a group its key says who wrote that message.
fn reaction(out: &Outgoing, about: &AboutMessage, emoji: &str, now_ms: i64) -> Result<wa::Message, SendError> {
    let nobody = || SendError::permanent("recipient", "WhatsApp Web does not know this kind of address");
    let author = about.author.as_ref().filter(|_| !about.from_me).map(|author| jid(author).ok_or_else(nobody));
    let key = wa::MessageKey {
        remote_jid: Some(jid(&out.to).ok_or_else(nobody)?.to_string()),
        from_me: Some(about.from_me),
        id: Some(about.provider_message_id.clone()),
        participant: author.transpose()?.map(|jid| jid.to_non_ad_string()),
    };
    Ok(whatsapp_rust::wacore::proto_helpers::build_reaction_message(key, emoji, now_ms))
}

/// An edit or a deletion of our own message. Clients find the message by its key; an edit repeats which kind it is of.
fn change(
    out: &Outgoing,
    about: &AboutMessage,
    (text, own_name): (Option<&str>, Option<&Jid>),
    now_ms: i64,
) -> Result<wa::Message, SendError> {
    let to = jid(&out.to)
        .filter(|to| !to.is_newsletter())
        .ok_or_else(|| SendError::permanent("recipient", "what stands in a channel is changed on the phone"))?;
    let key = wa::MessageKey {
        remote_jid: Some(to.to_string()),
        from_me: Some(true),
        id: Some(about.provider_message_id.clone()),
        // Of a deletion nobody but the writer can be meant.
        participant: text.and(own_name).map(|own| own.to_non_ad_string()),
    };
    let edited = text.map_or_else(MessageField::none, |text| MessageField::some(reworded(about.file, text)));
    let told = wa::message::ProtocolMessage {
        key: MessageField::some(key),
        r#type: Some(if text.is_some() { ProtocolType::MESSAGE_EDIT } else { ProtocolType::REVOKE }),
        edited_message: edited,
        timestamp_ms: text.map(|_| now_ms),
        ..Default::default()
    };
    Ok(wa::Message { protocol_message: MessageField::some(told), ..Default::default() })
}

/// New words, for a text or beside a file.
fn reworded(file: Option<MediaKind>, text: &str) -> wa::Message {
    let caption = Some(text.to_owned());
    match file {
        Some(MediaKind::Image) => wa::Message {
            image_message: MessageField::some(wa::message::ImageMessage { caption, ..Default::default() }),
            ..Default::default()
        },
        Some(MediaKind::Video) => wa::Message {
            video_message: MessageField::some(wa::message::VideoMessage { caption, ..Default::default() }),
            ..Default::default()
        },
        Some(MediaKind::Document) => wa::Message {
            document_message: MessageField::some(wa::message::DocumentMessage { caption, ..Default::default() }),
            ..Default::default()
        },
        Some(MediaKind::Audio | MediaKind::Voice | MediaKind::Sticker) | None => {
            wa::Message { conversation: caption, ..Default::default() }
        }
    }
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
