//! Why a request got no answer, and whether it may have arrived all the same.
//!
//! - What is certain is told apart from what is not: after the first byte of a request was handed to the connection,
//!   no failure says that it did not arrive.
//! - The texts name hosts, ports and addresses, never a path, a query or a header: secrets live there.
//!
//! It knows nothing of retries.

use crate::model::{
    egress::EgressEntry,
    why::{Why, why},
};
use http::StatusCode;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EgressError {
    /// No URL that may be called: what is wrong with it, in words for who typed it.
    #[error("{0}")]
    BadUrl(Why),
    /// A place that may not be called.
    #[error("{why}{}", advice(entry.as_ref()))]
    Forbidden {
        /// Which address, and what it is.
        why: Why,
        /// The entry of `egress.allow` that would allow it; none where no entry can.
        entry: Option<EgressEntry>,
    },
    /// The name has no address, or nobody answered who would know.
    #[error("the name cannot be resolved: {0}")]
    Dns(String),
    /// No connection came about.
    #[error("no connection: {0}")]
    Connect(String),
    /// The other side is not who it should be, or speaks no TLS that we do.
    #[error("no TLS connection: {0}")]
    Tls(String),
    /// The answer, or all of it, did not come in time.
    #[error("no whole answer in time")]
    TimedOut {
        /// Whether the request, or a part of it, had been written.
        sent: bool,
        /// The answer's status, when at least that had come.
        status: Option<StatusCode>,
    },
    /// The connection broke, or what came was no HTTP answer within bounds.
    #[error("the connection broke")]
    Broken {
        /// Whether the request, or a part of it, had been written.
        sent: bool,
        /// The answer's status, when at least that had come.
        status: Option<StatusCode>,
    },
}

impl EgressError {
    /// Whether the request certainly did not arrive: sending it again cannot send it twice.
    pub fn leaves_no_doubt(&self) -> bool {
        match self {
            Self::BadUrl(_) | Self::Forbidden { .. } | Self::Dns(_) | Self::Connect(_) | Self::Tls(_) => true,
            Self::TimedOut { sent, .. } | Self::Broken { sent, .. } => !sent,
        }
    }

    /// What somebody may be told who does not run the machine: nothing of where names lead and what stands inside. The
    /// whole is for the log.
    pub fn for_customers(&self) -> String {
        match self {
            Self::Forbidden { .. } | Self::Dns(_) => CLOSED.to_owned(),
            other => other.to_string(),
        }
    }

    /// The same for the pages.
    pub fn why(&self) -> Why {
        match self {
            Self::BadUrl(why) => why.clone(),
            Self::Forbidden { why, entry } => {
                let mut figures = why.figures().to_vec();
                figures.extend(entry.as_ref().map(|entry| ("entry", entry.to_string())));
                Why::new(why.name(), figures, self.to_string())
            }
            other => why!("no_answer", "{text}", text = other),
        }
    }

    /// The status of an answer that then did not end, or came to no end in time.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::TimedOut { status, .. } | Self::Broken { status, .. } => *status,
            _ => None,
        }
    }
}

const CLOSED: &str = "the address cannot be reached, or may not be called: it must be public and begin with https";

fn advice(entry: Option<&EgressEntry>) -> String {
    entry.map_or_else(|| "; no entry can allow that".to_owned(), |entry| format!("; add {entry} to egress.allow"))
}
