//! `GET /admin/api_keys`: all keys, without secrets.

use api_keys::KeyRecord;
use api_types::KeyView;
use registry_core::KeyId;
use storage::{KeyUsage, StoreError};

use super::fields::view_of;
use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::page::{ListPage, PageRequest, page_of};
use crate::services::Services;

/// Returns the keys by id.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_keys(
    services: &Services,
    _caller: AdminCaller,
    request: &PageRequest,
) -> Result<ListPage<KeyView>, ServiceError> {
    let after = request.position(&services.cursors, "keys")?.map(KeyId::from_stored);
    let rows = services.store.read(|view| {
        let keys = view.keys(after.as_ref(), request.limit + 1)?;
        let with_usage = |key: KeyRecord| Ok((view.key_usage(&key.key_id)?, key));
        keys.into_iter().map(with_usage).collect::<Result<Vec<_>, StoreError>>()
    })?;
    let position = |(_, key): &(KeyUsage, KeyRecord)| key.key_id.as_str().to_owned();
    let defaults = services.settings.quotas;
    let now = services.clock.now();
    // Every field of a key is short, so the number of rows limits the page.
    let bytes_of = |_: &(KeyUsage, KeyRecord)| 0;
    let view = |(usage, key): (KeyUsage, KeyRecord)| view_of(&key, &usage, defaults, now);
    Ok(page_of(rows, request, &services.cursors, "keys", position, bytes_of, view))
}
