//! Operation: certificates, logging, metrics, the doctor, lists that people bring in.

pub mod backup;
pub mod csv;
pub mod doctor;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod tls;
