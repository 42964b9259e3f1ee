//! The table of error codes is told the same everywhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use api_types::Code;
use intent_http::document;

use crate::app::{Request, TestApp};

#[test]
fn the_documentation_lists_every_code_with_its_status() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ERRORS.md");
    let text = fs::read_to_string(path).unwrap();
    let documented: BTreeSet<(String, u16)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let code = cells.next()?.trim_matches('`').to_owned();
            Some((code, cells.next()?.parse().ok()?))
        })
        .collect();
    let table: BTreeSet<_> = Code::ALL.iter().map(|code| (code.as_str().to_owned(), code.status())).collect();
    assert_eq!(documented, table);
}

#[test]
fn the_document_is_openapi_3_1_and_lists_only_codes_of_the_table() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            for (status, answer) in operation["responses"].as_object().unwrap() {
                for code in answer["x-t4-codes"].as_array().into_iter().flatten() {
                    let code = Code::parse(code.as_str().unwrap()).unwrap();
                    assert_eq!(code.status().to_string(), *status);
                }
            }
        }
    }
}

#[actix_web::test]
async fn the_page_and_the_document_load_nothing_from_outside() {
    let app = TestApp::start().await;
    let page = app.send(Request::new("GET", "/docs")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "{}", page.body);
    for part in page.body.split(['"', '\'']).filter(|part| part.starts_with("/docs/")) {
        assert_eq!(app.send(Request::new("GET", part)).await.status, 200, "{part}");
    }
    assert_eq!(app.send(Request::new("GET", "/docs/none.js")).await.status, 404);
    let served = app.send(Request::new("GET", "/openapi.json")).await;
    assert_eq!(served.json(), document());
}

#[actix_web::test]
async fn a_panic_in_a_handler_is_a_500_of_the_one_shape() {
    let app = TestApp::start().await;
    let answer = app.send(Request::new("GET", "/test/panic").header("x-request-id", "panicked")).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "internal"), "{}", answer.body);
    assert_eq!(answer.json()["error"]["request_id"], "panicked");
    assert_eq!(answer.header("x-request-id"), Some("panicked"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
