//! Operation: certificates, logging, metrics, the doctor, lists that people bring in.

pub mod acme;
pub mod backup;
pub mod disk;
pub mod doctor;
pub mod keeper;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod reach;
pub mod survey;
pub mod tls;
pub mod watch;
pub mod x509;
