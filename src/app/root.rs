//! Whoever works on the machine itself is root there: the command line and the control socket ask for everybody's rows.

use crate::accounts::Scope;

/// Everybody's rows.
pub const fn everybody() -> Scope {
    Scope::of_the_machine()
}
