//! Hints that are printed after a start: what to type next.

use std::io::{Result, Write};
use std::net::SocketAddr;

use instance::Instance;

/// Prints where the admin token lies, the page to look at, and three commands.
pub fn write(out: &mut impl Write, address: SocketAddr, instance: &Instance) -> Result<()> {
    let token = match &instance.admin_token_file {
        Some(path) => format!("in {}", path.display()),
        None => "the one of your configuration".to_owned(),
    };
    let read = match &instance.admin_token_file {
        Some(path) => format!("$(cat {})", path.display()),
        None => "$T4_ADMIN_TOKEN".to_owned(),
    };
    writeln!(
        out,
        "\n  T4 is running.\n\n  admin token   {token}\n  docs page     http://{address}/docs\n\n  Next, in \
         another terminal:\n\n  export T4_ADMIN_TOKEN=\"{read}\"\n  export T4_API_KEY=$(target/debug/admin-keys \
         create --agent-id me --api http://{address})\n  target/debug/t4 pre-pr README.md --api http://{address}\n"
    )
}
