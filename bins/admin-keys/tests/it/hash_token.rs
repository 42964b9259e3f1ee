//! `admin-keys hash-token`.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use control_plane::AdminToken;
use registry_core::SystemEntropy;

use crate::support::{Folder, fed};

const TOKEN: &str = "a token that was made for this test";

#[test]
fn the_server_accepts_the_token_by_its_hash_and_no_other() {
    let folder = Folder::new();
    let ended = fed(folder.command(&["hash-token"]), &format!("{TOKEN}\n"));
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let hash = ended.out.trim();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hash.contains(TOKEN), "{hash}");
    AdminToken::hashed(hash, &SystemEntropy).expect("the server takes the hash");
    let fits = |token: &str| {
        let hash = PasswordHash::new(hash).expect("a hash");
        Argon2::default().verify_password(token.as_bytes(), &hash).is_ok()
    };
    assert!(fits(TOKEN) && !fits("another token"));
    let again = fed(folder.command(&["hash-token"]), TOKEN);
    assert_ne!(again.out.trim(), hash, "every hash has its own salt");
}

#[test]
fn a_token_that_can_not_be_presented_or_that_everybody_knows_is_refused() {
    let folder = Folder::new();
    for (text, word) in [
        ("", "stdin"),
        ("  \n", "stdin"),
        ("two\nlines", "line"),
        ("schlüssel", "ASCII"),
        ("CHANGE_ME_ADMIN_TOKEN\n", "everybody"),
        (&*"x".repeat(5000), "4096"),
    ] {
        let ended = fed(folder.command(&["hash-token"]), text);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{text} {ended:?}");
        assert!(ended.err.contains(word), "{text} {ended:?}");
    }
    let short = fed(folder.command(&["hash-token"]), "hunter2");
    assert!(
        short.code == Some(0) && short.err.contains("warning") && !short.err.contains("hunter2"),
        "{short:?}"
    );
}
