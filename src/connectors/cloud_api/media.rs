//! A file that somebody sent: Meta tells its address for some minutes, and gives it only to who has the token.

use super::client::{Client, GraphError, Trouble};
use crate::connectors::MediaError;
use sha2::{Digest as _, Sha256};

/// Gets the file of a handle, of at most `max_bytes`, and holds it against the SHA-256 that Meta told.
///
/// # Errors
/// See [`MediaError`].
pub(super) async fn fetch(client: &Client, handle: &str, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
    let told = client.media(handle).await.map_err(|trouble| match &trouble {
        // Not there any more, or never there for this number.
        Trouble::Refused { error: Some(GraphError { code: 100, .. }), .. }
        | Trouble::Refused { status: 404 | 410, .. } => MediaError::Gone(trouble.text()),
        _ => MediaError::NotNow(trouble.text()),
    })?;
    let size = told["file_size"].as_u64().or_else(|| told["file_size"].as_str()?.parse().ok());
    if size.is_some_and(|size| size > max_bytes) {
        return Err(MediaError::TooLarge(max_bytes));
    }
    let Some(url) = told["url"].as_str() else {
        return Err(MediaError::NotNow("Meta tells no address for the file".to_owned()));
    };
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let answer = client.file(url, max).await.map_err(|e| MediaError::NotNow(format!("the file does not come: {e}")))?;
    if !answer.status.is_success() {
        return Err(MediaError::NotNow(format!("Meta answered {} instead of the file", answer.status.as_u16())));
    }
    if answer.truncated {
        return Err(MediaError::TooLarge(max_bytes));
    }
    let is_right = told["sha256"].as_str().is_none_or(|told| is_digest(told, &answer.body));
    // What was changed on the way may come whole the next time.
    if is_right { Ok(answer.body.to_vec()) } else { Err(MediaError::NotNow("the file came damaged".to_owned())) }
}

/// Whether `told` is the digest of `bytes`: in hex, as Meta writes it here, or in base64, as in its webhooks.
fn is_digest(told: &str, bytes: &[u8]) -> bool {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    told.eq_ignore_ascii_case(&hex) || told == STANDARD.encode(digest)
}

#[cfg(test)]
mod tests {
    use super::is_digest;

    #[test]
    fn a_digest_is_known_in_both_spellings() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(is_digest(hex, b"abc") && is_digest(&hex.to_uppercase(), b"abc"));
        assert!(is_digest("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", b"abc"));
        assert!(!is_digest(hex, b"abd") && !is_digest("", b"abc"));
    }
}
