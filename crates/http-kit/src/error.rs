//! Errors of handlers, the codes that a handler may answer, and the error body.

use std::marker::PhantomData;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{Error, HttpResponse, ResponseError};
use api_types::{Code, ErrorBody, ErrorDetail};
use control_plane::ServiceError;

use crate::description::{RouteDescription, TypeSchema, schema_of};

/// Error of an extractor or a helper of handlers.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ApiError(#[from] pub ServiceError);

impl ApiError {
    /// Creates a refusal: what happened, and the advice of the code.
    pub fn new(code: Code, what: impl AsRef<str>) -> Self {
        Self(ServiceError::new(code, what))
    }
}

impl From<storage::StoreError> for ApiError {
    fn from(error: storage::StoreError) -> Self {
        Self(error.into())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status(self.0.code)
    }

    /// Only the status: the request layer writes the body.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// Error codes of one handler, in addition to those of its arguments.
pub trait Codes: 'static {
    /// Returns the codes.
    const CODES: &'static [Code];
}

/// Declares a type with the error codes of a handler: `codes! { CreateCodes = [IntentExists, InvalidField] }`.
#[macro_export]
macro_rules! codes {
    ($($name:ident = [$($code:ident),* $(,)?])+) => {
        $(
            #[derive(Debug)]
            pub(crate) struct $name;

            impl $crate::Codes for $name {
                const CODES: &'static [api_types::Code] = &[$(api_types::Code::$code),*];
            }
        )+
    };
}

/// No codes in addition to those of the arguments.
#[derive(Debug)]
pub struct NoCodes;

impl Codes for NoCodes {
    const CODES: &'static [Code] = &[];
}

/// Error of a handler that may have the codes `C`, and those of its arguments.
#[derive(Debug)]
pub struct Refused<C: Codes = NoCodes>(ApiError, PhantomData<C>);

impl<C: Codes> Refused<C> {
    pub(crate) fn describe(route: &mut RouteDescription) {
        route.codes.extend(C::CODES);
    }
}

impl<C: Codes> From<ApiError> for Refused<C> {
    fn from(error: ApiError) -> Self {
        Self(error, PhantomData)
    }
}

impl<C: Codes> From<ServiceError> for Refused<C> {
    fn from(error: ServiceError) -> Self {
        ApiError(error).into()
    }
}

impl<C: Codes> From<storage::StoreError> for Refused<C> {
    fn from(error: storage::StoreError) -> Self {
        ApiError::from(error).into()
    }
}

impl<C: Codes> From<Refused<C>> for Error {
    fn from(refused: Refused<C>) -> Self {
        refused.0.into()
    }
}

/// Shape of the errors of some routes.
#[derive(Debug, Clone, Copy)]
pub struct ErrorShape {
    /// Returns the schema of the body.
    pub schema: fn() -> TypeSchema,
    /// Returns the body of an error, with the id of its request.
    pub body: fn(&ServiceError, &str) -> String,
    /// Adds headers that clients of this shape read.
    pub headers: fn(&ServiceError, &mut HeaderMap),
}

impl ErrorShape {
    /// Shape of all other routes.
    pub const T4: Self = Self { schema: schema_of::<ErrorBody>, body: t4_body, headers: |_, _| () };
}

fn t4_body(error: &ServiceError, request_id: &str) -> String {
    let shape = ErrorBody {
        error: ErrorDetail {
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
            request_id: request_id.to_owned(),
            details: error.details.clone(),
        },
        detail: error.message.clone(),
    };
    serde_json::to_string(&shape).unwrap_or_default()
}

pub(crate) fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Converts a refusal of the framework.
pub(crate) fn of_status(status: StatusCode) -> ServiceError {
    match status {
        StatusCode::NOT_FOUND => ServiceError::new(Code::RouteNotFound, "there is no such route"),
        StatusCode::METHOD_NOT_ALLOWED => {
            ServiceError::new(Code::MethodNotAllowed, "the route does not take this method")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ServiceError::new(Code::BodyTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ServiceError::new(Code::UnsupportedMediaType, "the body is not declared as JSON")
        }
        StatusCode::REQUEST_TIMEOUT => ServiceError::new(Code::RequestTimeout, "the request came too slowly"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ServiceError::new(Code::HeadersTooLarge, "the headers are too large")
        }
        status if status.is_client_error() => {
            ServiceError::new(Code::MalformedRequest, "the request can't be read")
        }
        _ => ServiceError::new(Code::Internal, "the request failed inside the server"),
    }
}
