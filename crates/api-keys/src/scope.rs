//! Scopes: the rights that a key can have.

/// Scope: one right of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read intents.
    IntentsRead,
    /// Create intents, and change those of the same agent or owner.
    IntentsWrite,
    /// Change all intents.
    IntentsAny,
    /// Call models.
    LlmCall,
    /// Read plans and check tokens.
    PlansRead,
    /// Declare plans and request tokens.
    PlansWrite,
    /// Approve and reject.
    ApprovalsWrite,
    /// Follow the trust snapshot, as an enforcement point does.
    PepRead,
    /// Report outcomes, as an enforcement point does.
    PepWrite,
    /// Change the policy.
    PolicyWrite,
    /// Follow events.
    EventsRead,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 11] = [
        Self::IntentsRead,
        Self::IntentsWrite,
        Self::IntentsAny,
        Self::LlmCall,
        Self::PlansRead,
        Self::PlansWrite,
        Self::ApprovalsWrite,
        Self::PepRead,
        Self::PepWrite,
        Self::PolicyWrite,
        Self::EventsRead,
    ];

    /// Word: the area, a colon, the act.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntentsRead => "intents:read",
            Self::IntentsWrite => "intents:write",
            Self::IntentsAny => "intents:any",
            Self::LlmCall => "llm:call",
            Self::PlansRead => "plans:read",
            Self::PlansWrite => "plans:write",
            Self::ApprovalsWrite => "approvals:write",
            Self::PepRead => "pep:read",
            Self::PepWrite => "pep:write",
            Self::PolicyWrite => "policy:write",
            Self::EventsRead => "events:read",
        }
    }

    /// Bit in a set.
    pub(crate) const fn bit(self) -> u16 {
        1 << (self as u16)
    }

    /// Returns the bits of a word: one scope, all of an area (`intents:*`), or all (`*`). `None` for any other word.
    pub(crate) fn bits_of_word(word: &str) -> Option<u16> {
        let area = word.strip_suffix('*');
        let given = Self::ALL.into_iter().filter(|scope| match area {
            Some("") => true,
            Some(area) => area.ends_with(':') && scope.as_str().starts_with(area),
            None => scope.as_str() == word,
        });
        let bits = given.fold(0, |bits, scope| bits | scope.bit());
        (bits != 0).then_some(bits)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_its_own_bit_and_its_own_word() {
        let all = Scope::ALL.iter().fold(0, |bits, scope| bits | scope.bit());
        assert_eq!(all.count_ones(), 11);
        for scope in Scope::ALL {
            assert_eq!(Scope::bits_of_word(scope.as_str()), Some(scope.bit()));
        }
    }

    #[test]
    fn a_star_stands_for_an_area_or_for_all() {
        let pep = Scope::PepRead.bit() | Scope::PepWrite.bit();
        assert_eq!(Scope::bits_of_word("pep:*"), Some(pep));
        assert_eq!(Scope::bits_of_word("*").map(u16::count_ones), Some(11));
        for word in
            ["", ":", ":*", "pep", "pep*", "p*", "pe:*", "**", "pep:**", "pep:r*", "PEP:read", "pep:read "]
        {
            assert_eq!(Scope::bits_of_word(word), None, "{word}");
        }
    }
}
