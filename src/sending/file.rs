//! The file of a message, had before the message is judged for good: outside every transaction, within the answer's
//! time, and only when everything else would let the message pass.

use super::{
    asked::{Asked, Submission},
    facts, idempotency,
    idempotency::KnownKey,
    policy::{self, content::Score},
    refusal::Refusal,
    request::{Draft, FileFrom, FileWanted},
    upload::TakenUpload,
};
use crate::{
    connectors::{
        message_limits::MessageLimits,
        outgoing::{MediaFile, MediaKind},
    },
    model::{
        clock::Time,
        code::{Code, Details},
        file_name,
        ids::LogId,
    },
    people::media::{self, FileContent, NewMedia, NotFetched, Of, Written},
    store::{StoreError, Tx, WriteTx},
};
use std::sync::Arc;

/// What of the answer's time is left for the provider.
const FOR_THE_PROVIDER: u32 = 3;

/// A message's file, before the transaction that judges.
pub(super) enum PreparedFile {
    /// It was not fetched: the message is refused or answered anyway.
    NotFetched,
    /// It could not be had, and why.
    Refused(NotFetched),
    /// It is on the disk.
    Here(Here),
}

/// A file on the disk, without a row.
pub(super) struct Here {
    written: Written,
    kind: MediaKind,
    /// As its address said.
    declared_type: String,
    /// What the provider is told that it is.
    mime_type: String,
    /// The caller's name for it, else its server's, else its address's; with an ending that opens it.
    file_name: Option<String>,
}

/// Gets the message's file, if it has one and would pass with it.
pub(super) async fn prepare(
    submission: &Submission,
    score: &Score,
    deadline: Time,
) -> Result<Option<Arc<PreparedFile>>, StoreError> {
    let Draft::Media { kind, file, .. } = &submission.request().draft else { return Ok(None) };
    let (kind, shared) = (*kind, &submission.shared);
    let (asking, scored) = (submission.clone(), score.clone());
    if !shared.store.read(move |tx| asking.ask(|asked| would_pass(tx, asked, scored))).await? {
        return Ok(Some(Arc::new(PreparedFile::NotFetched)));
    }
    let had = match &file.from {
        FileFrom::Address(url) => {
            let reserve = shared.rules.load().answer_timeout / FOR_THE_PROVIDER;
            let had =
                shared.shelf.download((submission.account(), url), kind, &*shared.clock, deadline.minus(reserve)).await;
            had.map(|had| (had.written, had.declared_type, had.file_name))
        }
        FileFrom::Here(file) => {
            let written = match file.take() {
                Some(TakenUpload::Held(bytes)) => shared.shelf.keep(bytes, kind).await,
                Some(TakenUpload::OnDisk(written)) => {
                    let problem = shared.shelf.unfit(written.stored(), kind);
                    problem.map_or(Ok(written), Err)
                }
                None => Err(NotFetched::Unfit("the file was taken by another try".into())),
            };
            written.map(|written| (written, file.declared_type().to_owned(), None))
        }
    };
    Ok(Some(Arc::new(match had {
        Ok((written, declared_type, its_name)) => {
            let name = file.file_name.clone().or(its_name);
            PreparedFile::Here(Here::new(written, kind, declared_type, name))
        }
        Err(why) => PreparedFile::Refused(why),
    })))
}

fn would_pass(tx: &Tx<'_>, asked: &Asked<'_>, score: Score) -> Result<bool, StoreError> {
    let Asked { rules, request, .. } = *asked;
    if let Some(key) = &request.idempotency_key
        && idempotency::look_up(tx, asked, key)? != KnownKey::New
    {
        return Ok(false);
    }
    let facts = facts::load(tx, asked, score)?;
    Ok(policy::judge(request, &facts, rules).is_ok())
}

/// After the transaction: a file whose row is recorded, or may be, stays; any other goes.
pub(super) fn settle(file: Option<Arc<PreparedFile>>, recorded: bool) {
    if let Some(PreparedFile::Here(here)) = file.filter(|_| recorded).as_deref() {
        here.written.keep();
    }
}

/// The file of a message that passed every gate, or why it is refused for its file: it could not be had, or the
/// connector, whose bounds these are, does not take it.
pub(super) fn here<'f>(
    file: Option<&'f PreparedFile>,
    wanted: &FileWanted,
    limits: MessageLimits,
) -> Result<&'f Here, Refusal> {
    let field = match &wanted.from {
        FileFrom::Address(_) => "media_url",
        FileFrom::Here(uploaded) => uploaded.field(),
    };
    let refused = |why: String| {
        let details = Details::FieldsBecause(vec![field], why.clone());
        Err(Refusal { gate: "file", details, ..Refusal::new(Code::ValidationError, why) })
    };
    match file {
        Some(PreparedFile::Here(here)) => {
            let problem = limits.file_problem(here.kind, &here.mime_type, here.written.stored().size);
            problem.map_or(Ok(here), refused)
        }
        Some(PreparedFile::Refused(NotFetched::Unfit(why))) => refused(why.clone()),
        Some(PreparedFile::Refused(NotFetched::NotNow(why))) => {
            Err(Refusal { gate: "file", ..Refusal::new(Code::ServiceUnavailable, *why) })
        }
        // It would not have passed a moment ago, and now it would: the caller tries again.
        Some(PreparedFile::NotFetched) | None => {
            let reason = "the file was not fetched, because the message would have been refused a moment ago";
            Err(Refusal { gate: "file", ..Refusal::new(Code::ServiceUnavailable, reason) })
        }
    }
}

impl Here {
    fn new(written: Written, kind: MediaKind, declared_type: String, name: Option<String>) -> Self {
        let mime_type = media::outgoing_type(kind, written.stored(), &declared_type, name.as_deref());
        // A document is shown by its name.
        let name = name.or_else(|| (kind == MediaKind::Document).then(|| "document".to_owned()));
        let file_name = name.map(|name| file_name::with_ending(&name, &mime_type));
        Self { written, kind, declared_type, mime_type, file_name }
    }

    /// Writes the file's row; what the connector is given.
    pub(super) fn record(&self, tx: &WriteTx<'_>, asked: &Asked<'_>, log_id: LogId) -> Result<MediaFile, StoreError> {
        let Self { written, kind, declared_type, mime_type, file_name } = self;
        let stored = written.stored();
        let new = NewMedia {
            account: asked.sender.account,
            instance: &asked.request.instance,
            of: Of::Outbound(log_id),
            kind: kind.as_str(),
            declared_type,
            file_name: file_name.as_deref(),
            content: FileContent::Stored(stored),
        };
        media::record(tx, &new, asked.now)?;
        Ok(MediaFile {
            path: written.path(),
            mime_type: mime_type.clone(),
            size: stored.size,
            file_name: file_name.clone(),
        })
    }
}
