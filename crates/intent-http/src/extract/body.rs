//! The body, read only after the caller is known.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Bytes;
use api_types::{Code, Object};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::ApiError;

/// How long a caller may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A body that a handler wants.
pub(crate) trait FromBody {
    type Out;
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

impl<T: DeserializeOwned, const KIB: usize> FromBody for JsonBody<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        parse_json(bytes)
    }
}

/// A JSON document that may be left out.
pub(crate) struct OptionalJson<T, const KIB: usize>(std::marker::PhantomData<T>);

impl<T: DeserializeOwned + Default, const KIB: usize> FromBody for OptionalJson<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        if bytes.is_empty() { Ok(T::default()) } else { parse_json(bytes) }
    }
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

fn is_json(request: &HttpRequest) -> bool {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}
