//! Access to the dashboard, and the headers of every answer.
//!
//! The page shows a private tree, and any web site that its reader visits can send requests to this machine. A site
//! that points a name of its own here (DNS rebinding) is recognised by that name in `Host`.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use anyhow::anyhow;
use pr_gate::dashboard::DashboardPage;

use cli_support::Failure;

/// The names that the server answers to.
#[derive(Debug, Clone)]
pub struct Hosts {
    remote: bool,
    names: Vec<String>,
}

impl Hosts {
    /// For an address; one that other machines reach is wrong usage unless that is asked for.
    pub fn new(address: SocketAddr, remote: bool, names: Vec<String>) -> Result<Self, Failure> {
        if !address.ip().is_loopback() && !remote {
            return Err(Failure::usage(anyhow!(
                "`{address}` can be reached from other machines: add --allow-remote if anyone there may read the page"
            )));
        }
        Ok(Self { remote, names })
    }

    /// Whether this value of `Host` is one of ours. Its port does not count: it may be forwarded.
    fn allow(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => host.split_once(':').map_or(host, |(name, _)| name),
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            return address.is_loopback() || self.remote;
        }
        name.eq_ignore_ascii_case("localhost") || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Refuses strangers, lets only reading through, and puts the security headers on every answer.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let known = request.app_data::<Data<Hosts>>().zip(host).is_some_and(|(hosts, host)| hosts.allow(host));
    let mut response = if !known {
        let says =
            "this name is not one of the dashboard's: ask by localhost, or start it with --allow-host\n";
        request.into_response(HttpResponse::Forbidden().body(says))
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let says = HttpResponse::MethodNotAllowed().insert_header(("Allow", "GET, HEAD")).body("only GET\n");
        request.into_response(says)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&DashboardPage::policy(true)) {
        headers.insert(HeaderName::from_static("content-security-policy"), policy);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_lets_point_here_is_refused() {
        let address = "127.0.0.1:8090".parse().unwrap();
        let hosts = Hosts::new(address, false, vec!["dash.example".to_owned()]).unwrap();
        for host in ["127.0.0.1:8090", "localhost", "LocalHost:1", "[::1]:8090", "dash.example:80"] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]"]
        {
            assert!(!hosts.allow(host), "{host}");
        }
        assert!(Hosts::new(address, true, Vec::new()).unwrap().allow("10.0.0.1:8090"));
    }

    #[test]
    fn an_address_that_others_reach_must_be_asked_for() {
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            assert!(Hosts::new(address.parse().unwrap(), false, Vec::new()).is_err(), "{address}");
        }
    }
}
