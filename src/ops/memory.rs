//! The process's memory: its allocator, how much it holds, and what of it the start needed and the run does not.
//!
//! All memory, SQLite's as well, is mimalloc's (linked in the place of the C library's `malloc`): a message takes some
//! hundred small blocks on one thread that another one frees, for which glibc asks locks, a seventh of the processor's time.
//! What is free is given back to the system soon: on a small machine a password check's 19 MB are somebody else's.

use crate::model::clock::Clock;
use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};
use std::{ffi::c_long, time::Duration};

/// For how many milliseconds what was freed is kept for the next who wants it. At 0 each burst asks the system anew (a
/// fifth more of the processor's time for a message), at mimalloc's own 1000 it is resident long after it.
const KEPT_FOR: c_long = 100;

/// From how many KiB on a block is a mapping of its own, given back when it is freed: password hashing takes 19 MB for a
/// moment, a file as much as it is large.
const OWN_MAPPING: c_long = 1024;

/// mimalloc's options `purge_delay` and `arena_max_object_size`, by their places in the list of `mimalloc.h`; its Rust
/// bindings name neither.
const PURGE_DELAY: mi_option_t = 15;
const ARENA_MAX_OBJECT_SIZE: mi_option_t = 45;

/// Lets the allocator give back soon what was freed; call it before the first thread is started.
pub fn give_back_soon() {
    #[expect(unsafe_code, reason = "the allocator's own calls; they take numbers and touch no memory of ours")]
    // SAFETY: they must not run beside another thread that sets options (mimalloc.h); nothing else here sets one.
    unsafe {
        mi_option_set(PURGE_DELAY, KEPT_FOR);
        mi_option_set(ARENA_MAX_OBJECT_SIZE, OWN_MAPPING);
    }
}

/// How often it is looked whether the process has come to rest.
const LOOK: Duration = Duration::from_secs(2);

/// What the process may take of the processor between two looks and count as at rest: a hundredth.
const AT_REST: Duration = Duration::from_millis(20);

/// After how much work there is something to let go of again: what is done each minute takes about as much. Getting the
/// code back takes a tenth of a millisecond.
const WORTH_IT: Duration = Duration::from_millis(4);

/// Lets go of what the start, or a stretch of work, needed and rest does not, each time that the process comes to rest.
/// Never returns.
pub async fn let_go_at_rest(clock: &dyn Clock) {
    let mut rest = Rest { last: taken(), let_go_at: Duration::ZERO };
    loop {
        clock.sleep_until(clock.now().plus(LOOK)).await;
        if rest.is_due(taken()) {
            release_unused();
            release_code();
        }
    }
}

/// What the process had taken of the processor in all: at the last look, and when it last let go.
struct Rest {
    last: Duration,
    let_go_at: Duration,
}

impl Rest {
    /// Whether it is at rest, and there is something to let go of; counts as done then.
    fn is_due(&mut self, taken: Duration) -> bool {
        let since_last = taken.saturating_sub(std::mem::replace(&mut self.last, taken));
        let is_due = since_last <= AT_REST && taken.saturating_sub(self.let_go_at) >= WORTH_IT;
        if is_due {
            self.let_go_at = taken;
        }
        is_due
    }
}

/// What all threads have taken of the processor so far; zero where the system does not tell.
fn taken() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the kernel's own call; it writes one struct")]
    // SAFETY: the struct is ours, and outlives the call (clock_gettime(2)).
    let told = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) } == 0;
    let part = |n: i64| u64::try_from(n).unwrap_or(0);
    if told {
        Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
    } else {
        Duration::ZERO
    }
}

/// Gives freed memory back to the system at once.
pub fn release_unused() {
    #[expect(unsafe_code, reason = "the allocator's own call; it takes a flag and is thread-safe")]
    // SAFETY: mi_collect has no preconditions (mimalloc.h).
    unsafe {
        mi_collect(true);
    }
}

/// Lets go of the program's code and constants, of which the start alone needed most. What is needed again comes back from
/// the system's cache of the file, a few dozen pages at a time; the rest is then the first that a system short of memory
/// drops, not the last.
pub fn release_code() {
    for (begin, length) in own_code().into_iter().chain(own_constants()) {
        #[expect(unsafe_code, reason = "the kernel's own call, about a mapping of the program's file")]
        // SAFETY: the mapping is private, of a file, not writable, and no page of it differs from the file; such a page is
        // read from there again (madvise(2), MADV_DONTNEED).
        unsafe {
            libc::madvise(begin as *mut libc::c_void, length, libc::MADV_DONTNEED);
        }
    }
}

fn own_code() -> Option<(usize, usize)> {
    as_in_the_file(own_code as *const () as usize, "r-xp")
}

fn own_constants() -> Option<(usize, usize)> {
    as_in_the_file(c"any constant".as_ptr() as usize, "r--p")
}

/// Where the mapping of an address begins, and how many bytes it has; none where its rights are others, where a page of it
/// was written to (as the loader does with addresses), or where the system does not tell.
fn as_in_the_file(address: usize, rights: &str) -> Option<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
    let mut lines = maps.lines();
    let (begin, end) = lines.find_map(|line| {
        // `55d0c8a00000-55d0c9d1d000 r-xp 00400000 fe:00 131  /usr/bin/wa-gateway` (proc_pid_maps(5)); lines of other
        // forms follow, until the next such one.
        let (range, rest) = line.split_once(' ')?;
        let (begin, end) = range.split_once('-')?;
        let (begin, end) = (usize::from_str_radix(begin, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        ((begin..end).contains(&address) && rest.starts_with(rights)).then_some((begin, end))
    })?;
    // `Anonymous:             0 kB`, and the same of `Swap`: pages that are no longer the file's, here or on the disk
    // (proc_pid_smaps(5)). Both follow in this order, before the next mapping's.
    let mut is_none = |of: &str| lines.find_map(|line| line.strip_prefix(of)).is_some_and(|n| n.trim() == "0 kB");
    (is_none("Anonymous:") && is_none("Swap:")).then_some((begin, end - begin))
}

/// What the process holds of the machine's memory, in bytes; none where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    // `VmRSS:      12345 kB` (proc_pid_status(5)).
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let held = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = held.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_running_process_holds_some_megabytes() {
        let held = super::resident_bytes().expect("Linux tells");
        assert!((1 << 20..1 << 40).contains(&held), "{held}");
    }

    #[test]
    fn a_large_block_is_given_back_when_it_is_freed() {
        super::give_back_soon();
        // Another thread may be given the same addresses meanwhile: not ten times in a row.
        let given_back = (0..10).any(|_| {
            let block = vec![1_u8; 19 << 20];
            let at = block.as_ptr() as usize;
            assert!(is_mapped(at), "a block that is held");
            drop(block);
            !is_mapped(at)
        });
        assert!(given_back, "the options of mimalloc have other numbers now");
    }

    /// Whether the process has memory at an address (proc_pid_maps(5)).
    fn is_mapped(at: usize) -> bool {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
        maps.lines().any(|line| {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-')).expect("a range");
            let [begin, end] = [range.0, range.1].map(|n| usize::from_str_radix(n, 16).expect("an address"));
            (begin..end).contains(&at)
        })
    }

    #[test]
    fn sqlite_has_its_memory_from_the_same_allocator() {
        // What the C library's own names give is mimalloc's.
        #[expect(unsafe_code, reason = "asks whose a block is")]
        // SAFETY: the block is freed once, by whose counterpart gave it.
        let ours = unsafe {
            let block = libc::malloc(100);
            let ours = libmimalloc_sys::mi_is_in_heap_region(block);
            libc::free(block);
            ours
        };
        assert!(ours);
    }

    #[test]
    fn it_lets_go_once_after_each_stretch_of_work() {
        let ms = std::time::Duration::from_millis;
        let mut rest = super::Rest { last: ms(60), let_go_at: ms(0) };
        // The start took 60 ms; then nothing, messages, their last, nothing, a little again and again.
        let looks = [61, 61, 161, 500, 510, 511, 513, 515, 516];
        let due: Vec<bool> = looks.into_iter().map(|taken| rest.is_due(ms(taken))).collect();
        assert_eq!(due, [true, false, false, false, true, false, false, true, false]);
    }

    #[test]
    fn code_that_was_let_go_runs_again() {
        for of in [super::own_code, super::own_constants] {
            let (begin, length) = of().expect("Linux tells");
            assert!(length > 1 << 20, "{length} bytes are not all of it");
            super::release_code();
            assert_eq!(of(), Some((begin, length)));
        }
        // What the loader or the program wrote to would be lost.
        static WRITTEN: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
        WRITTEN.store(2, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(super::as_in_the_file(&raw const WRITTEN as usize, "rw-p"), None);
    }
}
