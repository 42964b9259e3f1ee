//! Macro for test stores that wrap another store.

/// Writes methods of a [`Store`](crate::Store) that call the same method of the store in a field:
/// `delegate_store!(inner: view, watch);` inside of `impl Store for`. Methods that are not named are written by hand.
#[macro_export]
macro_rules! delegate_store {
    (@one $inner:ident, submit) => {
        fn submit(&self, job: Box<dyn $crate::Job>) {
            self.$inner.submit(job);
        }
    };
    (@one $inner:ident, view) => {
        fn view(
            &self,
            f: &mut dyn FnMut(&dyn $crate::View) -> Result<(), $crate::StoreError>,
        ) -> Result<(), $crate::StoreError> {
            self.$inner.view(f)
        }
    };
    (@one $inner:ident, view_point) => {
        fn view_point(
            &self,
            patience: ::std::time::Duration,
            f: &mut dyn FnMut(&dyn $crate::View) -> Result<(), $crate::StoreError>,
        ) -> Result<(), $crate::StoreError> {
            self.$inner.view_point(patience, f)
        }
    };
    (@one $inner:ident, close) => {
        fn close(&self, within: ::std::time::Duration) -> Result<(), $crate::StoreError> {
            self.$inner.close(within)
        }
    };
    (@one $inner:ident, audit_usage) => {
        fn audit_usage(&self, key: &$crate::testing::KeyId) -> Option<$crate::DayUsage> {
            self.$inner.audit_usage(key)
        }
    };
    (@one $inner:ident, reads_block) => { $crate::delegate_store!(@plain $inner, reads_block, bool); };
    (@one $inner:ident, readers) => { $crate::delegate_store!(@plain $inner, readers, usize); };
    (@one $inner:ident, watch) => { $crate::delegate_store!(@plain $inner, watch, $crate::Watch); };
    (@one $inner:ident, stats) => { $crate::delegate_store!(@plain $inner, stats, $crate::StoreStats); };
    (@plain $inner:ident, $method:ident, $gives:ty) => {
        fn $method(&self) -> $gives {
            self.$inner.$method()
        }
    };
    ($inner:ident: $($method:ident),+ $(,)?) => {
        $($crate::delegate_store!(@one $inner, $method);)+
    };
}
