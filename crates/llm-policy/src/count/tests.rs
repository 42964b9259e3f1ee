use proptest::prelude::*;

use super::{LONGEST_COUNTED, count_text, cut_text};
use crate::Encoding;

const BOTH: [Encoding; 2] = [Encoding::O200k, Encoding::Cl100k];

#[test]
fn token_counts_match_those_of_openais_documentation() {
    // OpenAI's cookbook, "How to count tokens with tiktoken".
    for (text, cl100k, o200k) in [
        ("", 0, 0),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
    ] {
        assert_eq!(count_text(text, Some(Encoding::Cl100k)), cl100k, "{text}");
        assert_eq!(count_text(text, Some(Encoding::O200k)), o200k, "{text}");
    }
}

#[test]
fn without_a_tokenizer_each_byte_counts_as_a_token() {
    assert_eq!(count_text("お誕生日", None), 12);
    assert_eq!(cut_text("お誕生日", 7, None), "お誕");
    assert_eq!(cut_text("お誕生日", 12, None), "お誕生日");
    assert_eq!(cut_text("お誕生日", u64::MAX, None), "お誕生日");
    assert_eq!(cut_text("お誕生日", 2, None), "");
}

#[test]
fn names_of_special_tokens_count_as_plain_text() {
    for encoding in BOTH {
        assert!(count_text("<|endoftext|>", Some(encoding)) > 1);
    }
}

#[test]
fn texts_above_256_kib_are_bounded_by_their_bytes() {
    let most = "a ".repeat(LONGEST_COUNTED / 2);
    let counted = count_text(&most, Some(Encoding::O200k));
    assert!(counted < 150_000, "{counted}");
    assert_eq!(count_text(&format!("{most}a"), Some(Encoding::O200k)), 262_145);
}

#[test]
fn a_cut_ends_where_the_provider_would_have_stopped() {
    let text = "one two three four";
    for encoding in BOTH {
        for (tokens, left) in
            [(0, ""), (1, "one"), (3, "one two three"), (4, text), (5, text), (u64::MAX, text)]
        {
            assert_eq!(cut_text(text, tokens, Some(encoding)), left);
        }
    }
    // This character takes four tokens, and two of them are not a character.
    assert_eq!(count_text("𒀀", Some(Encoding::Cl100k)), 4);
    assert_eq!(cut_text("a𒀀b", 3, Some(Encoding::Cl100k)), "a");
    assert_eq!(cut_text("a𒀀b", 5, Some(Encoding::Cl100k)), "a𒀀");
}

#[test]
fn a_cut_inside_a_character_leaves_no_more_tokens_than_allowed() {
    // The first of two tokens ends inside the last character. The complete characters before it take two tokens.
    for (encoding, text, whole) in [(Encoding::O200k, " მაბ", " მა"), (Encoding::Cl100k, "無しぁ", "無し")]
    {
        assert_eq!(count_text(text, Some(encoding)), 2);
        assert_eq!(count_text(whole, Some(encoding)), 2);
        let left = cut_text(text, 1, Some(encoding));
        assert_eq!(left, whole.get(..whole.len() - 3).unwrap());
        assert_eq!(count_text(left, Some(encoding)), 1);
    }
}

#[test]
fn a_long_text_is_cut_like_a_short_one() {
    let words = "word ".repeat(LONGEST_COUNTED);
    assert_eq!(cut_text(&words, 100, Some(Encoding::O200k)), words.get(..499).unwrap());
    let bytes = cut_text(&words, 300_000, Some(Encoding::O200k));
    assert_eq!(bytes.len(), 300_000);
    let most = cut_text(&words, 200_000, Some(Encoding::O200k));
    assert_eq!(most.len(), LONGEST_COUNTED);
}

#[test]
fn counting_and_cutting_take_linear_time_for_every_text() {
    for encoding in BOTH {
        for unit in ["a", " ", "🧑‍🚀", "ʰA", "ab"] {
            let text = unit.repeat(LONGEST_COUNTED / unit.len());
            #[expect(clippy::disallowed_methods, reason = "the test measures time")]
            let start = std::time::Instant::now();
            assert!(count_text(&text, Some(encoding)) > 2000);
            assert!(cut_text(&text, 2000, Some(encoding)).len() >= 2000);
            // An unoptimized build takes a second or two on a busy machine. Quadratic work would take some
            // 70,000,000,000 steps.
            assert!(start.elapsed().as_secs() < 20, "{unit:?} {encoding:?}: {:?}", start.elapsed());
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "a",
        " ",
        "  ",
        "\n",
        "\r\n",
        "don't",
        "we're",
        "WE'RE",
        "é",
        "日本",
        "🧑‍🚀",
        "𒀀",
        "123456",
        "...",
        "\u{301}",
        "ß",
        "internationalization",
        "{\"a\": 1}",
        "\t",
        "\u{a0}",
        "<|endoftext|>",
        "ʰ",
        "ﷺ",
    ]);
    prop_oneof![
        ".{0,60}",
        "[ -~\n]{0,200}",
        prop::collection::vec(words, 0..40).prop_map(|words| words.concat()),
    ]
}

proptest! {
    #[test]
    fn a_text_never_has_more_tokens_than_bytes(text in texts(), encoding in prop::sample::select(&BOTH[..])) {
        prop_assert!(count_text(&text, Some(encoding)) <= count_text(&text, None));
    }

    #[test]
    fn counts_match_those_of_the_full_encoder(text in texts()) {
        let encoded = bpe_openai::o200k_base().encode(text.as_str()).len();
        prop_assert_eq!(count_text(&text, Some(Encoding::O200k)), encoded as u64);
    }

    #[test]
    fn a_cut_text_never_has_more_tokens_than_allowed(
        text in texts(),
        most in 0..60_u64,
        encoding in prop::option::of(prop::sample::select(&BOTH[..])),
    ) {
        let left = cut_text(&text, most, encoding);
        prop_assert!(text.starts_with(left));
        prop_assert!(count_text(left, encoding) <= most);
        if count_text(&text, encoding) <= most {
            prop_assert_eq!(left, text.as_str());
        }
    }

    #[test]
    fn a_cut_drops_at_most_eight_tokens_too_many(text in texts(), most in 0..60_u64) {
        let tokenizer = bpe_openai::o200k_base();
        let left = cut_text(&text, most, Some(Encoding::O200k)).len();
        let ids = tokenizer.encode(text.as_str());
        let first = usize::try_from(most.saturating_sub(8)).unwrap();
        let whole: usize =
            ids.iter().take(first).map(|id| tokenizer.bpe.token_len(*id)).sum();
        prop_assert!(left >= whole, "{left} of {whole}");
    }
}
