//! How much memory the process holds, and what of it the start needed and the run does not.
//!
//! Compiling the content rules takes some megabytes for a moment. glibc keeps freed memory for later use; on a small
//! machine it is better given back, once, when the gateway has started.

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
