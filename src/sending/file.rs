//! The file of a message, had before the message is judged for good: outside every transaction, within the answer's
//! time, and only when everything else would let the message pass.

use super::{
    SendingContext,
    accept::Accepting,
    facts::{self, Sources},
    idempotency::{self, KnownKey},
    policy::{self, Refusal, content::Score},
    request::{Draft, FileFrom, Request, Sender},
};
use crate::{
    connectors::outgoing::MediaFile,
    model::{
        clock::Time,
        code::{Code, Details},
        ids::LogId,
    },
    people::media::{self, FileContent, NewMedia, Of, Written},
    store::{StoreError, Tx, WriteTx},
};
use std::sync::Arc;

/// What of the answer's time is left for the provider.
const FOR_THE_PROVIDER: u32 = 3;

/// A message's file, before the transaction that judges.
pub(super) enum PreparedFile {
    /// The message has none.
    None,
    /// It was not fetched: the message is refused or answered anyway.
    NotFetched,
    /// It could not be had, and why.
    Refused(String),
    /// It is on the disk.
    Here {
        /// Without a row.
        written: Written,
        /// As its address said.
        declared_type: String,
        /// The caller's name for it, else its address's.
        file_name: Option<String>,
    },
}

/// Gets the message's file, if it has one and would pass with it.
pub(super) async fn prepare(
    shared: &Arc<SendingContext>,
    sender: &Sender,
    request: &Request,
    score: &Score,
    deadline: Time,
) -> Result<PreparedFile, StoreError> {
    let Draft::Media { kind, from, file_name, .. } = &request.draft else { return Ok(PreparedFile::None) };
    let (asking, asked, of, scored) = (shared.clone(), request.clone(), sender.clone(), score.clone());
    let passes = shared.store.read(move |tx| would_pass(tx, &asking, &of, &asked, scored)).await?;
    if !passes {
        return Ok(PreparedFile::NotFetched);
    }
    let url = match from {
        FileFrom::Address(url) => url,
        FileFrom::Here(file) => {
            return Ok(match shared.shelf.keep(file.bytes(), *kind).await {
                Ok(written) => {
                    let declared_type = file.declared_type().to_owned();
                    PreparedFile::Here { written, declared_type, file_name: file_name.clone() }
                }
                Err(e) => PreparedFile::Refused(e.to_string()),
            });
        }
    };
    let reserve = shared.rules.load().answer_timeout / FOR_THE_PROVIDER;
    match shared.shelf.download(url, *kind, &*shared.clock, deadline.minus(reserve)).await {
        Ok(had) => Ok(PreparedFile::Here {
            written: had.written,
            declared_type: had.declared_type,
            file_name: file_name.clone().or(had.file_name),
        }),
        Err(e) => Ok(PreparedFile::Refused(e.to_string())),
    }
}

fn would_pass(
    tx: &Tx<'_>,
    shared: &SendingContext,
    sender: &Sender,
    request: &Request,
    score: Score,
) -> Result<bool, StoreError> {
    let (now, rules) = (shared.clock.now(), shared.rules.load());
    if let Some(key) = &request.idempotency_key
        && idempotency::look_up(tx, sender.account, key, request, (now, rules.idempotency_life))? != KnownKey::New
    {
        return Ok(false);
    }
    let sources = Sources { pace: &shared.pace, registry: &shared.registry, rules: &rules, erased: &shared.erased };
    let facts = facts::load(tx, &sources, sender, request, score, now)?;
    Ok(policy::judge(request, &facts, &rules).is_ok())
}

/// After the transaction: the file stays where its row is, or may be; else it goes.
pub(super) fn settle(file: Arc<PreparedFile>, verdict: &Result<Accepting, StoreError>) {
    if let Ok(Accepting::Answered(_)) = verdict {
        return;
    }
    if let Some(PreparedFile::Here { written, .. }) = Arc::into_inner(file) {
        written.keep();
    }
}

impl PreparedFile {
    /// Why a message that passed every gate is refused for its file.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::None | Self::Here { .. } => None,
            Self::Refused(why) => {
                let details = Details::FieldsBecause(vec!["media_url"], why.clone());
                Some(Refusal { gate: "file", details, ..Refusal::new(Code::ValidationError, why.clone()) })
            }
            // It would not have passed a moment ago, and now it would: the caller tries again.
            Self::NotFetched => {
                let reason = "the file was not fetched, because the message would have been refused a moment ago";
                Some(Refusal { gate: "file", ..Refusal::new(Code::ServiceUnavailable, reason) })
            }
        }
    }

    /// Writes the file's row; what the connector is given.
    pub(super) fn record(
        &self,
        tx: &WriteTx<'_>,
        shared: &SendingContext,
        sender: &Sender,
        request: &Request,
        log_id: LogId,
        now: Time,
    ) -> Result<Option<MediaFile>, StoreError> {
        let (Self::Here { written, declared_type, file_name }, Draft::Media { kind, .. }) = (self, &request.draft)
        else {
            return Ok(None);
        };
        let new = NewMedia {
            account: sender.account,
            instance: &request.instance,
            of: Of::Outbound(log_id),
            kind: kind.as_str(),
            declared_type,
            file_name: file_name.as_deref(),
            content: FileContent::Stored(written.stored()),
        };
        media::record(tx, &new, now)?;
        let stored = written.stored();
        Ok(shared.shelf.locate(&stored.path).map(|path| MediaFile {
            path,
            mime_type: media::outgoing_type(stored.sniffed, declared_type),
            size: stored.size,
            file_name: file_name.clone(),
        }))
    }
}
