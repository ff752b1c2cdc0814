//! The Unix socket that the command line uses.
//!
//! One command a connection: a line of JSON, answered by a line of JSON. The socket lies in the data directory with
//! mode 0600, so that who may use it is who may read the database. What a command did is in force when it is answered.

use super::commands::{Command, CommandResult};
use crate::dialects::AppState;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
};

/// Largest command: an imported list of numbers comes through here.
const COMMAND_MAX: u64 = 64 * 1024 * 1024;

/// What the socket answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done(Value),
    /// Why it is not, in one line.
    Failed(String),
}

fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// The socket, and which file is its.
pub struct ControlSocket {
    listener: UnixListener,
    /// Device and number.
    file: (u64, u64),
    /// Whether it takes no connections any more.
    is_broken: bool,
}

/// Makes the socket. A file of an earlier run is in nobody's use: the directory's lock is ours.
///
/// # Errors
/// The directory cannot be written, or its path is too long for a socket (about 100 bytes).
pub fn listen(data_dir: &Path) -> io::Result<ControlSocket> {
    let path = socket_path(data_dir);
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)
        .map_err(|e| io::Error::new(e.kind(), format!("cannot make the control socket {}: {e}", path.display())))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(ControlSocket { listener, file: file_at(&path)?, is_broken: false })
}

fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl ControlSocket {
    /// The same, or a new one where it is lost: without it the command line could reach nobody until the next start. In a
    /// directory that is not ours any more, nothing is touched.
    async fn kept(self, gateway: &AppState) -> Self {
        let path = socket_path(&gateway.data_dir);
        let is_there = file_at(&path).is_ok_and(|file| file == self.file);
        if is_there && !self.is_broken || gateway.store.probe().await.is_err() {
            return self;
        }
        match listen(&gateway.data_dir) {
            Ok(new) => {
                tracing::warn!("the control socket was removed or replaced; it was made again");
                new
            }
            Err(e) => {
                tracing::warn!("{e}");
                self
            }
        }
    }
}

/// Removes the socket's file.
pub fn forget(data_dir: &Path) {
    let _ = fs::remove_file(socket_path(data_dir));
}

/// Answers until the gateway stops; sees to it that the socket stays there.
pub async fn serve(mut socket: ControlSocket, gateway: Arc<AppState>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept(), if !socket.is_broken => Some(accepted),
            () = gateway.look_at_control.notified() => None,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            None => socket = socket.kept(&gateway).await,
            Some(Ok((stream, _))) => drop(connections.spawn(answer(stream, gateway.clone()))),
            Some(Err(e)) => {
                tracing::warn!("the control socket failed, and is made again within a minute: {e}");
                socket.is_broken = true;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn answer(stream: UnixStream, gateway: Arc<AppState>) {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(COMMAND_MAX));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    let reply = match serde_json::from_str::<Command>(&line) {
        Ok(command) => match gateway.fence.why_closed().filter(|_| !command.only_looks()) {
            Some(why) => Reply::Failed(why),
            None => command.execute(&gateway).await.map_or_else(Reply::Failed, Reply::Done),
        },
        Err(e) => Reply::Failed(format!("this gateway does not know the command (is it another version?): {e}")),
    };
    let mut text = serde_json::to_vec(&reply).unwrap_or_default();
    text.push(b'\n');
    // The command line may have gone; what it asked for is done.
    let _ = writer.write_all(&text).await;
}

/// Asks the running gateway of this data directory; `None` when none runs.
///
/// # Errors
/// What the gateway answers, or why it could not be asked.
pub fn ask<'a>(data_dir: &'a Path, command: &'a Command) -> BoxFuture<'a, Option<CommandResult>> {
    Box::pin(async move {
        let stream = UnixStream::connect(socket_path(data_dir)).await.ok()?;
        Some(ask_over(stream, command).await)
    })
}

async fn ask_over(stream: UnixStream, command: &Command) -> CommandResult {
    let failed = |e: io::Error| format!("the running gateway could not be asked: {e}");
    let (reader, mut writer) = stream.into_split();
    let mut line = serde_json::to_vec(command).map_err(|e| e.to_string())?;
    line.push(b'\n');
    writer.write_all(&line).await.map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(reader).read_line(&mut answer).await.map_err(failed)?;
    match serde_json::from_str(&answer) {
        Ok(Reply::Done(value)) => Ok(value),
        Ok(Reply::Failed(problem)) => Err(problem),
        Err(_) => Err("the running gateway went away before it answered".into()),
    }
}
