//! A file that goes with what is typed: what may be chosen, and why one that was chosen is none to send.

use crate::{
    connectors::outgoing::MediaKind,
    gateway::Gateway,
    instances::Instance,
    model::{aside::aside, file_name, text},
    people::media::Unfit,
    portal::{PageContext, PageError},
    sending::request::{Draft, FileFrom, FileWanted, Uploaded},
    store::StoreError,
    web::form::Upload,
};

/// The largest file that a form brings, in bytes, however large documents may be: no listener takes more in one body.
const FORM_HOLDS: u64 = 60 << 20;

/// What the page knows of a kind of file.
pub struct Limit {
    /// image, video, audio or document.
    pub kind: &'static str,
    /// Bytes.
    pub most: usize,
    /// What is said of a larger one.
    pub text: String,
}

/// The largest file of a kind, in bytes.
pub fn most(gateway: &Gateway, kind: MediaKind) -> usize {
    usize::try_from(gateway.media.shelf().most(kind).min(FORM_HOLDS)).unwrap_or(usize::MAX)
}

/// What may be chosen; nothing where the number sends no files.
pub(super) fn limits(gateway: &Gateway, v: &PageContext, instance: &Instance) -> Vec<Limit> {
    if !gateway.registry.capabilities(&instance.id).is_some_and(|can| can.media) {
        return Vec::new();
    }
    let limit = |kind: &MediaKind| {
        let most = most(gateway, *kind);
        Limit { kind: kind.as_str(), most, text: too_large(v, *kind, most) }
    };
    MediaKind::PLAIN.iter().map(limit).collect()
}

fn too_large(v: &PageContext, kind: MediaKind, most: usize) -> String {
    v.fill_all("chat.file_too_large", &[("kind", &v.word("kind", kind)), ("size", &v.size(most))])
}

/// The file that was chosen, if one was.
pub(super) fn chosen(v: &PageContext) -> Option<&Upload> {
    v.upload.as_ref().filter(|upload| !upload.name.is_empty() || !upload.bytes.is_empty())
}

/// The message that a file and the text beside it make, or what is wrong with it in plain words.
pub(super) async fn draft(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
    upload: &Upload,
    text: &str,
) -> Result<Result<Draft, String>, PageError> {
    if limits(gateway, v, instance).is_empty() {
        return Ok(Err(v.t("chat.no_files").to_owned()));
    }
    let kind = match gateway.media.shelf().judge(&upload.bytes) {
        Err(Unfit::Empty) => return Ok(Err(v.t("chat.file_empty").to_owned())),
        Err(Unfit::TooLarge { kind, .. }) => return Ok(Err(too_large(v, kind, most(gateway, kind)))),
        Ok(kind) => kind,
    };
    if !kind.has_caption() && !text::is_blank(text) {
        return Ok(Err(v.t("chat.sound_alone").to_owned()));
    }
    let (bytes, declared_type) = (upload.bytes.clone(), upload.declared_type.clone());
    let read = aside(move || Uploaded::new(bytes, declared_type)).await;
    let file = read.map_err(|e| StoreError::Panicked(e.to_string()))?;
    let caption = if text::is_blank(text) { String::new() } else { text.to_owned() };
    let file_name = file_name::clean(&upload.name);
    Ok(Ok(Draft::Media { kind, file: FileWanted { from: FileFrom::Here(file), file_name }, caption }))
}
