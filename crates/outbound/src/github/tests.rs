use super::*;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers one request; gives what it read.
async fn serve_once(listener: TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = vec![0; 8192];
    let count = stream.read(&mut read).await.unwrap();
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&read[..count]).into_owned()
}

async fn call(answer: &str) -> (Result<Reply, GitHubError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}/api/v3/", listener.local_addr().unwrap());
    let github = GitHub::new(&api, "s3cret-token\n").unwrap();
    tokio::join!(github.call("GET", "/repos/o/r/branches/a%2Fb", None), serve_once(listener, answer))
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_call_carries_what_github_asks_for() {
    let (reply, seen) = call(&answer("200 OK", "{\"a\":1}")).await;
    assert_eq!(reply.unwrap(), Reply { status: 200, body: json!({"a": 1}) });
    assert!(seen.starts_with("GET /api/v3/repos/o/r/branches/a%2Fb HTTP/1.1\r\n"), "{seen}");
    let seen = seen.to_lowercase();
    for header in [
        "authorization: bearer s3cret-token\r\n",
        "accept: application/vnd.github+json\r\n",
        "x-github-api-version: 2022-11-28\r\n",
        "user-agent: t4/",
    ] {
        assert!(seen.contains(header), "{header}: {seen}");
    }
}

#[tokio::test]
async fn any_status_is_an_answer_and_a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let moved = format!("301 Moved\r\nlocation: http://{}/", elsewhere.local_addr().unwrap());
    for (head, body, status) in [
        (moved.as_str(), "{}", 301),
        ("403 Forbidden", r#"{"message":"Must have admin rights to Repository."}"#, 403),
        ("502 Bad Gateway", "<html>", 502),
    ] {
        assert_eq!(call(&answer(head, body)).await.0.unwrap().status, status);
    }
    let nobody = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
    assert!(nobody.is_err(), "the redirect was followed");
}

#[tokio::test]
async fn what_is_said_of_a_failed_call_comes_without_the_token() {
    for (head, body) in [
        ("401 Unauthorized", r#"{"message":"Bad credentials: s3cret-token"}"#),
        ("422 Unprocessable", r#"{"message":"x","errors":["s3cret-\u0074oken"]}"#),
    ] {
        let reply = call(&answer(head, body)).await.0.unwrap();
        assert!(reply.problem().ends_with("[redacted]"), "{}", reply.problem());
    }
    let limited = call(&answer("429 Too Many", r#"{"message":"s3cret-token"}"#)).await.0.unwrap_err();
    assert!(!limited.to_string().contains("s3cret-token"), "{limited}");
}

#[tokio::test]
async fn a_used_up_limit_is_told_with_the_time_of_its_end() {
    for (head, body, told) in [
        ("429 Too Many\r\nretry-after: 7", "{}", "in 7 s"),
        ("403 Forbidden\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1700000000", "{}", "at 1700000000"),
        ("403 Forbidden", r#"{"message":"You have exceeded a secondary rate limit."}"#, "in a minute"),
    ] {
        let error = call(&answer(head, body)).await.0.unwrap_err();
        assert!(matches!(error, GitHubError::Limited { .. }) && error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn no_error_and_no_debug_tells_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let github = GitHub::new(&api, "s3cret").unwrap();
    let error = github.call("GET", "/x", None).await.unwrap_err();
    let wrong = GitHub::new("https://u:s3cret@example.com", "x").unwrap_err();
    let token = GitHub::new("https://example.com", "s3cret\nx: y").unwrap_err();
    let told = format!("{github:?} {error} {error:?} {wrong} {wrong:?} {token} {token:?}");
    assert!(told.contains("127.0.0.1") && !told.contains("s3cret"), "{told}");
}

#[tokio::test]
async fn what_is_no_path_is_not_called() {
    let github = GitHub::new("https://example.com", "x").unwrap();
    for (method, path) in [("GET", "x"), ("GET", "@evil.example/x"), ("G T", "/x")] {
        let called = github.call(method, path, None).await;
        assert!(matches!(called, Err(GitHubError::Call { .. })), "{method} {path}");
    }
}

#[test]
fn a_token_goes_in_the_clear_to_this_machine_alone() {
    for api in ["https://api.github.com/", "http://127.0.0.1:9/api/v3", "http://[::1]:9", "http://localhost"]
    {
        assert!(GitHub::new(api, "x").is_ok(), "{api}");
    }
    for api in [
        "http://github.example.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "api.github.com",
        "https://x/?a=b",
    ] {
        assert!(matches!(GitHub::new(api, "x"), Err(GitHubError::Address { .. })), "{api}");
    }
}

#[test]
fn a_problem_is_one_line_with_every_detail() {
    let body = json!({"message": "Validation Failed", "errors": [
        {"code": "already_exists", "field": "name"}, {"message": "No commits\nbetween"}, "text"]});
    let reply = Reply { status: 422, body };
    assert_eq!(reply.problem(), "422, Validation Failed: already_exists (name); No commits between; text");
    assert_eq!(Reply { status: 500, body: Value::Null }.problem(), "500");
}
