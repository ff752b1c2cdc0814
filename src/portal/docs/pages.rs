//! What the documentation answers: its pages, and the results of a search without a script.

use crate::{
    accounts::Scope,
    dialects::AppState,
    gateway::Gateway,
    portal::{
        PageContext, PageError,
        docs::{
            catalogue::{self, DocEntry, DocGroup, PAGES},
            library, reference,
            render::{Heading, escape},
            search,
            source::{SampleValues, fill},
        },
    },
};
use askama::Template;
use std::fmt::Write;
use warp::reply::Response;

/// Results on one page.
const RESULTS: usize = 20;
/// Headings below the second level are listed where the list stays readable.
const TOC_MAX: usize = 40;
/// The instance in the samples of a reader who has none.
const EXAMPLE_INSTANCE: &str = "demo-support-line";

/// A page's path and title.
struct DocLink {
    path: &'static str,
    title: &'static str,
}

#[derive(Template)]
#[template(path = "docs.html", config = "assets/askama.toml")]
struct DocsPage<'a> {
    v: &'a PageContext,
    title: &'a str,
    headings: Vec<&'a Heading>,
    body: String,
    side: Vec<(&'static str, Vec<DocLink>)>,
    before: Option<DocLink>,
    next: Option<DocLink>,
    query: &'a str,
}

/// Any page of the catalogue.
pub async fn show(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let entry = catalogue::find(&v.path).ok_or(PageError::NotFound)?;
    let page = library::page(v.lang, entry).ok_or(PageError::NotFound)?;
    let mut body = page.html.clone();
    if entry.path == "/docs/openapi" {
        body += &reference::html(&v.locale, state.interface);
    }
    let (before, next) = catalogue::neighbours(entry);
    Ok(v.page(&DocsPage {
        v,
        title: &page.title,
        headings: contents(&page.headings),
        body: fill(&body, &values(state, v).await),
        side: side(v),
        before: before.and_then(|entry| link(v, entry)),
        next: next.and_then(|entry| link(v, entry)),
        query: "",
    }))
}

/// `GET /docs/search?q=`: the results as a page.
pub async fn found(_: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let query = v.query.text("q");
    let results = search::find(&library::library(v.lang).1, query, RESULTS);
    let mut body = String::new();
    if results.is_empty() {
        let _ = write!(body, "<p>{}</p>", escape(v.t("docs.nothing")));
    }
    for item in results {
        let place = if item.page == item.heading { String::new() } else { format!(" · {}", escape(&item.page)) };
        let _ = write!(
            body,
            "<section><h2><a href=\"{}\"><bdi>{}</bdi></a><small class=\"quiet\">{place}</small></h2><p>{}</p></section>",
            escape(&item.path),
            escape(&item.heading),
            escape(&item.text),
        );
    }
    let title = v.t("docs.results");
    let values = SampleValues { base_url: v.base_url.clone(), instance_id: EXAMPLE_INSTANCE.to_owned() };
    let body = fill(&body, &values);
    let side = side(v);
    Ok(v.page(&DocsPage { v, title, headings: Vec::new(), body, side, before: None, next: None, query }))
}

/// The list of a page's headings: the second level, and the third where it is short.
fn contents(headings: &[Heading]) -> Vec<&Heading> {
    let deepest = if headings.len() > TOC_MAX { 2 } else { 3 };
    let all: Vec<&Heading> = headings.iter().filter(|h| h.level <= deepest).collect();
    if all.len() < 3 { Vec::new() } else { all }
}

fn side(v: &PageContext) -> Vec<(&'static str, Vec<DocLink>)> {
    let links = |group| PAGES.iter().filter(|e| e.group == group).filter_map(|e| link(v, e)).collect();
    DocGroup::ALL.into_iter().map(|group| (v.t(group.key()), links(group))).collect()
}

fn link(v: &PageContext, entry: &'static DocEntry) -> Option<DocLink> {
    library::page(v.lang, entry).map(|page| DocLink { path: entry.path, title: &page.title })
}

/// This gateway's address, and an instance of the reader's.
async fn values(gateway: &Gateway, v: &PageContext) -> SampleValues {
    let own = match v.account() {
        Ok(account) => gateway.instances.list(Scope::Account(account)).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let instance_id = own.first().map_or_else(|| EXAMPLE_INSTANCE.to_owned(), |instance| instance.id.to_string());
    SampleValues { base_url: v.base_url.clone(), instance_id }
}
