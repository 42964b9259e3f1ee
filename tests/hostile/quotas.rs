//! Quotas of a key: a key that has used them up is refused while the others are served, also after a restart.

use std::time::Duration;

use t4_tests::process::{Server, Start, eventually};

fn details(answer: &t4_tests::http::Answer) -> serde_json::Value {
    answer.json()["error"]["details"].clone()
}

#[test]
fn a_key_at_its_quota_is_refused_while_another_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::at(folder.path()).env("T4_QUOTA_INTENTS", "50").server();
    let server = start();
    let (hostile, _) = server.key("hostile");
    let (other, _) = server.key("other");
    // Four connections at once create what they can.
    let created: usize = std::thread::scope(|scope| {
        let fill = || {
            let mut connection = server.connect();
            let headers = [("x-t4-api-key", hostile.as_str())];
            let create = |_| connection.call("POST", "/intents", &headers, r#"{"code":"F821"}"#).unwrap();
            let answers: Vec<_> = (0..30).map(create).collect();
            assert!(answers.iter().all(|answer| [201, 403].contains(&answer.status)));
            answers.iter().filter(|answer| answer.status == 201).count()
        };
        let filling: Vec<_> = (0..4).map(|_| scope.spawn(fill)).collect();
        filling.into_iter().map(|filling| filling.join().unwrap()).sum()
    });
    assert_eq!(created, 50);
    let used_up = |server: &Server| {
        let refused = server.agent(&hostile, "POST", "/intents", r#"{"code":"F821"}"#);
        assert_eq!((refused.status, refused.code().as_str()), (403, "quota_exceeded"), "{}", refused.body);
        assert_eq!(details(&refused), serde_json::json!({ "quota": "intents", "limit": 50, "used": 50 }));
    };
    used_up(&server);
    assert_eq!(server.register(&other, "mine").status, 201);
    // It survives a `kill -9`.
    server.kill();
    let server = start();
    used_up(&server);
    assert_eq!(server.register(&other, "mine-too").status, 201);
}

#[test]
fn a_key_can_not_fill_the_log_with_its_reads() {
    const LIMIT: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::at(folder.path()).env("T4_QUOTA_AUDIT_BYTES_PER_DAY", LIMIT.to_string()).server();
    let server = start();
    let (hostile, id) = server.key("hostile");
    let (other, _) = server.key("other");
    let read = "/intents?limit=1";
    let refused = eventually("the quota of the day is used up", Duration::from_secs(60), || {
        let answer = server.agent(&hostile, "GET", read, "");
        (answer.status == 429).then_some(answer)
    });
    assert_eq!(refused.code(), "daily_quota_exceeded", "{}", refused.body);
    assert_eq!(details(&refused)["quota"], "audit_bytes_per_day");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&seconds));
    assert_eq!(server.register(&other, "mine").status, 201);
    // Refusals are rows as well, at most sixty a minute: what a flood of them adds is bounded.
    let bytes = |server: &Server| {
        let keys = server.admin("GET", "/admin/api_keys", "").json();
        let shown = keys.as_array().unwrap().iter().find(|key| key["key_id"] == id.as_str()).unwrap().clone();
        shown["usage"]["audit_bytes_per_day"]["used"].as_u64().unwrap()
    };
    let mut connection = server.connect();
    for _ in 0..500 {
        let answer = connection.call("GET", read, &[("x-t4-api-key", &hostile)], "").unwrap();
        assert_eq!(answer.status, 429, "{}", answer.body);
    }
    assert!(server.stop(Duration::from_secs(20)).success());
    // In a minute at most sixty rows and one with the counts, and the minute may have turned once.
    let server = start();
    let after = bytes(&server);
    assert!(after < LIMIT + 200 * 1024, "{after}");
    assert_eq!(server.agent(&hostile, "GET", "/intents", "").code(), "daily_quota_exceeded");
    assert_eq!(server.register(&other, "mine-too").status, 201);
}
