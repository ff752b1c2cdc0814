//! The shared words of the gateway, and nothing else.
//!
//! Everything here is pure: values, their spelling, and the rules that can be decided from a value alone. No file of
//! this folder does I/O, knows SQL, HTTP or a provider, or asks for the time: [`clock`] and [`random`] only say what a
//! source of time and of chance looks like, and hold the one real implementation of each; [`aside`] says on which threads
//! something is done, and not what.

pub mod aside;
pub mod clock;
pub mod code;
pub mod csv;
mod csv_heading;
pub mod egress;
pub mod emoji;
pub mod fence;
pub mod file_name;
pub mod ids;
pub mod instance;
pub mod lookalike;
pub mod message;
pub mod moment;
pub mod once;
pub mod percent;
pub mod phone;
pub mod plan;
pub mod purpose;
pub mod qr;
pub mod random;
pub mod short_text;
pub(crate) mod string_enum;
pub mod text;
pub mod threads;
pub mod throttle;
pub mod why;
