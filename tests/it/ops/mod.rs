//! The appliance: certificates, backups, metrics, the doctor, systemd.

mod acme;
mod backup;
mod kills;
mod operation;
mod restored;
mod removal;
mod standby;
mod systemd_units;
