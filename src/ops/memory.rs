//! How much memory the process holds, and what of it the start needed and the run does not.
//!
//! Compiling the content rules takes some megabytes for a moment. glibc keeps freed memory for later use; on a small
//! machine it is better given back, once, when the gateway has started. So is the code that the start alone has run.

/// From how many bytes on a block is a mapping of its own, given back when it is freed: password hashing takes 19 MB for a
/// moment, a file as much as it is large.
const OWN_MAPPING: libc::c_int = 1 << 20;

/// Keeps large blocks out of the allocator's arenas; call it before the first thread is started. glibc moves its own
/// threshold up with each large block that is freed, and then keeps one such block in each thread's arena.
pub fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "glibc's own call; it takes two numbers and touches no memory of ours")]
        // SAFETY: mallopt has no preconditions (mallopt(3)); a fixed threshold turns off the one that moves.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
        }
    }
}

/// Gives freed memory back to the system, where the allocator can (glibc).
pub fn release_unused() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(
            unsafe_code,
            reason = "glibc's own call; it takes a number, touches no memory of ours, and is thread-safe"
        )]
        // SAFETY: malloc_trim has no preconditions (malloc_trim(3)).
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

/// Lets go of the program's code, of which the start alone ran most. What is run again comes back from the system's cache of
/// the file, a few dozen pages at a time; the rest is then the first that a system short of memory drops, not the last.
pub fn release_code() {
    let Some((begin, length)) = own_code() else { return };
    #[expect(unsafe_code, reason = "the kernel's own call, about a mapping of the program's file")]
    // SAFETY: the mapping is private, of a file, and not writable, so that no page of it differs from the file; such a
    // page is read from there again (madvise(2), MADV_DONTNEED).
    unsafe {
        libc::madvise(begin as *mut libc::c_void, length, libc::MADV_DONTNEED);
    }
}

/// Where the program's code begins in memory, and how many bytes it has; none where the system does not tell.
fn own_code() -> Option<(usize, usize)> {
    let ours = own_code as *const () as usize;
    // `55d0c8a00000-55d0c9d1d000 r-xp 00400000 fe:00 131  /usr/bin/wa-gateway` (proc_pid_maps(5)).
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (begin, end) = range.split_once('-')?;
        let (begin, end) = (usize::from_str_radix(begin, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        (rest.starts_with("r-xp ") && (begin..end).contains(&ours)).then_some((begin, end - begin))
    })
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
    fn code_that_was_let_go_runs_again() {
        let (_, length) = super::own_code().expect("Linux tells");
        assert!(length > 1 << 20, "{length} bytes are not all of it");
        super::release_code();
        assert_eq!(super::own_code().map(|(_, length)| length), Some(length));
    }
}
