//! Cursors: one of the very list opens its exact page, and nothing else opens anything.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::{escaped, hold, operations, parameters};
use crate::support::{Answer, Key, TestApp};

/// Who asks.
#[derive(Debug, Clone, Copy)]
enum Who {
    Alice,
    Mallory,
    Admin,
}

/// The lists: the route, its query, who asks. `UNTIL` is before anything that the test asks.
const LISTS: [(&str, &str, Who); 16] = [
    ("/intents", "", Who::Alice),
    ("/intents", "", Who::Mallory),
    ("/intents", "status=reserved", Who::Alice),
    ("/intents", "code=F821&file=a.py", Who::Alice),
    ("/intents/by_file?file=a.py", "", Who::Alice),
    ("/intents/by_file?file=b.py", "", Who::Alice),
    ("/intents/by_owner/team-a", "", Who::Alice),
    ("/intents/stale", "days=30", Who::Alice),
    ("/intents/stale", "days=7", Who::Alice),
    ("/llm/usage", "", Who::Alice),
    ("/llm/usage", "", Who::Mallory),
    ("/admin/api_keys", "", Who::Admin),
    ("/admin/audit", "until=UNTIL", Who::Admin),
    ("/admin/audit", "until=UNTIL&path=/intents", Who::Admin),
    ("/admin/llm/usage", "", Who::Admin),
    ("/admin/llm/holds", "", Who::Admin),
];

/// What happens to a cursor of a list.
#[derive(Debug, Clone)]
enum Harm {
    Nothing,
    Edit(Vec<(Index, u8)>),
    Cut(Index),
    Longer(Vec<u8>),
    Upper,
    Twice,
    Other(Vec<u8>),
}

/// One list: all of its rows, and the cursors that its own pages gave: how many rows are before each.
struct Known {
    path: String,
    who: Who,
    rows: Vec<Value>,
    cursors: HashMap<String, usize>,
}

struct Lists {
    app: TestApp,
    keys: [Key; 2],
    all: Vec<Known>,
    /// Every cursor of every list.
    cursors: Vec<String>,
}

impl Lists {
    async fn get(&self, who: Who, path: &str) -> Answer {
        let call = self.app.get(path);
        let call = match who {
            Who::Alice => call.key(&self.keys[0].text),
            Who::Mallory => call.key(&self.keys[1].text),
            Who::Admin => call.admin(),
        };
        call.send().await
    }

    /// Reads a list in one page, and then row by row.
    async fn walk(&self, (route, query, who): (&str, &str, Who)) -> Known {
        let query = query.replace("UNTIL", "2026-01-20T00:00:00Z");
        let joint = if route.contains('?') { '&' } else { '?' };
        let path = format!("{route}{joint}{query}{}", if query.is_empty() { "" } else { "&" });
        let rows = self.get(who, &format!("{path}limit=1000")).await.ok(200);
        let rows = rows.as_array().expect("rows").clone();
        let mut cursors = HashMap::new();
        let mut next = Some(format!("{path}limit=1"));
        let mut before = 0;
        while let Some(page) = next {
            let answer = self.get(who, &page).await;
            let shown = json!(rows.get(before..before + 1).unwrap_or_default());
            assert_eq!(answer.ok(200), shown, "{page}");
            // Lists that look through rows find their end on an empty page.
            before = rows.len().min(before + 1);
            next = answer.next();
            let cursor = next.as_ref().and_then(|next| next.split("cursor=").nth(1));
            cursors.extend(cursor.map(|cursor| (cursor.to_owned(), before)));
        }
        assert!([rows.len(), rows.len() + 1].contains(&(cursors.len() + 1)), "{path}");
        Known { path, who, rows, cursors }
    }
}

async fn filled() -> Lists {
    let app = TestApp::new().await;
    let key = |agent: &str| {
        app.key_with(json!({ "agent_id": agent, "owner": "team-a", "rate_per_minute": 10_000_000 }))
    };
    let keys = [key("alice").await, key("mallory").await];
    for agent in ["c", "d", "e"] {
        key(agent).await;
    }
    for index in 0..14_u64 {
        let key = &keys[usize::try_from(index % 2).expect("0 or 1")];
        let mut body = json!({
            "id": format!("i-{:02}", index * 5 % 14),
            "code": if index % 3 == 0 { "F401" } else { "F821" },
            "file": if index % 4 == 0 { "b.py" } else { "a.py" },
            "owner": "team-a",
        });
        if index % 5 != 0 {
            body["line"] = json!(index % 3 + 1);
        }
        app.post("/intents", &body).key(&key.text).send().await.ok(201);
        if index % 3 == 0 {
            app.seconds(3600);
        }
        let call = format!("call-{index}");
        let hold = json!({
            "call_id": call, "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 10, "max_tokens": 10,
        });
        app.post("/llm/holds", &hold).key(&key.text).send().await.ok(201);
        if index % 4 != 0 {
            let usage = json!({ "usage": { "prompt_tokens": 3, "completion_tokens": 2 } });
            app.post(&format!("/llm/holds/{call}.1/settle"), &usage).key(&key.text).send().await.ok(200);
        }
    }
    app.days(40);
    let mut lists = Lists { app, keys, all: Vec::new(), cursors: Vec::new() };
    for list in LISTS {
        let known = lists.walk(list).await;
        assert!(known.rows.len() > 2, "{list:?} has {}", known.rows.len());
        lists.cursors.extend(known.cursors.keys().cloned());
        lists.all.push(known);
    }
    lists
}

fn harm() -> impl Strategy<Value = Harm> {
    let digits = || prop_oneof![2 => select(b"0123456789abcdef".to_vec()), 1 => any::<u8>()];
    prop_oneof![
        4 => Just(Harm::Nothing),
        2 => vec((any::<Index>(), digits()), 1..3).prop_map(Harm::Edit),
        1 => any::<Index>().prop_map(Harm::Cut),
        1 => vec(digits(), 1..4).prop_map(Harm::Longer),
        1 => Just(Harm::Upper),
        1 => Just(Harm::Twice),
        1 => vec(any::<u8>(), 0..40).prop_map(Harm::Other),
        1 => ".{0,20}".prop_map(|text| Harm::Other(text.into_bytes())),
        1 => vec(digits(), 5990..6010).prop_map(|half| Harm::Other([half.as_slice(), &half].concat())),
    ]
}

fn harmed(cursor: &str, harm: &Harm) -> Vec<u8> {
    let mut bytes = cursor.as_bytes().to_vec();
    match harm {
        Harm::Nothing => {}
        Harm::Edit(edits) => edits.iter().for_each(|(at, byte)| bytes[at.index(cursor.len())] = *byte),
        Harm::Cut(at) => bytes.truncate(at.index(cursor.len())),
        Harm::Longer(more) => bytes.extend(more),
        Harm::Upper => bytes.make_ascii_uppercase(),
        Harm::Twice => bytes.extend(cursor.as_bytes()),
        Harm::Other(other) => bytes.clone_from(other),
    }
    bytes
}

#[test]
fn every_list_of_the_document_is_in_the_table() {
    let document = http_api::document();
    for (method, path, operation) in operations(&document) {
        let is_list = parameters(operation, "query").any(|(name, _)| name == "cursor");
        let start = path.split('{').next().expect("a start");
        let known = LISTS.iter().any(|(route, ..)| {
            let route = route.split('?').next().expect("a path");
            if path.contains('{') { route.starts_with(start) } else { route == path }
        });
        assert!(!is_list || known, "{method} {path}");
    }
}

#[test]
fn a_cursor_opens_the_exact_page_of_its_own_list_or_nothing() {
    hold(
        2,
        filled(),
        |_| (any::<Index>(), any::<Index>(), any::<bool>(), harm(), prop::option::of(1_usize..6)),
        async |lists, (list, cursor, own, harm, limit)| {
            let list = list.get(&lists.all);
            let mut own_cursors: Vec<_> = list.cursors.keys().cloned().collect();
            own_cursors.sort_unstable();
            let cursor = cursor.get(if own { &own_cursors } else { &lists.cursors });
            let bytes = harmed(cursor, &harm);
            let mut path = format!("{}cursor={}", list.path, escaped(&bytes));
            path += &limit.map_or_else(String::new, |limit| format!("&limit={limit}"));
            let answer = lists.get(list.who, &path).await;
            let Ok(text) = std::str::from_utf8(&bytes) else {
                assert_eq!(answer.code(), "malformed_request", "{path}: {}", answer.text());
                return;
            };
            let from = if text.is_empty() { Some(0) } else { list.cursors.get(text).copied() };
            let Some(from) = from else {
                assert_eq!(answer.code(), "invalid_cursor", "{path}: {}", answer.text());
                return;
            };
            let end = (from + limit.unwrap_or(1000)).min(list.rows.len());
            assert_eq!(answer.ok(200), json!(list.rows[from..end]), "{path}");
            let next = answer.next();
            assert!(next.is_some() || end == list.rows.len(), "{path}");
            let next = next.as_ref().and_then(|next| next.split("cursor=").nth(1));
            assert!(next.is_none_or(|next| list.cursors.get(next) == Some(&end)), "{path}");
        },
    );
}
