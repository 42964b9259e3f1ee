//! Check for members that a JSON text names twice.
//!
//! RFC 8259 leaves open what such an object means: some readers keep the first value, some the last, some both. A
//! text that two programs read differently can pass the checks of one and take effect in the other. So it has no
//! canonical form.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Member that occurs twice in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateMember {
    /// Name, unescaped.
    pub name: String,
    /// Position, as a JSON pointer (RFC 6901).
    pub pointer: String,
}

/// Reason why the members of a text may not be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberFault {
    /// This member occurs twice.
    Twice(DuplicateMember),
    /// The text is not JSON, nests deeper than 127 levels, or has a number that no parser can read. The text after
    /// that was not checked.
    /// was not looked at.
    Unreadable,
}

/// Verifies that no object of a JSON text has a member twice, however the two names are escaped. It takes time linear
/// in the text.
///
/// # Errors
/// [`MemberFault`]: the first duplicate, or that the text could not be read to its end. A reader that skips a value
/// may still accept such a text, so it must be refused there too.
pub fn members_once(text: &[u8]) -> Result<(), MemberFault> {
    walk(text, false).map(drop)
}

/// Parses a JSON text in which no object has a member twice.
///
/// # Errors
/// [`MemberFault`], as for [`members_once`]; also when something follows the value.
pub fn value_once(text: &[u8]) -> Result<Value, MemberFault> {
    walk(text, true)
}

fn walk(text: &[u8], keep: bool) -> Result<Value, MemberFault> {
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = MemberWalk { found: &mut found, keep }.deserialize(&mut reader);
    let read = read.and_then(|value| if keep { reader.end().map(|()| value) } else { Ok(value) });
    match (found, read) {
        (Some(found), _) => Err(MemberFault::Twice(found.member())),
        (None, Err(_)) => Err(MemberFault::Unreadable),
        (None, Ok(value)) => Ok(value),
    }
}

impl Found {
    fn member(self) -> DuplicateMember {
        let Self { name, outward } = self;
        let mut pointer = String::new();
        for step in outward.iter().rev() {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        DuplicateMember { name, pointer }
    }
}

struct Found {
    name: String,
    /// Steps of its pointer, innermost first.
    outward: Vec<String>,
}

/// Walk through one value, which ends at the first duplicate.
struct MemberWalk<'f> {
    found: &'f mut Option<Found>,
    /// Whether the value is kept; otherwise the walk returns `null`.
    keep: bool,
}

impl MemberWalk<'_> {
    fn inner(&mut self) -> MemberWalk<'_> {
        MemberWalk { found: self.found, keep: self.keep }
    }

    /// Adds a step on the way out, when the walk has ended below it.
    fn step(&mut self, step: impl FnOnce() -> String) {
        if let Some(found) = self.found {
            found.outward.push(step());
        }
    }
}

impl<'de> DeserializeSeed<'de> for MemberWalk<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MemberWalk<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(if self.keep { value.into() } else { Value::Null })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        for index in 0_usize.. {
            match items.next_element_seed(self.inner()) {
                Ok(Some(item)) if self.keep => list.push(item),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    self.step(|| index.to_string());
                    return Err(error);
                }
            }
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let (mut object, mut seen) = (Map::new(), SeenNames::default());
        while let Some(name) = members.next_key_seed(MemberName)? {
            if seen.contains(&name) || object.contains_key(&*name) {
                let name = name.into_owned();
                *self.found = Some(Found { outward: vec![name.clone()], name });
                return Err(A::Error::custom("a member comes twice"));
            }
            match members.next_value_seed(self.inner()) {
                Ok(value) if self.keep => drop(object.insert(name.into_owned(), value)),
                Ok(_) => seen.insert(name),
                Err(error) => {
                    self.step(|| name.into_owned());
                    return Err(error);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// Names of an object so far. Most objects have a few, which are compared one by one: a set would cost more than
/// parsing them.
#[derive(Default)]
struct SeenNames<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> SeenNames<'de> {
    /// Number of names that are compared one by one.
    const FEW: usize = 24;

    fn contains(&self, name: &str) -> bool {
        self.few.iter().any(|seen| seen == name) || (!self.many.is_empty() && self.many.contains(name))
    }

    fn insert(&mut self, name: Cow<'de, str>) {
        if self.few.len() < Self::FEW {
            self.few.push(name);
        } else {
            self.many.insert(name);
        }
    }
}

/// Reads the name of a member, without a copy where the text has no escapes.
struct MemberName;

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for MemberName {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duplicate_member(text: &[u8]) -> Option<DuplicateMember> {
        let kept = value_once(text);
        match (&kept, members_once(text)) {
            (Ok(value), Ok(())) => assert_eq!(serde_json::from_slice::<Value>(text).unwrap(), *value),
            (kept, walked) => assert_eq!(kept.as_ref().err(), walked.err().as_ref()),
        }
        match kept.map(drop) {
            Err(MemberFault::Twice(duplicate)) => Some(duplicate),
            Err(MemberFault::Unreadable) | Ok(()) => None,
        }
    }

    #[track_caller]
    fn finds(text: &str, name: &str, pointer: &str) {
        let expected = DuplicateMember { name: name.to_owned(), pointer: pointer.to_owned() };
        assert_eq!(duplicate_member(text.as_bytes()), Some(expected), "{text}");
    }

    #[test]
    fn a_member_that_comes_twice_is_found_at_any_depth() {
        finds(r#"{"a":1,"a":1}"#, "a", "/a");
        finds(r#"{"a":{"b":[0,{"c":1,"d":{},"c":2}]}}"#, "c", "/a/b/1/c");
        finds(r#"[[],{"x":{"y":null,"y":null}}]"#, "y", "/1/x/y");
        finds(r#"{"":{"":1,"":2}}"#, "", "//");
        finds(r#"{"a/b":{"~":1,"~":2}}"#, "~", "/a~1b/~0");
        let deep = format!("{}{}{}", r#"{"a":"#.repeat(120), r#"{"b":1,"b":1}"#, "}".repeat(120));
        finds(&deep, "b", &format!("{}/b", "/a".repeat(120)));
    }

    #[test]
    fn names_are_compared_without_their_escapes() {
        finds(r#"{"a":1,"\u0061":2}"#, "a", "/a");
        finds(r#"{"\u0061":1,"a":2}"#, "a", "/a");
        finds(r#"{"\ud83d\ude00":1,"😀":2}"#, "😀", "/😀");
        assert_eq!(duplicate_member(br#"{"a":1,"A":2,"\\u0061":3,"a ":4}"#), None);
    }

    #[test]
    fn the_same_name_in_two_objects_is_no_duplicate() {
        for text in [r#"{"a":{"a":1},"b":{"a":1}}"#, r#"[{"a":1},{"a":1}]"#, r#"{"a":"a","b":"a"}"#, "7", ""]
        {
            assert_eq!(duplicate_member(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_duplicate_is_found_wherever_its_first_is_among_many() {
        let names: Vec<String> = (0..60).map(|n| format!("\"n{n}\":0")).collect();
        for first in [0, 23, 24, 25, 59] {
            let text = format!("{{{},\"n{first}\":1}}", names.join(","));
            finds(&text, &format!("n{first}"), &format!("/n{first}"));
        }
        assert_eq!(duplicate_member(format!("{{{}}}", names.join(",")).as_bytes()), None);
    }

    #[test]
    fn what_lies_behind_a_part_that_is_too_deep_counts_as_unread() {
        for levels in [126, 127, 128, 500] {
            let text = format!("{{\"deep\":{}{},\"a\":1,\"a\":2}}", "[".repeat(levels), "]".repeat(levels));
            let fault = members_once(text.as_bytes()).unwrap_err();
            assert_eq!(fault == MemberFault::Unreadable, levels > 126, "{levels}: {fault:?}");
        }
        assert_eq!(members_once(br#"{"a":1e999}"#), Err(MemberFault::Unreadable));
        assert_eq!(members_once(br#"{"a":1,"b":[{"a":1}]}"#), Ok(()));
    }

    #[test]
    fn a_value_has_nothing_behind_it() {
        assert_eq!(value_once(br#" {"a":[1,-2,0.5,"x",true,null]} "#).unwrap()["a"][3], "x");
        assert_eq!(value_once(br#"{"a":1} {"a":2}"#), Err(MemberFault::Unreadable));
    }

    #[test]
    fn what_is_no_json_is_left_to_the_parser() {
        finds(r#"{"a":1,"a":"#, "a", "/a");
        for text in [r#"{"a":1,"b":,"a":1}"#, "{'a':1}", r#"{"a":1e999,"a":1}"#, r#"{"\ud800":1,"\ud800":1}"#]
        {
            assert_eq!(duplicate_member(text.as_bytes()), None, "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn many_members_take_no_more_than_their_share_of_time() {
        let many: Vec<String> = (0..300_000).map(|n| format!("\"{n}\":0")).collect();
        let text = format!("{{{},\"7\":1}}", many.join(","));
        finds(&text, "7", "/7");
    }
}
