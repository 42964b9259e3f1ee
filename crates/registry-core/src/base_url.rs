//! Base URL of a server.

use std::fmt;

use url::Url;

/// Base URL of a server: scheme, host, port, and perhaps a path that comes before every route.
///
/// It has no user name, password, query or fragment, and no slash at its end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    url: Url,
    /// Scheme, host, port and path.
    text: String,
}

/// Reason why a text is no [`BaseUrl`]. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseUrlFault {
    /// It is no URL.
    NotAUrl,
    /// It does not begin with `http://` or `https://`.
    Scheme,
    /// It has no host.
    NoHost,
    /// It has spaces or control characters inside.
    Spaces,
    /// It has a user name or a password.
    Credentials,
    /// It has `?` or `#`.
    Query,
}

impl BaseUrlFault {
    /// The fault as the rest of a sentence whose subject is the URL.
    #[must_use]
    pub const fn problem(self) -> &'static str {
        match self {
            Self::NotAUrl => "is not a URL",
            Self::Scheme => "does not begin with `http://` or `https://`",
            Self::NoHost => "has no host",
            Self::Spaces => "has spaces or control characters",
            Self::Credentials => "has a user name or a password, which is never sent",
            Self::Query => "has `?` or `#`, which no base URL has",
        }
    }
}

impl BaseUrl {
    /// Reads a base URL. White space around it and slashes at its end are dropped.
    ///
    /// # Errors
    /// [`BaseUrlFault`].
    pub fn parse(text: &str) -> Result<Self, BaseUrlFault> {
        let text = text.trim();
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(BaseUrlFault::Spaces);
        }
        let (scheme, rest) = text.split_once("://").ok_or(BaseUrlFault::Scheme)?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(BaseUrlFault::Scheme);
        }
        // The URL standard skips slashes before a host, and takes `\` for one.
        if rest.starts_with(['/', '\\', '?', '#', ':']) || rest.is_empty() {
            return Err(BaseUrlFault::NoHost);
        }
        let mut url = Url::parse(text).map_err(|_| BaseUrlFault::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlFault::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlFault::Query);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// Scheme, host, port and path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host in lower case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The URL itself.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of a route below it. `route` begins with `/`, is percent-encoded, and may have a query.
    ///
    /// # Errors
    /// [`BaseUrlFault::NotAUrl`] when the two make no URL of this host.
    pub fn join(&self, route: &str) -> Result<Url, BaseUrlFault> {
        if !route.starts_with('/') {
            return Err(BaseUrlFault::NotAUrl);
        }
        Url::parse(&format!("{}{route}", self.text)).map_err(|_| BaseUrlFault::NotAUrl)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_one_spelling() {
        for (text, known) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            (" HTTPS://API.OpenAI.com:443/v1// ", "https://api.openai.com/v1"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
            ("http://127.0.0.1:8001/", "http://127.0.0.1:8001"),
            ("http://[::1]:9000/a/b", "http://[::1]:9000/a/b"),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!(url.as_str(), known, "{text}");
            assert_eq!(BaseUrl::parse(known), Ok(url.clone()));
            assert_eq!(url.join("/x?y=%2F").unwrap().as_str(), format!("{known}/x?y=%2F"));
        }
        let url = BaseUrl::parse("http://[::1]:9000/a").unwrap();
        assert_eq!((url.host(), url.origin().as_str()), ("[::1]", "http://[::1]:9000"));
        assert!(url.join("@evil.example/").is_err());
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_its_fault() {
        use BaseUrlFault::{Credentials, NoHost, NotAUrl, Query, Scheme, Spaces};
        for (text, fault) in [
            ("", Scheme),
            ("127.0.0.1:8001", Scheme),
            ("localhost:9000", Scheme),
            ("http:example.com", Scheme),
            ("ftp://h", Scheme),
            ("https:///v1", NoHost),
            ("https://", NoHost),
            ("http://:80/", NoHost),
            ("http:\\\\h", Scheme),
            ("http://\\h", NoHost),
            ("http://h h/", Spaces),
            ("http://h/\u{7}", Spaces),
            ("http://h:99999/", NotAUrl),
            ("http://u:p@h", Credentials),
            ("http://u@h", Credentials),
            ("http://h/?a=b", Query),
            ("http://h/#x", Query),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(fault), "{text}");
        }
    }
}
