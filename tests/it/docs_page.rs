//! The interactive page loads nothing from outside.

use crate::support::TestApp;

#[actix_web::test]
async fn the_page_and_all_that_it_loads_come_from_this_server() {
    let app = TestApp::new().await;
    let page = app.get("/docs").send().await;
    assert_eq!(page.status, 200);
    assert!(page.told("content-security-policy").starts_with("default-src 'self'"));
    let text = page.text();
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("//cdn"), "{text}");
    let parts: Vec<_> = text.split(['"', '\'']).filter(|part| part.starts_with("/docs/")).collect();
    assert!(parts.len() >= 5, "{parts:?}");
    for part in parts {
        assert_eq!(app.get(part).send().await.status, 200, "{part}");
    }
    assert_eq!(app.get("/openapi.json").send().await.json(), http_api::document());
}
