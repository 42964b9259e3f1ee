//! Streams whose other end is idle, on the clock of the tests' runtime.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

fn pair(room: usize) -> (GuardedStream<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(room);
    (GuardedStream::over(ours), theirs)
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_nothing_ends_its_connection() {
    let (mut stream, _theirs) = pair(1024);
    let error = stream.write_all(&[0; 4096]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_less_than_the_least_ends_its_connection() {
    let (mut stream, mut theirs) = pair(1024);
    let reads = async {
        let mut some = [0; 64];
        while theirs.read(&mut some).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let writes = async { stream.write_all(&vec![0; 1 << 20]).await };
    tokio::select! {
        () = reads => panic!("the reader is not the one that ends it"),
        result = writes => assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut),
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_caller_that_reads_the_least_gets_all_of_its_answer() {
    let (mut stream, mut theirs) = pair(1024);
    let length = 20 * WRITE_LEAST;
    let reads = async {
        let (mut some, mut all) = ([0; 1024], 0);
        while all < length {
            all += theirs.read(&mut some).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let writes = async {
        stream.write_all(&vec![0; length]).await.unwrap();
        stream.flush().await.unwrap();
    };
    tokio::join!(reads, writes);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_was_slow_once_is_not_cut_off_later() {
    let (mut stream, mut theirs) = pair(1024);
    let mut some = [0; 4096];
    for _ in 0..5 {
        let writes = async {
            stream.write_all(&[0; 2048]).await.unwrap();
            stream.flush().await.unwrap();
        };
        let reads = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            let mut left = 2048;
            while left > 0 {
                left -= theirs.read(&mut some).await.unwrap();
            }
        };
        tokio::join!(writes, reads);
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_head_that_does_not_come_ends_its_connection_and_an_idle_one_stays() {
    let (mut stream, mut theirs) = pair(1024);
    drop(stream.state().begin());
    let mut some = [0; 16];
    let waits = tokio::time::timeout(Duration::from_mins(1), stream.read(&mut some)).await;
    assert!(waits.is_err(), "an idle connection is the HTTP layer's to end");
    theirs.write_all(b"G").await.unwrap();
    assert_eq!(stream.read(&mut some).await.unwrap(), 1);
    assert_eq!(stream.read(&mut some).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_has_come_stops_its_timer() {
    let (mut stream, mut theirs) = pair(1024);
    drop(stream.state().begin());
    let mut some = [0; 16];
    theirs.write_all(b"G").await.unwrap();
    stream.read_exact(&mut some[..1]).await.unwrap();
    let serving = stream.state().begin();
    assert!(tokio::time::timeout(Duration::from_mins(1), stream.read(&mut some)).await.is_err());
    drop(serving);
    assert!(tokio::time::timeout(Duration::from_mins(1), stream.read(&mut some)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_little_is_read_ahead_of_the_request_that_is_served() {
    let (mut stream, mut theirs) = pair(1 << 20);
    theirs.write_all(&vec![0; 1 << 20]).await.unwrap();
    let state = stream.state();
    let serving = state.begin();
    let mut some = vec![0; 4096];
    let mut ahead = 0;
    while let Ok(read) = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut some)).await {
        ahead += read.unwrap();
    }
    assert_eq!(ahead, READ_AHEAD);
    state.set_reading_body(true);
    stream.read_exact(&mut vec![0; 100_000]).await.unwrap();
    state.set_reading_body(false);
    let over = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(serving);
    };
    let reads = async { stream.read_exact(&mut vec![0; 100_000]).await.unwrap() };
    tokio::join!(over, reads);
}
