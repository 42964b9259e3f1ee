//! Parameters of the query and of the path.

use actix_web::HttpRequest;
use actix_web::web;
use api_types::Code;
use control_plane::PageRequest;
use percent_encoding::percent_decode_str;
use registry_core::{Limits, Timestamp, check_text, normal_path};

use crate::error::ApiError;
use crate::known_secrets::clean;
use crate::request_state::read_request_state;
use crate::whole_number::whole_number;

/// Parameters of a query. Unknown ones are ignored; a known one that is repeated is refused.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let text = request.query_string();
        if text.is_empty() {
            return Self(Vec::new());
        }
        Self(
            web::Query::<Vec<(String, String)>>::from_query(text)
                .map(web::Query::into_inner)
                .unwrap_or_default(),
        )
    }

    /// Returns the first value with this name that is not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Returns the value with this name, checked as a text. An empty value is refused: `?until=` is more likely a
    /// mistake than a wish for everything.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn checked(&self, name: &str, max: usize) -> Result<Option<String>, ApiError> {
        self.once(name)?;
        let Some((_, text)) = self.0.iter().find(|(n, _)| n == name) else { return Ok(None) };
        check_text(text, max, false).map_err(|problem| invalid(&format!("`{name}` {problem}")))?;
        Ok(Some(text.to_owned()))
    }

    /// Refuses a repeated parameter: readers of a query differ in which value they use.
    fn once(&self, name: &str) -> Result<(), ApiError> {
        if self.0.iter().filter(|(n, _)| n == name).count() > 1 {
            return Err(invalid(&format!("`{name}` comes twice")));
        }
        Ok(())
    }

    /// Returns the path of a file, in its normal form.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn file(&self) -> Result<Option<String>, ApiError> {
        Ok(self.checked("file", Limits::FILE)?.map(|file| normal_path(&file).into_owned()))
    }

    /// Returns an integer within a range.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn number(&self, name: &str, min: u32, max: u32) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.checked(name, 64)? else { return Ok(None) };
        let number = whole_number::<u32>(&text).filter(|n| (min..=max).contains(n));
        number.map(Some).ok_or_else(|| invalid(&format!("`{name}` takes {min} to {max}, got `{text}`")))
    }

    /// Returns an integer within a range, such as a number of tokens.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn count(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.checked(name, 64)? else { return Ok(None) };
        let number = whole_number::<u64>(&text).filter(|n| (min..=max).contains(n));
        number.map(Some).ok_or_else(|| invalid(&format!("`{name}` takes {min} to {max}, got `{text}`")))
    }

    /// Returns `true` or `false`; `false` when it is absent.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.checked(name, 64)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(invalid(&format!("`{name}` takes `true` or `false`, got `{other}`"))),
        }
    }

    /// Returns a point in time.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.checked(name, 64)? else { return Ok(None) };
        Timestamp::parse_lenient(&text).map(Some).map_err(|problem| invalid(&format!("`{name}`: {problem}")))
    }

    /// Returns `limit` and `cursor`.
    ///
    /// # Errors
    /// 422 `invalid_query`.
    pub fn page(&self, default: u32) -> Result<PageRequest, ApiError> {
        let limit = self.number("limit", 1, 1000)?.unwrap_or(default);
        self.once("cursor")?;
        Ok(PageRequest { limit, cursor: self.text("cursor").map(str::to_owned) })
    }
}

/// Creates the refusal of a query.
#[must_use]
pub fn invalid(what: &str) -> ApiError {
    ApiError::new(Code::InvalidQuery, what)
}

/// Returns a parameter of the path, decoded and without known secrets: it may be kept with the outcome of the
/// request.
///
/// # Errors
/// 400 `malformed_request` for a path that is not UTF-8.
pub fn path_param(request: &HttpRequest, name: &str) -> Result<String, ApiError> {
    let text = key_param(request, name)?;
    let cleaned = read_request_state(request, |shared| clean(&text, &shared.secrets).into_owned());
    Ok(cleaned.unwrap_or(text))
}

/// Returns a parameter of the path that may be a key, decoded. The framework leaves `%2F`, `%25` and `%2B` as they
/// arrived, so that an encoded slash does not split a segment.
///
/// # Errors
/// 400 `malformed_request` for a path that is not UTF-8.
pub fn key_param(request: &HttpRequest, name: &str) -> Result<String, ApiError> {
    let not_utf8 = |_| ApiError::new(Code::MalformedRequest, "the path is not UTF-8");
    // The router has put U+FFFD where the path is not UTF-8, so the path is checked as it was sent.
    percent_decode_str(request.uri().path()).decode_utf8().map_err(not_utf8)?;
    let raw = request.match_info().get(name).unwrap_or_default();
    percent_decode_str(raw).decode_utf8().map(std::borrow::Cow::into_owned).map_err(not_utf8)
}
