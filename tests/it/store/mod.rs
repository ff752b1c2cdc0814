//! The one database file.

mod database;
mod full_disk;
mod ground;
pub mod migrations;
