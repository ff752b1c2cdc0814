//! What the gateway logs, as far as it runs on the test's own thread: all of it, in a runtime of one thread.
//!
//! One subscriber writes for all threads, each into its own test's text. A subscriber for each thread misses lines: a place
//! that logs is remembered as unwanted when a thread without one comes to it while another begins to listen.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, Once},
};
use tracing_subscriber::filter::LevelFilter;

type Text = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static TEXT: RefCell<Option<Text>> = const { RefCell::new(None) };
}

static WRITES: Once = Once::new();

/// Begins with its making and ends with its drop; one a thread.
pub struct CapturedLog {
    written: Text,
}

/// The text of the thread that writes, if it wants one.
struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TEXT.with_borrow(|text| {
            if let Some(text) = text {
                text.lock().expect("no holder panics").extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl CapturedLog {
    pub fn begin() -> Self {
        WRITES.call_once(|| {
            let log = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_ansi(false);
            let log = log.with_writer(|| Sink).finish();
            tracing::subscriber::set_global_default(log).expect("nobody else writes");
        });
        let written = Text::default();
        TEXT.set(Some(written.clone()));
        Self { written }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("no holder panics")).into_owned()
    }
}

impl Drop for CapturedLog {
    fn drop(&mut self) {
        TEXT.set(None);
    }
}
