//! Templates of call events: a text with variables, judged when it is saved, filled in when a call is told of. Pure.

use super::event::EventType;
use crate::model::{
    text,
    why::{Why, why},
};

/// The variables of the contract.
pub const VARIABLES: [&str; 5] = ["customer_phone", "agent_extension", "queue", "call_time", "business_name"];
/// Longest template, in characters.
pub const MAX_CHARS: usize = 1000;
/// Longest text that comes out of one, in characters.
const RENDERED_MAX: usize = crate::sending::request::MAX_CHARS;

/// A text with variables that was judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextTemplate(Vec<TemplatePart>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum TemplatePart {
    Text(String),
    /// Its place in [`VARIABLES`].
    Variable(usize),
}

/// What stands for the variables, in the order of [`VARIABLES`]; what is not known is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TemplateValues {
    /// E.164.
    pub customer_phone: String,
    /// Who speaks for the business.
    pub agent_extension: String,
    /// Where the caller waited.
    pub queue: String,
    /// As the telephone system told it.
    pub call_time: String,
    /// As the integration has it.
    pub business_name: String,
}

impl TemplateValues {
    /// Such as a call may have.
    pub fn sample() -> Self {
        let [customer_phone, agent_extension, queue, call_time, business_name] =
            ["+966501234567", "101", "Support", "10:00", "Shop"].map(str::to_owned);
        Self { customer_phone, agent_extension, queue, call_time, business_name }
    }
}

impl TextTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it and what would be right.
    pub fn parse(text: &str) -> Result<Self, Why> {
        let length = text.chars().count();
        if length > MAX_CHARS {
            return Err(why!(
                "template_long",
                "a template has at most {most} characters: this one has {length}",
                most = MAX_CHARS,
                length = length
            ));
        }
        if text.contains('\0') {
            return Err(why!("template_nul", "a template has no NUL character"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            push_text(&mut parts, before)?;
            let (name, behind) = after
                .split_once("}}")
                .ok_or_else(|| why!("variable_open", "a variable is opened with {{{{ and not closed with }}}}"))?;
            let known = VARIABLES.iter().position(|v| *v == name.trim());
            parts.push(TemplatePart::Variable(known.ok_or_else(|| unknown(name))?));
            rest = behind;
        }
        push_text(&mut parts, rest)?;
        let says_something = parts.iter().any(|p| matches!(p, TemplatePart::Text(text) if !text::is_blank(text)));
        if says_something {
            Ok(Self(parts))
        } else {
            Err(why!("template_empty", "a template needs a text of its own besides variables"))
        }
    }

    /// The text with its variables filled in. What a value says is text, even where it looks like a variable.
    pub fn render(&self, values: &TemplateValues) -> String {
        let TemplateValues { customer_phone, agent_extension, queue, call_time, business_name } = values;
        let all = [customer_phone, agent_extension, queue, call_time, business_name];
        let text: String = self
            .0
            .iter()
            .map(|part| match part {
                TemplatePart::Text(text) => text.as_str(),
                TemplatePart::Variable(at) => all[*at],
            })
            .collect();
        text.chars().take(RENDERED_MAX).collect()
    }
}

fn push_text(parts: &mut Vec<TemplatePart>, text: &str) -> Result<(), Why> {
    if text.contains("}}") {
        return Err(why!("variable_close", "a variable is closed with }}}} and was not opened with {{{{"));
    }
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text.to_owned()));
    }
    Ok(())
}

fn unknown(name: &str) -> Why {
    let known = VARIABLES.map(|v| format!("{{{{{v}}}}}")).join(", ");
    let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    let name = format!("{{{{{name}}}}}");
    why!("variable_unknown", "{name} is no variable: use {known}", name = name, known = known)
}

/// The text that an event has before anybody wrote one.
pub const fn built_in(event: EventType) -> &'static str {
    match event {
        EventType::Voicemail => {
            "Thank you for your voice message. {{business_name}} will listen to it and answer you here."
        }
        EventType::CallEnded => {
            "Thank you for your call. If you have another question for {{business_name}}, you can write to us here."
        }
        EventType::QueueCallback => {
            "We have noted your request for a call back. {{business_name}} will call {{customer_phone}}."
        }
        EventType::AfterHours => {
            "You called outside our opening hours. Write to us here, and {{business_name}} will answer when we are back."
        }
        _ => "We missed your call. How can {{business_name}} help you? You can write to us here.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> TemplateValues {
        TemplateValues {
            customer_phone: "+966500000000".into(),
            agent_extension: "101".into(),
            queue: "{{business_name}}".into(),
            call_time: String::new(),
            business_name: "Shop".into(),
        }
    }

    #[test]
    fn variables_are_filled_in_once() {
        for (text, expected) in [
            ("Hello", "Hello"),
            ("Hello {{customer_phone}}!", "Hello +966500000000!"),
            ("a {{ business_name }}{{business_name}} z", "a ShopShop z"),
            ("in {{queue}}", "in {{business_name}}"),
            ("at {{call_time}}.", "at ."),
            ("ext {{agent_extension}} {x} } {", "ext 101 {x} } {"),
        ] {
            let template = TextTemplate::parse(text).expect(text);
            assert_eq!(template.render(&values()), expected);
        }
        for event in EventType::WITH_TEMPLATE {
            TextTemplate::parse(built_in(event)).expect("the built-in ones are good");
        }
    }

    #[test]
    fn what_cannot_be_saved_says_why() {
        for (text, word) in [
            ("", "text of its own"),
            ("  {{queue}} ", "text of its own"),
            ("Hi {{name}}", "{{customer_phone}}"),
            ("Hi {{Queue}}", "is no variable"),
            ("Hi {{}}", "is no variable"),
            ("Hi {{queue", "not closed"),
            ("Hi queue}}", "not opened"),
            ("Hi {{{queue}}}", "is no variable"),
            ("a\0b", "NUL"),
        ] {
            let problem = TextTemplate::parse(text).expect_err(text);
            assert!(problem.to_string().contains(word), "{text}: {problem}");
        }
        assert!(TextTemplate::parse(&"x".repeat(MAX_CHARS)).is_ok());
        assert!(TextTemplate::parse(&"x".repeat(MAX_CHARS + 1)).is_err());
    }

    #[test]
    fn what_comes_out_is_never_longer_than_a_message() {
        let many = TextTemplate::parse(&format!("x{}", "{{queue}}".repeat(100))).expect("a template");
        let values = TemplateValues { queue: "م".repeat(100), ..TemplateValues::default() };
        assert_eq!(many.render(&values).chars().count(), RENDERED_MAX);
    }
    proptest! {
        #[test]
        fn any_text_is_a_template_or_says_why(text in "(\\PC|\\{\\{|\\}\\}|queue| ){0,30}", queue in "(\\PC|\\{\\{|\\}\\}){0,20}") {
            match TextTemplate::parse(&text) {
                Err(why) => prop_assert!(!why.to_string().is_empty()),
                Ok(template) => {
                    let values = TemplateValues { queue: queue.clone(), ..TemplateValues::default() };
                    let rendered = template.render(&values);
                    prop_assert!(rendered.chars().count() <= RENDERED_MAX);
                    // Without variables it is the text itself.
                    prop_assert!(text.contains("{{") || rendered == text);
                }
            }
        }
    }
}
