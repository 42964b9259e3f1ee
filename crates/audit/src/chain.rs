//! The hash chain over the leaves.

use canonical::Digest;

/// What the first row is chained to.
pub const GENESIS_CHAIN: Digest = Digest::from_bytes([0; 32]);

/// The chain value of a row: SHA-256(`"t4/chain/v1\0"` ‖ the chain value before it ‖ its leaf).
#[must_use]
pub fn chain(previous: &Digest, leaf: &Digest) -> Digest {
    Digest::sha256_parts(&[b"t4/chain/v1\0", previous.as_bytes(), leaf.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_the_digest_that_the_design_writes_down() {
        let leaf = Digest::sha256(b"leaf");
        let mut bytes = b"t4/chain/v1\0".to_vec();
        bytes.extend([0; 32]);
        bytes.extend(leaf.as_bytes());
        assert_eq!(chain(&GENESIS_CHAIN, &leaf), Digest::sha256(&bytes));
        assert_ne!(chain(&leaf, &GENESIS_CHAIN), chain(&GENESIS_CHAIN, &leaf));
    }
}
