//! From the text of an admin token to an admin.

use std::net::IpAddr;

use api_types::Code;
use audit::Principal;

use super::authenticate::{Admitted, Refused, fail, too_many};
use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Checks the admin token.
///
/// # Errors
/// [`Refused`] with 401, or 429 when too many failures came from the address: it is asked before an argon2id hash
/// is computed, which is expensive. A token that is known to be right is never locked out by its neighbours.
pub async fn authenticate_admin(
    services: &Services,
    presented: Option<&str>,
    peer: IpAddr,
) -> Result<Admitted<AdminCaller>, Box<Refused>> {
    let Some(token) = presented else {
        let error = fail(services, peer, Code::MissingCredentials, "the request has no admin token");
        return Err(Refused::stranger(error));
    };
    if !services.admin.is_known(token)
        && let Some(seconds) = services.failures.blocked(peer)
    {
        return Err(Refused::stranger(too_many(seconds)));
    }
    match services.admin.verify(token).await {
        Ok(true) => Ok(Admitted { caller: AdminCaller(()), principal: Principal::ADMIN, limit: None }),
        Ok(false) => {
            let error = fail(services, peer, Code::InvalidAdminToken, "the admin token is wrong");
            Err(Refused::stranger(error))
        }
        Err(cause) => {
            let error = ServiceError::new(Code::Internal, "the admin token can't be checked");
            Err(Refused::stranger(ServiceError { cause: Some(cause.to_string()), ..error }))
        }
    }
}
