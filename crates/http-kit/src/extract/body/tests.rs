use std::future::Future as _;
use std::task::{Context, Poll, ready};

use actix_web::error::PayloadError;
use actix_web::test::TestRequest;
use futures_core::Stream;
use serde_json::json;
use tokio::time::{Sleep, sleep};

use super::*;
use crate::memory::{DEFAULT_MEMORY_MIB, MemoryBudget, MemoryOwner};

type Small = RawObject<api_types::PatchKey, 16>;

fn permit() -> MemoryPermit {
    MemoryBudget::new(DEFAULT_MEMORY_MIB).permit(MemoryOwner::Admin)
}

async fn prepared(bytes: &[u8], private: bool) -> PreparedBody<Map<String, Value>> {
    let treat = BodyTreatment { private, fingerprint: true };
    let (shares, bytes) = (Shares::new(2, 2), Bytes::copy_from_slice(bytes));
    prepare::<Small>(&shares, bytes, treat, permit(), KnownSecrets::default()).await.unwrap().0
}

/// A body that comes in equal pieces, without an end.
struct PacedPayload {
    piece: usize,
    every: Duration,
    next: Pin<Box<Sleep>>,
}

impl Stream for PacedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.next.as_mut().poll(context));
        self.next = Box::pin(sleep(self.every));
        Poll::Ready(Some(Ok(Bytes::from(vec![b' '; self.piece]))))
    }
}

/// How long a body of such pieces is read before it is refused.
async fn refused_after(piece: usize, every: Duration) -> (Code, Duration) {
    let paced = PacedPayload { piece, every, next: Box::pin(sleep(every)) };
    let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(paced);
    let mut payload = Payload::from(stream);
    let (request, begun) = (TestRequest::default().to_http_request(), Instant::now());
    let refused = read(&request, &mut payload, 16 << 20, &mut permit()).await.unwrap_err();
    (refused.0.code, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_refused() {
    let second = Duration::from_secs(1);
    let (code, after) = refused_after(1, 3600 * second).await;
    assert_eq!((code, after.as_secs()), (Code::RequestTimeout, 5), "nothing came");
    // Every second at half of the least rate uses up half a second of the grace.
    let (code, after) = refused_after(8 * 1024, second).await;
    assert_eq!((code, after.as_secs()), (Code::RequestTimeout, 9));
    let (code, after) = refused_after(32 * 1024, second).await;
    assert_eq!((code, after.as_secs()), (Code::RequestTimeout, 30), "however fast it comes");
}

#[actix_web::test]
async fn a_raw_object_keeps_members_that_nobody_here_knows() {
    let body = json!({ "model": "m", "x_new": [1.5, null], "messages": [{ "role": "oracle" }] });
    let read = prepared(body.to_string().as_bytes(), true).await.out.unwrap();
    assert_eq!(Value::Object(read), body);
}

#[actix_web::test]
async fn what_is_no_object_or_no_utf_8_is_refused_with_its_code() {
    for (bytes, code) in [
        (b"[1]".as_slice(), Code::InvalidBody),
        (b"7", Code::InvalidBody),
        (b"{", Code::MalformedJson),
        (b"", Code::MalformedJson),
        (b"{\"a\":\"\xff\"}", Code::MalformedJson),
        (b"{\"a\":1e999}", Code::MalformedJson),
    ] {
        let refused = prepared(bytes, true).await.out.unwrap_err();
        assert_eq!(refused.0.code, code, "{bytes:?}");
    }
}

#[actix_web::test]
async fn a_body_that_names_a_member_twice_is_refused_and_leaves_its_digest_alone() {
    let secrets = KnownSecrets::new(["a-secret-of-the-server"], []);
    let long = "n".repeat(1000);
    for (text, member, pointer) in [
        (r#"{"a":1,"\u0061":2}"#.to_owned(), "a", "/a"),
        (r#"{"x":[{"a-secret-of-the-server":{"b":1,"b":1}}]}"#.to_owned(), "b", "/x/0/[redacted]/b"),
        (format!(r#"{{"{long}":1,"{long}":1}}"#), &format!("{}...", "n".repeat(200)), ""),
    ] {
        for private in [true, false] {
            let treat = BodyTreatment { private, fingerprint: false };
            let bytes = Bytes::from(text.clone());
            let prepared =
                prepare::<Small>(&Shares::new(2, 2), bytes, treat, permit(), secrets.clone()).await;
            let PreparedBody { kept, out, .. } = prepared.unwrap().0;
            assert!(kept == Body::digest_only(text.as_bytes()) || text.contains("secret"), "{text}");
            let error = out.unwrap_err().0;
            assert_eq!(error.code, Code::DuplicateMember);
            let details = error.details.unwrap();
            assert_eq!(details["member"], member);
            assert!(pointer.is_empty() || details["pointer"] == pointer, "{details}");
            assert!(!error.message.contains("secret") && error.message.len() < 600, "{}", error.message);
        }
    }
}

#[actix_web::test]
async fn a_private_body_leaves_its_digest_alone_whatever_its_size() {
    let small = json!({ "prompt": "a secret plan" }).to_string();
    let large = json!({ "prompt": "x".repeat(LARGE_BYTES) }).to_string();
    for text in [small, large] {
        let treated = prepared(text.as_bytes(), true).await;
        assert_eq!(treated.kept, Body::digest_only(text.as_bytes()));
        assert!(treated.out.is_ok());
    }
    let open = prepared(br#"{"prompt":"a plan"}"#, false).await.kept;
    assert_eq!(open, Body::json(br#"{"prompt":"a plan"}"#));
    assert_ne!(open, Body::digest_only(br#"{"prompt":"a plan"}"#));
}

#[actix_web::test]
async fn a_fingerprint_is_the_same_for_every_spelling_of_the_same_json() {
    let one = prepared(br#"{"a":1,"b":[ 2 ]}"#, true).await.fingerprint;
    let other = prepared(br#"{ "b":[2], "a":1.0 }"#, false).await.fingerprint;
    assert!(one.is_some());
    assert_eq!(one, other);
    assert_ne!(one, prepared(br#"{"a":2}"#, true).await.fingerprint);
}

#[test]
fn values_are_counted_outside_of_strings_alone() {
    for (text, most) in [(r#"{"a":[1,2],"b":"x,[{\",y"}"#, 13), ("1", 0), (r#"["\\",[],{}]"#, 14)] {
        assert_eq!(values(text.as_bytes()), most, "{text}");
    }
}

#[test]
fn a_body_of_many_small_values_is_refused_before_it_is_read() {
    let many = format!("{{\"x\":[{}]}}", vec!["0"; MOST_VALUES + 1].join(","));
    assert!(admit_values(many.as_bytes(), 3, &mut permit()).is_err());
    let mut memory = permit();
    let long = format!("{{\"x\":\"{}\"}}", ",[{".repeat(MOST_VALUES));
    admit_values(long.as_bytes(), 3, &mut memory).unwrap();
    assert_eq!(memory.bytes(), long.len() * 3 + OBJECT * VALUE_BYTES);
}

#[actix_web::test]
async fn what_a_body_is_read_as_has_its_memory_before_it_is_read() {
    let budget = MemoryBudget::new(DEFAULT_MEMORY_MIB);
    let owner = || MemoryOwner::Key(registry_core::KeyId::from_stored("a".to_owned()));
    let mut other = budget.permit(owner());
    other.resize(budget.share() - 1000).unwrap();
    let text = format!("{{\"x\":[{}]}}", vec!["0"; 100].join(","));
    let treat = BodyTreatment { private: true, fingerprint: false };
    let (shares, no_secrets) = (Shares::new(2, 2), KnownSecrets::default);
    let bytes = Bytes::from(text);
    let refused = prepare::<Small>(&shares, bytes.clone(), treat, budget.permit(owner()), no_secrets()).await;
    assert_eq!(refused.err().map(|error| error.0.code), Some(Code::ServerBusy));
    drop(other);
    let (read, memory) =
        prepare::<Small>(&shares, bytes, treat, budget.permit(owner()), no_secrets()).await.unwrap();
    assert!(read.out.is_ok() && memory.bytes() > 100 * VALUE_BYTES);
}
