//! The contract's table of routes, as data: what is compared with it.

use crate::harness::watcher::Asked;
use wa_gateway::app::routes::ROUTES;

const TABLE: &str = include_str!("../../../data/chattu/routes.tsv");

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// account: an account key; key: any key; session; either; proof: a key within the body.
    pub access: &'static str,
}

/// The whole table.
pub fn table() -> Vec<Route> {
    let read = |line: &'static str| {
        let mut words = line.split('\t');
        let mut next = || words.next().unwrap_or_else(|| panic!("half a line: {line}"));
        Route { method: next(), path: next(), access: next() }
    };
    TABLE.lines().map(read).collect()
}

impl Route {
    fn is(&self, (method, path): &Asked) -> bool {
        let (mine, theirs): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), path.split('/').collect());
        self.method == method
            && mine.len() == theirs.len()
            && mine.iter().zip(&theirs).all(|(m, t)| m.starts_with('{') && !t.is_empty() || m == t)
    }
}

/// The routes of the table that nobody called.
pub fn not_called(seen: &[Asked]) -> Vec<String> {
    let all = table();
    let missing = all.iter().filter(|route| !seen.iter().any(|asked| route.is(asked)));
    missing.map(|route| format!("{} {}", route.method, route.path)).collect()
}

#[test]
fn the_gateway_serves_the_whole_table() {
    let all = table();
    assert_eq!(all.len(), 25);
    for route in all {
        let served = ROUTES.iter().any(|r| r.method.as_str() == route.method && r.path == route.path);
        assert!(served, "{} {}", route.method, route.path);
    }
}

#[test]
fn a_route_that_was_not_called_is_found() {
    let called = |route: &Route| (route.method.to_owned(), route.path.replace(['{', '}'], ""));
    let all = table();
    let every: Vec<Asked> = all.iter().map(called).collect();
    assert!(not_called(&every).is_empty());
    for left_out in &all {
        let seen: Vec<Asked> = every.iter().filter(|asked| !left_out.is(asked)).cloned().collect();
        assert_eq!(not_called(&seen), [format!("{} {}", left_out.method, left_out.path)]);
    }
    assert_eq!(not_called(&[]).len(), all.len());
    let other_method = [("PUT".to_owned(), "/api/clients".to_owned())];
    assert_eq!(not_called(&other_method).len(), all.len());
}
