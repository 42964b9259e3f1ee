use proptest::prelude::*;

use super::*;

const KEY: &str = "PROVIDERSECRET-9f8e7d6c5b4a39281706f5e4";

fn secrets() -> KnownSecrets {
    KnownSecrets::new([KEY, "another/secret+of=the\"operator"], ["static-key-of-an-agent"])
}

/// The text with each byte written in a form.
fn written(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect::<Vec<_>>().concat()
}

#[track_caller]
fn gives(text: &str, expected: &str) {
    assert_eq!(secrets().clean(text), expected);
}

#[test]
fn a_secret_is_replaced_wherever_it_stands() {
    gives("nothing", "nothing");
    gives(KEY, "[redacted]");
    gives(&format!("key {KEY}, again {KEY}{KEY}."), "key [redacted], again [redacted].");
    gives(&format!("PROVIDERSECRET-9f{KEY}e4"), "PROVIDERSECRET-9f[redacted]e4");
    gives(&format!("é{}é", KEY.to_lowercase()), "é[redacted]é");
    gives("X static-key-of-an-agent", "X [redacted]");
}

#[test]
fn a_secret_behind_escapes_is_replaced_with_whole_escapes() {
    let percent = written(KEY, |byte| format!("%{byte:02x}"));
    gives(&format!("/a/{percent}/b"), "/a/[redacted]/b");
    gives(&format!("/a/{}", percent.replace('%', "%25")), "/a/[redacted]");
    let json = written(KEY, |byte| format!("\\u{byte:04X}"));
    gives(&format!("{{\"a\":\"{json}\\n\"}}"), "{\"a\":\"[redacted]\\n\"}");
    gives(&format!("\"{}\"", json.replace('\\', "\\\\")), "\"[redacted]\"");
    let html = written(KEY, |byte| format!("&#{byte};"));
    gives(&format!("<b>{html}</b>"), "<b>[redacted]</b>");
    gives("a another/secret+of=the\\\"operator b", "a [redacted] b");
    gives("a another\\/secret%2Bof%3Dthe%22operator b", "a [redacted] b");
    gives("q=another/secret%20of=the&quot;operator&b", "q=[redacted]&b");
}

#[test]
fn the_base64_and_the_hexadecimal_form_of_a_secret_are_replaced_at_every_alignment() {
    // `printf 'KEY' | base64` with no, one and two bytes before it, and with bytes behind it.
    for (text, kept) in [
        ("UFJPVklERVJTRUNSRVQtOWY4ZTdkNmM1YjRhMzkyODE3MDZmNWU0", ""),
        ("OlBST1ZJREVSU0VDUkVULTlmOGU3ZDZjNWI0YTM5MjgxNzA2ZjVlNA==", "Ol"),
        ("dTpQUk9WSURFUlNFQ1JFVC05ZjhlN2Q2YzViNGEzOTI4MTcwNmY1ZTQ6eA==", "dTp"),
    ] {
        let cleaned = secrets().clean(text).into_owned();
        assert!(cleaned.starts_with(&format!("{kept}[redacted]")), "{text}: {cleaned}");
        assert!(cleaned.len() < 24, "{cleaned}");
    }
    let hex = written(KEY, |byte| format!("{byte:02X}"));
    gives(&format!("0x{hex}"), "0x[redacted]");
}

#[test]
fn of_a_key_of_ours_the_public_name_stays() {
    let key = format!("t4_000000000001_{}", "k".repeat(49));
    let known = KnownSecrets::default().with_presented([key.as_str()]);
    assert_eq!(known.clean(&key), "t4_000000000001_[redacted]");
    assert_eq!(known.clean("t4_000000000001"), "t4_000000000001");
    let both = secrets().with_presented([key.as_str()]);
    assert_eq!(both.clean(&format!("{key} {KEY}")), "t4_000000000001_[redacted] [redacted]");
    assert_eq!(secrets().clean(&key), key.as_str());
}

#[test]
fn what_is_too_short_to_be_told_from_a_word_is_left_out() {
    assert!(KnownSecrets::new(["", "  ", "sk-7chr"], ["a-key-of-15-chr"]).is_empty());
    assert!(KnownSecrets::default().with_presented(["test", "a-key-of-15-chr"]).is_empty());
    assert!(!KnownSecrets::new(["8-chars!"], []).is_empty());
    assert!(KnownSecrets::default().with_presented(["a-key-of-16-char"]).are_in(b"xa-key-of-16-charx"));
}

#[test]
fn sets_are_joined() {
    let one = KnownSecrets::new(["first-secret"], []);
    let two = KnownSecrets::new(["second-secret"], []).with_presented(["third-secret-of-a-key"]);
    for joined in [one.and(&two), two.and(&one)] {
        assert_eq!(
            joined.clean("first-secret second-secret third-secret-of-a-key"),
            "[redacted] [redacted] [redacted]"
        );
    }
    assert_eq!(two.and(&two).layers().count(), 2);
    assert!(KnownSecrets::default().and(&KnownSecrets::default()).is_empty());
    assert_eq!(KnownSecrets::default().and(&one).clean("first-secret"), "[redacted]");
}

#[test]
fn parts_of_a_secret_go_too_where_a_text_may_have_been_cut() {
    let (begin, end) = KEY.split_at(20);
    let cut = |text: &str| secrets().clean_parts(text).into_owned();
    assert_eq!(cut(&format!("key {begin}")), "key [redacted]");
    assert_eq!(cut(&format!("{{\"a\":\"{begin}\"}}")), "{\"a\":\"[redacted]\"}");
    assert_eq!(cut(&format!("{end} of a key")), "[redacted] of a key");
    assert_eq!(secrets().clean(&format!("key {begin}")), format!("key {begin}"));
    assert_eq!(cut("key PROVIDERSEC"), "key PROVIDERSEC");
    assert_eq!(cut(&format!("/{}%3", written(begin, |byte| format!("%{byte:02x}")))), "/[redacted]%3");
}

#[test]
fn a_secret_that_is_split_over_pieces_is_removed_from_each() {
    let mut stream = SecretStream::new(secrets());
    let (first, rest) = KEY.split_at(15);
    let (second, third) = rest.split_at(5);
    stream.pass("an answer ");
    assert_eq!(stream.piece(&format!("bad key {first}")), "bad key [redacted]");
    assert_eq!(stream.piece(second), "[redacted]");
    assert_eq!(stream.piece(&format!("{third}!")), "[redacted]!");
    assert_eq!(stream.piece("and so on"), "and so on");
    stream.pass(first);
    assert_eq!(stream.piece(rest), "[redacted]");
}

#[test]
fn a_secret_is_found_wherever_it_stands_in_a_long_text() {
    let escaped = written(KEY, |byte| format!("%{byte:02x}"));
    for at in [0, STRETCH - 120, STRETCH - 60, STRETCH - 20, STRETCH, 2 * STRETCH - 1, 3 * STRETCH] {
        for secret in [KEY, &escaped] {
            let (before, after) = ("x".repeat(at), "y".repeat(4 * STRETCH - at));
            let cleaned = secrets().clean(&format!("{before}{secret}{after}")).into_owned();
            assert!(cleaned == format!("{before}[redacted]{after}"), "at {at}");
        }
    }
}

#[test]
fn printing_the_set_for_a_log_shows_nothing() {
    assert_eq!(format!("{:?}", secrets()), "KnownSecrets(..)");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the promise is about the time it takes")]
fn time_stays_linear_on_hostile_text() {
    let start = std::time::Instant::now();
    let own = format!("{}b", "a".repeat(400));
    let known = KnownSecrets::new([own.as_str()], []).with_presented([own.as_str()]);
    for piece in ["a", "%61", "\\u0061", "%2525252561", "&#97;", "\\\\\\\\", "&amp;amp;", "YWFh"] {
        let _ = known.clean(&piece.repeat(400_000 / piece.len()));
    }
    // A second or two when linear and not optimised, minutes when quadratic.
    assert!(start.elapsed().as_secs() < 30);
}

/// A text of few letters, so that values overlap with themselves and each other.
fn letters(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(vec!['a', 'b', 'A', '-']), length)
        .prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn exactly_the_places_of_a_plain_search_are_replaced(
        values in proptest::collection::vec(letters(8..12), 1..4),
        text in letters(0..80),
    ) {
        // Presented keys have no forms beside the value.
        let known = KnownSecrets::default().with(values.iter().map(String::as_bytes), SecretForms::Plain);
        let lower = text.to_lowercase();
        let mut hidden = vec![false; text.len()];
        for value in &values {
            let value = value.to_lowercase();
            for at in (0..text.len()).filter(|at| lower.get(*at..).is_some_and(|rest| rest.starts_with(&value))) {
                hidden[at..at + value.len()].fill(true);
            }
        }
        let mut seen = vec![false; text.len()];
        for span in known.spans(text.as_bytes(), Search::Whole) {
            seen[span.start..span.end].fill(true);
        }
        prop_assert_eq!(seen, hidden);
    }

    #[test]
    fn no_mixture_of_escapes_and_no_cut_lets_a_secret_through(
        forms in proptest::collection::vec(0..6_u8, 39),
        rounds in 1..3_u8,
        before in "[ -~é]{0,12}",
        after in "[ -~é]{0,12}",
        cuts in proptest::collection::vec(0..400_usize, 0..4),
    ) {
        let encode = |(at, byte): (usize, u8)| match forms.get(at) {
            Some(1) => format!("%{byte:02X}"),
            Some(2) => format!("\\u{byte:04x}"),
            Some(3) => format!("&#{byte};"),
            Some(4) => format!("\\x{byte:02x}"),
            Some(5) => char::from(byte).to_string().to_lowercase(),
            _ => char::from(byte).to_string(),
        };
        let once: String = KEY.bytes().enumerate().map(encode).collect();
        let coded = if rounds == 1 { once } else { once.replace('%', "%25").replace('\\', "\\\\") };
        let text = format!("{before} {coded} {after}");
        let cleaned = secrets().clean(&text).into_owned();
        prop_assert!(cleaned.contains(REDACTED) && !cleaned.contains(&coded), "{}", cleaned);
        // However it is cut, no part of the secret is left that is long enough to be told from a word.
        let mut places: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut % text.len())).collect();
        places.sort_unstable();
        places.dedup();
        let mut stream = SecretStream::new(secrets());
        let (mut out, mut from) = (String::new(), 0);
        for to in places.into_iter().chain([text.len()]) {
            out.push_str(&stream.piece(text.get(from..to).unwrap_or_default()));
            from = to;
        }
        let mut decoded = out.clone().into_bytes();
        for _ in 0..MAX_ROUNDS {
            decoded = Decoded::of(&decoded, None).map_or(decoded, |more| more.bytes().to_vec());
        }
        let decoded = String::from_utf8_lossy(&decoded).to_uppercase();
        for window in KEY.as_bytes().windows(LEAST_PART) {
            let part = String::from_utf8_lossy(window).to_uppercase();
            prop_assert!(!decoded.contains(&part), "{} of {}", out, text);
        }
    }

    #[test]
    fn any_text_at_all_is_taken(text in any::<String>(), pieces in proptest::collection::vec(any::<String>(), 0..4)) {
        let known = secrets();
        let _ = known.clean(&text);
        let _ = known.clean_parts(&text);
        let mut stream = SecretStream::new(known);
        for piece in &pieces {
            let _ = stream.piece(piece);
            stream.pass(piece);
        }
    }
}
