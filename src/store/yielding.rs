//! Threads that yield to those of messages: for what takes its time.

use std::cell::Cell;

/// How much less of a busy processor such a thread gets: nice 5 is a third of what a thread of a message gets beside it.
/// Where nothing else runs it loses nothing.
const NICE: i32 = 5;

thread_local! {
    static YIELDS: Cell<bool> = const { Cell::new(false) };
}

/// Makes the calling thread one of those, for as long as it lives. A system that does not let it leaves it as it is.
pub fn yield_to_messages() {
    if !YIELDS.replace(true) {
        // Linux has a priority for each thread: that of "this process" is the calling thread's (setpriority(2), NOTES).
        let now = rustix::process::getpriority_process(None).unwrap_or_default();
        let _ = rustix::process::setpriority_process(None, now.max(NICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_yields_and_the_others_do_not() {
        let ours = || rustix::process::getpriority_process(None).expect("a priority");
        let before = ours();
        let lowered = std::thread::spawn(move || {
            yield_to_messages();
            yield_to_messages();
            ours()
        });
        assert_eq!(lowered.join().expect("a thread"), NICE.max(before));
        assert_eq!(ours(), before);
    }
}
