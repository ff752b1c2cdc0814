//! Threads apart from those of messages, for what takes a processor for milliseconds: a message of another account would wait
//! for all of it that somebody asks for.

use super::aside::{come_last, yield_to_messages};
use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use tokio::runtime::{Builder, Handle, Runtime};

/// There are none before their first work, nor where all of it is done by whoever asks for it.
pub struct ThreadsApart {
    start: fn() -> io::Result<Runtime>,
    apart: AtomicBool,
    runtime: OnceLock<Option<Runtime>>,
}

impl ThreadsApart {
    /// Those that make pages. They come after those of messages.
    pub fn of_pages() -> Self {
        Self::started_by(|| {
            Builder::new_multi_thread().thread_name("pages").on_thread_start(come_last).enable_all().build()
        })
    }

    /// The one that calls places that customers name, for webhooks and for files, and fetches what was sent to them. It yields
    /// to those of messages: one message may ask for hundreds of calls, and a file fills millions of bytes.
    pub fn of_calls() -> Self {
        Self::started_by(|| {
            let mut threads = Builder::new_multi_thread();
            threads.worker_threads(1).thread_name("calls").on_thread_start(yield_to_messages).enable_all().build()
        })
    }

    fn started_by(start: fn() -> io::Result<Runtime>) -> Self {
        Self { start, apart: AtomicBool::new(false), runtime: OnceLock::new() }
    }

    /// Has it done by threads of its own from now on.
    pub fn set_apart(&self) {
        self.apart.store(true, Relaxed);
    }

    /// Where it is done. A system that gives no more threads has it done by the caller's.
    pub fn handle(&self) -> Handle {
        let own = || self.runtime.get_or_init(|| (self.start)().ok()).as_ref();
        let own = if self.apart.load(Relaxed) { own() } else { None };
        own.map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for ThreadsApart {
    fn drop(&mut self) {
        // A runtime that waited for its threads could not end within another one.
        if let Some(runtime) = self.runtime.take().flatten() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_are_made_by_one_thread_that_yields() {
        let threads = ThreadsApart::of_calls();
        assert_eq!(threads.handle().id(), Handle::current().id(), "they are not apart yet");
        threads.set_apart();
        assert_ne!(threads.handle().id(), Handle::current().id());
        assert_eq!(threads.handle().metrics().num_workers(), 1);
        let ours = || rustix::process::getpriority_process(None).expect("a priority");
        let theirs = threads.handle().spawn(async move { ours() }).await.expect("done");
        assert!(theirs > ours(), "{theirs}");
    }
}
