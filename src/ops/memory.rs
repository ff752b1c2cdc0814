//! Memory that the start needed and the run does not.
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
