//! The threads that make pages, apart from those of messages: a page takes milliseconds of a processor, and a message of
//! another account would wait for all of them that somebody asks for.

use crate::model::aside::come_last;
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use tokio::runtime::{Builder, Handle, Runtime};

/// There are none before the first page, nor where pages are made by whoever asks for them.
#[derive(Default)]
pub struct PageThreads {
    apart: AtomicBool,
    runtime: OnceLock<Option<Runtime>>,
}

impl PageThreads {
    /// Has pages made by threads of their own from now on, which come after those of messages.
    pub fn set_apart(&self) {
        self.apart.store(true, Relaxed);
    }

    /// Where a page is made. A system that gives no more threads has it made by the caller's.
    pub fn handle(&self) -> Handle {
        let own = || self.runtime.get_or_init(|| start().ok()).as_ref();
        let own = if self.apart.load(Relaxed) { own() } else { None };
        own.map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for PageThreads {
    fn drop(&mut self) {
        // A runtime that waited for its threads could not end within another one.
        if let Some(runtime) = self.runtime.take().flatten() {
            runtime.shutdown_background();
        }
    }
}

fn start() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().thread_name("pages").on_thread_start(come_last).enable_all().build()
}
