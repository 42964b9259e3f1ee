//! From the text of an admin token to an admin.

use std::net::IpAddr;

use api_types::Code;
use audit::Principal;

use super::authenticate::{AdmittedCaller, RefusedCaller, fail, too_many};
use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Checks the admin token.
///
/// # Errors
/// [`RefusedCaller`] with 401, or 429 when too many failures came from the address: it is asked before an argon2id hash
/// is computed, which is expensive. A token that is known to be right is never locked out by its neighbours.
pub async fn authenticate_admin(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
) -> Result<AdmittedCaller<AdminCaller>, Box<RefusedCaller>> {
    let Some(token) = presented else {
        let error = fail(services, peer, Code::MissingCredentials, "the request has no admin token");
        return Err(RefusedCaller::stranger(error));
    };
    if !services.admin.is_known(token)
        && let Some(seconds) = services.failures.blocked(peer)
    {
        return Err(RefusedCaller::stranger(too_many(seconds)));
    }
    match services.admin.verify(token).await {
        Ok(true) => Ok(AdmittedCaller { caller: AdminCaller(()), principal: Principal::ADMIN, limit: None }),
        Ok(false) => {
            let error = fail(services, peer, Code::InvalidAdminToken, "the admin token is wrong");
            Err(RefusedCaller::stranger(error))
        }
        Err(cause) => {
            let error = ServiceError::new(Code::Internal, "the admin token can't be checked");
            Err(RefusedCaller::stranger(ServiceError { cause: Some(cause.to_string()), ..error }))
        }
    }
}
