//! The registry's ledger, over HTTP.

mod convert;

use api_types::Code;
use llm_policy::{
    BoxFuture, Held, HoldAsk, HoldId, Ledger, LedgerError, LedgerTrouble, OutputWish, ReleaseReason, Settled,
    Settlement,
};
use registry_core::with_causes;

use crate::{Client, Error};

/// How long a hold lives unless somebody says otherwise, in seconds: the longest call of the usual timeouts, with
/// time to settle it.
const LEASE_SECONDS: u32 = 900;
/// What the API takes for a lease, in seconds.
const LEASE_RANGE: (u32, u32) = (2, 3600);

/// A [`Ledger`] that the registry keeps, for agents that call their providers themselves. Clones share one pool of
/// connections.
///
/// Each of its three calls is one round trip, and is repeated as the client's [`crate::RetryPolicy`] has it: the same
/// attempt, settlement or release again changes nothing. A hold that was not answered may exist all the same; the
/// request does not leave then, and after its lease the registry settles the hold at its worst case, unless it is
/// released.
///
/// The price of a model is looked up under [`HoldAsk::priced_as`], and that is the provider's name in the usage row:
/// the registry knows no providers of the agent's.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use llm_policy::{CallId, HoldAsk, Ledger, Operation, OutputWish};
/// use policy_client::{Client, RemoteLedger};
///
/// let ledger = RemoteLedger::new(Client::from_env()?);
/// let held = ledger
///     .hold(HoldAsk {
///         call_id: CallId::sane("nightly-7").ok_or("no call id")?,
///         attempt: 1,
///         operation: Operation::Chat,
///         provider: "openai".into(),
///         priced_as: "openai".into(),
///         model: "gpt-4o-mini".into(),
///         input_tokens: 1200,
///         choices: 1,
///         output: OutputWish::Fill,
///         lease_seconds: 600,
///     })
///     .await?;
/// println!("send max_tokens {:?}", held.max_tokens);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RemoteLedger {
    client: Client,
    lease_seconds: u32,
}

impl RemoteLedger {
    /// The ledger of the client's key.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let ledger = policy_client::RemoteLedger::new(policy_client::Client::from_env()?);
    /// # drop(ledger); Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, lease_seconds: LEASE_SECONDS }
    }

    /// The least that a hold lives, in seconds: 900, at most 3,600. Nobody renews a hold over HTTP, so this must be
    /// longer than the longest call; an ask for a longer lease wins.
    ///
    /// ```no_run
    /// # fn example(client: policy_client::Client) {
    /// let ledger = policy_client::RemoteLedger::new(client).lease_seconds(1800);
    /// # drop(ledger);
    /// # }
    /// ```
    #[must_use]
    pub fn lease_seconds(self, seconds: u32) -> Self {
        Self { lease_seconds: seconds, ..self }
    }

    async fn make_hold(&self, ask: HoldAsk) -> Result<Held, LedgerError> {
        let (shortest, longest) = LEASE_RANGE;
        let lease = ask.lease_seconds.max(self.lease_seconds).clamp(shortest, longest);
        match self.client.create_hold(convert::create_hold(&ask, lease)).await {
            Ok(view) => convert::held(view),
            Err(error) => Err(hold_refusal(&error, &ask)),
        }
    }

    async fn write_end(&self, hold: &HoldId, end: Settlement) -> Result<Settled, LedgerError> {
        let settled = self.client.settle_hold(hold.as_str(), &convert::settle_hold(end)).await;
        settled.map_err(|error| refusal(&error)).and_then(|view| convert::settled(&view))
    }

    async fn give_back(&self, hold: &HoldId, reason: ReleaseReason) -> Result<(), LedgerError> {
        match self.client.release_hold(hold.as_str(), &convert::release_hold(reason)).await {
            Ok(_) => Ok(()),
            // A release whose answer was lost leaves nothing behind for the next try to find.
            Err(error) if error.code() == Some(Code::HoldNotFound) => Ok(()),
            Err(error) => Err(refusal(&error)),
        }
    }
}

impl Ledger for RemoteLedger {
    fn hold(&self, ask: HoldAsk) -> BoxFuture<'_, Result<Held, LedgerError>> {
        Box::pin(self.make_hold(ask))
    }

    fn settle(&self, hold: HoldId, end: Settlement) -> BoxFuture<'_, Result<Settled, LedgerError>> {
        Box::pin(async move { self.write_end(&hold, end).await })
    }

    fn release(&self, hold: HoldId, reason: ReleaseReason) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move { self.give_back(&hold, reason).await })
    }
}

/// Why there is no hold. Some refusals take a number from the ask, which the registry does not repeat.
fn hold_refusal(error: &Error, ask: &HoldAsk) -> LedgerError {
    match (error.code(), ask.output) {
        (Some(Code::ModelNotPriced), _) => {
            LedgerError::NotPriced { provider: ask.priced_as.clone(), model: ask.model.clone() }
        }
        (Some(Code::MaxTokensAboveCap), OutputWish::Stated(stated)) => match convert::cap(error) {
            Some(cap) => LedgerError::AboveCap { stated, cap },
            None => unavailable(error),
        },
        _ => refusal(error),
    }
}

/// What a refusal of the registry's means to a ledger's caller. Everything that is none leaves the question open.
fn refusal(error: &Error) -> LedgerError {
    match error.code() {
        Some(Code::InsufficientQuota) => match convert::shortfall(error) {
            Some(shortfall) => LedgerError::Quota(Box::new(shortfall)),
            None => unavailable(error),
        },
        Some(
            Code::RevokedKey | Code::ExpiredKey | Code::InvalidKey | Code::MalformedKey | Code::MissingScope,
        ) => convert::lost_right(error),
        Some(Code::CallExists) => LedgerError::CallExists,
        Some(Code::HoldNotFound) => LedgerError::UnknownHold,
        Some(Code::HoldSettled) => LedgerError::Settled,
        Some(Code::PartNotPriced) => LedgerError::Uncountable,
        _ => unavailable(error),
    }
}

/// The error with its causes, for the log. No error of this crate holds a secret.
fn unavailable(error: &Error) -> LedgerError {
    let cause = with_causes(error);
    let trouble = match error.code() {
        Some(Code::StoreBusy) => LedgerTrouble::Busy,
        Some(Code::ServerBusy) => LedgerTrouble::NoReader,
        Some(Code::StoreLocked) => LedgerTrouble::Locked,
        Some(Code::DeadlineExceeded) => LedgerTrouble::TooSlow,
        Some(Code::ShuttingDown) => LedgerTrouble::Stopping,
        Some(Code::AuditBroken) => LedgerTrouble::WritesStopped,
        Some(Code::Internal) => LedgerTrouble::Broken,
        _ => LedgerTrouble::Other,
    };
    LedgerError::Unavailable { trouble, cause }
}
