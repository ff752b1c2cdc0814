//! The documentation's sources, embedded: Markdown in three languages, samples that all languages share.
//!
//! A line of its own that reads `{{sample:FILE}}` becomes the file of `assets/docs/samples/` as a code block;
//! `{{error:CODE}}` becomes the answer with that code, as the gateway gives it. So no sample exists twice.
//! `{{base_url}}`, `{{instance_id}}` and `{{api_key}}` stay for [`fill`], which knows who reads.

use crate::{
    api::openapi::example,
    model::code::Code,
    texts::{locale::Lang, packed::DOCS},
    web::problem,
};

/// The text of a file below `assets/docs/`.
pub fn file(path: &str) -> Option<String> {
    DOCS.text(path)
}

/// A page's Markdown with its samples in place; what is missing is said in the text, and the tests refuse it.
pub fn page(language: Lang, name: &str) -> String {
    let path = format!("{}/{name}.md", language.as_str());
    let Some(text) = file(&path) else { return format!("# {{{{missing:{path}}}}}\n") };
    text.lines().map(expand).collect::<Vec<_>>().join("\n")
}

fn expand(line: &str) -> String {
    let named = |prefix: &str| line.trim().strip_prefix(prefix).and_then(|rest| rest.strip_suffix("}}"));
    if let Some(name) = named("{{sample:") {
        return match file(&format!("samples/{name}")) {
            Some(text) => fenced(word_for(name), text.trim_end()),
            None => format!("{{{{missing:{name}}}}}"),
        };
    }
    if let Some(code) = named("{{error:") {
        return match Code::parse(code) {
            Some(code) => fenced("http", &answer(code)),
            None => format!("{{{{missing:{code}}}}}"),
        };
    }
    line.to_owned()
}

fn fenced(language: &str, text: &str) -> String {
    format!("````{language}\n{text}\n````")
}

/// The language class of a sample, by its ending.
fn word_for(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("sh") => "shell",
        Some("php") => "php",
        Some("py") => "python",
        Some("mjs" | "js") => "javascript",
        Some("go") => "go",
        Some("java") => "java",
        Some("cs") => "csharp",
        Some("json") => "json",
        Some("toml") => "toml",
        Some("yaml") => "yaml",
        Some("http") => "http",
        _ => "text",
    }
}

/// The answer with this code, as a client sees it. Figures are examples.
fn answer(code: Code) -> String {
    let (status, message) = problem::describe(code);
    let reason = status.canonical_reason().unwrap_or_default();
    let body = serde_json::to_string_pretty(&example::refusal(code, message)).unwrap_or_default();
    format!("HTTP/1.1 {} {reason}\nContent-Type: application/json\n\n{body}", status.as_u16())
}

/// What the reader's own samples hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SampleValues {
    /// Where this gateway is reached; no slash at the end.
    pub base_url: String,
    /// An instance of the reader's, else an example.
    pub instance_id: String,
}

/// What stands for a key: a real one is shown once, and never here.
pub const KEY: &str = "YOUR_API_KEY";

/// Fills in what depends on the gateway and on the reader. `text` is HTML; the values are escaped for it.
pub fn fill(text: &str, values: &SampleValues) -> String {
    text.replace("{{base_url}}", &super::render::escape(&values.base_url))
        .replace("{{instance_id}}", &super::render::escape(&values.instance_id))
        .replace("{{api_key}}", KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_as_the_gateway_answers_it() {
        let shown = expand("{{error:daily_message_limit_exceeded}}");
        assert!(shown.starts_with("````http\nHTTP/1.1 429 Too Many Requests"), "{shown}");
        assert!(shown.contains("\"limit\": 100"), "{shown}");
        assert!(expand("{{error:no_such_code}}").contains("missing"));
        assert!(expand("{{sample:no-such-file.sh}}").contains("missing"));
        assert_eq!(expand("text {{base_url}}"), "text {{base_url}}");
    }

    #[test]
    fn values_are_escaped() {
        let values = SampleValues { base_url: "https://a.example".into(), instance_id: "<b>".into() };
        assert_eq!(
            fill("{{base_url}}/x {{instance_id}} {{api_key}}", &values),
            "https://a.example/x &lt;b&gt; YOUR_API_KEY"
        );
    }
}
