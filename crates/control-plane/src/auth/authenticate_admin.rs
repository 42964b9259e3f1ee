//! Authentication of admins: from the text of an admin token to a caller.

use std::net::IpAddr;

use api_types::Code;
use audit::Principal;
use registry_core::Network;

use super::admin_token::AdminTokenCheck;
use super::authenticate::{AdmittedCaller, RefusedCaller, fail, too_many};
use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Checks the admin token.
///
/// # Errors
/// [`RefusedCaller`] with 401; or 429 when too many failures came from the network, or too many of its attempts wait
/// for the expensive argon2id hash. An attempt is counted before it waits. A token that is known to be right is never
/// locked out by its neighbours.
pub async fn authenticate_admin(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
) -> Result<AdmittedCaller<AdminCaller>, Box<RefusedCaller>> {
    let Some(token) = presented else {
        let error = fail(services, peer, Code::MissingCredentials, "the request has no admin token");
        return Err(RefusedCaller::stranger(error));
    };
    let wrong = || ServiceError::new(Code::InvalidAdminToken, "the admin token is wrong");
    let admitted = || AdmittedCaller { caller: AdminCaller(()), principal: Principal::ADMIN, limit: None };
    if services.auth.admin.is_known(token) {
        return Ok(admitted());
    }
    if let Some(seconds) = services.auth.failures.blocked(peer) {
        return Err(RefusedCaller::stranger(too_many(seconds)));
    }
    // Counted on arrival: attempts that wait, or whose callers disconnect, count as failed ones.
    services.auth.failures.record(peer);
    let error = match services.auth.admin.check(token, Network::of(peer)) {
        AdminTokenCheck::Right => {
            services.auth.failures.take_back(peer);
            return Ok(admitted());
        }
        AdminTokenCheck::Wrong => wrong(),
        AdminTokenCheck::TooMany => too_many(1),
        AdminTokenCheck::Pending(check) => match services.auth.admin.verify(token, check).await {
            Ok(true) => {
                services.auth.failures.take_back(peer);
                return Ok(admitted());
            }
            Ok(false) => wrong(),
            Err(cause) => {
                let error = ServiceError::new(Code::Internal, "the admin token can't be checked");
                ServiceError { cause: Some(cause.to_string()), ..error }
            }
        },
    };
    Err(RefusedCaller::stranger(error))
}
