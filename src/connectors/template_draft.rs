//! A template that is to be submitted to a provider, judged by what providers surely refuse. The bounds are Meta's (its
//! pages on template components and on creating templates).

use super::{
    ActionError,
    registry::Registry,
    templates::{Category, TemplateName},
};
use crate::model::{
    ids::InstanceId,
    purpose::Purpose,
    text,
    why::{Why, why},
};

/// Longest text, head and line below, in characters.
const BODY_MAX: usize = 1024;
const LINE_MAX: usize = 60;
/// Most quick replies, and the longest of one, in characters.
const REPLIES_MAX: usize = 10;
const REPLY_MAX: usize = 25;

/// A template as somebody wants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateDraft {
    /// Its name and language; one that the provider holds already is changed.
    pub name: TemplateName,
    /// Utility, or authentication: then the provider writes the text itself, with a button that copies the code.
    pub category: Category,
    /// A line above the text, without placeholders.
    pub header: Option<String>,
    /// The text, with `{{1}}`, `{{2}}`, … for what differs. Empty for authentication.
    pub body: String,
    /// A small line below.
    pub footer: Option<String>,
    /// An example for each placeholder, in their order: the provider's people look at them.
    pub examples: Vec<String>,
    /// Buttons that are an answer.
    pub replies: Vec<String>,
}

impl TemplateDraft {
    /// What is wrong with it, if anything is.
    ///
    /// # Errors
    /// The first thing that its provider would refuse.
    pub fn judge(&self) -> Result<(), Why> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !self.name.name.chars().all(is_name) {
            return Err(why!("template_name", "a template's name has small letters, digits and underscores"));
        }
        match self.category {
            Category::Authentication => return Ok(()),
            Category::Utility => {}
            Category::Marketing | Category::Other => {
                return Err(why!(
                    "template_category",
                    "templates of the categories utility and authentication are sent"
                ));
            }
        }
        let length = self.body.chars().count();
        if text::is_blank(&self.body) || length > BODY_MAX {
            return Err(why!("template_body", "the text has 1 to {most} characters", most = BODY_MAX));
        }
        for line in [&self.header, &self.footer].into_iter().flatten() {
            if line.chars().count() > LINE_MAX || line.contains("{{") || line.contains(['\n', '\r']) {
                return Err(why!(
                    "template_line",
                    "what stands above and below the text is one line of at most {most} characters without placeholders",
                    most = LINE_MAX
                ));
            }
        }
        let is_reply = |reply: &String| !text::is_blank(reply) && reply.chars().count() <= REPLY_MAX;
        if self.replies.len() > REPLIES_MAX || !self.replies.iter().all(is_reply) {
            return Err(why!(
                "template_replies",
                "it has at most {most} buttons of at most {length} characters",
                most = REPLIES_MAX,
                length = REPLY_MAX
            ));
        }
        self.judge_placeholders()
    }

    /// All words that people will read, a line each, with the examples in their places: for the content policy. Empty
    /// for authentication.
    pub fn words(&self) -> String {
        if self.category == Category::Authentication {
            return String::new();
        }
        let mut parts = self.body.split("{{");
        let mut body = parts.next().unwrap_or_default().to_owned();
        for (part, example) in parts.zip(&self.examples) {
            body.push_str(example);
            body.push_str(part.split_once("}}").map_or(part, |(_, rest)| rest));
        }
        let lines = self.header.iter().chain([&body]).chain(&self.footer).chain(&self.replies);
        lines.map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// What its texts are sent for.
    pub const fn purpose(&self) -> Purpose {
        match self.category {
            Category::Authentication => Purpose::Authentication,
            _ => Purpose::Transactional,
        }
    }

    fn judge_placeholders(&self) -> Result<(), Why> {
        let Some(found) = placeholders(&self.body) else {
            return Err(why!("template_holes", "placeholders are {{{{1}}}}, {{{{2}}}} and so on, each once, in order"));
        };
        let text = self.body.trim();
        if text.starts_with("{{") || text.ends_with("}}") {
            return Err(why!("template_ends", "the text neither begins nor ends with a placeholder"));
        }
        if found != self.examples.len() || self.examples.iter().any(|example| text::is_blank(example)) {
            return Err(why!("template_examples", "it needs {n} examples, one for each placeholder", n = found));
        }
        Ok(())
    }
}

impl Registry {
    /// Submits a template to an instance's provider, or changes one: the provider's word for its status then.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn submit_template(&self, id: &InstanceId, draft: &TemplateDraft) -> Result<String, ActionError> {
        self.running(id)?.submit_template(draft).await
    }

    /// Deletes a template at an instance's provider, in one language.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn delete_template(&self, id: &InstanceId, name: &TemplateName) -> Result<(), ActionError> {
        self.running(id)?.delete_template(name).await
    }
}

/// How many placeholders a text has; none: they are not numbered from 1 on.
fn placeholders(text: &str) -> Option<usize> {
    let mut found = 0;
    for part in text.split("{{").skip(1) {
        let (name, _) = part.split_once("}}")?;
        found += 1;
        if name.trim().parse::<usize>().ok()? != found {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_refuses_is_said_before_it_is_asked() {
        let good = || TemplateDraft {
            name: TemplateName::parse("order_news", "en_US").expect("a name"),
            category: Category::Utility,
            header: Some("Order".into()),
            body: "Hello {{1}}, order {{2}} is ready.".into(),
            footer: None,
            examples: vec!["Amal".into(), "2041".into()],
            replies: vec!["Thank you".into()],
        };
        assert!(good().judge().is_ok());
        type Change = fn(&mut TemplateDraft);
        let rows: &[(Change, &str)] = &[
            (|d| d.name.name = "Order-News".into(), "small letters"),
            (|d| d.category = Category::Marketing, "utility and authentication"),
            (|d| d.body = "  ".into(), "1 to 1024"),
            (|d| d.body = "x".repeat(1025), "1 to 1024"),
            (|d| d.header = Some("x".repeat(61)), "at most 60"),
            (|d| d.footer = Some("for {{1}}".into()), "without placeholders"),
            (|d| d.replies = vec!["x".repeat(26)], "at most 25"),
            (|d| d.body = "Hello {{2}}, order {{1}} is ready.".into(), "in order"),
            (|d| d.body = "Hello {{name}}, order {{2}} is ready.".into(), "in order"),
            (|d| d.body = "{{1}}, your order {{2}} is ready.".into(), "begins nor ends"),
            (|d| d.body = "Ready: {{1}} for {{2}}".into(), "begins nor ends"),
            (|d| d.examples.truncate(1), "2 examples"),
            (|d| d.examples[0] = " ".into(), "2 examples"),
        ];
        for (change, told) in rows {
            let mut draft = good();
            change(&mut draft);
            let why = draft.judge().expect_err(told).to_string();
            assert!(why.contains(told), "{told}: {why}");
        }
        assert_eq!(good().words(), "Order\nHello Amal, order 2041 is ready.\nThank you");
        let code =
            TemplateDraft { category: Category::Authentication, body: String::new(), examples: Vec::new(), ..good() };
        assert!(code.judge().is_ok() && code.words().is_empty(), "its text is the provider's");
    }
}
