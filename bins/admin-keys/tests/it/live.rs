//! Beside a server that has the same file open.

use std::net::{IpAddr, Ipv4Addr};
use std::thread::sleep;
use std::time::Duration;

use api_keys::Scope;
use api_types::Code;
use control_plane::authenticate_agent;
use instance::{Instance, Options};
use registry_core::{Clock as _, SystemClock};
use tokio::runtime::Runtime;

use crate::support::{Folder, key_id};

/// The server's use cases on the file, without its HTTP.
struct Server {
    runtime: Runtime,
    instance: Instance,
}

impl Server {
    fn on(folder: &Folder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let instance = runtime.block_on(instance::open(Options::new(folder.db()))).unwrap();
        Self { runtime, instance }
    }

    /// The server's word on a key: `None` when it is good.
    fn refuses(&self, key: &str) -> Option<Code> {
        let (peer, scope) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Scope::IntentsRead);
        let now = self.instance.services.clock.now();
        let judged =
            self.runtime.block_on(authenticate_agent(&self.instance.services, Some(key), peer, scope, now));
        judged.err().map(|refused| refused.error.code)
    }

    /// Waits until its word is this; at most a second, as the contract has it.
    fn comes_to(&self, key: &str, word: Option<Code>) {
        let clock = SystemClock::new();
        while self.refuses(key) != word {
            assert!(clock.monotonic_micros() < 1_000_000, "still {:?}", self.refuses(key));
            sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_running_server_obeys_within_a_second() {
    let folder = Folder::new();
    let server = Server::on(&folder);
    let key = folder.create("a");
    server.comes_to(&key, None);

    let rotated = folder.on_db(&["rotate", key_id(&key), "--overlap_seconds", "600"]).out.trim().to_owned();
    server.comes_to(&rotated, None);
    assert_eq!(server.refuses(&key), None, "the old secret works for the overlap");

    let again = folder.on_db(&["rotate", key_id(&key)]).out.trim().to_owned();
    server.comes_to(&again, None);
    server.comes_to(&rotated, Some(Code::InvalidKey));
    server.comes_to(&key, Some(Code::InvalidKey));

    assert_eq!(folder.on_db(&["revoke", key_id(&key)]).code, Some(0));
    server.comes_to(&again, Some(Code::RevokedKey));
}
