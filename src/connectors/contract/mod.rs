//! What every connector must do, as checks that run over any of them.
//!
//! A connector's tests bring a [`World`]: the connector, started against a fake of its provider, and the handles to
//! look at that provider, to make it talk, and to let time pass. [`check`] then holds the connector to the promises
//! that the rest of the gateway is built on: what was acknowledged was taken once, what failed for good was not
//! taken, nobody invents an answer, and what was heard is offered until it is recorded.
//!
//! The checks know nothing of any one provider, never panic, and answer with sentences. What a fake cannot play is
//! skipped and named in the [`ContractReport`], so that a test can say exactly which gaps it accepts.
//!
//! Adding a check: an async function in `sending.rs` or `hearing.rs` that ends with the first problem it finds, a
//! line in `CHECKS`, and a connector spoilt in that way in `tests/it/connectors/contract.rs`, to see the check fail.

mod hearing;
mod sending;

use super::{Ack, Address, Boxed, Connector, Content, Outgoing, ProviderEvent, SendError};
use crate::model::ids::{InstanceId, MessageId};
use std::sync::Arc;

/// A connector under test and the outside that its tests made for it.
pub trait World: Send + Sync {
    /// Starts the connector anew against a provider that has taken nothing yet and behaves as said; what was heard
    /// before is forgotten, and the ear works. None: this fake cannot play that.
    fn start(&self, provider: Provider) -> Boxed<'_, Result<Option<Arc<dyn Connector>>, String>>;
    /// The instance that was started last.
    fn instance(&self) -> InstanceId;
    /// A recipient; another one for each number.
    fn recipient(&self, number: usize) -> Address;
    /// What the provider took since the start, in its order.
    fn taken(&self) -> Boxed<'_, Result<Vec<TakenMessage>, String>>;
    /// Makes the provider tell that a message was delivered, then that it was read, offering each until it is taken.
    /// Does nothing where the fake does so by itself.
    fn tell_receipts<'a>(&'a self, ack: &'a Ack, message: &'a MessageId) -> Boxed<'a, Result<(), String>>;
    /// Makes the provider bring a text once. Whether the connector confirmed it; a provider that got no confirmation
    /// brings it again.
    fn bring<'a>(&'a self, text: &'a InboundText) -> Boxed<'a, Result<bool, String>>;
    /// What the ear recorded since the start, in its order; not what it failed to record.
    fn heard(&self) -> Vec<ProviderEvent>;
    /// The ear cannot record the next so many things.
    fn fail_ear(&self, times: usize);
    /// Lets [`STEP_MS`] of the gateway's time pass, and whatever became possible happen.
    fn pass(&self) -> Boxed<'_, ()>;
}

/// How much time [`World::pass`] lets pass, in milliseconds.
pub const STEP_MS: u64 = 100;

/// How the provider behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Provider {
    /// It takes what it is given and answers.
    Accepts,
    /// It answers that it will not take this message.
    Refuses,
    /// It takes what it is given and never answers.
    Silent,
    /// No message reaches it.
    Unreachable,
    /// It logs the instance out, at the latest when a message comes.
    LogsOut,
    /// The instance is not open, and does not become so.
    NotOpen,
}

/// A message that the provider took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TakenMessage {
    /// The id that the provider gave it; none where the fake does not tell.
    pub provider_message_id: Option<String>,
    /// Our own id; none where the provider has no field for it.
    pub message_id: Option<String>,
    /// To whom, spelt as [`Address`] is displayed.
    pub to: String,
    pub text: String,
}

/// A text that the provider brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InboundText {
    /// The provider's id of it.
    pub provider_message_id: String,
    /// E.164 with `+`.
    pub from: String,
    pub text: String,
}

/// What [`check`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContractReport {
    /// The broken promises: the check's name, a colon, and a sentence.
    pub problems: Vec<String>,
    /// The names of the checks that the fake could not play.
    pub skipped: Vec<&'static str>,
}

type ContractFinding = Result<(), String>;
type Check = for<'a> fn(&'a Run<'a>) -> Boxed<'a, ContractFinding>;

/// The checks by name, with the provider that each begins with.
const CHECKS: &[(&str, Provider, Check)] = &[
    ("accepted", Provider::Accepts, |run| Box::pin(sending::accepted(run))),
    ("texts", Provider::Accepts, |run| Box::pin(sending::texts(run))),
    ("parallel", Provider::Accepts, |run| Box::pin(sending::parallel(run))),
    ("refused", Provider::Refuses, |run| Box::pin(sending::refused(run))),
    ("unreachable", Provider::Unreachable, |run| Box::pin(sending::unreachable(run))),
    ("silent", Provider::Silent, |run| Box::pin(sending::silent(run))),
    ("not open", Provider::NotOpen, |run| Box::pin(sending::not_open(run))),
    ("logged out", Provider::LogsOut, |run| Box::pin(hearing::logged_out(run))),
    ("stopped", Provider::Accepts, |run| Box::pin(sending::stopped(run))),
    ("receipts", Provider::Accepts, |run| Box::pin(hearing::receipts(run))),
    ("receipts again", Provider::Accepts, |run| Box::pin(hearing::receipts_again(run))),
    ("inbound", Provider::Accepts, |run| Box::pin(hearing::inbound(run))),
    ("inbound again", Provider::Accepts, |run| Box::pin(hearing::inbound_again(run))),
];

/// Runs all checks, one after the other, each over a connector started anew.
pub async fn check(world: &dyn World) -> ContractReport {
    let mut report = ContractReport::default();
    for (name, provider, check) in CHECKS {
        let finding = match world.start(*provider).await {
            Ok(Some(connector)) => {
                let run = Run { world, connector };
                let finding = check(&run).await;
                run.connector.stop().await;
                finding
            }
            Ok(None) => {
                report.skipped.push(name);
                Ok(())
            }
            Err(e) => Err(format!("it could not be started: {e}")),
        };
        report.problems.extend(finding.err().map(|problem| format!("{name}: {problem}")));
    }
    report
}

/// One started connector, and what the checks do with it.
struct Run<'w> {
    world: &'w dyn World,
    connector: Arc<dyn Connector>,
}

/// Ten seconds of the gateway's time: what is not there by then does not come.
const STEPS: usize = 100;
/// Two seconds: for what must not come.
const STEPS_OF_QUIET: usize = 20;

impl Run<'_> {
    /// A text to the `number`th recipient, with an own id of that number.
    fn message(&self, number: usize, text: &str) -> Outgoing {
        Outgoing {
            instance: self.world.instance(),
            message_id: MessageId::from_text(format!("msg_01CONTRACT{number:016}")),
            to: self.world.recipient(number),
            content: Content::Text(text.to_owned()),
            reply_to: None,
            outside_window: false,
        }
    }

    /// What the connector answers, in the time that a caller would give it.
    async fn answer(&self, out: &Outgoing) -> Result<Result<Ack, SendError>, String> {
        tokio::select! {
            biased;
            answer = self.connector.send(out) => Ok(answer),
            () = self.steps(STEPS) => Err("a send had no answer within 10 s".to_owned()),
        }
    }

    /// The acknowledgement of a message that must be acknowledged.
    async fn ack(&self, out: &Outgoing) -> Result<Ack, String> {
        let ack = self.answer(out).await?.map_err(|e| format!("a good message failed: {e:?}"))?;
        ensure(!ack.provider_message_id.is_empty(), "an acknowledgement has no provider id")?;
        Ok(ack)
    }

    /// The error of a message that must fail; the provider must have taken nothing.
    async fn failure(&self, out: &Outgoing) -> Result<SendError, String> {
        let Err(error) = self.answer(out).await? else {
            return Err("a message that cannot have arrived was acknowledged".to_owned());
        };
        self.steps(STEPS_OF_QUIET).await;
        let taken = self.world.taken().await?;
        ensure(taken.is_empty(), &format!("it failed with {error:?}, and the provider took {taken:?}"))?;
        ensure(!error.reason.is_empty(), "a failure gives no reason")?;
        let Content::Text(text) = &out.content else { return Ok(error) };
        let told = [text.as_str(), out.to.to_string().trim_start_matches('+')].iter().any(|s| error.reason.contains(s));
        ensure(!told, "the reason of a failure tells the message's text or the full number")?;
        Ok(error)
    }

    async fn steps(&self, steps: usize) {
        for _ in 0..steps {
            self.world.pass().await;
        }
    }

    /// Waits until what was heard fulfils `enough`, then answers with it all.
    async fn heard_until(
        &self,
        what: &str,
        enough: impl Fn(&[ProviderEvent]) -> bool,
    ) -> Result<Vec<ProviderEvent>, String> {
        for _ in 0..STEPS {
            let heard = self.world.heard();
            if enough(&heard) {
                return Ok(heard);
            }
            self.world.pass().await;
        }
        Err(format!("the ear did not hear {what} within 10 s"))
    }
}

fn ensure(holds: bool, problem: &str) -> ContractFinding {
    if holds { Ok(()) } else { Err(problem.to_owned()) }
}
