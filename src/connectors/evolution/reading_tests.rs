//! Messages as the server tells them.
