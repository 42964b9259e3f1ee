//! The body, read only after the caller is known.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Bytes;
use api_types::{Code, Object};
use audit::Body;
use registry_core::KeyId;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::blocking::{self, Shares};
use crate::error::ApiError;

/// How long a caller may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A body that a handler wants.
pub(crate) trait FromBody {
    type Out: Send + 'static;
    /// The most bytes that are read; `None` when the route takes no body.
    const LIMIT: Option<usize>;
    fn parse(bytes: &[u8]) -> Result<Self::Out, ApiError>;
}

/// No body.
pub(crate) struct NoBody;

impl FromBody for NoBody {
    type Out = ();
    const LIMIT: Option<usize> = None;
    fn parse(_: &[u8]) -> Result<(), ApiError> {
        Ok(())
    }
}

/// A JSON document of at most `KIB` KiB.
pub(crate) struct JsonBody<T, const KIB: usize>(std::marker::PhantomData<T>);

impl<T: DeserializeOwned + Send + 'static, const KIB: usize> FromBody for JsonBody<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        parse_json(bytes)
    }
}

/// A JSON document that may be left out.
pub(crate) struct OptionalJson<T, const KIB: usize>(std::marker::PhantomData<T>);

impl<T: DeserializeOwned + Default + Send + 'static, const KIB: usize> FromBody for OptionalJson<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        if bytes.is_empty() { Ok(T::default()) } else { parse_json(bytes) }
    }
}

/// A JSON object of at most `KIB` KiB whose members are of another API: they are passed on as they came.
pub(crate) struct RawObject<const KIB: usize>;

/// What a [`RawObject`] is read as.
#[derive(Debug)]
pub(crate) struct RawBody {
    pub object: Map<String, Value>,
    /// How long it was, in bytes.
    pub bytes: usize,
}

/// The most values of a [`RawObject`], an object counted tenfold: each takes far more memory than the bytes that it is
/// written in. Embeddings of token lists have some 300,000.
const MOST_VALUES: usize = 600_000;
/// What an object takes more than another value.
const OBJECT: usize = 10;

impl<const KIB: usize> FromBody for RawObject<KIB> {
    type Out = RawBody;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    fn parse(bytes: &[u8]) -> Result<Self::Out, ApiError> {
        if values(bytes) > MOST_VALUES {
            let what = format!("the body has more than {MOST_VALUES} values");
            return Err(ApiError::new(Code::InvalidBody, what));
        }
        Ok(RawBody { object: parse_json(bytes)?, bytes: bytes.len() })
    }
}

/// How many values a JSON text has at the most, without reading them: each but the first of its container follows a
/// comma, a brace or a bracket outside of strings.
fn values(text: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => count += OBJECT,
            b',' | b'[' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// What is made of a body's bytes.
pub(crate) struct PreparedBody<T> {
    /// What the audit log keeps.
    pub kept: Body,
    /// The digest for the idempotency key, when there is one.
    pub fingerprint: Option<[u8; 32]>,
    pub out: Result<T, ApiError>,
}

/// How a body is to be treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyTreatment {
    /// The audit log keeps its digest alone.
    pub private: bool,
    /// A fingerprint is wanted.
    pub fingerprint: bool,
}

/// From this many bytes on a body is read on the blocking pool: it would hold up every other request of the worker.
const LARGE_BYTES: usize = 256 * 1024;

/// Digests and reads a body, a large one within its caller's share of the threads for that.
pub(crate) async fn prepare<B: FromBody>(
    shares: &Shares,
    caller: Option<&KeyId>,
    bytes: Bytes,
    treat: BodyTreatment,
) -> Result<PreparedBody<B::Out>, ApiError> {
    let large = bytes.len() >= LARGE_BYTES;
    let make = move || PreparedBody {
        kept: if treat.private { Body::digest_only(&bytes) } else { Body::json(&bytes) },
        fingerprint: treat.fingerprint.then(|| fingerprint(&bytes)),
        out: B::parse(&bytes),
    };
    if large {
        return blocking::large(shares, caller.map_or(blocking::ADMIN, KeyId::as_str), make).await;
    }
    Ok(make())
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map(|Object(body)| body).map_err(|error| match error.classify() {
        Category::Data => ApiError::new(Code::InvalidBody, format!("the body does not fit: {error}")),
        Category::Syntax | Category::Eof | Category::Io => {
            ApiError::new(Code::MalformedJson, format!("the body is not JSON: {error}"))
        }
    })
}

/// Reads a body within its limit and time; of a refused one the rest stays in `payload`. An empty one needs no
/// content type.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(Code::BodyTooLarge, format!("the body may have {limit} bytes"));
    let headers = request.headers();
    let told = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if told.is_some_and(|told| told > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    let collect = async {
        match to_bytes_limited(BodyStream::new(payload), limit).await {
            Ok(bytes) => bytes.map_err(|_| ApiError::new(Code::MalformedRequest, "the body broke off")),
            Err(_) => Err(too_large()),
        }
    };
    let slow = |_| ApiError::new(Code::RequestTimeout, "the body came too slowly");
    let bytes = tokio::time::timeout(BODY_TIME, collect).await.map_err(slow)??;
    if !bytes.is_empty() && !is_json(request) {
        return Err(ApiError::new(Code::UnsupportedMediaType, "the body is not declared as JSON"));
    }
    Ok(bytes)
}

/// The digest of a body, the same for every spelling of the same JSON.
fn fingerprint(bytes: &[u8]) -> [u8; 32] {
    let value = serde_json::from_slice::<Value>(bytes).ok();
    let text = value.and_then(|value| canonical::to_jcs(&value).ok());
    *canonical::Digest::sha256(text.as_ref().map_or(bytes, |text| text.as_bytes())).as_bytes()
}

fn is_json(request: &HttpRequest) -> bool {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Small = RawObject<16>;

    async fn prepared(bytes: &[u8], private: bool) -> PreparedBody<RawBody> {
        let treat = BodyTreatment { private, fingerprint: true };
        prepare::<Small>(&Shares::new(2, 2), None, Bytes::copy_from_slice(bytes), treat).await.unwrap()
    }

    #[actix_web::test]
    async fn a_raw_object_keeps_members_that_nobody_here_knows() {
        let body = json!({ "model": "m", "x_new": [1.5, null], "messages": [{ "role": "oracle" }] });
        let read = prepared(body.to_string().as_bytes(), true).await.out.unwrap();
        assert_eq!((read.bytes, Value::Object(read.object)), (body.to_string().len(), body));
    }

    #[actix_web::test]
    async fn what_is_no_object_or_no_utf_8_is_refused_with_its_code() {
        for (bytes, code) in [
            (b"[1]".as_slice(), Code::InvalidBody),
            (b"7", Code::InvalidBody),
            (b"{", Code::MalformedJson),
            (b"", Code::MalformedJson),
            (b"{\"a\":\"\xff\"}", Code::MalformedJson),
            (b"{\"a\":1e999}", Code::MalformedJson),
        ] {
            let refused = prepared(bytes, true).await.out.unwrap_err();
            assert_eq!(refused.0.code, code, "{bytes:?}");
        }
    }

    #[actix_web::test]
    async fn a_private_body_leaves_its_digest_alone_whatever_its_size() {
        let small = json!({ "prompt": "a secret plan" }).to_string();
        let large = json!({ "prompt": "x".repeat(LARGE_BYTES) }).to_string();
        for text in [small, large] {
            let treated = prepared(text.as_bytes(), true).await;
            assert_eq!(treated.kept, Body::digest_only(text.as_bytes()));
            assert!(treated.out.is_ok());
        }
        let open = prepared(br#"{"prompt":"a plan"}"#, false).await.kept;
        assert_eq!(open, Body::json(br#"{"prompt":"a plan"}"#));
        assert_ne!(open, Body::digest_only(br#"{"prompt":"a plan"}"#));
    }

    #[actix_web::test]
    async fn a_fingerprint_is_the_same_for_every_spelling_of_the_same_json() {
        let one = prepared(br#"{"a":1,"b":[ 2 ]}"#, true).await.fingerprint;
        let other = prepared(br#"{ "b":[2], "a":1.0 }"#, false).await.fingerprint;
        assert!(one.is_some());
        assert_eq!(one, other);
        assert_ne!(one, prepared(br#"{"a":2}"#, true).await.fingerprint);
    }

    #[test]
    fn values_are_counted_outside_of_strings_alone() {
        for (text, most) in [(r#"{"a":[1,2],"b":"x,[{\",y"}"#, 13), ("1", 0), (r#"["\\",[],{}]"#, 14)] {
            assert_eq!(values(text.as_bytes()), most, "{text}");
        }
    }

    #[test]
    fn a_body_of_many_small_values_is_refused_before_it_is_read() {
        let many = format!("{{\"x\":[{}]}}", vec!["0"; MOST_VALUES + 1].join(","));
        assert!(RawObject::<16_384>::parse(many.as_bytes()).is_err());
        let long = format!("{{\"x\":\"{}\"}}", ",[{".repeat(MOST_VALUES));
        assert!(RawObject::<16_384>::parse(long.as_bytes()).is_ok());
    }
}
