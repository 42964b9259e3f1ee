use super::*;

fn again(text: &str) -> Result<String, String> {
    loads(text).map(|value| dumps(&value)).map_err(|error| error.to_string())
}

/// Each pair is what Python 3.11 makes of a text with `loads` and `dumps(separators=(",", ":"), ensure_ascii=False)`.
#[test]
fn texts_come_out_as_python_prints_them() {
    for (text, printed) in [
        (" {\"b\" : 1 ,\"a\":[ ] , \"b\":{} } ", "{\"b\":{},\"a\":[]}"),
        ("[NaN,Infinity,-Infinity]", "[NaN,Infinity,-Infinity]"),
        (
            "[-0,-0.0,1.50,1E400,-1e999,1e5,1e15,1e16,1e-4,1e-5,88.82,1.7976931348623157e308]",
            "[0,-0.0,1.5,Infinity,-Infinity,100000.0,1000000000000000.0,1e+16,0.0001,1e-05,88.82,1.7976931348623157e+308]",
        ),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("5e-324", "5e-324"),
        ("1.0E+2", "100.0"),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\ud83d""#, r#""\ud83d""#),
        (r#""\ude00\ud83d""#, r#""\ude00\ud83d""#),
        (r#""\ud83d\ud83d\ude00""#, r#""\ud83d😀""#),
        (r#""\/\b\f\n\r\t\"\\\u0001\u00e9""#, r#""/\b\f\n\r\t\"\\\u0001é""#),
        ("\"\u{7f}\u{2028}\"", "\"\u{7f}\u{2028}\""),
        ("\"\u{10FFFF}\u{E000}\"", "\"\u{10FFFF}\u{E000}\""),
        ("true", "true"),
    ] {
        assert_eq!(again(text).as_deref(), Ok(printed), "{text}");
    }
}

#[test]
fn texts_that_python_refuses_are_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1.e5",
        "-NaN",
        "nul",
        "\"\t\"",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u 123\"",
        "\"\\u+123\"",
        "\"\\u12\"",
        "{} {}",
        "\u{feff}{}",
        "\u{661}",
        "{\"a\" 1}",
        "[1 2]",
        "\u{a0}1",
        "\"\\u12\u{e9}\"",
    ] {
        assert!(loads(text).is_err(), "{text:?}");
    }
    assert!(loads(&"1".repeat(4_300)).is_ok());
    assert!(loads(&"1".repeat(4_301)).is_err());
}

#[test]
fn an_error_says_where_it_is() {
    assert_eq!(
        again("{\"é\": bad}").unwrap_err(),
        "here stands no JSON value (texts and names of fields need double quotes) (at character 7)"
    );
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(loads(&deep(800)).is_ok());
    assert!(loads(&deep(100_000)).is_err());
    assert!(loads(&"{\"a\":".repeat(100_000)).is_err());
}

#[test]
fn indented_output_is_pythons() {
    let value = loads(r#"{"a":[],"b":{},"é":[1,{"c":"😀\ud83d\u007f"}],"n":null}"#).unwrap();
    let printed = "{\n  \"a\": [],\n  \"b\": {},\n  \"\\u00e9\": [\n    1,\n    {\n      \"c\": \"\\ud83d\\ude00\\ud83d\\u007f\"\n    }\n  ],\n  \"n\": null\n}";
    assert_eq!(dumps_indented(&value), printed);
}

#[test]
fn truth_is_pythons() {
    for (text, truth) in [
        ("null", false),
        ("false", false),
        ("0", false),
        ("-0.0", false),
        ("0e5", false),
        ("1e-999", false),
        ("\"\"", false),
        ("[]", false),
        ("{}", false),
        ("true", true),
        ("NaN", true),
        ("0.1", true),
        ("\"0\"", true),
        ("[0]", true),
        ("{\"a\":0}", true),
        ("-1", true),
        ("Infinity", true),
    ] {
        assert_eq!(loads(text).unwrap().is_truthy(), truth, "{text}");
    }
}

#[test]
fn a_prefix_ends_behind_its_value() {
    assert_eq!(prefix("{\"a\": \"}\"}  # noqa").unwrap().1, 10);
    assert!(prefix(" {}").is_err());
}

#[test]
fn a_member_is_changed_in_its_place() {
    let mut object = loads(r#"{"a":1,"b":2}"#).unwrap().as_object().cloned().unwrap();
    set(&mut object, "a", Value::Null);
    set(&mut object, "c", Value::Bool(true));
    assert_eq!(dumps(&Value::Object(object.clone())), r#"{"a":null,"b":2,"c":true}"#);
    assert_eq!(get(&object, "b"), Some(&Value::Number("2".to_owned())));
}

proptest::proptest! {
    #[test]
    fn what_is_printed_is_read_again(value in any_value()) {
        let read = loads(&dumps(&value)).unwrap();
        proptest::prop_assert_eq!(dumps(&read), dumps(&value));
        proptest::prop_assert_eq!(&read, &value);
        proptest::prop_assert_eq!(loads(&dumps_indented(&value)).unwrap(), value);
    }

    #[test]
    fn hostile_texts_are_no_crash(parts in proptest::collection::vec(proptest::sample::select(vec![
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "-", "0", "1e", "NaN", "Infin", "é", " ", "\u{10FFFF}", "\u{E000}", "a",
    ]), 0..40)) {
        let text = parts.concat();
        if let Ok(value) = loads(&text) {
            proptest::prop_assert_eq!(loads(&dumps(&value)).map(|value| dumps(&value)), Ok(dumps(&value)));
        }
        let _ = prefix(&text);
    }
}

fn any_value() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let text = proptest::collection::vec(
        prop_oneof![any::<char>(), Just('"'), Just('\\'), Just('\n'), Just('\u{7f}'), Just('#')],
        0..8,
    )
    // U+10FFFF never stands alone in a text that was read.
    .prop_map(|chars| chars.into_iter().filter(|char| *char != ESCAPE).collect::<String>());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(number.to_string())),
        any::<f64>().prop_map(|number| Value::Number(float(number))),
        text.clone().prop_map(Value::Text),
        Just(Value::Text("\u{10FFFF}\u{E03D}".to_owned())),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        let members = proptest::collection::btree_map(text.clone(), inner.clone(), 0..5);
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(Value::List),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
