//! Parts of a request's head other than the key: the page of a list, idempotency keys, versions.

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use api_types::Code;
use control_plane::{Idempotency, PageRequest};
use serde_json::json;

use super::query::Query;
use crate::description::{HeaderParam, QueryParam, RouteDescription};
use crate::error::ApiError;
use crate::request_state::read_request_state;
use crate::whole_number::whole_number;

/// Part of the head, read after the key was checked and before the body.
pub trait RequestHead: Sized + 'static {
    /// Reads it.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    fn read(request: &HttpRequest) -> Result<Self, ApiError>;

    /// Adds it to the description of the route.
    fn describe(route: &mut RouteDescription);

    /// Whether a digest of the body is needed.
    fn wants_fingerprint(&self) -> bool {
        false
    }

    /// Receives the digest of the body.
    fn set_fingerprint(&mut self, _fingerprint: [u8; 32]) {}
}

impl RequestHead for () {
    fn read(_: &HttpRequest) -> Result<Self, ApiError> {
        Ok(())
    }

    fn describe(_: &mut RouteDescription) {}
}

impl<A: RequestHead, B: RequestHead> RequestHead for (A, B) {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        Ok((A::read(request)?, B::read(request)?))
    }

    fn describe(route: &mut RouteDescription) {
        A::describe(route);
        B::describe(route);
    }

    fn wants_fingerprint(&self) -> bool {
        self.0.wants_fingerprint() || self.1.wants_fingerprint()
    }

    fn set_fingerprint(&mut self, fingerprint: [u8; 32]) {
        self.0.set_fingerprint(fingerprint);
        self.1.set_fingerprint(fingerprint);
    }
}

/// `limit` and `cursor` of a list with `DEFAULT` rows when the caller states no limit.
#[derive(Debug)]
pub struct Paged<const DEFAULT: u32>(pub PageRequest);

impl<const DEFAULT: u32> RequestHead for Paged<DEFAULT> {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        Query::of(request).page(DEFAULT).map(Self)
    }

    fn describe(route: &mut RouteDescription) {
        let limit = json!({
            "type": "integer", "format": "int32", "minimum": 1, "maximum": 1000, "default": DEFAULT,
        });
        let cursor = json!({ "type": "string", "maxLength": 12000, "pattern": "^[0-9a-f]*$" });
        let about = "where to go on, from the `Link` header of the page before";
        route.add_params([
            QueryParam { name: "limit", about: "how many rows", required: false, schema: limit },
            QueryParam { name: "cursor", about, required: false, schema: cursor },
        ]);
        route.codes.insert(Code::InvalidCursor);
    }
}

/// Idempotency key, on a route where a repetition with the same key has the same outcome.
#[derive(Debug)]
pub struct Idempotent {
    key: Option<String>,
    fingerprint: Option<[u8; 32]>,
}

impl Idempotent {
    /// Returns what identifies a repetition; `None` when the caller sent no key.
    #[must_use]
    pub fn known(self) -> Option<Idempotency> {
        let (key, fingerprint) = self.key.zip(self.fingerprint)?;
        Some(Idempotency { key, fingerprint })
    }
}

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 255;

impl RequestHead for Idempotent {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut values = request.headers().get_all("idempotency-key");
        let Some(value) = values.next() else { return Ok(Self { key: None, fingerprint: None }) };
        let text = value.to_str().unwrap_or_default().trim();
        let fits =
            !text.is_empty() && text.len() <= MAX_KEY && text.bytes().all(|b| (0x21..0x7f).contains(&b));
        if !fits || values.next().is_some() {
            let what = "`Idempotency-Key` takes one key of 1 to 255 visible ASCII characters";
            return Err(ApiError::new(Code::InvalidQuery, what));
        }
        let secret = read_request_state(request, |shared| shared.secrets.are_in(text.as_bytes()));
        if secret.unwrap_or(true) {
            return Err(ApiError::new(
                Code::InvalidQuery,
                "`Idempotency-Key` is kept and must hold no secret",
            ));
        }
        Ok(Self { key: Some(text.to_owned()), fingerprint: None })
    }

    fn describe(route: &mut RouteDescription) {
        let schema = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        let about = "makes a repeat safe for 24 hours";
        route.add_header(
            HeaderParam { name: "Idempotency-Key", about, schema },
            &[Code::IdempotencyKeyReused],
        );
    }

    fn wants_fingerprint(&self) -> bool {
        self.key.is_some()
    }

    fn set_fingerprint(&mut self, fingerprint: [u8; 32]) {
        self.fingerprint = Some(fingerprint);
    }
}

/// Version of `If-Match`; `None` for any.
#[derive(Debug)]
pub struct Conditional(pub Option<u64>);

impl RequestHead for Conditional {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut values = request.headers().get_all(IF_MATCH);
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let once = values.next().is_none();
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" && once {
            return Ok(Self(None));
        }
        let tag = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|_| once);
        tag.and_then(whole_number).map(|version| Self(Some(version))).ok_or_else(|| {
            let what = "`If-Match` takes one `ETag` as it was given, such as `\"3\"`, or `*`";
            ApiError::new(Code::InvalidQuery, what)
        })
    }

    fn describe(route: &mut RouteDescription) {
        let schema = json!({ "type": "string", "pattern": "^(\\*|\"[0-9]{1,18}\")$" });
        let about = "change only this version";
        route.add_header(HeaderParam { name: "If-Match", about, schema }, &[Code::VersionMismatch]);
    }
}
