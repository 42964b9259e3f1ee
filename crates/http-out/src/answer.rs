//! Reading of an answer up to a size limit.

use reqwest::{Error, Response};

/// Reads the body of an answer, of at most `max_bytes` bytes; `None` when it is larger. What is larger by its own
/// `Content-Length` is not read at all.
///
/// # Errors
/// When the body breaks off, or does not come within the client's time limits.
pub async fn read_at_most(response: &mut Response, max_bytes: usize) -> Result<Option<Vec<u8>>, Error> {
    let fits = |len: usize| len <= max_bytes;
    let declared = response.content_length().map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX));
    if !fits(declared) {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(declared);
    while let Some(chunk) = response.chunk().await? {
        if !fits(body.len().saturating_add(chunk.len())) {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
