//! Core types of the registry: ids, intents, statuses, and the rules that bind them.
//!
//! This crate owns what an intent is and which changes to it are legal. It owns the normal form of file paths,
//! because intents are looked up by file, and the removal of known secrets from texts. It does no I/O, has no async
//! code and does not read the environment: time and randomness are arguments ([`Clock`], [`Entropy`]).
//!
//! Features: `system` adds the machine's clock and random source.

mod base_url;
mod causes;
mod clock;
mod entropy;
mod ids;
mod intent;
mod money;
mod network;
mod patch;
mod path;
mod pre_pr;
mod quality;
mod secrets;
mod server_sent;
mod shown;
mod status;
mod text;
mod timestamp;

pub use base_url::{BaseUrl, BaseUrlFault};
pub use causes::with_causes;
#[cfg(feature = "system")]
pub use clock::SystemClock;
pub use clock::{Clock, ManualClock};
#[cfg(feature = "system")]
pub use entropy::SystemEntropy;
pub use entropy::{Entropy, SeededEntropy};
pub use ids::{AgentId, IntentId, KeyId, KeyIdError, Owner, RequestId, sortable_id};
pub use intent::{Intent, IntentRow, NewIntent, RuleError};
pub use money::{MAX_DOLLARS, MoneyError, PICO_PER_DOLLAR, dollars_to_pico, pico_to_dollars};
pub use network::Network;
pub use patch::{Change, IntentPatch};
pub use path::{file_path, normal_path};
pub use pre_pr::{Coverage, PLACEHOLDER_CODE, covers, placeholder_code};
pub use quality::{CountedIntent, QualitySummary, QualityTally};
pub use secrets::{KnownSecrets, REDACTED, SecretStream};
pub use server_sent::ServerSentEvent;
pub use shown::{inert, inert_json, plain};
pub use status::{ReadStatus, Status};
pub use text::{Limits, TextError, check_date, check_name, check_text};
pub use timestamp::{Timestamp, TimestampError};
