//! The table of errors: in the code, in `docs/ERRORS.md` and in the OpenAPI document it is the same.

use api_types::Code;
use serde_json::json;

#[test]
fn the_table_of_the_docs_is_the_table_of_the_code() {
    let docs = include_str!("../../docs/ERRORS.md");
    let mut told = Vec::new();
    for line in docs.lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if let [code, status, _, what_to_do] = cells.as_slice()
            && let Some(code) = code.strip_prefix('`').and_then(|code| code.strip_suffix('`'))
        {
            told.push((code.to_owned(), (*status).to_owned(), (*what_to_do).to_owned()));
        }
    }
    let row = |code: &Code| (code.as_str().to_owned(), code.status().to_string(), code.hint().to_owned());
    assert_eq!(told, Code::ALL.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn the_table_of_the_document_is_the_table_of_the_code() {
    let row =
        |code: &Code| json!({ "code": code.as_str(), "status": code.status(), "what_to_do": code.hint() });
    let expected: Vec<_> = Code::ALL.iter().map(row).collect();
    assert_eq!(http_api::document()["x-t4-error-codes"], json!(expected));
}

#[test]
fn the_document_lists_codes_under_their_own_status() {
    let document = http_api::document();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            for (status, response) in operation["responses"].as_object().expect("responses") {
                for code in response["x-t4-codes"].as_array().into_iter().flatten() {
                    let code = Code::parse(code.as_str().unwrap_or_default()).expect("a known code");
                    assert_eq!(code.status().to_string(), *status, "{method} {path}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn the_document_refers_to_nothing_that_it_does_not_hold() {
    let document = http_api::document();
    let text = document.to_string();
    let mut references = 0;
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().expect("a name");
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        references += 1;
    }
    assert!(references > 20, "{references}");
}
