//! The pages of all languages, rendered once, at their first use.

use crate::{
    portal::docs::{
        catalogue::{DocEntry, PAGES},
        render::{Rendered, render},
        search::{self, Indexed},
        source,
    },
    texts::locale::{self, Lang},
};
use std::sync::LazyLock;

/// The pages of one language, in reading order.
pub type Pages = Vec<(&'static DocEntry, Rendered)>;

static ENGLISH: LazyLock<(Pages, Vec<Indexed>)> = LazyLock::new(|| load(Lang::En, None));
static ARABIC: LazyLock<(Pages, Vec<Indexed>)> = LazyLock::new(|| load(Lang::Ar, Some(&ENGLISH.0)));
static HEBREW: LazyLock<(Pages, Vec<Indexed>)> = LazyLock::new(|| load(Lang::He, Some(&ENGLISH.0)));

/// The pages of a language and their index.
pub fn library(language: Lang) -> &'static (Pages, Vec<Indexed>) {
    match language {
        Lang::En => &ENGLISH,
        Lang::Ar => &ARABIC,
        Lang::He => &HEBREW,
    }
}

/// One page of a language.
pub fn page(language: Lang, entry: &DocEntry) -> Option<&'static Rendered> {
    library(language).0.iter().find(|(e, _)| *e == entry).map(|(_, page)| page)
}

/// Anchors are those of the English page, so that a link holds in every language.
fn load(language: Lang, anchors: Option<&Pages>) -> (Pages, Vec<Indexed>) {
    let copy = locale::all(language).get("docs.copy").map_or("", String::as_str);
    let pages: Pages = PAGES
        .iter()
        .map(|entry| {
            let english = anchors.and_then(|pages| pages.iter().find(|(e, _)| *e == entry));
            let ids: Vec<String> =
                english.map(|(_, page)| page.headings.iter().map(|h| h.id.clone()).collect()).unwrap_or_default();
            (entry, render(&source::page(language, entry.file), &ids, copy))
        })
        .collect();
    let index = search::index(&pages);
    (pages, index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_built_alike_in_every_language() {
        for entry in PAGES {
            let shape = |language| {
                let page = page(language, entry).unwrap_or_else(|| panic!("{} is loaded", entry.path));
                let code = page.html.matches("<figure class=\"sample\"").count();
                let rows = page.html.matches("<tr>").count();
                (page.headings.iter().map(|h| (h.level, h.id.clone())).collect::<Vec<_>>(), code, rows)
            };
            let english = shape(Lang::En);
            assert_eq!(shape(Lang::Ar), english, "{} in Arabic", entry.path);
            assert_eq!(shape(Lang::He), english, "{} in Hebrew", entry.path);
        }
    }
}
