//! Generated requests: bodies, cursors, parameters and headers that are random, or valid ones that were damaged. The
//! routes, the fields of their bodies and their parameters come from the OpenAPI document, so that a new one is
//! tested unasked. `PROPTEST_CASES` sets how many there are; what holds for every answer is checked by
//! `support/answer.rs`.

mod bodies;
mod cursors;
mod headers;
mod parameters;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

/// Runs a property against an application, which stays the same from case to case.
fn hold<S: Strategy, W>(
    share: u32,
    world: impl Future<Output = W>,
    cases: impl FnOnce(&W) -> S,
    property: impl AsyncFn(&W, S::Value),
) {
    let system = actix_web::rt::System::new();
    let world = system.block_on(world);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let config = ProptestConfig { cases: (config.cases / share).max(1), ..config };
    let held = TestRunner::new(config).run(&cases(&world), |case| {
        system.block_on(property(&world, case));
        Ok(())
    });
    held.unwrap_or_else(|failed| panic!("{failed}"));
}

/// The operations of the document: method, path and what it says of them.
fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    document["paths"].as_object().expect("paths").iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations");
        item.iter().map(move |(method, operation)| (method.to_ascii_uppercase(), path.as_str(), operation))
    })
}

/// The parameters of an operation that stand in one place: names and schemas.
fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let parameters = operation["parameters"].as_array().expect("parameters").iter();
    let here = parameters.filter(move |parameter| parameter["in"] == place);
    here.map(|parameter| (parameter["name"].as_str().expect("a name"), &parameter["schema"]))
}

/// A text as a value of a query, every byte escaped that could mean something.
fn escaped(text: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.iter().map(one).collect()
}
