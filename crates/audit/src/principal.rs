//! Principal: who makes a request.

use std::net::{IpAddr, Ipv6Addr};

use registry_core::{AgentId, KeyId};

/// Kind of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// No valid credential.
    Anonymous,
    /// Holder of an API key.
    Agent,
    /// Holder of the admin token, or of the database file.
    Admin,
    /// The server itself.
    System,
}

impl Actor {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Anonymous, Self::Agent, Self::Admin, Self::System];

    /// Word in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::System => "system",
        }
    }

    /// Parses a word of the log.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|actor| actor.as_str() == text)
    }
}

/// Principal, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Kind.
    pub actor: Actor,
    /// Key id of the key that was presented.
    pub key_id: Option<KeyId>,
    /// Agent of the key.
    pub agent_id: Option<AgentId>,
}

impl Principal {
    /// A principal without credentials.
    pub const ANONYMOUS: Self = Self { actor: Actor::Anonymous, key_id: None, agent_id: None };
    /// An administrator.
    pub const ADMIN: Self = Self { actor: Actor::Admin, key_id: None, agent_id: None };
    /// The server itself.
    pub const SYSTEM: Self = Self { actor: Actor::System, key_id: None, agent_id: None };

    /// The holder of a key.
    #[must_use]
    pub const fn agent(key_id: KeyId, agent_id: AgentId) -> Self {
        Self { actor: Actor::Agent, key_id: Some(key_id), agent_id: Some(agent_id) }
    }
}

/// Name under which the refusals of a caller are counted: the key id, else `ip:` and the address, else the kind of
/// principal. An IPv6 address is cut to its /64, which one host is commonly given. An IPv4 address mapped into IPv6
/// counts as the IPv4 address.
#[must_use]
pub fn who_of(principal: &Principal, ip: Option<IpAddr>) -> String {
    if let Some(key_id) = &principal.key_id {
        return key_id.as_str().to_owned();
    }
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(v4)) => format!("ip:{v4}"),
        Some(IpAddr::V6(v6)) => {
            let network = Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX));
            format!("ip:{network}/64")
        }
        None => principal.actor.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_actor_is_read_back_from_its_word() {
        for actor in Actor::ALL {
            assert_eq!(Actor::parse(actor.as_str()), Some(actor));
        }
        assert_eq!(Actor::parse("root"), None);
    }

    #[test]
    fn a_caller_is_counted_by_key_then_by_network() {
        let ip = |text: &str| Some(text.parse().unwrap());
        let agent = Principal::agent(KeyId::new("t4_000000000001").unwrap(), AgentId::new("a").unwrap());
        assert_eq!(who_of(&agent, ip("192.0.2.1")), "t4_000000000001");
        assert_eq!(who_of(&Principal::ANONYMOUS, ip("192.0.2.1")), "ip:192.0.2.1");
        assert_eq!(who_of(&Principal::ANONYMOUS, ip("::ffff:192.0.2.1")), "ip:192.0.2.1");
        assert_eq!(who_of(&Principal::ANONYMOUS, ip("2001:db8:1:2:3:4:5:6")), "ip:2001:db8:1:2::/64");
        assert_eq!(who_of(&Principal::ADMIN, None), "admin");
    }
}
