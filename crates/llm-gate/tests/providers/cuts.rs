//! Connections that end early, tested at every byte.

use llm_gate::provider::ProviderError;

use super::server::{
    COMPLETION, FRAMES, Server, Step, chunked, collect, json_answer, open, openai, send, whole,
};

fn is_broken(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Broken(_))
}

async fn cut_whole(answer: String, end: Step) {
    let bytes = answer.len();
    let server = Server::start(move |number| vec![send(&answer.as_bytes()[..number]), end.clone()]).await;
    let provider = openai(&server.url);
    for cut in 0..bytes {
        let error = whole(&*provider).await.unwrap_err();
        assert!(is_broken(&error), "cut at {cut}: {error:?}");
    }
    assert_eq!(server.seen().len(), bytes, "a request was sent twice");
}

#[tokio::test]
async fn an_answer_whose_connection_is_closed_at_any_byte_is_broken() {
    cut_whole(json_answer(COMPLETION), Step::Close).await;
    cut_whole(chunked("application/json", &[COMPLETION]), Step::Close).await;
}

#[tokio::test]
async fn an_answer_whose_connection_is_reset_at_any_byte_is_broken() {
    cut_whole(json_answer(COMPLETION), Step::Reset).await;
}

#[tokio::test]
async fn a_stream_whose_connection_is_closed_at_any_byte_yields_its_frames_and_is_broken() {
    let answer = chunked("text/event-stream", &[FRAMES]);
    let bytes = answer.len();
    let head = answer.find("\r\n\r\n").unwrap() + 4;
    let text = answer.clone();
    let server = Server::start(move |number| vec![send(&text.as_bytes()[..number]), Step::Close]).await;
    let provider = openai(&server.url);
    for cut in 0..bytes {
        let came = String::from_utf8_lossy(&answer.as_bytes()[head.min(cut)..cut]).matches("\n\n").count();
        let frames = match open(&*provider).await {
            Ok(frames) => frames,
            Err(error) => {
                assert!(cut < head && is_broken(&error), "cut at {cut}: {error:?}");
                continue;
            }
        };
        let (frames, error) = collect(frames).await;
        assert_eq!(frames.len(), came, "cut at {cut}");
        // Nothing is read after `[DONE]`.
        assert_eq!(error.as_ref().is_some_and(is_broken), came < 4, "cut at {cut}: {error:?}");
    }
}

#[tokio::test]
async fn a_stream_whose_connection_is_reset_at_any_byte_is_broken() {
    let answer = chunked("text/event-stream", &[FRAMES]);
    let bytes = answer.find("data: [DONE]").unwrap();
    let server = Server::start(move |number| vec![send(&answer.as_bytes()[..number]), Step::Reset]).await;
    let provider = openai(&server.url);
    for cut in 0..bytes {
        let error = match open(&*provider).await {
            Ok(frames) => collect(frames).await.1,
            Err(error) => Some(error),
        };
        assert!(error.as_ref().is_some_and(is_broken), "cut at {cut}: {error:?}");
    }
}

#[tokio::test]
async fn a_stream_without_a_length_is_broken_only_inside_an_event() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let server =
        Server::start(|number| vec![send(HEAD), send(&FRAMES.as_bytes()[..number]), Step::Close]).await;
    let provider = openai(&server.url);
    for cut in 0..=FRAMES.len() {
        let came = &FRAMES.as_bytes()[..cut];
        let (frames, error) = collect(open(&*provider).await.unwrap()).await;
        let between = cut == 0 || came.ends_with(b"\n\n");
        let done = came.windows(6).any(|six| six == b"[DONE]");
        assert_eq!(error.as_ref().is_some_and(is_broken), !between && !done, "cut at {cut}: {error:?}");
        assert_eq!(error.is_none(), between || done, "cut at {cut}: {error:?}");
        assert_eq!(frames.last().is_some_and(|frame| frame.done), done, "cut at {cut}");
    }
}
