//! Texts from outside: times, and request ids.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use registry_core::{RequestId, Timestamp, check_text};

/// Forms of times, with what is nearly one.
fn times() -> impl Strategy<Value = String> {
    let date = (0_u32..10_001, 0_u32..15, 0_u32..33)
        .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let joint = select(vec!["T", " ", "t", "", "  ", "TT"]);
    let clock = (0_u32..26, 0_u32..62, 0_u32..62)
        .prop_map(|(hour, minute, second)| format!("{hour:02}:{minute:02}:{second:02}"));
    let part = prop_oneof![Just(String::new()), "\\.[0-9]{0,12}"];
    let zone = prop_oneof![
        3 => select(vec!["Z", "", "z", "+00:00", "-00:00", "+24:00", "+14:00", "-12:34", "+1:00"]).prop_map(str::to_owned),
        1 => "[+-][0-9]{2}:[0-9]{2}",
    ];
    let whole =
        (date, joint, clock, part, zone, 0_usize..3).prop_map(|(date, joint, clock, part, zone, form)| {
            match form {
                0 => date,
                _ => format!("{date}{joint}{clock}{part}{zone}"),
            }
        });
    (whole, prop::option::of((any::<Index>(), any::<char>()))).prop_map(|(text, edit)| {
        let edit = edit.map(|(at, char)| (at.index(text.chars().count()), char));
        let other = |(place, char)| edit.filter(|(at, _)| *at == place).map_or(char, |(_, other)| other);
        text.chars().enumerate().map(other).collect()
    })
}

proptest! {
    #[test]
    fn a_time_that_is_read_is_printed_in_one_form_that_stays(text in prop_oneof![8 => times(), 1 => ".{0,30}"]) {
        let read = Timestamp::parse_lenient(&text);
        if let Ok(time) = &read {
            let printed = time.to_string();
            prop_assert_eq!(printed.len(), 27);
            prop_assert_eq!(Timestamp::parse_lenient(&printed).ok(), Some(*time));
            prop_assert_eq!(Timestamp::parse(&printed).ok(), Some(*time));
            for text in [&text, &printed] {
                let normal = Timestamp::normal_text(text.as_str().into()).map(std::borrow::Cow::into_owned);
                prop_assert_eq!(normal.as_ref(), Some(&printed));
            }
            prop_assert!(text.chars().filter(char::is_ascii_digit).count() >= 8, "{:?}", text);
        } else {
            prop_assert_eq!(Timestamp::normal_text(text.as_str().into()), None);
        }
        // The strict form is one of the others.
        if let Ok(time) = Timestamp::parse(&text) {
            prop_assert_eq!(read, Ok(time));
        }
    }

    #[test]
    fn times_are_ordered_as_their_texts(one in any::<i64>(), other in any::<i64>()) {
        let (one, other) = (Timestamp::from_micros(one), Timestamp::from_micros(other));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        prop_assert_eq!(one.since(other).signum(), -other.since(one).signum());
    }

    #[test]
    fn a_request_id_is_taken_as_it_is_or_not_at_all(text in "[a-z0-9._-]{0,70}|.{0,10}|[a-z ,\u{0}-\u{7f}]{1,5}") {
        let plain = text.chars().all(|char| char.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&char));
        let fits = !text.is_empty() && text.len() <= 64 && plain;
        prop_assert_eq!(RequestId::sane(&text).map(RequestId::into_string), fits.then_some(text));
    }

    #[test]
    fn a_text_is_counted_in_characters(text in "[aé🦀]{0,12}|[a\n\t\r\u{0}\u{7f}\u{85}\u{9f}\u{a0}]{0,4}", most in 0_usize..12, multiline: bool) {
        let controls = text.chars().filter(|char| char.is_control());
        let allowed = |char: &char| multiline && ['\n', '\t', '\r'].contains(char);
        let fits = !text.is_empty() && text.chars().count() <= most && controls.into_iter().all(|char| allowed(&char));
        prop_assert_eq!(check_text(&text, most, multiline).is_ok(), fits);
    }
}
