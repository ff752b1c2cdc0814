//! What the gateway logs, as far as it runs on the test's own thread: all of it, in a runtime of one thread.

use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::filter::LevelFilter;

/// Begins with its making and ends with its drop.
pub struct CapturedLog {
    written: Arc<Mutex<Vec<u8>>>,
    _until: tracing::subscriber::DefaultGuard,
}

struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no holder panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl CapturedLog {
    pub fn begin() -> Self {
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let sink = written.clone();
        let log = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_ansi(false);
        let until = tracing::subscriber::set_default(log.with_writer(move || Sink(sink.clone())).finish());
        Self { written, _until: until }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("no holder panics")).into_owned()
    }
}
