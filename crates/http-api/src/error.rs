//! Errors on their way out. The edge gives them their one shape, because only it knows the request id.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use api_types::{Code, ErrorBody, ErrorDetail};
use control_plane::ServiceError;

use crate::llm::OpenaiErrorBody;

/// A refusal or failure of a handler or extractor.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ApiError(#[from] pub ServiceError);

impl ApiError {
    pub(crate) fn new(code: Code, what: impl AsRef<str>) -> Self {
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

    /// A bare answer: the edge writes the body.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

pub(crate) fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What the framework refused by itself, in the words of the one table.
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

/// The body of an error; below `/llm/v1` with OpenAI's members.
pub(crate) fn body(error: &ServiceError, request_id: &str, openai: bool) -> String {
    if openai {
        return serde_json::to_string(&OpenaiErrorBody::of(error, request_id)).unwrap_or_default();
    }
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
