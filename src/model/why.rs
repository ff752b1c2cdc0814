//! Why something cannot be taken, for two readers: an English text for programs and the command line, and a stable name
//! with its figures, by which the pages say the same in the visitor's language.
//!
//! Made by [`why!`], so that the text and the figures cannot differ. A test holds that the pages know every name.

use std::fmt;

/// What was wrong, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    name: &'static str,
    figures: Vec<(&'static str, String)>,
    text: String,
}

impl Why {
    /// From its parts, for texts that are put together elsewhere; everything else uses [`why!`].
    pub fn new(name: &'static str, figures: Vec<(&'static str, String)>, text: String) -> Self {
        Self { name, figures, text }
    }

    /// Its stable name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What its text names: numbers, names, values that were given.
    pub fn figures(&self) -> &[(&'static str, String)] {
        &self.figures
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `why!("too_long", "a name has at most {most} characters", most = 80)`.
macro_rules! why {
    ($name:literal, $text:literal $(, $figure:ident = $value:expr)* $(,)?) => {
        $crate::model::why::Why::new(
            $name,
            vec![$((stringify!($figure), ($value).to_string())),*],
            format!($text $(, $figure = $value)*),
        )
    };
}
pub(crate) use why;

impl Why {
    /// The same for somebody who does not run the machine: of a place that may not be called, nothing about where its
    /// name leads and what stands there.
    #[must_use]
    pub fn for_customers(&self) -> Self {
        if !self.name.starts_with("place_") {
            return self.clone();
        }
        why!(
            "place_closed",
            "this address cannot be reached, or may not be called: it must be public and begin with https"
        )
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_text_and_the_figures_say_the_same() {
        let why = why!("no_zone", "{name:?} is none of {n}", name = "Mars", n = 3);
        assert_eq!(why.to_string(), "\"Mars\" is none of 3");
        assert_eq!((why.name(), why.figures()), ("no_zone", &[("name", "Mars".into()), ("n", "3".into())][..]));
    }
}
