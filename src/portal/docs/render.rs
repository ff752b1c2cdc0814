//! Markdown to HTML: anchors at headings, code blocks with a copy button, tables that scroll and whose cells know their
//! column's head (on a phone each row is a card), no raw HTML. Pure.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A page, rendered.
#[derive(Clone, Default, Debug)]
pub struct Rendered {
    /// The text of its first heading.
    pub title: String,
    /// Everything below the first heading, as HTML.
    pub html: String,
    /// Its headings from the second level on.
    pub headings: Vec<Heading>,
    /// Its texts by heading, for the search; the first one stands before any heading.
    pub sections: Vec<Section>,
}

/// A heading below the page's title.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heading {
    /// 2 to 6.
    pub level: u8,
    pub id: String,
    pub text: String,
}

/// What stands between two headings, as plain text.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Section {
    /// The heading's anchor; empty before the first one.
    pub id: String,
    /// The heading's text; the page's title before the first one.
    pub heading: String,
    /// The words below it, code blocks left out.
    pub text: String,
}

/// Renders `markdown`. `ids` are the anchors of the headings in their order, the same in every language; where there is
/// none left, the heading's own text makes one. `copy` is the copy button's word.
pub fn render(markdown: &str, ids: &[String], copy: &str) -> Rendered {
    let mut page = Building { ids, copy, ..Building::default() };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.finish()
}

/// Text, made safe inside HTML and its attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[derive(Default)]
struct Building<'a> {
    ids: &'a [String],
    copy: &'a str,
    events: Vec<Event<'a>>,
    page: Rendered,
    heading: Option<(u8, String, Vec<Event<'a>>)>,
    code: Option<(String, String)>,
    section: Section,
    /// The heads of the table's columns, whether they are being read, and which column is.
    heads: Vec<String>,
    in_head: bool,
    column: usize,
}

impl<'a> Building<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading = Some((number(level), String::new(), Vec::new())),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::CodeBlock(kind)) => self.code = Some((class(&kind), String::new())),
            Event::End(TagEnd::CodeBlock) => self.end_code(),
            Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell)
            | Event::End(TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow | TagEnd::TableCell) => {
                self.table(&event)
            }
            // No markup passes through: what looks like HTML is shown as text.
            Event::Html(text) | Event::InlineHtml(text) | Event::Text(text) => self.text(text),
            Event::Code(text) => {
                self.words(&text);
                let shown = format!(r#"<code dir="ltr">{}</code>"#, escape(&text));
                self.push_html(shown);
            }
            Event::SoftBreak | Event::HardBreak => {
                self.words(" ");
                self.push(event);
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item) => {
                self.words(" ");
                self.push(event);
            }
            other => self.push(other),
        }
    }

    fn table(&mut self, event: &Event<'a>) {
        let (heads, in_head) = (&mut self.heads, &mut self.in_head);
        let shown = match event {
            Event::Start(Tag::Table(_)) => {
                heads.clear();
                r#"<div class="table" tabindex="0"><table>"#.into()
            }
            Event::Start(Tag::TableHead) => {
                *in_head = true;
                "<thead><tr>".into()
            }
            Event::Start(Tag::TableCell) if *in_head => {
                heads.push(String::new());
                "<th scope=\"col\">".into()
            }
            Event::End(TagEnd::TableCell) if *in_head => "</th>".into(),
            Event::End(TagEnd::TableHead) => {
                *in_head = false;
                "</tr></thead><tbody>\n".into()
            }
            Event::Start(Tag::TableRow) => {
                self.column = 0;
                "<tr>".into()
            }
            Event::Start(Tag::TableCell) => {
                let head = heads.get(self.column).map_or("", String::as_str).trim();
                self.column += 1;
                format!("<td data-label=\"{}\">", escape(head))
            }
            Event::End(TagEnd::TableCell) => "</td>".into(),
            Event::End(TagEnd::TableRow) => "</tr>\n".into(),
            _ => "</tbody></table></div>\n".into(),
        };
        if matches!(event, Event::End(TagEnd::TableCell)) {
            self.words(" ");
        }
        self.push_html(shown);
    }

    fn text(&mut self, text: CowStr<'a>) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(&text);
            return;
        }
        self.words(&text);
        self.push(Event::Text(text));
    }

    fn words(&mut self, text: &str) {
        if let Some(head) = self.heads.last_mut().filter(|_| self.in_head) {
            head.push_str(text);
        }
        match &mut self.heading {
            Some((_, heading, _)) => heading.push_str(text),
            None => self.section.text.push_str(text),
        }
    }

    fn push(&mut self, event: Event<'a>) {
        match &mut self.heading {
            Some((_, _, events)) => events.push(event),
            None => self.events.push(event),
        }
    }

    fn push_html(&mut self, text: String) {
        self.push(Event::InlineHtml(text.into()));
    }

    fn end_heading(&mut self) {
        let Some((level, text, events)) = self.heading.take() else { return };
        if level == 1 {
            self.page.title = text.clone();
            self.section.heading = text;
            return;
        }
        let id = self.ids.get(self.page.headings.len()).cloned().unwrap_or_else(|| slug(&text));
        let mut inner = String::new();
        html::push_html(&mut inner, events.into_iter());
        let shown = format!(
            r##"<h{level} id="{id}">{inner} <a class="anchor" href="#{id}" aria-hidden="true" tabindex="-1">#</a></h{level}>"##
        );
        self.push_html(shown);
        let next = Section { id: id.clone(), heading: text.clone(), text: String::new() };
        self.page.sections.push(std::mem::replace(&mut self.section, next));
        self.page.headings.push(Heading { level, id, text });
    }

    fn end_code(&mut self) {
        let Some((class, text)) = self.code.take() else { return };
        let shown = format!(
            "<figure class=\"sample\" dir=\"ltr\"><button type=\"button\" data-copy>{}</button><pre tabindex=\"0\"><code \
             class=\"{class}\">{}</code></pre></figure>\n",
            escape(self.copy),
            escape(&text)
        );
        self.push_html(shown);
    }

    fn finish(mut self) -> Rendered {
        self.page.sections.push(self.section);
        for section in &mut self.page.sections {
            section.text = section.text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        html::push_html(&mut self.page.html, self.events.into_iter());
        self.page
    }
}

fn number(level: HeadingLevel) -> u8 {
    level as u8
}

/// `language-php`; whatever else stands on the fence's line does not matter.
fn class(kind: &CodeBlockKind<'_>) -> String {
    let word = match kind {
        CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default(),
        CodeBlockKind::Indented => "",
    };
    let word: String = word.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    format!("language-{}", if word.is_empty() { "text" } else { &word })
}

/// An anchor out of a heading's text: letters, digits, `_` and `.` stay, everything between them is one dash.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' || c == '.' {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_of_a_source_passes_through() {
        let page = render(
            "# T\n\n<script>alert(1)</script>\n\na <b>c</b> `<i>`\n\n```x\" onclick=\"y\n</pre>\n```\n",
            &[],
            "Copy",
        );
        for bad in ["<script", "<b>", "<i>", "onclick=\"", "</pre>\n</code>"] {
            assert!(!page.html.contains(bad), "{bad}: {}", page.html);
        }
        assert!(page.html.contains("&lt;script&gt;") && page.html.contains(r#"class="language-x""#));
    }

    #[test]
    fn headings_get_anchors_and_sections() {
        let page = render("# Title\n\nfirst\n\n## `a_code` here\n\nmore *words*\n\n## Two\n", &[], "Copy");
        assert_eq!(page.title, "Title");
        let ids: Vec<_> = page.headings.iter().map(|h| h.id.as_str()).collect();
        assert_eq!(ids, ["a_code-here", "two"]);
        assert_eq!(page.sections[0], Section { id: String::new(), heading: "Title".into(), text: "first".into() });
        assert_eq!(page.sections[1].text, "more words");
        assert!(page.html.contains(r##"href="#two""##) && !page.html.contains("<h1"));
        let other = render("# כותרת\n\n## ראשון\n\n## שני\n", &["a_code-here".into(), "two".into()], "העתקה");
        assert_eq!(other.headings[1].id, "two", "anchors are the same in every language");
    }

    #[test]
    fn code_is_left_to_right_with_a_copy_button() {
        let page = render("# T\n\n```php\n<?php echo 1;\n```\n\n| a | b |\n|---|---|\n| 1 | `x` |\n", &[], "نسخ");
        assert!(page.html.contains(r#"<figure class="sample" dir="ltr"><button type="button" data-copy>نسخ</button>"#));
        assert!(page.html.contains(r#"<code class="language-php">&lt;?php echo 1;"#));
        assert!(page.html.contains(r#"<div class="table" tabindex="0"><table>"#), "{}", page.html);
        assert!(!page.html.contains("style="));
        let page = render("# T\n\n| a `\"b\"` | c |\n|---|---|\n| 1 | **2** |\n| 3 | |\n", &[], "");
        let cells = r#"<tr><td data-label="a &quot;b&quot;">1</td><td data-label="c"><strong>2</strong></td></tr>"#;
        assert!(page.html.contains(cells), "each cell knows its head: {}", page.html);
        assert_eq!(page.html.matches("<tr>").count(), 3, "{}", page.html);
    }
}
