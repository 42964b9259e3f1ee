//! Reuse of connections, which must never repeat a request.

use std::collections::BTreeSet;

use llm_gate::provider::ProviderError;

use super::server::{
    COMPLETION, FRAMES, Server, Step, answer, chunked, collect, json_answer, open, openai, send, whole,
};

fn connections(server: &Server) -> usize {
    server.seen().iter().map(|seen| seen.connection).collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn consecutive_calls_reuse_connections() {
    let server = Server::start(|number| {
        vec![send(match number % 3 {
            0 => json_answer(COMPLETION),
            1 => chunked("text/event-stream", &[FRAMES]),
            _ => answer("429 Too Many Requests", "", r#"{"error":{"message":"slow down"}}"#),
        })]
    })
    .await;
    let provider = openai(&server.url);
    for _ in 0..5 {
        whole(&*provider).await.unwrap();
        assert_eq!(collect(open(&*provider).await.unwrap()).await.1, None);
        assert_eq!(whole(&*provider).await.unwrap().head.status, 429);
    }
    // A call that follows at once may find no connection in the pool yet and open another one.
    assert!(connections(&server) <= 3, "{} connections for 15 calls", connections(&server));
}

/// The end of the body arrives after `[DONE]`. The caller does not wait for it.
#[tokio::test]
async fn the_end_of_a_stream_is_read_after_its_last_frame() {
    let text = chunked("text/event-stream", &[FRAMES]);
    let (text, end) = text.split_at(text.len() - 5);
    let (text, end) = (text.to_owned(), end.to_owned());
    let server = Server::start(move |number| match number {
        0 => vec![send(&text), Step::Pause(30), send(&end)],
        _ => vec![send(json_answer(COMPLETION))],
    })
    .await;
    let provider = openai(&server.url);
    let (frames, error) = collect(open(&*provider).await.unwrap()).await;
    assert_eq!((frames.len(), error), (4, None));
    // The next call can reuse the connection once its end has been read.
    let mut calls = 0;
    while server.seen().last().is_none_or(|seen| calls == 0 || seen.connection > 0) {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        whole(&*provider).await.unwrap();
        calls += 1;
        assert!(calls < 20, "the connection is never used again");
    }
}

/// The provider may have executed the request, so the HTTP client must not send it again.
#[tokio::test]
async fn a_request_lost_on_a_reused_connection_is_broken_and_not_sent_again() {
    let server = Server::start(|number| match number % 2 {
        0 => vec![send(json_answer(COMPLETION))],
        _ => vec![Step::Close],
    })
    .await;
    let provider = openai(&server.url);
    for call in 1..=10 {
        whole(&*provider).await.unwrap();
        let error = whole(&*provider).await.unwrap_err();
        assert!(matches!(&error, ProviderError::Broken(_)), "{error:?}");
        assert_eq!(server.seen().len(), 2 * call);
        assert_eq!(connections(&server), call);
    }
}
