//! Events handed to a broker: connections that stay open for a while, the order of a batch, what came of each event.
//!
//! Every connection is made by the egress or to an address that it judged, and its rules hold for a broker as for a webhook;
//! nothing that a broker names (other servers of its cluster) is ever called. An event counts as delivered when the broker
//! has confirmed it, and not before.
//!
//! The clients are a feature of the build, `brokers`. It knows nothing of endpoints, deliveries and retries.

#[cfg(not(feature = "brokers"))]
mod absent;
mod address;
#[cfg(feature = "brokers")]
mod amqp;
#[cfg(feature = "brokers")]
mod batch;
#[cfg(feature = "brokers")]
mod connections;
#[cfg(feature = "brokers")]
mod line;
mod message;
#[cfg(feature = "brokers")]
mod mqtt;
#[cfg(feature = "brokers")]
mod nats;

#[cfg(not(feature = "brokers"))]
pub use absent::NoBrokers as Brokers;
pub use address::{BrokerAddress, is_broker, schemes, shown};
#[cfg(feature = "brokers")]
pub use connections::Brokers;
pub use message::{BrokerMessage, BrokerOutcome};

/// Whether this build has the clients.
pub const HERE: bool = cfg!(feature = "brokers");
