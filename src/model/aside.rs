//! Work that takes its time, done where it keeps no message waiting.
//!
//! There are two steps down from the threads of messages. A thread that yields ([`yield_to_messages`]) has a third of what a
//! thread of a message has of the same processor: for what messages and deliveries wait for themselves. One that comes last
//! ([`come_last`]) gives its processor up at once when a thread of a message wants it, and works whenever none does: for pages
//! and files. While messages keep every processor busy, it has a few thousandths of one; in practice they wait for the disk
//! and for providers.
//!
//! Neither is enough by itself: a thread that has begun keeps its processor until the next tick of the clock, some
//! milliseconds, whoever waits behind it. So both work in pieces, and [`give_way`] after each.

use std::{
    cell::Cell,
    io,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinHandle, spawn_blocking},
};

/// How much less of a busy processor a thread that yields gets: nice 5 is a third of what one of a message gets beside it.
/// Where nothing else runs it loses nothing.
const NICE: i32 = 5;
/// What Linux has at the end of the scale.
const NICEST: i32 = 19;
/// How long a thread works before it gives way: a message waits for it so long, some times on its way. Shorter, deliveries
/// would wait for each other's processor after each.
const STRETCH: Duration = Duration::from_micros(250);
/// Bytes of a file that are worked on before a thread gives way.
pub const PIECE: usize = 64 * 1024;
/// Pieces of work at once: most of them wait for the disk.
const AT_ONCE: usize = 8;

thread_local! {
    static YIELDS: Cell<bool> = const { Cell::new(false) };
    static COMES_LAST: Cell<bool> = const { Cell::new(false) };
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The threads of [`aside`]: none before the first work.
static THREADS: OnceLock<Option<Runtime>> = OnceLock::new();

/// Does `work` where one may wait, on a thread that comes last.
pub fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match THREADS.get_or_init(|| start().ok()) {
        Some(threads) => threads.spawn_blocking(work),
        None => spawn_blocking(work),
    }
}

fn start() -> io::Result<Runtime> {
    Builder::new_current_thread().thread_name("aside").max_blocking_threads(AT_ONCE).on_thread_start(come_last).build()
}

/// Makes the calling thread one that yields, for as long as it lives. A system that does not let it leaves it as it is.
pub fn yield_to_messages() {
    if !YIELDS.replace(true) {
        // Linux has a priority for each thread: that of "this process" is the calling thread's (setpriority(2), NOTES).
        // That of our number is the first thread's, and the others' as long as they are not made to yield.
        let of_messages = rustix::process::getpriority_process(Some(rustix::process::getpid())).unwrap_or_default();
        let now = rustix::process::getpriority_process(None).unwrap_or_default();
        let _ = rustix::process::setpriority_process(None, now.max(of_messages + NICE).min(NICEST));
    }
}

/// Makes the calling thread one that comes last, for as long as it lives; one that yields where the system knows no such
/// thing or does not let it. A niceness alone does not do: of a dozen nice threads on one processor each has its share, and
/// none is interrupted before the next tick of the clock (sched(7)).
pub fn come_last() {
    yield_to_messages();
    COMES_LAST.set(true);
    #[cfg(target_os = "linux")]
    {
        let (this_thread, priority): (libc::c_long, libc::c_int) = (0, 0);
        #[expect(unsafe_code, reason = "the kernel's own call about the calling thread; musl has it as a stub alone")]
        // SAFETY: 0 is the calling thread; of ours it reads one number, which lives until it is back (sched_setscheduler(2)).
        unsafe {
            let policy = libc::c_long::from(libc::SCHED_IDLE);
            libc::syscall(libc::SYS_sched_setscheduler, this_thread, policy, &raw const priority);
        }
    }
}

/// Lets whoever waits for the calling thread's processor have it before the next piece of work, if this is a thread that yields
/// or comes last. Call it as often as is easy: it looks at the clock, and gives way after so much of work alone.
pub fn give_way() {
    if !YIELDS.get() {
        return;
    }
    let now = moment();
    if GAVE_WAY.get().is_none_or(|at| now.duration_since(at) >= STRETCH) {
        GAVE_WAY.set(Some(now));
        std::thread::yield_now();
    }
}

/// The time by a clock that is never set: which thread has a processor is decided by it, and nothing that is done.
#[expect(clippy::disallowed_methods, reason = "how long a thread works is measured, and no tick of a test's clock")]
fn moment() -> Instant {
    Instant::now()
}

/// Whether the calling thread was made one that comes last.
pub fn comes_last() -> bool {
    COMES_LAST.get()
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
        assert_eq!(lowered.join().expect("a thread"), (before + NICE).min(NICEST));
        assert_eq!(ours(), before);
    }

    /// The calling thread's scheduling policy: 0 as others, 5 last (proc_pid_stat(5), field 41).
    #[cfg(target_os = "linux")]
    fn policy() -> Option<u32> {
        let text = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        text.rsplit_once(") ")?.1.split(' ').nth(41 - 3)?.parse().ok()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_done_aside_comes_last() {
        let before = policy().expect("a policy");
        assert_eq!(aside(policy).await.expect("done"), Some(5));
        assert_eq!(policy(), Some(before));
    }
}
