//! The connections to brokers: opened through the egress, kept open for a while, one batch at a time over each.

use super::{
    address::{BrokerAddress, BrokerKind},
    amqp::AmqpLine,
    batch::Batch,
    line::{BrokerLine, GREETED_WITHIN, IN_FLIGHT_MAX, LATE, PublishFailure},
    message::{BrokerMessage, BrokerOutcome},
    mqtt::MqttLine,
    nats::NatsLine,
};
use crate::{
    egress::{Egress, EgressError, within},
    model::{
        clock::{Clock, Sleep, Time},
        egress::Use,
        random::{Random, base62},
    },
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a batch may begin with further events, and how long after that their confirmations may take.
const BEGUN_WITHIN: Duration = Duration::from_secs(15);
const CONFIRMED_WITHIN: Duration = Duration::from_secs(15);
/// How long a connection waits for the next batch.
const WAITS: Duration = Duration::from_secs(30);

/// The connections that wait, by the number of whose they are.
pub struct Brokers {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    waiting: Mutex<HashMap<i64, WaitingLine>>,
}

struct WaitingLine {
    line: OpenLine,
    address: BrokerAddress,
    since: Time,
}

struct OpenLine {
    line: Box<dyn BrokerLine>,
    /// Where it leads.
    addr: SocketAddr,
}

impl Brokers {
    /// Without connections.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, waiting: Mutex::default() }
    }

    /// Hands `messages` to the broker at `address`, in their order within each conversation; `whose` tells the
    /// connections apart, and has one batch at a time. Returns what came of each; none: it was not tried, because one
    /// before it in its conversation failed, nobody was there, or time ran out.
    pub async fn publish(
        &self,
        (whose, egress): (i64, &Egress),
        address: &BrokerAddress,
        messages: &[BrokerMessage<'_>],
    ) -> Vec<Option<BrokerOutcome>> {
        let mut batch = Batch::new(messages);
        if let Some(line) = self.waiting(whose, egress, address).await {
            match self.drive(&*line.line, &mut batch).await {
                Ok(()) => {
                    self.keep(whose, address, line);
                    return batch.outcomes;
                }
                // It may have been hung up while it waited; a reader knows a repeat by its id.
                Err(_) => batch.again(),
            }
        }
        match self.open(egress, address).await {
            Ok(line) => match self.drive(&*line.line, &mut batch).await {
                Ok(()) => self.keep(whose, address, line),
                Err(why) => batch.fail(&why, self.clock.now()),
            },
            Err(why) => batch.fail(&why, self.clock.now()),
        }
        batch.outcomes
    }

    /// Hangs up what waited long enough.
    pub fn sweep(&self) {
        let now = self.clock.now();
        self.lock().retain(|_, one| one.since <= now && now.since(one.since) < WAITS);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, WaitingLine>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alarm(&self, limit: Duration) -> Sleep<'_> {
        self.clock.sleep_until(self.clock.now().plus(limit))
    }

    /// The connection that waits for this address, if it may still be used.
    async fn waiting(&self, whose: i64, egress: &Egress, address: &BrokerAddress) -> Option<OpenLine> {
        let one = self.lock().remove(&whose).filter(|one| one.address == *address)?;
        let permitted = egress.judged(&address.place, Use::Webhooks).await.unwrap_or_default();
        permitted.contains(&one.line.addr).then_some(one.line)
    }

    fn keep(&self, whose: i64, address: &BrokerAddress, line: OpenLine) {
        let since = self.clock.now();
        self.lock().insert(whose, WaitingLine { line, address: address.clone(), since });
    }

    /// A connection that takes events.
    ///
    /// # Errors
    /// In words for the log of attempts.
    async fn open(&self, egress: &Egress, address: &BrokerAddress) -> Result<OpenLine, String> {
        if address.kind == BrokerKind::Nats {
            return self.open_nats(egress, address).await;
        }
        let (io, addr) = egress.dial(&address.place, Use::Webhooks).await.map_err(told)?;
        let greeted = async {
            let line: Box<dyn BrokerLine> = if address.kind == BrokerKind::Amqp {
                Box::new(AmqpLine::open(io, address).await?)
            } else {
                Box::new(MqttLine::open(io, address, &base62(&*self.random, 22)).await?)
            };
            Ok(OpenLine { line, addr })
        };
        within(&mut self.alarm(GREETED_WITHIN), greeted).await.unwrap_or_else(|| Err(LATE.into()))
    }

    /// The same for NATS, whose client connects by itself: to the first of the addresses where that comes about.
    async fn open_nats(&self, egress: &Egress, address: &BrokerAddress) -> Result<OpenLine, String> {
        let tls = egress.tls_for(&address.place).map_err(told)?;
        let mut why = String::new();
        for addr in egress.judged(&address.place, Use::Webhooks).await.map_err(told)? {
            let opened = within(&mut self.alarm(GREETED_WITHIN), NatsLine::open(addr, tls.clone(), address)).await;
            match opened.unwrap_or_else(|| Err(LATE.into())) {
                Ok(line) => return Ok(OpenLine { line: Box::new(line), addr }),
                Err(e) => why = e,
            }
        }
        Err(why)
    }

    /// Hands over what may go, and hears what became of it, until nothing is left that may.
    ///
    /// # Errors
    /// The connection is of no more use, and why; what has no outcome and was begun is [`Batch::in_flight`].
    async fn drive(&self, line: &dyn BrokerLine, batch: &mut Batch<'_>) -> Result<(), String> {
        let messages = batch.messages;
        let (begun, mut broken) = (self.clock.now(), None);
        let mut alarm = self.alarm(BEGUN_WITHIN + CONFIRMED_WITHIN);
        let mut running = FuturesUnordered::new();
        loop {
            let now = self.clock.now();
            while broken.is_none() && now.since(begun) < BEGUN_WITHIN && running.len() < IN_FLIGHT_MAX {
                let Some(n) = batch.begin(now) else { break };
                running.push(async move { (n, line.publish(&messages[n]).await) });
            }
            let result = match within(&mut alarm, running.next()).await {
                Some(Some((n, Ok(said)))) => (n, Ok(said)),
                Some(Some((n, Err(PublishFailure::Refused(why))))) => (n, Err(why)),
                // The others end soon, each with what is known of it.
                Some(Some((_, Err(PublishFailure::Broken(why))))) => {
                    broken.get_or_insert(why);
                    continue;
                }
                Some(None) => return broken.map_or(Ok(()), Err),
                None => return Err(broken.unwrap_or_else(|| LATE.into())),
            };
            batch.settle(result, self.clock.now());
        }
    }
}

fn told(e: EgressError) -> String {
    tracing::debug!("a broker was not reached: {e}");
    e.for_customers()
}
