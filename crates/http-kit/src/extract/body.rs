//! Request bodies, read only after the caller is known.

use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut};
use api_types::{Code, Object};
use audit::Body;
use canonical::{DuplicateMember, MemberFault};
use control_plane::ServiceError;
use futures_core::Stream as _;
use registry_core::KnownSecrets;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::description::{Described, RouteDescription, TypeSchema};
use crate::error::ApiError;
use crate::known_secrets::{clean, cleaned_body};
use crate::memory::MemoryPermit;
use crate::shares::{self, Shares};

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a client may take before its rate counts.
const BODY_GRACE: Duration = Duration::from_secs(5);
/// Bytes that a client must send per second after that.
const BODY_RATE: u32 = 16 * 1024;
/// First memory for a body of unknown length, in bytes; it doubles from there.
const FIRST_BYTES: usize = 16 * 1024;

/// Kind of a body.
pub trait FromBody: 'static {
    /// Value of the body for the handler.
    type Out: Send + 'static;
    /// Maximum bytes that are read; `None` when the route takes no body.
    const LIMIT: Option<usize>;
    /// Number of copies of the bytes in memory at the same time, at most.
    const COPIES: usize = 2;
    /// Whether it is passed on unchanged. From every other body, known secrets are removed before it is read.
    const PASSED_ON: bool = false;
    /// Whether the audit log has only its length and digest, unless the operator keeps prompts.
    const PRIVATE: bool = false;

    /// Parses the bytes.
    ///
    /// # Errors
    /// 400 `malformed_json`, 422 `invalid_body`.
    fn parse(bytes: &[u8]) -> Result<Self::Out, ApiError>;

    /// Schema, and whether the body is optional; `None` when the route takes no body.
    fn schema() -> Option<(TypeSchema, bool)>;

    /// Adds it to the description of the route, with its codes.
    fn describe(route: &mut RouteDescription) {
        route.body = Self::schema();
        if route.body.is_some() {
            route.codes.extend([
                Code::MalformedJson,
                Code::DuplicateMember,
                Code::MalformedRequest,
                Code::InvalidBody,
                Code::BodyTooLarge,
                Code::UnsupportedMediaType,
                Code::RequestTimeout,
            ]);
        }
    }
}

/// No body.
#[derive(Debug)]
pub struct NoBody;

impl FromBody for NoBody {
    type Out = ();
    const LIMIT: Option<usize> = None;

    fn parse(_: &[u8]) -> Result<(), ApiError> {
        Ok(())
    }

    fn schema() -> Option<(TypeSchema, bool)> {
        None
    }
}

/// JSON document of at most `KIB` KiB.
#[derive(Debug)]
pub struct JsonBody<T, const KIB: usize>(PhantomData<T>);

impl<T: DeserializeOwned + Described + Send, const KIB: usize> FromBody for JsonBody<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);

    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        parse_json(bytes)
    }

    fn schema() -> Option<(TypeSchema, bool)> {
        Some((T::schema(), false))
    }
}

/// Optional JSON document.
#[derive(Debug)]
pub struct OptionalJson<T, const KIB: usize>(PhantomData<T>);

impl<T: DeserializeOwned + Described + Default + Send, const KIB: usize> FromBody for OptionalJson<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);

    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        if bytes.is_empty() { Ok(T::default()) } else { parse_json(bytes) }
    }

    fn schema() -> Option<(TypeSchema, bool)> {
        Some((T::schema(), true))
    }
}

/// Body of which the audit log has only length and digest, unless the operator keeps prompts.
#[derive(Debug)]
pub struct Private<B>(PhantomData<B>);

impl<B: FromBody> FromBody for Private<B> {
    type Out = B::Out;
    const LIMIT: Option<usize> = B::LIMIT;
    const COPIES: usize = B::COPIES;
    const PASSED_ON: bool = B::PASSED_ON;
    const PRIVATE: bool = true;

    fn parse(bytes: &[u8]) -> Result<B::Out, ApiError> {
        B::parse(bytes)
    }

    fn schema() -> Option<(TypeSchema, bool)> {
        B::schema()
    }
}

/// JSON object of at most `KIB` KiB for a model call: it is kept in memory, in more than one form, until the call is
/// settled.
#[derive(Debug)]
pub struct ModelBody<T, const KIB: usize>(PhantomData<T>);

impl<T: DeserializeOwned + Described + Send, const KIB: usize> FromBody for ModelBody<T, KIB> {
    type Out = T;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    /// The parsed body, the body for the provider, and the copy for a further attempt.
    const COPIES: usize = 3;
    const PASSED_ON: bool = true;
    const PRIVATE: bool = true;

    fn parse(bytes: &[u8]) -> Result<T, ApiError> {
        parse_json(bytes)
    }

    fn schema() -> Option<(TypeSchema, bool)> {
        Some((T::schema(), false))
    }
}

/// Like a [`ModelBody`], for an object of another API, described by `S`: its members are passed on unchanged.
#[derive(Debug)]
pub struct RawObject<S, const KIB: usize>(PhantomData<S>);

impl<S: Described, const KIB: usize> FromBody for RawObject<S, KIB> {
    type Out = Map<String, Value>;
    const LIMIT: Option<usize> = Some(KIB * 1024);
    /// Same as for [`ModelBody`].
    const COPIES: usize = 3;
    const PASSED_ON: bool = true;
    const PRIVATE: bool = true;

    fn parse(bytes: &[u8]) -> Result<Self::Out, ApiError> {
        parse_json(bytes)
    }

    fn schema() -> Option<(TypeSchema, bool)> {
        Some((S::schema(), false))
    }
}

/// Maximum number of values of a body, an object counted tenfold: each takes far more memory than the bytes in which
/// it is written. Embeddings of token lists have some 300,000.
const MOST_VALUES: usize = 600_000;
/// Values that an object counts.
const OBJECT: usize = 10;
/// Memory of one value once it is parsed, in bytes: a `Value` has 32, and a growing list has room for as many again.
const VALUE_BYTES: usize = 72;

/// Returns the maximum number of values of a JSON text without parsing it: each but the first of its container
/// follows a comma, a brace or a bracket outside of strings.
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

/// Results of preparing a body.
pub(crate) struct PreparedBody<T> {
    /// What the audit log keeps.
    pub kept: Body,
    /// Digest for the idempotency key, when there is one.
    pub fingerprint: Option<[u8; 32]>,
    pub out: Result<T, ApiError>,
}

/// How a body is to be treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyTreatment {
    /// The audit log keeps only its digest.
    pub private: bool,
    /// A fingerprint is wanted.
    pub fingerprint: bool,
}

/// Size from which on a body is parsed on the blocking pool: it would delay all other requests of the worker.
const LARGE_BYTES: usize = 256 * 1024;

/// Computes digests of a body and parses it, within the memory that its values take. A large body needs a share of
/// its caller's threads for that.
pub(crate) async fn prepare<B: FromBody>(
    shares: &Shares,
    bytes: Bytes,
    treat: BodyTreatment,
    mut memory: MemoryPermit,
    secrets: KnownSecrets,
) -> Result<(PreparedBody<B::Out>, MemoryPermit), ApiError> {
    let large = bytes.len() >= LARGE_BYTES;
    let caller = memory.caller();
    let make = move || {
        admit_values(&bytes, B::COPIES, &mut memory)?;
        let cleaned = if B::PASSED_ON && treat.private { None } else { cleaned_body(&bytes, &secrets) };
        let kept = cleaned.as_ref().map_or(&*bytes, String::as_bytes);
        let read = if B::PASSED_ON { &*bytes } else { kept };
        // From here on the body has one meaning: for T4, the record, the idempotency key and a provider.
        let reading = Reading::of(read, treat, kept.len());
        let fingerprint = treat.fingerprint.then(|| reading.fingerprint(read));
        let out = match reading.fault() {
            None => B::parse(read),
            Some(MemberFault::Twice(duplicate)) => Err(refuse_duplicate(duplicate, &secrets)),
            // A parser that skips a value would continue.
            Some(MemberFault::Unreadable) => B::parse(read).and_then(|_| Err(refuse_unread())),
        };
        let kept = match reading {
            // A member that comes twice has no meaning that could be kept.
            Reading::Fault(_) => Body::digest_only(kept),
            _ if treat.private || kept.len() > Body::MAX_PARSED_BYTES => Body::digest_only(kept),
            // What is kept of a body that is passed on has no secrets; what is parsed has them.
            _ if !std::ptr::eq(kept, read) => Body::json(kept),
            Reading::Value(value) => Body::value(value),
            Reading::Walked => Body::json(kept),
        };
        let prepared = PreparedBody { kept, fingerprint, out };
        Ok((prepared, memory))
    };
    if large {
        return shares::large(shares, &caller, make).await?;
    }
    make()
}

/// Body, parsed once for all who need its members.
enum Reading {
    /// Value, where the record or the idempotency key needs it.
    Value(Value),
    /// No object has a member twice.
    Walked,
    Fault(MemberFault),
}

impl Reading {
    /// Parses `text`; `kept` is the length of what the record keeps of it.
    fn of(text: &[u8], treat: BodyTreatment, kept: usize) -> Self {
        let record = !treat.private && kept <= Body::MAX_PARSED_BYTES;
        let read = match text {
            // An empty body names no member.
            [] => Ok(Self::Walked),
            text if treat.fingerprint || record => canonical::value_once(text).map(Self::Value),
            text => canonical::members_once(text).map(|()| Self::Walked),
        };
        read.unwrap_or_else(Self::Fault)
    }

    fn fault(&self) -> Option<&MemberFault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }

    /// Returns the digest of a body, equal for every spelling of the same JSON.
    fn fingerprint(&self, text: &[u8]) -> [u8; 32] {
        let canonical = match self {
            Self::Value(value) => canonical::to_jcs(value).ok(),
            Self::Walked | Self::Fault(_) => None,
        };
        let text = canonical.as_ref().map_or(text, |canonical| canonical.as_bytes());
        *canonical::Digest::sha256(text).as_bytes()
    }
}

/// Refusal of a body that was parsed, but of which a part was not read.
fn refuse_unread() -> ApiError {
    let what = "the body nests deeper than 127 levels, or has a number that can't be read";
    ApiError::new(Code::InvalidBody, what)
}

/// Refusal of a body that names a member twice. Names are the caller's text: they may be long, or secret.
fn refuse_duplicate(duplicate: &DuplicateMember, secrets: &KnownSecrets) -> ApiError {
    let shown = |text: &str| -> String {
        let cleaned = clean(text, secrets);
        let redacted = audit::redact_text(&cleaned);
        match redacted.char_indices().nth(NAME_SHOWN) {
            Some((end, _)) => format!("{}...", redacted.get(..end).unwrap_or_default()),
            None => redacted.into_owned(),
        }
    };
    let (member, pointer) = (shown(&duplicate.name), shown(&duplicate.pointer));
    let what = format!("the body has the member `{member}` twice, at `{pointer}`");
    let details = serde_json::json!({ "member": member, "pointer": pointer });
    ApiError(ServiceError::new(Code::DuplicateMember, what).with_details(details))
}

/// Length at which the name of a member is cut when it is shown, in characters.
const NAME_SHOWN: usize = 200;

/// Reserves the memory of the parsed body before it is parsed.
fn admit_values(bytes: &[u8], copies: usize, memory: &mut MemoryPermit) -> Result<(), ApiError> {
    let values = values(bytes);
    if values > MOST_VALUES {
        let what = format!("the body has more than {MOST_VALUES} values");
        return Err(ApiError::new(Code::InvalidBody, what));
    }
    memory.resize(bytes.len() * copies + values * VALUE_BYTES)
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map(|Object(body)| body).map_err(|error| match error.classify() {
        Category::Data => ApiError::new(Code::InvalidBody, format!("the body does not fit: {error}")),
        Category::Syntax | Category::Eof | Category::Io => {
            ApiError::new(Code::MalformedJson, format!("the body is not JSON: {error}"))
        }
    })
}

/// Reads a body within its limit, its time and the caller's memory. The rest of a refused body stays in `payload`. An
/// empty body needs no content type.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    memory: &mut MemoryPermit,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(Code::BodyTooLarge, format!("the body may have {limit} bytes"));
    let headers = request.headers();
    let told = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let told = match told.map(usize::try_from) {
        Some(Ok(told)) if told <= limit => Some(told),
        Some(_) => return Err(too_large()),
        None => None,
    };
    let start = Instant::now();
    let mut bytes = BytesMut::new();
    if let Some(told) = told {
        memory.resize(told)?;
        bytes.reserve(told);
    }
    loop {
        // A client that sends nothing is disconnected when its rate falls below the minimum.
        let sent = Duration::from_secs_f64(
            f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX)) / f64::from(BODY_RATE),
        );
        let until = start + BODY_TIME.min(BODY_GRACE + sent);
        let slow = |_| ApiError::new(Code::RequestTimeout, "the body came too slowly");
        let next = std::future::poll_fn(|context| Pin::new(&mut *payload).poll_next(context));
        let Some(chunk) = timeout_at(until, next).await.map_err(slow)? else { break };
        let chunk = chunk.map_err(|_| ApiError::new(Code::MalformedRequest, "the body broke off"))?;
        let length = bytes.len().saturating_add(chunk.len());
        if length > limit {
            return Err(too_large());
        }
        if length > memory.bytes() {
            let room = length.max(memory.bytes().saturating_mul(2)).max(FIRST_BYTES).min(limit);
            memory.resize(room)?;
            bytes.reserve(room - bytes.len());
        }
        bytes.extend_from_slice(&chunk);
    }
    if !bytes.is_empty() && !is_json(request) {
        return Err(ApiError::new(Code::UnsupportedMediaType, "the body is not declared as JSON"));
    }
    Ok(bytes.freeze())
}

fn is_json(request: &HttpRequest) -> bool {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

#[cfg(test)]
mod tests;
