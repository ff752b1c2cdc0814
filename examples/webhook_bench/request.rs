//! Requests in a buffer, as far as a receiver that answers 200 wants to know them.

/// Where the first request ends, once all of it is there.
pub fn whole(buffer: &[u8]) -> Option<usize> {
    let end = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
    let length: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    (buffer.len() >= end + length).then_some(end + length)
}
