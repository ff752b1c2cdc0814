//! What the sandbox's phones received: a file of its own, one JSON object a line, written before the sandbox
//! acknowledges.
//!
//! One write(2) a line: what was written is in the kernel's hands and outlives a killed process, which is what the
//! tests that kill us need. A power cut may take it; no fsync, because this file stands for phones that are elsewhere.

use crate::{
    connectors::{Content, Outgoing},
    model::clock::Time,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Mutex,
};

/// One message on one of the sandbox's phones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// The sandbox's own id.
    pub provider_message_id: String,
    /// The gateway's id.
    pub message_id: String,
    /// The phone (or hidden id, or group).
    pub to: String,
    /// What one reads on it.
    pub text: String,
    /// When, RFC 3339.
    pub at: String,
    /// text, template, image, video, audio, document.
    #[serde(default = "text_kind")]
    pub kind: String,
}

fn text_kind() -> String {
    "text".into()
}

/// The open file.
pub(super) struct Inbox {
    path: PathBuf,
    file: Mutex<File>,
}

impl Inbox {
    pub(super) fn open(data_dir: &Path, instance: &str) -> io::Result<Self> {
        let dir = data_dir.join("sandbox");
        if !dir.exists() {
            DirBuilder::new().mode(0o700).recursive(true).create(&dir)?;
        }
        let path = dir.join(format!("{instance}.jsonl"));
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        end_torn_line(&path, &file)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Puts a message on the phone.
    pub(super) fn accept(&self, provider_message_id: &str, out: &Outgoing, at: Time) -> io::Result<()> {
        let (kind, text) = shown(&out.content);
        let entry = Accepted {
            provider_message_id: provider_message_id.to_owned(),
            message_id: out.message_id.to_string(),
            to: out.to.to_string(),
            text,
            at: at.rfc3339(),
            kind: kind.to_owned(),
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(&line)
    }

    /// What is on the phones, or on one of them; newest last.
    pub(super) fn read(&self, phone: Option<&str>) -> io::Result<Vec<Accepted>> {
        read(&self.path, phone)
    }
}

/// Reads an inbox file. A last line that was cut by a crash was not acknowledged, and is left out.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path, phone: Option<&str>) -> io::Result<Vec<Accepted>> {
    let mut all = Vec::new();
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        match serde_json::from_slice::<Accepted>(&line?) {
            Ok(entry) if phone.is_none_or(|p| p == entry.to) => all.push(entry),
            _ => {}
        }
    }
    Ok(all)
}

/// A line that a crash cut must not swallow the next one.
fn end_torn_line(path: &Path, mut file: &File) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let len = file.metadata()?.len();
    let mut last = [0];
    if len > 0 {
        File::open(path)?.read_exact_at(&mut last, len - 1)?;
        if last[0] != b'\n' {
            file.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn shown(content: &Content) -> (&'static str, String) {
    match content {
        Content::Text(text) => ("text", text.clone()),
        Content::Media { kind, url, caption, .. } => (kind.as_str(), format!("{caption} [{url}]").trim().to_owned()),
        Content::Template { name, language, variables } => {
            ("template", format!("[{name} {language}] {}", variables.join(" | ")).trim().to_owned())
        }
    }
}
