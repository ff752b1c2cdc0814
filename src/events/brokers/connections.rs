//! The connections to brokers: opened through the egress, one for all batches of an endpoint, kept open for a while. What is
//! handed over later is behind what was before it.

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

/// The open connections, by the number of whose they are.
pub struct Brokers {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    open: Mutex<HashMap<i64, KeptLine>>,
}

struct KeptLine {
    line: Arc<OpenLine>,
    address: BrokerAddress,
    /// When the last batch over it began or ended.
    used: Time,
}

struct OpenLine {
    line: Box<dyn BrokerLine>,
    /// Where it leads.
    addr: SocketAddr,
}

impl Brokers {
    /// Without connections.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, open: Mutex::default() }
    }

    /// Hands `messages` to the broker at `address`, in their order within each conversation; `whose` tells the
    /// connections apart, and no two of its batches that are under way have a conversation in common. Returns what came
    /// of each; none: it was not tried, because one before it in its conversation failed, nobody was there, or time ran
    /// out.
    pub async fn publish(
        &self,
        (whose, egress): (i64, &Egress),
        address: &BrokerAddress,
        messages: &[BrokerMessage<'_>],
    ) -> Vec<Option<BrokerOutcome>> {
        let mut batch = Batch::new(messages);
        if let Some(line) = self.kept(whose, egress, address).await {
            match self.drive(&*line.line, &mut batch).await {
                Ok(()) => {
                    self.keep(whose, address, line);
                    return batch.outcomes;
                }
                // It may have been hung up while it waited; a reader knows a repeat by its id.
                Err(_) => batch.again(),
            }
            self.forget(whose, &line);
        }
        let line = match self.open(egress, address).await {
            Ok(line) => Arc::new(line),
            Err(why) => {
                batch.fail(&why, self.clock.now());
                return batch.outcomes;
            }
        };
        self.keep(whose, address, line.clone());
        match self.drive(&*line.line, &mut batch).await {
            Ok(()) => self.keep(whose, address, line),
            Err(why) => {
                batch.fail(&why, self.clock.now());
                self.forget(whose, &line);
            }
        }
        batch.outcomes
    }

    /// Hangs up what was not used for long enough; what a batch is under way over goes with its end.
    pub fn sweep(&self) {
        let now = self.clock.now();
        self.lock().retain(|_, one| one.used <= now && now.since(one.used) < WAITS);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, KeptLine>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alarm(&self, limit: Duration) -> Sleep<'_> {
        self.clock.sleep_until(self.clock.now().plus(limit))
    }

    /// The connection that is open to this address, if it may still be used.
    async fn kept(&self, whose: i64, egress: &Egress, address: &BrokerAddress) -> Option<Arc<OpenLine>> {
        let line = self.lock().get(&whose).filter(|one| one.address == *address).map(|one| one.line.clone())?;
        let permitted = egress.judged(&address.place, Use::Webhooks).await.unwrap_or_default();
        permitted.contains(&line.addr).then_some(line)
    }

    fn keep(&self, whose: i64, address: &BrokerAddress, line: Arc<OpenLine>) {
        let used = self.clock.now();
        self.lock().insert(whose, KeptLine { line, address: address.clone(), used });
    }

    /// It is of no more use.
    fn forget(&self, whose: i64, line: &Arc<OpenLine>) {
        let mut open = self.lock();
        if open.get(&whose).is_some_and(|one| Arc::ptr_eq(&one.line, line)) {
            open.remove(&whose);
        }
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
