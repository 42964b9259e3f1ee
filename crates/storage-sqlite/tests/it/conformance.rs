//! Conformance suite on SQLite.

use std::sync::Arc;

use crate::support::TempStore;
use storage::Store;
use storage::testing::Backend;

struct Sqlite(TempStore);

impl Backend for Sqlite {
    fn start() -> Self {
        Self(TempStore::new())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.0.store()
    }

    fn recount(&self) {
        self.0.recount();
    }

    fn reopen(&mut self) {
        self.0.reopen();
    }

    fn second(&self) -> Arc<dyn Store> {
        self.0.second()
    }
}

storage::conformance!(super::Sqlite);
