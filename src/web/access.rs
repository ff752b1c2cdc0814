//! Who may ask for what, and where a request came in.

/// Who may ask for a route. A route without such a word does not compile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Everybody.
    Anybody,
    /// Who holds an API key, a signed address or an integration's secret: the handler judges it.
    Key,
    /// A provider: its connector judges it.
    Provider,
    /// Programs on the local listener and the metrics one.
    Machine,
    /// A page of somebody who is logged in, for what is no page itself: the handler judges it.
    Session,
    /// Who is logged in, whatever their role.
    Viewer,
    /// Who runs an account, and admins.
    Owner,
    /// Who runs the appliance.
    Admin,
}

/// Which listener a request came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listener {
    /// Plain HTTP for integrations on this machine.
    Local,
    /// TLS, for everybody.
    Public,
    /// For Prometheus alone.
    Metrics,
}

/// A request's id.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);
