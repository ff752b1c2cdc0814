//! What other products' clients speak: each dialect in one room, its rules beside its HTTP side.

pub mod chattu;
pub mod threecx;
