//! How much memory the process holds, and what of it the start needed and the run does not.
//!
//! Compiling the content rules takes some megabytes for a moment. glibc keeps freed memory for later use; on a small
//! machine it is better given back, once, when the gateway has started.

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
}
