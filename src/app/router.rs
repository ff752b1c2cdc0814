//! Which line of the table a request is for: one tree of paths for each method.
//!
//! A segment that is written out goes before one that stands for anything (`/login/code` before `/login/{token}`),
//! whatever their order in the table. Of two lines with the same method and path, the first that takes the request's
//! headers answers.

use super::routes::Route;
use crate::{model::percent, web::Listener};
use ::http::{HeaderMap, Method};
use std::collections::BTreeMap;

/// The table, ready to be asked.
pub(super) struct Router {
    routes: &'static [Route],
    /// The table's lines by method and path.
    trees: Vec<(Method, matchit::Router<Vec<usize>>)>,
}

impl Router {
    /// # Panics
    /// Two lines that no path could tell apart: a fault of the table, found by every test.
    pub(super) fn new(routes: &'static [Route]) -> Self {
        let mut lines: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, route) in routes.iter().enumerate() {
            lines.entry((route.method.as_str(), route.path)).or_default().push(at);
        }
        let mut trees: Vec<(Method, matchit::Router<Vec<usize>>)> = Vec::new();
        for ((_, path), at) in lines {
            let method = &routes[at[0]].method;
            let tree = match trees.iter().position(|(known, _)| known == method) {
                Some(found) => found,
                None => {
                    trees.push((method.clone(), matchit::Router::new()));
                    trees.len() - 1
                }
            };
            trees[tree].1.insert(path, at).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        }
        Self { routes, trees }
    }

    /// The line that answers, and what stands for its `{…}`, decoded; none: the path is not served with this method by
    /// this listener. HEAD is GET without its body, which hyper leaves out.
    pub(super) fn find(
        &self,
        listener: Listener,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<(&'static Route, Vec<String>)> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let (_, tree) = self.trees.iter().find(|(known, _)| known == method)?;
        let found = tree.at(path).ok()?;
        let route = found.value.iter().map(|at| &self.routes[*at]).find(|route| route.takes(headers))?;
        let segments = decoded(&found.params)?;
        route.access.is_served_on(listener).then_some((route, segments))
    }

    /// The methods that a path takes on this listener, in the table's order.
    pub(super) fn allowed(&self, listener: Listener, path: &str) -> Vec<&str> {
        let mut found: Vec<(usize, &str)> = Vec::new();
        for (method, tree) in &self.trees {
            let lines = tree.at(path).ok().filter(|found| decoded(&found.params).is_some());
            let served = lines.and_then(|found| {
                found.value.iter().copied().find(|at| self.routes[*at].access.is_served_on(listener))
            });
            found.extend(served.map(|at| (at, method.as_str())));
        }
        found.sort_unstable();
        found.into_iter().map(|(_, method)| method).collect()
    }
}

/// What stands for the `{…}` of a path; none where it is no UTF-8.
fn decoded(params: &matchit::Params<'_, '_>) -> Option<Vec<String>> {
    params.iter().map(|(_, text)| percent::decode(text)).collect()
}
