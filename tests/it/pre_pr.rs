//! The pre-PR check: which files have an intent, and the placeholders of those that have none.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::routes::World;
use crate::support::{Answer, texts};

async fn check(world: &World, body: Value) -> Answer {
    world.app.post("/intents/pre_pr_check", &body).key(&world.alice.text).send().await
}

async fn intent(world: &World, file: &str, code: &str, status: &str) -> String {
    let body = json!({ "file": file, "code": code, "status": status, "owner": "o", "ticket": "t" });
    let made = world.app.post("/intents", &body).key(&world.alice.text).send().await.ok(201);
    made["intent"]["id"].as_str().expect("an id").to_owned()
}

#[actix_web::test]
async fn a_living_intent_covers_its_file_and_a_reserved_or_expired_one_does_not() {
    let world = World::new().await;
    for (status, covers) in [
        ("planned", true),
        ("committed", true),
        ("implemented", true),
        ("accepted", true),
        ("reserved", false),
        ("expired", false),
    ] {
        let file = format!("{status}.py");
        intent(&world, &file, "F821", status).await;
        let result = check(&world, json!({ "files": [file], "auto_create_reserved": false })).await.ok(200);
        let missing: Vec<_> = if covers { vec![] } else { vec![file] };
        assert_eq!((&result["ok"], &result["missing"]), (&json!(covers), &json!(missing)), "{status}");
    }
}

#[actix_web::test]
async fn a_missing_file_gets_one_placeholder_which_does_not_make_it_ok() {
    let world = World::new().await;
    let body = json!({ "files": ["a.py", "b.py", "a.py"] });
    let result = check(&world, body.clone()).await.ok(200);
    assert_eq!((&result["ok"], &result["missing"]), (&json!(false), &json!(["a.py", "b.py"])));
    assert_eq!(texts(&result["reserved"], "file"), ["a.py", "b.py"]);
    let placeholder = &result["reserved"][0];
    assert_eq!((&placeholder["line"], &placeholder["code"]), (&json!(1), &json!("F821")));
    assert_eq!((&placeholder["status"], &placeholder["agent_id"]), (&json!("reserved"), &json!("alice")));
    assert_eq!(world.app.intents(), 3);
    // Again, by whomever: the same placeholders, and none more.
    let again = world.app.post("/intents/pre_pr_check", &body).key(&world.mallory.text).send().await.ok(200);
    assert_eq!((&again["ok"], &again["reserved"]), (&json!(false), &result["reserved"]));
    assert_eq!(world.app.intents(), 3);
    // Taken up, the placeholder covers its file.
    let path = format!("/intents/{}", placeholder["id"].as_str().expect("an id"));
    let taken = json!({ "status": "planned", "owner": "o", "ticket": "t" });
    world.app.patch(&path, &taken).key(&world.alice.text).send().await.ok(200);
    let result = check(&world, body).await.ok(200);
    assert_eq!(result["missing"], json!(["b.py"]));
}

/// Spellings of one file.
const SPELLINGS: [&str; 6] = [
    "src/caf\u{e9}.py",
    "./src/caf\u{e9}.py",
    "src//caf\u{e9}.py",
    "a/../src/caf\u{e9}.py",
    "src/./cafe\u{301}.py",
    "src/caf\u{e9}.py/",
];

#[actix_web::test]
async fn a_file_is_covered_under_every_spelling_of_its_path() {
    for stored in SPELLINGS {
        let world = World::new().await;
        intent(&world, stored, "F821", "planned").await;
        let kept = "SELECT count(*) FROM intents WHERE status = 'planned' AND file = 'src/caf\u{e9}.py'";
        assert_eq!(world.app.count(kept), 1, "{stored}");
        for asked in SPELLINGS {
            let result = check(&world, json!({ "files": [asked] })).await.ok(200);
            assert_eq!(result["ok"], true, "{stored} {asked}");
            for list in ["/intents/by_file?", "/intents/by_file?limit=1000&", "/intents?"] {
                let path = format!("{list}file={}", urlencoding(asked));
                let found = world.app.get(&path).key(&world.alice.text).send().await.ok(200);
                assert_eq!(texts(&found, "file"), [SPELLINGS[0]], "{stored} {path}");
            }
        }
        let outside =
            check(&world, json!({ "files": [format!("../{stored}"), format!("/{stored}")] })).await.ok(200);
        assert_eq!(outside["missing"].as_array().map(Vec::len), Some(2), "{stored}");
    }
}

#[actix_web::test]
async fn each_spelling_of_a_file_is_told_once_in_the_order_of_the_question() {
    let world = World::new().await;
    for (asked, told) in [
        (&["a", "a", "./a", "a", "./a", "a/./."][..], &["a", "./a", "a/./."][..]),
        (&["./a", "a", "./a", "b", "a"], &["./a", "a", "b"]),
        (&["x//y", "x/y", "x//y", "x/y/"], &["x//y", "x/y", "x/y/"]),
    ] {
        let body = json!({ "files": asked, "critical_codes": ["A1"], "auto_create_reserved": false });
        let answer = world.app.post("/intents/pre_pr_check", &body).key(&world.alice.text).send().await;
        assert_eq!(answer.ok(200)["missing"], json!(told));
    }
}

#[actix_web::test]
async fn a_missing_file_is_told_as_it_was_asked_for_and_has_one_placeholder() {
    let world = World::new().await;
    let count = world.app.intents();
    let asked: Vec<_> = SPELLINGS.iter().rev().chain(&SPELLINGS).collect();
    world.app.skip_rows().await;
    let result = check(&world, json!({ "files": asked })).await.ok(200);
    let spelled: Vec<_> = SPELLINGS.iter().rev().collect();
    assert_eq!(result["missing"], json!(spelled));
    assert_eq!(texts(&result["reserved"], "file"), [SPELLINGS[0]]);
    assert_eq!(world.app.intents(), count + 1);
    let stored = json!({ "stored": [{ "id": result["reserved"][0]["id"], "file": SPELLINGS[0] }] });
    assert_eq!(world.app.one_row().await.detail, stored.to_string());
    let again = check(&world, json!({ "files": ["./src/cafe\u{301}.py"] })).await.ok(200);
    assert_eq!(
        (&again["missing"], &again["reserved"]),
        (&json!(["./src/cafe\u{301}.py"]), &result["reserved"])
    );
}

fn urlencoding(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[actix_web::test]
async fn without_the_wish_for_placeholders_nothing_is_written() {
    let world = World::new().await;
    let reserved = intent(&world, "waits.py", "F821", "reserved").await;
    let count = world.app.intents();
    let result = check(&world, json!({ "files": ["new.py", "waits.py"], "auto_create_reserved": false }))
        .await
        .ok(200);
    assert_eq!((&result["ok"], &result["missing"]), (&json!(false), &json!(["new.py", "waits.py"])));
    // One that waits already is told all the same.
    assert_eq!(texts(&result["reserved"], "id"), [reserved]);
    assert_eq!(world.app.intents(), count);
}

#[actix_web::test]
async fn only_intents_of_the_critical_codes_count() {
    let world = World::new().await;
    intent(&world, "a.py", "E501", "planned").await;
    let waiting = intent(&world, "b.py", "E501", "reserved").await;
    assert_eq!(check(&world, json!({ "files": ["a.py"], "critical_codes": [] })).await.ok(200)["ok"], true);
    assert_eq!(
        check(&world, json!({ "files": ["a.py"], "critical_codes": ["F401", "E501"] })).await.ok(200)["ok"],
        true
    );
    let result =
        check(&world, json!({ "files": ["a.py", "b.py"], "critical_codes": ["F401", "F821"] })).await.ok(200);
    assert_eq!(result["missing"], json!(["a.py", "b.py"]));
    // A placeholder has the first code, and one of another code is not reused.
    let codes = texts(&result["reserved"], "code");
    assert_eq!(codes, ["F401", "F401"]);
    assert!(!texts(&result["reserved"], "id").contains(&waiting));
}

#[actix_web::test]
async fn no_files_are_fine_and_five_thousand_are_the_most() {
    let world = World::new().await;
    let fine = json!({ "ok": true, "missing": [], "reserved": [] });
    assert_eq!(check(&world, json!({ "files": [] })).await.ok(200), fine);
    let files = |count: usize| (0..count).map(|index| format!("f/{index}.py")).collect::<Vec<_>>();
    check(&world, json!({ "files": files(5001) })).await.refused(Code::InvalidField);
    assert_eq!(world.app.intents(), 1);
    let result = check(&world, json!({ "files": files(5000) })).await.ok(200);
    assert_eq!((result["missing"].as_array().map(Vec::len), world.app.intents()), (Some(5000), 5001));
}

#[actix_web::test]
async fn one_bad_file_or_code_refuses_the_whole_check() {
    let world = World::new().await;
    let long = "x".repeat(4097);
    for body in [
        json!({ "files": ["good.py", ""] }),
        json!({ "files": ["good.py", "nul\u{0}.py"] }),
        json!({ "files": ["good.py", long] }),
        json!({ "files": ["good.py"], "critical_codes": [""] }),
        json!({ "files": ["good.py"], "critical_codes": ["x".repeat(101)] }),
        json!({ "files": ["good.py"], "critical_codes": vec!["x"; 201] }),
    ] {
        check(&world, body).await.refused(Code::InvalidField);
    }
    for body in
        [json!({}), json!({ "files": "a.py" }), json!({ "files": [1] }), json!({ "files": [], "x": 1 })]
    {
        check(&world, body).await.refused(Code::InvalidBody);
    }
    assert_eq!(world.app.intents(), 1);
}

#[actix_web::test]
async fn odd_paths_are_paths() {
    let world = World::new().await;
    let files = json!(["a b.py", "é/ü.py", "../up.py", "/abs.py", "a'--.py", "%2F", "ä\u{301}.py", "👾.py"]);
    let result = check(&world, json!({ "files": files })).await.ok(200);
    assert_eq!(result["missing"], files);
    let again = check(&world, json!({ "files": files })).await.ok(200);
    assert_eq!(again["reserved"], result["reserved"]);
}
