//! Where the blocking client may be used.

use crate::support::{Canned, intent, json};
use policy_client::Error;
use policy_client::blocking::Client;
use serde_json::json as value;

fn server() -> Canned {
    Canned::serve(|_, _| json(200, &value!([intent("T4-1")])))
}

fn ask(client: &Client) -> usize {
    client.by_owner("o").unwrap().len()
}

#[test]
fn it_works_without_any_runtime_and_from_many_threads() {
    let server = server();
    let client = server.builder().build_blocking().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let client = client.clone();
            scope.spawn(move || assert_eq!(ask(&client), 1));
        }
    });
    assert_eq!(ask(&client), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_on_a_blocking_thread_of_a_runtime() {
    let server = server();
    let client = server.builder().build_blocking().unwrap();
    let rows = tokio::task::spawn_blocking(move || ask(&client)).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn inside_a_task_it_is_an_error_and_no_panic() {
    let server = server();
    let client = server.builder().build_blocking().unwrap();
    assert!(matches!(client.health(), Err(Error::InAsyncContext)));
    let inner = client.clone();
    let spawned = tokio::spawn(async move { inner.by_owner("o").map(drop) }).await.unwrap();
    assert!(matches!(spawned, Err(Error::InAsyncContext)));
    drop(client);
    // The task goes on as before.
    tokio::task::yield_now().await;
    assert!(server.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn inside_a_task_of_a_threaded_runtime_it_is_an_error_too() {
    let client = server().builder().build_blocking().unwrap();
    let spawned = tokio::spawn(async move { client.health().map(drop) }).await.unwrap();
    assert!(matches!(spawned, Err(Error::InAsyncContext)));
}
