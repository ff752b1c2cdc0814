//! Files both ways: up before a message that has one leaves, down by a handle that outlives the process.
//!
//! A handle says where WhatsApp keeps the file and holds the key that opens it; it is worth nothing without the instance.

use super::{WebInner, outgoing, wire::in_time};
use crate::connectors::{
    MediaError, SendError,
    inbound_event::{HeardMedia, MediaSource},
    outgoing::{MediaFile, MediaKind},
    provider_text::repeated,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use whatsapp_rust::{
    download::DownloadParams,
    prelude::wa,
    upload::{UploadOptions, UploadResponse},
    wacore::download::MediaType,
};

/// How long a file may take on its way up or down, all hosts and tries together.
const WITHIN: Duration = Duration::from_secs(180);

/// Where a file lies, and what opens it.
#[derive(Serialize, Deserialize)]
struct LinkedMediaRef {
    path: String,
    /// In base64, as the other two.
    key: String,
    sha256: String,
    encrypted_sha256: String,
    size: u64,
    kind: String,
}

/// The file of a content.
pub(super) fn heard(kind: &str, content: &wa::Message) -> Option<HeardMedia> {
    macro_rules! file {
        ($file:expr, $name:expr) => {{
            let file = $file;
            let handle = LinkedMediaRef {
                path: file.direct_path.clone()?,
                key: STANDARD.encode(file.media_key.as_ref()?),
                sha256: STANDARD.encode(file.file_sha256.as_ref()?),
                encrypted_sha256: STANDARD.encode(file.file_enc_sha256.as_ref()?),
                size: file.file_length.unwrap_or(0),
                kind: kind.to_owned(),
            };
            Some(HeardMedia {
                kind: kind.to_owned(),
                mime_type: file.mimetype.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
                file_name: $name,
                size: file.file_length,
                source: MediaSource::Later(serde_json::to_string(&handle).ok()?),
            })
        }};
    }
    if let Some(m) = content.image_message.as_option() {
        return file!(m, None);
    }
    if let Some(m) = content.video_message.as_option().or_else(|| content.ptv_message.as_option()) {
        return file!(m, None);
    }
    if let Some(m) = content.audio_message.as_option() {
        return file!(m, None);
    }
    if let Some(m) = content.document_message.as_option() {
        return file!(m, m.file_name.clone().or_else(|| m.title.clone()).filter(|n| !n.is_empty()));
    }
    content.sticker_message.as_option().and_then(|m| file!(m, None))
}

impl LinkedMediaRef {
    fn params(&self) -> Option<DownloadParams> {
        let bytes = |text: &str| STANDARD.decode(text).ok();
        let kind = match self.kind.as_str() {
            "image" => MediaType::Image,
            "video" => MediaType::Video,
            "audio" => MediaType::Audio,
            "document" => MediaType::Document,
            "sticker" => MediaType::Sticker,
            _ => return None,
        };
        let (key, sha256, encrypted) = (bytes(&self.key)?, bytes(&self.sha256)?, bytes(&self.encrypted_sha256)?);
        Some(DownloadParams::encrypted(self.path.clone(), &key, &sha256, &encrypted, self.size, kind))
    }
}

impl WebInner {
    /// Brings a file to WhatsApp. Nothing of its message has left yet.
    pub(super) async fn upload(&self, kind: MediaKind, file: &MediaFile) -> Result<UploadResponse, SendError> {
        let bytes = outgoing::file(file).await?;
        let client = self.client().ok_or_else(super::sending::not_now)?;
        let upload = client.upload(bytes, outgoing::media_type(kind), UploadOptions::new());
        match in_time(&*self.clock, WITHIN, upload).await {
            Some(Ok(at)) => Ok(at),
            Some(Err(e)) => {
                let why = format!("WhatsApp did not take the file: {}", repeated(&e.to_string()));
                Err(SendError::temporary("media_upload", &why, None))
            }
            None => Err(SendError::temporary("media_upload", "WhatsApp did not take the file in time", None)),
        }
    }

    pub(super) async fn fetch(&self, handle: &str, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
        let handle = serde_json::from_str::<LinkedMediaRef>(handle).ok();
        let gone = || MediaError::Gone("its handle is none of this connector's".to_owned());
        let handle = handle.ok_or_else(gone)?;
        if handle.size > max_bytes {
            return Err(MediaError::TooLarge(max_bytes));
        }
        let params = handle.params().ok_or_else(gone)?;
        let client = self.client().ok_or_else(|| MediaError::NotNow("the instance is not connected".to_owned()))?;
        let bytes = match in_time(&*self.clock, WITHIN, client.download_from_params(&params)).await {
            None => return Err(MediaError::NotNow("it did not come in time".to_owned())),
            Some(Ok(bytes)) => bytes,
            Some(Err(e)) => {
                use whatsapp_rust::ErrorChainExt as _;
                let said = repeated(&e.to_string());
                return Err(match e.http_status() {
                    Some(404 | 410) => MediaError::Gone(format!("WhatsApp does not keep it any more: {said}")),
                    _ => MediaError::NotNow(said),
                });
            }
        };
        if bytes.len() as u64 > max_bytes { Err(MediaError::TooLarge(max_bytes)) } else { Ok(bytes) }
    }
}
