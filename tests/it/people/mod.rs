//! Who is at the other end: how they are written, what they refuse, what they send.

mod conversations;
mod media;
mod one_person;
mod opt_out;
mod phones;
