//! The file of what a sandbox instance accepted: one JSON line a message, written before the answer.
//!
//! - A line that is whole was accepted; a line that is torn (the process died, or the disk was full, in the middle of
//!   it) was not, and nobody was told that it was. Reading passes over torn lines; writing seals one with `~` and begins
//!   after it.
//! - The file can be read without a running gateway: it is what is compared after a crash with what callers were told.
//!
//! It knows nothing of latency, failures and receipts.

use crate::{
    connectors::{Content, Outgoing},
    model::{
        clock::Time,
        ids::{InstanceId, MessageId},
    },
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// One message that the sandbox accepted, as its line tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboxMessage {
    /// The sandbox's id, `sbx_…`; sorts by time.
    pub provider_message_id: String,
    /// Our own id.
    pub message_id: String,
    /// To whom: E.164 with `+`, a hidden id or a group's id.
    pub to: String,
    /// The text, caption or reaction, as it was given; empty for a template and for a reaction that is taken back.
    pub text: String,
    /// When it was accepted.
    #[serde(deserialize_with = "rfc3339")]
    pub at: Time,
    /// `template`, `reaction`, or the kind of the file; none for plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The file's type, as the provider was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// How many bytes of the file the provider read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The template's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The template's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The template's variables in order; empty for anything else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// The provider's id of the message that it answers or reacts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// Where the file of an instance lies: `<data_dir>/sandbox/<instance>.jsonl`.
pub fn path(data_dir: &Path, instance: &InstanceId) -> PathBuf {
    data_dir.join("sandbox").join(format!("{instance}.jsonl"))
}

/// Reads back what was accepted, newest last; with `to`, only what went to that number or id (spelt as in the file).
/// A file that is not there is an empty inbox. Reads the whole file: call it where blocking is allowed.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read(path: &Path, to: Option<&str>) -> io::Result<Vec<InboxMessage>> {
    let mut lines = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut found = Vec::new();
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        // Only a line with its end was written whole; one with its end that does not parse was torn, and sealed later.
        if line.ends_with(b"\n")
            && let Ok(accepted) = serde_json::from_slice::<InboxMessage>(&line)
            && to.is_none_or(|to| to == accepted.to)
        {
            found.push(accepted);
        }
        line.clear();
    }
    Ok(found)
}

fn rfc3339<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Time, D::Error> {
    Time::parse(&String::deserialize(text)?).map_err(serde::de::Error::custom)
}

/// The open file, to append to.
pub(super) struct InboxFile {
    file: File,
    /// Kept between messages, so that a line costs no allocation.
    line: Vec<u8>,
    /// The file ends in the middle of a line.
    torn: bool,
    path: PathBuf,
    size: u64,
}

/// A file that is larger than this loses its older half: some hundred thousand messages, which is more than anybody
/// looks at, and less than fills a disk.
const SIZE_MAX: u64 = 64 << 20;

impl InboxFile {
    /// Opens the file, or makes it (0600) with its folder (0700).
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            folder.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let torn = ends_torn(&mut file)?;
        let size = file.metadata()?.len();
        Ok(Self { file, path: path.to_owned(), size, line: Vec::new(), torn })
    }

    /// Appends one message. When this ends with `Ok`, the message outlives the end of this process, however sudden;
    /// when it ends with an error, nothing that [`read`] would show was written.
    ///
    /// One write(2) and no fsync: the page cache belongs to the kernel, so kill -9 takes nothing from it. Only a power
    /// cut would, and then the whole machine that this stands in for is gone; a sync would cost a thousand times more
    /// than the write and make the fake the slowest part of every measurement. For the same reason it is written
    /// right here and not on a thread for blocking work: copying some hundred bytes is cheaper than the hand-over.
    pub(super) fn append(&mut self, id: &str, at: Time, out: &Outgoing) -> io::Result<()> {
        if self.size >= SIZE_MAX
            && let Err(e) = self.halve(SIZE_MAX / 2)
        {
            tracing::warn!("{} grows beyond its bound: {e}", self.path.display());
        }
        self.line.clear();
        if self.torn {
            // A line of which only the end is missing must not become whole by the next one's coming.
            self.line.extend_from_slice(b"~\n");
        }
        let to = out.to.to_string();
        serde_json::to_writer(&mut self.line, &InboxLine::of(id, &to, at, out))?;
        self.line.push(b'\n');
        let result = self.file.write(&self.line);
        // Whatever was written without its end must not swallow the next line.
        self.torn = match result {
            Ok(written) => written < self.line.len() && (self.torn || written > 0),
            Err(_) => self.torn,
        };
        self.size += result.as_ref().map_or(0, |written| *written as u64);
        match result {
            Ok(written) if written == self.line.len() => Ok(()),
            Ok(_) => Err(io::ErrorKind::WriteZero.into()),
            Err(e) => Err(e),
        }
    }
}

impl InboxFile {
    /// Writes the file anew without what went to `to`. Torn lines, which nobody was told of, go too.
    pub(super) fn forget(&mut self, path: &Path, to: &str) -> io::Result<usize> {
        let all = read(path, None)?;
        let kept: Vec<&InboxMessage> = all.iter().filter(|one| one.to != to).collect();
        let gone = all.len() - kept.len();
        if gone == 0 {
            return Ok(0);
        }
        let beside = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        for one in kept {
            let mut line = serde_json::to_vec(one)?;
            line.push(b'\n');
            file.write_all(&line)?;
        }
        self.replace(&file, &beside)?;
        Ok(gone)
    }

    /// Writes the file anew with its last `keep` bytes, from the beginning of a line.
    fn halve(&mut self, keep: u64) -> io::Result<()> {
        let mut old = BufReader::new(File::open(&self.path)?);
        old.seek(SeekFrom::Start(self.size.saturating_sub(keep)))?;
        old.read_until(b'\n', &mut Vec::new())?;
        let beside = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        io::copy(&mut old, &mut file)?;
        self.replace(&file, &beside)
    }

    fn replace(&mut self, file: &File, beside: &Path) -> io::Result<()> {
        file.sync_all()?;
        std::fs::rename(beside, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
        let path = std::mem::take(&mut self.path);
        *self = Self::open(&path)?;
        Ok(())
    }
}

fn ends_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// What [`InboxMessage`] reads, borrowed: the fields and their order are the same.
#[derive(Serialize)]
struct InboxLine<'a> {
    provider_message_id: &'a str,
    message_id: &'a MessageId,
    to: &'a str,
    text: Cow<'a, str>,
    at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    variables: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
}

impl<'a> InboxLine<'a> {
    fn of(id: &'a str, to: &'a str, at: Time, out: &'a Outgoing) -> Self {
        let mut line = Self {
            provider_message_id: id,
            message_id: &out.message_id,
            to,
            text: Cow::default(),
            at,
            kind: None,
            mime_type: None,
            size: None,
            file_name: None,
            template: None,
            language: None,
            variables: &[],
            reply_to: out.reply_to.as_deref(),
        };
        match &out.content {
            Content::Text(text) => line.text = text.into(),
            Content::Media { kind, file, caption } => {
                line.text = caption.into();
                line.kind = Some(kind.as_str());
                line.mime_type = Some(&file.mime_type);
                line.size = Some(file.size);
                line.file_name = file.file_name.as_deref();
            }
            Content::Template { name, language, variables, file_name } => {
                line.kind = Some("template");
                line.template = Some(name);
                line.language = Some(language);
                line.variables = variables;
                line.file_name = file_name.as_deref();
            }
            Content::Structured(structured) => {
                line.text = structured.words();
                line.kind = Some(structured.kind());
            }
            Content::Reaction { about, emoji } => {
                line.text = emoji.into();
                line.kind = Some("reaction");
                line.reply_to = Some(&about.provider_message_id);
            }
            Content::Change { about, text } => {
                line.text = text.as_deref().unwrap_or_default().into();
                line.kind = Some(out.content.kind());
                line.reply_to = Some(&about.provider_message_id);
            }
        }
        line
    }
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
